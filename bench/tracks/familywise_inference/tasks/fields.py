"""Gaussian fields of known smoothness, with and without regions of another mean.

Each subject's map is white noise on a ring or torus under a Gaussian kernel of standard deviation w sites, brought to
variance 1, so that sites d apart have the circular autocorrelation of the kernel (nearly exp(-d^2 / 4 w^2)). In half of
the data sets of a live unit a region of the grid has the mean a / sqrt(subjects), a in standard errors of one site,
of either sign. Regions are a stretch of time or a block of voxels at a random place; in `opposed` two of them differ in
sign.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from bench.core.problems import Workspace
from bench.tracks.familywise_inference.types import Problem, Truth

VERSION = 1
BOARD = "truth"
SEED_CHANGES = "inputs"
REFERENCE = "Nichols and Holmes (2002), Human Brain Mapping 15:1-25; Smith and Nichols (2009), NeuroImage 44:83-98"
INSTANCES = {
    "focal": {"size": "small", "null": False, "title": "two independent time points, strong"},
    "brief": {"size": "small", "null": False, "title": "five smooth time points, strong"},
    "long": {"size": "small", "null": False, "title": "sixteen smooth time points, weak"},
    "opposed": {"size": "small", "null": False, "title": "a brief strong and a long weak stretch of opposite sign"},
    "voxels": {"size": "small", "null": False, "title": "a block of 3 x 4 voxels"},
    "few_subjects": {"size": "small", "null": False, "title": "8 subjects, ten smooth time points"},
    "rough_null": {"size": "small", "null": True, "siblings": True, "title": "independent time points"},
    "smooth_null": {"size": "small", "null": True, "siblings": True, "title": "smooth time points"},
    "voxels_null": {"size": "small", "null": True, "siblings": True, "title": "smooth voxels"},
    "few_subjects_null": {"size": "small", "null": True, "siblings": True, "title": "8 subjects, smooth time points"},
}

LIVE, NULL = 160, 420  # data sets in a unit: five seeds hold 2,100 null ones


@dataclass(frozen=True)
class Design:
    """`width` w of the kernel in sites (0: none); `regions`: lengths along each axis of the grid, and the height a."""

    grid: tuple[int, ...] = (40,)
    width: float = 2.0
    subjects: int = 16
    regions: tuple[tuple[tuple[int, ...], float], ...] = ()


DESIGNS = {
    "focal": Design(width=0.0, regions=(((2,), 5.0),)),
    "brief": Design(regions=(((5,), 4.5),)),
    "long": Design(regions=(((16,), 2.7),)),
    "opposed": Design(regions=(((3,), 5.0), ((14,), -2.7))),
    "voxels": Design((6, 10), 1.0, regions=(((3, 4), 3.5),)),
    "few_subjects": Design(subjects=8, regions=(((10,), 3.8),)),
    "rough_null": Design(width=0.0),
    "smooth_null": Design(),
    "voxels_null": Design((6, 10), 1.0),
    "few_subjects_null": Design(subjects=8),
}


def generate(instance: str, seed: int, rng: np.random.Generator, workspace: Workspace) -> tuple[Problem, Truth]:
    design = DESIGNS[instance]
    count = LIVE if design.regions else NULL
    effects = draw_fields(design, count * design.subjects, rng).reshape(count, design.subjects, -1)
    mean = np.zeros((count, effects.shape[2]))
    for row in rng.permutation(count)[: count // 2] if design.regions else ():
        mean[row] = draw_mean(design, rng).ravel()
    effects = effects + mean[:, None] / np.sqrt(design.subjects)
    return Problem(effects, list(design.grid)), Truth(not design.regions, mean != 0)


def kernel(design: Design) -> Float[np.ndarray, "sites"]:
    """Gaussian weights on the torus, of norm 1, as a flat grid."""
    if not design.width:
        return np.eye(1, math.prod(design.grid))[0]
    away = [np.minimum(np.arange(length), length - np.arange(length)) for length in design.grid]
    square = sum(one.astype(float) ** 2 for one in np.meshgrid(*away, indexing="ij"))
    weights = np.exp(-square / (2 * design.width**2)).ravel()
    return weights / np.linalg.norm(weights)


def draw_fields(design: Design, count: int, rng: np.random.Generator) -> Float[np.ndarray, "count sites"]:
    """Fields of mean 0 and variance 1: white noise convolved with the kernel, around the torus."""
    axes = tuple(range(1, 1 + len(design.grid)))
    white = rng.normal(size=(count, *design.grid))
    transfer = np.fft.fftn(kernel(design).reshape(1, *design.grid), axes=axes)
    return np.fft.ifftn(np.fft.fftn(white, axes=axes) * transfer, axes=axes).real.reshape(count, -1)


def draw_mean(design: Design, rng: np.random.Generator) -> Float[np.ndarray, "*grid"]:
    """Heights of the regions in standard errors, placed at random; a later one lies beside the earlier ones."""
    turn = rng.choice([-1.0, 1.0])
    while True:
        mean, clear = np.zeros(design.grid), True
        for lengths, height in design.regions:
            starts = [rng.integers(0, size - length + 1) for size, length in zip(design.grid, lengths, strict=True)]
            block = tuple(slice(start, start + length) for start, length in zip(starts, lengths, strict=True))
            clear = clear and not mean[block].any()
            mean[block] = turn * height
        if clear:
            return mean
