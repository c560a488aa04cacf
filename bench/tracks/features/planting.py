"""From a world to a unit: activations in a drawn unit with a drawn offset, their truth, and nulls that look alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from bench.tracks.features.types import Problem, Truth
from bench.tracks.features.world import World, draw_codes, draw_directions

UNITS = (-6.0, 3.0)  # decades that an activation's unit is drawn from
SCALES = 0.6  # standard deviation of the logarithm of a sample's scale on elliptical nulls

Values = Float[np.ndarray, "samples width"]


@dataclass(frozen=True)
class Plan:
    """A world and the question asked of it; `wanted` replaces the world's mean number of active features.

    `null`: "" for a live unit, else the law that activations of the same covariance follow.
    """

    world: World
    latents: int
    samples: int = 10_000
    tests: int = 2_000
    wanted: float | None = None
    budget: int = 250_000
    null: str = ""

    def unit(self, rng: np.random.Generator) -> tuple[Problem, Truth]:
        directions = draw_directions(self.world, rng)
        offset = rng.standard_normal(self.world.width) * rng.uniform(0, 2) / np.sqrt(self.world.width)
        scale = 10 ** rng.uniform(*UNITS)
        rows = self.samples + self.tests
        codes = np.zeros((rows, 0)) if self.null else draw_codes(self.world, rng, rows)
        noise = self.world.noise_deviation * rng.standard_normal((rows, self.world.width))
        values = LAWS[self.null](self.world, directions, rng, rows) if self.null else codes @ directions + noise
        return self._problem(scale * (values + offset)), self._truth(directions, codes, offset, scale)

    def _problem(self, values: Values) -> Problem:
        values = values.astype(np.float32)
        active = self.world.active if self.wanted is None else self.wanted
        return Problem(values[: self.samples], values[self.samples :], self.latents, active, self.budget)

    def _truth(self, directions: Values, codes: Values, offset: Values, scale: float) -> Truth:
        features = codes.shape[1]
        return Truth(
            null=bool(self.null),
            directions=directions[:features].astype(np.float32),
            codes=(scale * codes[self.samples :]).astype(np.float32),
            parents=self.world.parents[:features],
            offset=(scale * offset).astype(np.float32),
            noise=scale * self.world.noise_deviation,
        )


def gaussian(world: World, directions: Values, rng: np.random.Generator, rows: int) -> Values:
    """Gaussian, with the covariance that the world's activations have by theory."""
    return rng.multivariate_normal(np.zeros(world.width), world.covariance(directions), rows, method="cholesky")


def elliptical(world: World, directions: Values, rng: np.random.Generator, rows: int) -> Values:
    """Gaussian times a lognormal scale of mean square 1 for each sample: heavy tails, and no direction special."""
    scales = np.exp(SCALES * rng.standard_normal((rows, 1)) - SCALES**2)
    return scales * gaussian(world, directions, rng, rows)


LAWS = {"gaussian": gaussian, "elliptical": elliptical}
