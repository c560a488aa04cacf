"""Worlds of planted features: sparse codes times directions, plus noise.

    x = unit (sum_f c_f d_f + b + noise)        c_f = a_f |N(m_f, (s m_f)^2)|

Whether a feature is active, a_f, has an exact frequency: flat or falling as a power of its rank (Zipf); independent, or
correlated through a Gaussian copula of low rank (z_f = sum_k w_fk g_k + e_f with variance 1, active where z_f exceeds
the quantile of its frequency); or in a tree, where a child is only active with its parent and never together with a
sibling. Follows the recipe of Chanin et al. (2026), SynthSAEBench, at small sizes; departs from it in that directions
are not pushed apart by gradient steps, and that the tree and the copula are not combined below the roots.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.stats import norm

from bench.core.contract import BadInput

MOST_FREQUENT = 0.5
FACTORS = 3  # rank of the copula


@dataclass(frozen=True)
class World:
    """`active`: mean number of active features. `correlation`: share of a latent variable's variance that is common.

    `roots` > 0 makes a tree: each node of the first `levels` - 1 levels has `branching` children, of which one is
    active with chance `handed_down` where the node is. `noise`: variance on all axes over that of independent codes.
    """

    features: int
    width: int
    active: float
    zipf: float = 0.0
    correlation: float = 0.0
    roots: int = 0
    branching: int = 0
    handed_down: float = 0.7
    spread: float = 0.25
    quietest: float = 0.8
    noise: float = 0.0
    orthogonal: bool = False

    @property
    def parents(self) -> Int[np.ndarray, "features"]:
        """Breadth first: the children of node i are roots + i * branching and the next ones."""
        nodes = np.arange(self.features)
        if not self.roots:
            return np.full(self.features, -1)
        return np.where(nodes < self.roots, -1, (nodes - self.roots) // max(self.branching, 1))

    @property
    def frequencies(self) -> Float[np.ndarray, "features"]:
        """How often each feature is active; they sum to `active`. Raises `BadInput` where one is above one half."""
        top = self.roots or self.features
        share = np.zeros(self.features)
        share[:top] = np.arange(1, top + 1.0) ** -self.zipf
        for node in range(top, self.features):
            share[node] = share[self.parents[node]] * self.handed_down / self.branching
        frequencies = share * self.active / share.sum()
        if frequencies.max() > MOST_FREQUENT:
            raise BadInput(f"world: a feature would be active on {frequencies.max():.2f} of samples; lower `active`")
        return frequencies

    @property
    def means(self) -> Float[np.ndarray, "features"]:
        """Where the size of an active code is centred: from 1 for the first feature to `quietest` for the last."""
        return np.linspace(1.0, self.quietest, self.features)

    @property
    def code_moments(self) -> tuple[Float[np.ndarray, "features"], Float[np.ndarray, "features"]]:
        """E c and E c^2 of each feature: its frequency times the moments of a folded normal."""
        m, s = self.means, self.spread * self.means
        first = s * np.sqrt(2 / np.pi) * np.exp(-((m / s) ** 2) / 2) + m * (1 - 2 * norm.cdf(-m / s))
        return self.frequencies * first, self.frequencies * (m**2 + s**2)

    @property
    def noise_deviation(self) -> float:
        """Standard deviation of the noise on each axis."""
        first, second = self.code_moments
        return float(np.sqrt(self.noise * (second - first**2).sum() / self.width))

    def covariance(self, directions: Float[np.ndarray, "features width"]) -> Float[np.ndarray, "width width"]:
        """Of activations whose features are independent, in the unit of codes, by theory."""
        first, second = self.code_moments
        own = np.diag(np.full(self.width, self.noise_deviation**2))
        return directions.T @ ((second - first**2)[:, None] * directions) + own


def draw_directions(world: World, rng: np.random.Generator) -> Float[np.ndarray, "features width"]:
    """Uniform on the sphere, or orthonormal."""
    drawn = rng.standard_normal((world.features, world.width))
    if world.orthogonal:
        return np.linalg.qr(drawn.T)[0].T
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def draw_active(world: World, rng: np.random.Generator, samples: int) -> Bool[np.ndarray, "samples features"]:
    """Which features are active on each sample."""
    active = np.zeros((samples, world.features), bool)
    top, frequencies = world.roots or world.features, world.frequencies
    active[:, :top] = copula(world, rng, samples, top) > norm.isf(frequencies[:top])
    for parent in range((world.features - top) // max(world.branching, 1)):
        children = top + parent * world.branching + np.arange(world.branching)
        chosen = np.floor(rng.random(samples) * world.branching / world.handed_down)
        active[:, children] = active[:, [parent]] & (chosen[:, None] == np.arange(world.branching))
    return active


def copula(world: World, rng: np.random.Generator, samples: int, top: int) -> Float[np.ndarray, "samples top"]:
    """Standard normal variables of which `correlation` of the variance comes from a few common factors."""
    weights = rng.standard_normal((top, FACTORS))
    weights *= np.sqrt(world.correlation) / np.linalg.norm(weights, axis=1, keepdims=True)
    common = rng.standard_normal((samples, FACTORS)) @ weights.T
    return common + np.sqrt(1 - world.correlation) * rng.standard_normal((samples, top))


def draw_codes(world: World, rng: np.random.Generator, samples: int) -> Float[np.ndarray, "samples features"]:
    sizes = np.abs(world.means * (1 + world.spread * rng.standard_normal((samples, world.features))))
    return draw_active(world, rng, samples) * sizes
