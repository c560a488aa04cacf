"""Mixtures of feature spaces with known population shares.

The features of a space are its own Gaussian latents, rotated, and latents that all spaces see, mixed at random, in the
space's units; `shared` is the part of their variance that comes from the common latents. A target is a weighted sum of
all features, the spaces contributing variances drawn from a sparse Dirichlet distribution, and noise. All shares are
closed forms of the features' covariance and the weights. Behind a compression tanh(d z) the best linear account of z,
and so every share, shrinks by one factor (Bussgang 1952).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from bench.core.problems import Workspace
from bench.kernels.shares import ESTIMANDS, FROM_SUBSETS, members
from bench.tracks.partition.types import Problem, Truth

VERSION = 1
BOARD = "truth"
SEED_CHANGES = "truth"
SEEDS = 4
REFERENCE = "Dupre la Tour et al. (2022), NeuroImage 264:119728, doi:10.1016/j.neuroimage.2022.119728"
INSTANCES = {
    "clear": {"size": "small", "null": False, "title": "correlated spaces, a tenth of noise"},
    "separate": {"size": "small", "null": False, "title": "spaces unrelated, of 10, 20 and 40 features"},
    "correlated": {"size": "small", "null": False, "title": "two spaces share three fifths of their variance"},
    "entangled": {"size": "small", "null": False, "title": "spaces share up to nine tenths of their variance"},
    "unequal": {"size": "small", "null": False, "title": "spaces of 3, 25 and 50 features, units 10^9 apart"},
    "noise_graded": {"size": "small", "null": False, "title": "noise of 1/3 to 30 times the signal's variance"},
    "buried": {"size": "small", "null": False, "title": "correlated spaces, noise of 8 times the variance"},
    "few_samples": {"size": "small", "null": False, "title": "150 features, 100 samples"},
    "irrelevant": {"size": "small", "null": False, "title": "four spaces, of which two act"},
    "compressed": {"size": "small", "null": False, "title": "correlated spaces, responses that saturate"},
    "null_separate": {"size": "small", "null": True, "title": "unrelated responses"},
    "null_correlated": {"size": "small", "null": True, "title": "correlated spaces, unrelated responses"},
    "null_few_samples": {"size": "small", "null": True, "title": "150 features, 100 samples, unrelated responses"},
}  # fmt: skip


@dataclass(frozen=True)
class Design:
    """One difficulty. `sizes` are features a space, `units` their standard deviations, `shared` the part of their
    variance from the `common` latents, space by space, `snr` of the first and the last target."""

    sizes: tuple[int, ...] = (10, 20, 40)
    shared: tuple[float, ...] = (0.0, 0.0, 0.0)
    common: int = 4
    snr: tuple[float, float] = (1.0, 1.0)
    units: tuple[float, ...] = (1.0, 1.0, 1.0)
    acting: int = 3  # spaces that act on a target
    compression: float = 0.0
    null: bool = False
    targets: int = 20
    runs: int = 10
    samples: int = 30
    test: int = 100


PAIR = (0.6, 0.6, 0.1)  # two spaces see the common latents well, the third hardly does
DESIGNS = {
    "clear": Design(shared=PAIR, snr=(10.0, 10.0)),
    "separate": Design(),
    "correlated": Design(shared=PAIR),
    "entangled": Design(shared=(0.9, 0.9, 0.6)),
    "unequal": Design((3, 25, 50), PAIR, units=(1e-6, 1.0, 1e3)),
    "noise_graded": Design(shared=PAIR, snr=(3.0, 1 / 30)),
    "buried": Design(shared=PAIR, snr=(1 / 8, 1 / 8)),
    "few_samples": Design((20, 50, 80), PAIR, samples=10),
    "irrelevant": Design((8, 16, 24, 32), (0.6, 0.6, 0.6, 0.1), units=(1.0,) * 4, acting=2),
    "compressed": Design(shared=PAIR, compression=2.0),
    "null_separate": Design(null=True),
    "null_correlated": Design(shared=PAIR, null=True),
    "null_few_samples": Design((20, 50, 80), PAIR, samples=10, null=True),
}  # fmt: skip


@dataclass(frozen=True)
class World:
    """The population: features = latents @ mixing (in units of the spaces), signal = features @ weights, variance 1."""

    mixing: Float[np.ndarray, "latents features"]
    weights: Float[np.ndarray, "features targets"]
    spaces: Int[np.ndarray, "features"]

    @property
    def covariance(self) -> Float[np.ndarray, "features features"]:
        return self.mixing.T @ self.mixing


def generate(instance: str, seed: int, rng: np.random.Generator, workspace: Workspace) -> tuple[Problem, Truth]:
    design = DESIGNS[instance]
    world = draw_world(design, rng)
    rows = design.runs * design.samples
    features = rng.normal(size=(rows + design.test, len(world.mixing))) @ world.mixing
    signal, factor = compress(features @ world.weights, design.compression)
    if design.null:
        signal, factor = 0.0 * signal, 0.0
    noise = 1 / np.geomspace(*design.snr, design.targets)
    responses = signal[:rows] + np.sqrt(noise) * rng.normal(size=(rows, design.targets))
    offsets = rng.normal(size=(design.targets,))
    units = np.array(design.units)[world.spaces]
    problem = Problem(
        features[:rows] * units, responses + offsets, np.repeat(np.arange(design.runs), design.samples), world.spaces,
        features[rows:] * units,
    )  # fmt: skip
    scale = factor**2 / (noise + (0.0 if design.null else 1.0))
    shares = population_shares(world) * scale
    explained = scale * np.ones(design.targets)
    return problem, Truth(design.null, shares, explained, signal[rows:] + offsets)


def draw_world(design: Design, rng: np.random.Generator) -> World:
    spaces = np.repeat(np.arange(len(design.sizes)), design.sizes)
    mixing = np.zeros((design.common + len(spaces), len(spaces)))
    shared = np.array(design.shared)[spaces]
    mixing[: design.common] = unit_columns(rng.normal(size=(design.common, len(spaces)))) * np.sqrt(shared)
    for space in range(len(design.sizes)):
        own = np.flatnonzero(spaces == space)
        own_mixing, _ = np.linalg.qr(rng.normal(size=(len(own), len(own))))
        mixing[np.ix_(design.common + own, own)] = own_mixing * np.sqrt(1 - design.shared[space])
    return World(mixing, draw_weights(design, mixing, spaces, rng), spaces)


def unit_columns(matrix: Float[np.ndarray, "rows columns"]) -> Float[np.ndarray, "rows columns"]:
    return matrix / np.linalg.norm(matrix, axis=0)


def draw_weights(
    design: Design, mixing: np.ndarray, spaces: np.ndarray, rng: np.random.Generator
) -> Float[np.ndarray, "features targets"]:
    """Random weights; the spaces that act contribute variances from a Dirichlet distribution of parameter 1/2."""
    weights = rng.normal(size=(len(spaces), design.targets))
    count = len(design.sizes)
    variances = rng.dirichlet(np.full(design.acting, 0.5), size=design.targets).T
    variances = np.concatenate([variances, np.zeros((count - design.acting, design.targets))])
    variances = rng.permuted(variances, axis=0)
    for space in range(count):
        own = spaces == space
        weights[own] *= np.sqrt(variances[space]) / np.linalg.norm(mixing[:, own] @ weights[own], axis=0)
    return weights / np.linalg.norm(mixing @ weights, axis=0)


def compress(signal: Float[np.ndarray, "rows targets"], depth: float) -> tuple[np.ndarray, float]:
    """tanh(depth z) brought to variance 1 (z is standard normal), and the slope of its linear account; depth 0: z."""
    if depth == 0:
        return signal, 1.0
    nodes, masses = np.polynomial.hermite_e.hermegauss(80)
    masses = masses / masses.sum()
    spread = np.sqrt(masses @ np.tanh(depth * nodes) ** 2)
    slope = depth * masses @ (1 / np.cosh(depth * nodes) ** 2) / spread
    return np.tanh(depth * signal) / spread, float(slope)


def population_shares(world: World) -> Float[np.ndarray, "estimands spaces targets"]:
    """Shares of the signal's variance, 1, in every sense."""
    covariance = world.covariance
    cross = covariance @ world.weights
    inside = members(int(world.spaces.max()) + 1)
    explained = np.stack([explained_variance(covariance, cross, one[world.spaces]) for one in inside])
    product = np.stack([(world.weights * cross)[world.spaces == one].sum(axis=0) for one in range(inside.shape[1])])
    return np.stack([product if name == "product" else FROM_SUBSETS[name](explained) for name in ESTIMANDS])


def explained_variance(
    covariance: Float[np.ndarray, "features features"], cross: Float[np.ndarray, "features targets"], chosen: np.ndarray
) -> Float[np.ndarray, "targets"]:
    """Variance of the best linear prediction from the chosen features: c' S^-1 c."""
    own = cross[chosen]
    return np.einsum("ft,ft->t", own, np.linalg.solve(covariance[np.ix_(chosen, chosen)], own))
