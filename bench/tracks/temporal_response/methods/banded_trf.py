"""Banded ridge temporal response function: a strength of its own for every feature space.

argmin |Y - X k|^2 + s sum over bands b of |k_b|^2 / w_b, features in units of their standard deviation over the root
of their band's size. Weights w are a fixed grid (equal, each band nearly alone, and between); each target takes the
weights and the strength of least squared error when whole groups are held out. One band: plain ridge.
"""

from __future__ import annotations

import numpy as np

from bench.kernels.lags import STRENGTHS, held_out_errors, penalised_path, unit_root
from bench.tracks.temporal_response.estimation import moments_of, respond, shape, spreads, windows_of
from bench.tracks.temporal_response.types import Answer, Problem

REFERENCE = "Nunez-Elizalde, Huth and Gallant (2019), NeuroImage 197:482-492, doi:10.1016/j.neuroimage.2019.04.012"
INVARIANT_TO = ("scale",)
SHARES = (0.001, 0.01, 0.1)  # what is left to each other band where one leads


def fit(problem: Problem) -> np.ndarray:
    moments = moments_of(windows_of(problem))
    roots = [unit_root(scales, len(problem.lags)) for scales in banded_scales(problem)]
    errors = np.stack([held_out_errors(moments, root, STRENGTHS) for root in roots])
    best = errors.reshape(-1, errors.shape[2]).argmin(axis=0)
    found = np.empty_like(moments.cross[0])
    gram, cross = moments.gram.sum(axis=0), moments.cross.sum(axis=0)
    for choice in np.unique(best):
        weights, strength = divmod(choice, len(STRENGTHS))
        own = best == choice
        found[:, own] = penalised_path(gram, cross[:, own], roots[weights], STRENGTHS[[strength]])[0]
    return shape(problem, found)


def banded_scales(problem: Problem) -> list[np.ndarray]:
    """What features are divided by, for every choice of weights."""
    known, place, sizes = np.unique(problem.bands, return_inverse=True, return_counts=True)
    bands = len(known)
    leading = [np.where(np.eye(bands)[band], 1.0, share) for share in SHARES for band in range(bands)]
    weights = np.array([np.ones(bands), *leading]) if bands > 1 else np.ones((1, 1))
    return [spreads(problem) * np.sqrt(sizes[place] / one[place]) for one in weights]


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    return respond(problem, fit, rng)
