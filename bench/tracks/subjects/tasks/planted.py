"""Subjects whose responses come from one shared signal through maps of their own.

The shared signal is a few Gaussian latents with memory, spread smoothly over the voxels of a model brain. Each subject
sees it through a map: none, a rotation, a permutation of voxels, a shift of a few voxels that differs along the cortex,
a random linear map of few dimensions, or a rotation followed by a compression. Noise is autoregressive. On null units
each subject has a signal of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.signal import lfilter

from bench.core.problems import Workspace
from bench.tracks.subjects.types import Problem, Truth

VERSION = 1
BOARD = "truth"
SEED_CHANGES = "truth"
SEEDS = 4
REFERENCE = "Bazeille et al. (2021), NeuroImage 245:118683, doi:10.1016/j.neuroimage.2021.118683"
INSTANCES = {
    "in_place": {"size": "small", "null": False, "title": "the same map in all subjects, much noise"},
    "displaced": {"size": "small", "null": False, "title": "voxels up to 6 places away"},
    "permuted": {"size": "small", "null": False, "title": "voxels in any order"},
    "rotated": {"size": "small", "null": False, "title": "a rotation of all voxels for each subject"},
    "rotated_buried": {"size": "small", "null": False, "title": "rotations, noise of 6 times the variance"},
    "linear": {"size": "small", "null": False, "title": "random linear maps of the latents"},
    "compressed": {"size": "small", "null": False, "title": "rotations, responses that saturate"},
    "few_stimuli": {"size": "small", "null": False, "title": "rotations, half as many stimuli as voxels"},
    "null_unrelated": {"size": "small", "null": True, "title": "a signal of its own for each subject"},
    "null_few_stimuli": {"size": "small", "null": True, "title": "signals of their own, few stimuli"},
}  # fmt: skip


@dataclass(frozen=True)
class Design:
    """One difficulty; `snr` is the ratio of variances of signal and noise in a voxel."""

    kind: str
    snr: float = 0.5
    train: int = 180
    subjects: int = 6
    voxels: int = 60
    latents: int = 10
    test: int = 120
    groups: int = 6
    null: bool = False


DESIGNS = {
    "in_place": Design("in_place", 0.2),
    "displaced": Design("displaced"),
    "permuted": Design("permuted"),
    "rotated": Design("rotated"),
    "rotated_buried": Design("rotated", 1 / 6),
    "linear": Design("linear"),
    "compressed": Design("compressed", 1.0),
    "few_stimuli": Design("rotated", train=30),
    "null_unrelated": Design("rotated", null=True),
    "null_few_stimuli": Design("rotated", train=30, null=True),
}


def generate(instance: str, seed: int, rng: np.random.Generator, workspace: Workspace) -> tuple[Problem, Truth]:
    design = DESIGNS[instance]
    length = design.train + design.test
    brain = model_brain(design, rng)
    latents = [remembering(length, design.latents, 0.5, rng) for _ in range(design.subjects if design.null else 1)]
    signals = np.stack([see(design, latents[s % len(latents)], brain, rng) for s in range(design.subjects)])
    noise = np.stack([remembering(length, design.voxels, 0.3, rng) for _ in range(design.subjects)])
    responses = signals + noise / np.sqrt(design.snr)
    runs, films = (np.arange(rows) * design.groups // rows for rows in (design.train, design.test))
    problem = Problem(responses[:, : design.train], runs, responses[1:, design.train :], design.groups + films)
    return problem, Truth(design.null, signals[0, design.train :])


def remembering(rows: int, columns: int, memory: float, rng: np.random.Generator) -> Float[np.ndarray, "rows columns"]:
    """Stationary autoregressive series of variance 1."""
    draws = rng.normal(size=(rows, columns))
    draws[1:] *= np.sqrt(1 - memory**2)
    return lfilter([1.0], [1.0, -memory], draws, axis=0)


def model_brain(design: Design, rng: np.random.Generator) -> Float[np.ndarray, "latents voxels"]:
    """What each latent does at each voxel: a smooth random map, each voxel's signal of variance 1."""
    place = np.arange(design.voxels)
    smooth = np.exp(-0.5 * ((place[:, None] - place) / 2.0) ** 2)
    maps = rng.normal(size=(design.latents, design.voxels)) @ smooth
    return maps / np.linalg.norm(maps, axis=0)


def see(
    design: Design, latents: np.ndarray, brain: Float[np.ndarray, "latents voxels"], rng: np.random.Generator
) -> Float[np.ndarray, "time voxels"]:
    """One subject's signal, of variance 1 in each voxel."""
    maps = MAPS[design.kind](brain, rng)
    signal = latents @ (maps / np.linalg.norm(maps, axis=0))
    return np.tanh(1.5 * signal) / 0.72 if design.kind == "compressed" else signal


def rotated(brain: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    basis, _ = np.linalg.qr(rng.normal(size=(brain.shape[1],) * 2))
    return brain @ basis


def displaced(brain: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Every voxel takes the place of another one, up to 6 places away, neighbours together."""
    place: Int[np.ndarray, "voxels"] = np.arange(brain.shape[1])
    waves = np.sin(2 * np.pi * (place / len(place) * rng.uniform(1, 2) + rng.uniform()))
    return brain[:, np.clip(place + np.round(6 * waves).astype(int), 0, len(place) - 1)]


MAPS = {
    "in_place": lambda brain, rng: brain,
    "displaced": displaced,
    "permuted": lambda brain, rng: brain[:, rng.permutation(brain.shape[1])],
    "rotated": rotated,
    "compressed": rotated,
    "linear": lambda brain, rng: rng.normal(size=brain.shape),
}
