"""Hidden layers of small models that have learned to store more features than they have dimensions.

A model with a narrow hidden layer is trained to give its sparse inputs back; where inputs are sparse enough it stores
more of them than there are hidden dimensions, in directions that it has arranged by itself. Activations are its hidden
layer on fresh inputs, directions are the columns of its weights. Sizes are uniform from 0, so that many active features
hardly show. The null instance is Gaussian with the hidden layer's mean and covariance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float

from bench.core.problems import Workspace
from bench.models.superposition import train_toys
from bench.tracks.features.types import Problem, Truth

VERSION = 1
BOARD = "truth"
SEED_CHANGES = "model"
REFERENCE = "Elhage et al. (2022), Toy models of superposition, transformer-circuits.pub"
INSTANCES = {
    "twelve": {"size": "small", "null": False, "title": "12 features in 4 hidden dimensions, 1.2 active"},
    "twenty": {"size": "small", "null": False, "title": "20 features in 5 hidden dimensions, 1 active"},
    "forty": {"size": "small", "null": False, "title": "40 features in 12 hidden dimensions, 2 active"},
    "forty_dense": {"size": "small", "null": False, "title": "40 features in 16 hidden dimensions, 6 active"},
    "null_forty": {"size": "small", "null": True, "title": "Gaussian with the covariance of `forty`"},
}
STORED = 0.5  # length from which a column of the weights counts as a stored feature; those not stored are near 0
SAMPLES, TESTS, BUDGET = 10_000, 2_000, 250_000


@dataclass(frozen=True)
class Toy:
    features: int
    hidden: int
    sparsity: float
    latents: int
    null: bool = False
    steps: int = 1500

    def weights(self, rng: np.random.Generator) -> Float[np.ndarray, "hidden features"]:
        source = torch.Generator().manual_seed(int(rng.integers(2**62)))
        return train_toys(self.features, self.hidden, [self.sparsity], source, steps=self.steps)[0][0].double().numpy()

    def inputs(self, rng: np.random.Generator, rows: int) -> Float[np.ndarray, "rows features"]:
        shape = (rows, self.features)
        return rng.random(shape) * (rng.random(shape) >= self.sparsity)

    def lookalike(self, weights: np.ndarray, rng: np.random.Generator, rows: int) -> Float[np.ndarray, "rows hidden"]:
        """Gaussian: an input has mean q/2 and second moment q/3, with q the chance that it is not 0."""
        q = 1 - self.sparsity
        covariance = (q / 3 - q**2 / 4) * weights @ weights.T
        return rng.multivariate_normal(q / 2 * weights.sum(axis=1), covariance, rows, method="cholesky")


TOYS = {
    "twelve": Toy(12, 4, 0.9, 14),
    "twenty": Toy(20, 5, 0.95, 24),
    "forty": Toy(40, 12, 0.95, 48),
    "forty_dense": Toy(40, 16, 0.85, 48),
    "null_forty": Toy(40, 12, 0.95, 48, null=True),
}


def generate(instance: str, seed: int, rng: np.random.Generator, workspace: Workspace) -> tuple[Problem, Truth]:
    """A model trained anew."""
    toy, rows = TOYS[instance], SAMPLES + TESTS
    weights = toy.weights(rng)
    length = np.linalg.norm(weights, axis=0)
    stored = np.flatnonzero((length >= STORED) & (not toy.null))
    inputs = toy.inputs(rng, rows)
    hidden = toy.lookalike(weights, rng, rows) if toy.null else inputs @ weights.T
    hidden = hidden.astype(np.float32)
    problem = Problem(hidden[:SAMPLES], hidden[SAMPLES:], toy.latents, toy.features * (1 - toy.sparsity), BUDGET)
    rest = np.setdiff1d(np.arange(toy.features), stored)
    q = 1 - toy.sparsity
    noise = np.sqrt((q / 3 - q**2 / 4) * np.square(weights[:, rest]).sum() / toy.hidden)
    return problem, Truth(
        null=toy.null,
        directions=(weights / length).T[stored].astype(np.float32),
        codes=(inputs * length)[SAMPLES:, stored].astype(np.float32),
        parents=np.full(len(stored), -1),
        offset=np.zeros(toy.hidden, np.float32),
        noise=0.0 if toy.null else float(noise),
    )
