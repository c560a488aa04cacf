"""Generalised least squares that knows the noise and what kernels are drawn: the best from these data.

E[k | y] for Gaussian kernels of the true second moments P and noise of the true covariance S:
P X'(X P X' + S)^-1 y, in groups apart, with an offset for each. What it misses cannot be known from the data (but for
what kernels' shapes say beyond second moments).
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import cholesky, solve_triangular, toeplitz

from bench.tracks.temporal_response.estimation import response_p, shape, windows_of
from bench.tracks.temporal_response.types import Answer, Problem, Truth

ROLE = "ceiling"
READS_TRUTH = True


def estimate(problem: Problem, truth: Truth) -> np.ndarray:
    windows = windows_of(problem)
    values, vectors = np.linalg.eigh(truth.prior)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    loud = np.sqrt(truth.noise_variance.mean())
    cuts = np.flatnonzero(np.diff(windows.groups)) + 1
    length = len(windows.groups) if not len(cuts) else int(cuts[0])
    factor = cholesky(toeplitz(truth.noise_covariance[:length]), lower=True)
    gram, cross = np.eye(len(root)), 0.0
    for x, y in zip(np.split(windows.design, cuts), np.split(windows.responses, cuts), strict=True):
        white = solve_triangular(factor, np.column_stack([np.ones(length), x @ root / loud, y / loud]), lower=True)
        base = white[:, :1] / np.linalg.norm(white[:, 0])
        white = white[:, 1:] - base @ (base.T @ white[:, 1:])
        gram = gram + white[:, : len(root)].T @ white[:, : len(root)]
        cross = cross + white[:, : len(root)].T @ white[:, len(root) :]
    return shape(problem, root @ np.linalg.solve(gram, cross))


def solve(problem: Problem, rng: np.random.Generator, *, truth: Truth) -> Answer:
    if truth.null:
        return Answer(0.0 * truth.kernels, np.ones(problem.responses.shape[1]))
    return Answer(estimate(problem, truth), response_p(problem, lambda some: estimate(some, truth), rng))
