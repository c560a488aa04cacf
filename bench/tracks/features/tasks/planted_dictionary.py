"""Sums of few planted directions, from as many as one can see to more than there are dimensions.

Activations are sparse codes times directions, with an offset, in a drawn unit. Instances differ in one thing each: more
directions than dimensions, noise, frequencies that fall by Zipf's law, correlated codes, trees of features with
exclusive children, many active at once, few samples, a wrong number of active latents asked for, fewer latents than
features. Null instances have the same mean and covariance and no features: Gaussian, or Gaussian with a scale that
changes from sample to sample, which has heavy tails in every direction alike.
"""

from __future__ import annotations

import numpy as np

from bench.core.problems import Workspace
from bench.tracks.features.planting import Plan
from bench.tracks.features.types import Problem, Truth
from bench.tracks.features.world import World

VERSION = 1
BOARD = "truth"
SEED_CHANGES = "truth"
REFERENCE = (
    "Chanin et al. (2026), SynthSAEBench; Sharkey et al. (2022), Taking features out of superposition with"
    " sparse autoencoders"
)
INSTANCES = {
    "complete": {"size": "small", "null": False, "title": "8 orthonormal features in 10 dimensions, small budget"},
    "few": {"size": "small", "null": False, "title": "16 features in 10 dimensions, small budget"},
    "superposed": {"size": "small", "null": False, "title": "40 features in 20 dimensions, 2 active"},
    "noisy": {"size": "small", "null": False, "title": "40 features in 20 dimensions, as much noise as signal"},
    "zipf": {"size": "small", "null": False, "title": "80 features in 40 dimensions, frequencies by Zipf's law"},
    "correlated": {"size": "small", "null": False, "title": "40 features in 30 dimensions with correlated codes"},
    "tree": {"size": "small", "null": False, "title": "8 roots with 4 exclusive children each, in 30 dimensions"},
    "deep_tree": {"size": "small", "null": False, "title": "4 roots, 12 children, 36 grandchildren in 40 dimensions"},
    "dense": {"size": "small", "null": False, "title": "40 features in 20 dimensions, 6 active"},
    "few_samples": {"size": "small", "null": False, "title": "40 features in 20 dimensions, 500 samples"},
    "miscounted": {"size": "small", "null": False, "title": "2 active features, 6 active latents asked for"},
    "narrow": {"size": "small", "null": False, "title": "80 features in 40 dimensions, 40 latents"},
    "crowded": {"size": "small", "null": False, "title": "256 features in 64 dimensions, 4 active"},
    "null_few": {"size": "small", "null": True, "title": "Gaussian with the covariance of `few`, small budget"},
    "null_gaussian": {"size": "small", "null": True, "title": "Gaussian with the covariance of 40 features in 20 d"},
    "null_elliptical": {"size": "small", "null": True, "title": "The same covariance with a scale for each sample"},
    "null_zipf": {"size": "small", "null": True, "title": "Gaussian with the covariance of `zipf`"},
}


FEW, SUPERPOSED, ZIPF = World(16, 10, 1.5), World(40, 20, 2.0), World(80, 40, 3.0, zipf=0.7)
PLANS = {
    "complete": Plan(World(8, 10, 1.0, orthogonal=True), 10, samples=2000, tests=500, budget=40_000),
    "few": Plan(FEW, 20, samples=4000, tests=1000, budget=80_000),
    "superposed": Plan(SUPERPOSED, 48),
    "noisy": Plan(World(40, 20, 2.0, noise=1.0), 48),
    "zipf": Plan(ZIPF, 96),
    "correlated": Plan(World(40, 30, 3.0, correlation=0.5), 48),
    "tree": Plan(World(40, 30, 3.0, roots=8, branching=4), 48),
    "deep_tree": Plan(World(52, 40, 3.0, roots=4, branching=3), 64),
    "dense": Plan(World(40, 20, 6.0), 48),
    "few_samples": Plan(SUPERPOSED, 48, samples=500),
    "miscounted": Plan(SUPERPOSED, 48, wanted=6.0),
    "narrow": Plan(ZIPF, 40),
    "crowded": Plan(World(256, 64, 4.0), 288),
    "null_few": Plan(FEW, 20, samples=4000, tests=1000, budget=40_000, null="gaussian"),
    "null_gaussian": Plan(SUPERPOSED, 48, null="gaussian"),
    "null_elliptical": Plan(SUPERPOSED, 48, null="elliptical"),
    "null_zipf": Plan(ZIPF, 96, null="gaussian"),
}


def generate(instance: str, seed: int, rng: np.random.Generator, workspace: Workspace) -> tuple[Problem, Truth]:
    """A world drawn anew."""
    return PLANS[instance].unit(rng)
