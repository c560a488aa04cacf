"""Canonical haemodynamic model with temporal and dispersion derivatives.

The kernel of each feature is a sum of three known shapes: Glover's response, its derivative in time and its derivative
in dispersion. Drifts and noise as in the finite impulse response model. The peak is that of the sum of shapes between
the volumes. For BOLD alone.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bench.core.contract import Unsupported
from bench.neuro.haemodynamics import GLOVER
from bench.tracks.temporal_response.estimation import response_p, spreads
from bench.tracks.temporal_response.prewhitening import fit_prewhitened
from bench.tracks.temporal_response.types import Answer, Problem

REFERENCE = "Friston et al. (1998), NeuroImage 7:30-40; Glover (1999), NeuroImage 9:416-429"
INVARIANT_TO = ("scale",)
FINE = 0.01  # s


def shapes(times: np.ndarray) -> np.ndarray:
    """Response and derivatives (per s of time; per unit of dispersion) at times (s), one a column."""
    wider = replace(GLOVER, dispersion=GLOVER.dispersion + FINE)
    earlier = GLOVER.density(times + FINE)
    at = GLOVER.density(times)
    return np.stack([at, (earlier - at) / FINE, (wider.density(times) - at) / FINE], axis=1)


def weigh(problem: Problem, basis: np.ndarray, order: int) -> np.ndarray:
    """Weights of the shapes, (features, shapes, targets)."""
    root = np.kron(np.diag(1 / spreads(problem)), basis)
    weights = fit_prewhitened(problem, root, order, in_columns=False)
    return weights.reshape(problem.stimuli.shape[1], basis.shape[1], -1) / spreads(problem)[:, None, None]


def solve(problem: Problem, rng: np.random.Generator, *, order: int = 4) -> Answer:
    if problem.kind != "blood":
        raise Unsupported(f"the canonical response is that of blood, these responses are {problem.kind}")
    basis = shapes(problem.lags / problem.sampling_rate)

    def fit(some: Problem) -> np.ndarray:
        return np.einsum("lb,fbt->flt", basis, weigh(some, basis, order))

    fine = np.arange(0, problem.lags[-1] / problem.sampling_rate, FINE)
    curves = np.einsum("lb,fbt->flt", shapes(fine), weigh(problem, basis, order))
    peaks = fine[np.abs(curves).argmax(axis=1)]
    return Answer(fit(problem), response_p(problem, fit, rng), peaks)
