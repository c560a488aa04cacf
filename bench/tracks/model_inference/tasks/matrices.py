"""Subjects' matrices that mix those of two models and vary over subjects and stimuli.

Every stimulus has features of model A, of model B and of a third thing C, four of each, Gaussian and independent; a
matrix holds squared Euclidean distances, standardised over its pairs (z). Subject s has

    a_s z(A) + (1 - a_s) z(B) + t z(C) + e z(N_s),    a_s = 1/2 + d/2 + v u_s,

u_s Gaussian, N_s noise of its own. A and B are drawn alike, so that for d = 0 exchanging them changes no distribution:
the expected difference over stimuli and subjects is 0. For one set of stimuli it is not: what A, B and C happen to
share on it is the same for every subject (t), and a test over subjects alone takes it for a difference of models. d is
positive or negative in half of the data sets of a live unit.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Float

from bench.core.contract import generator
from bench.core.problems import Workspace
from bench.kernels.rdm_resampling import differences
from bench.kernels.resampling import monte_carlo_p
from bench.tracks.model_inference.types import Problem, Truth

VERSION = 1
BOARD = "truth"
SEED_CHANGES = "inputs"
REFERENCE = "Schuett et al. (2023), Statistical inference on representational geometries, eLife 12:e82566"
INSTANCES = {
    "subjects": {"size": "small", "null": False, "title": "subjects differ, all stimuli alike"},
    "stimuli": {"size": "small", "null": False, "title": "stimuli differ, all subjects alike"},
    "both": {"size": "small", "null": False, "title": "subjects and stimuli differ"},
    "few_subjects": {"size": "small", "null": False, "title": "5 subjects"},
    "few_stimuli": {"size": "small", "null": False, "title": "10 stimuli"},
    "subjects_null": {"size": "small", "null": True, "siblings": True, "title": "subjects differ, equal models"},
    "stimuli_null": {"size": "small", "null": True, "siblings": True, "title": "stimuli differ, equal models"},
    "both_null": {"size": "small", "null": True, "siblings": True, "title": "both differ, equal models"},
    "few_subjects_null": {"size": "small", "null": True, "siblings": True, "title": "5 subjects, equal models"},
    "few_stimuli_null": {"size": "small", "null": True, "siblings": True, "title": "10 stimuli, equal models"},
}

LIVE, NULL, KNOWN = 200, 420, 2000  # data sets in a unit, and in the simulated null distribution
FEATURES, NOISE_FEATURES = 4, 10


@dataclass(frozen=True)
class Design:
    """`effect` d; `subject_spread` v; `shared` t; `noise` e."""

    effect: float
    subject_spread: float
    shared: float
    noise: float = 1.0
    subjects: int = 12
    stimuli: int = 20


DESIGNS = {
    "subjects": Design(0.5, 0.3, 0.0),
    "stimuli": Design(0.6, 0.0, 1.5),
    "both": Design(0.6, 0.3, 1.0),
    "few_subjects": Design(0.55, 0.2, 0.7, subjects=5),
    "few_stimuli": Design(0.9, 0.2, 0.7, stimuli=10),
}


def generate(instance: str, seed: int, rng: np.random.Generator, workspace: Workspace) -> tuple[Problem, Truth]:
    null = instance.endswith("_null")
    name = instance.removesuffix("_null")
    design, count = DESIGNS[name], NULL if null else LIVE
    differ = rng.permutation(count) % 2 == 1 if not null else np.zeros(count, bool)
    sign = rng.choice([-1.0, 1.0], size=count) * differ
    problem = draw_problem(design, design.effect * sign, rng)
    observed = np.abs(mean_difference(problem))
    ideal = monte_carlo_p(observed, np.broadcast_to(known_null(name), (count, KNOWN)))
    return problem, Truth(null, differ, ideal)


def draw_problem(design: Design, effect: Float[np.ndarray, "datasets"], rng: np.random.Generator) -> Problem:
    count = len(effect)
    first, second, other = (draw_matrices(count, design.stimuli, FEATURES, rng) for _ in range(3))
    noise = draw_matrices(count * design.subjects, design.stimuli, NOISE_FEATURES, rng)
    noise = noise.reshape(count, design.subjects, -1)
    share = 0.5 + effect[:, None] / 2 + design.subject_spread * rng.normal(size=(count, design.subjects))
    brain = share[..., None] * first[:, None] + (1 - share)[..., None] * second[:, None]
    brain = brain + design.shared * other[:, None] + design.noise * noise
    return Problem(brain, first, second, design.stimuli)


def draw_matrices(
    count: int, stimuli: int, features: int, rng: np.random.Generator
) -> Float[np.ndarray, "count pairs"]:
    """Squared Euclidean distances between stimuli with Gaussian features, standardised over the pairs."""
    points = rng.normal(size=(count, stimuli, features))
    first, second = np.triu_indices(stimuli, 1)
    pairs = np.square(points[:, first] - points[:, second]).sum(axis=2)
    return (pairs - pairs.mean(axis=1, keepdims=True)) / pairs.std(axis=1, keepdims=True)


def mean_difference(problem: Problem) -> Float[np.ndarray, "datasets"]:
    return differences(problem.first, problem.second, problem.brain)[:, :, 0].mean(axis=1)


@cache
def known_null(name: str) -> Float[np.ndarray, "known"]:
    """Sizes of the difference in data sets of the design whose models are equally good; the same for every seed."""
    rng = generator("model_inference", "known null", name)
    parts = [draw_problem(DESIGNS[name], np.zeros(KNOWN // 8), rng) for _ in range(8)]
    return np.abs(np.concatenate([mean_difference(part) for part in parts]))
