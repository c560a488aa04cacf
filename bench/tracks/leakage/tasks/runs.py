"""Responses in runs, the features that made them, and sets that have no part in them.

A target's response is a weighted sum of the true features (autoregressive, 12 of them) plus autoregressive noise plus,
in `drift`, one slow course that comes again in every run; signal and noise have variance 1 and 1/s. Beside the true
set, which stands at a random place and is left out in null units, there are

- an indicator of every sample under a Gaussian of two samples within its run (autocorrelated, and nothing else);
- features drawn like the true ones, with their spectrum;
- polynomials of the time in the run, the same in every run;
- 150 columns of white noise.

Within a run the mean that a correlation takes out holds some of the slow variance; reliability is therefore the ratio
of the expected variances within runs, so that its root is what the planted signal reaches. The drift is no response
and does not enter it: a protocol that takes it out can reach the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from bench.core.problems import Workspace
from bench.kernels.stationary import autoregressive_covariance, draw_stationary
from bench.tracks.leakage.types import Problem, Truth

VERSION = 1
BOARD = "truth"
SEED_CHANGES = "truth"
REFERENCE = "Hadidi et al. (2025), Illusions of alignment (orthogonal autocorrelated sequences)"
INSTANCES = {
    "white": {"size": "small", "null": False, "title": "white features and noise"},
    "slow": {"size": "small", "null": False, "title": "slow features and noise"},
    "buried": {"size": "small", "null": False, "title": "slow features, slow noise of 4 times the variance"},
    "drift": {"size": "small", "null": False, "title": "a drift that every run has"},
    "white_null": {"size": "small", "null": True, "title": "white noise"},
    "slow_null": {"size": "small", "null": True, "title": "slow noise"},
    "slower_null": {"size": "small", "null": True, "title": "noise of memory .95"},
}

RUNS, ROWS, TARGETS, FEATURES, WIDE = 8, 30, 12, 12, 150
REPETITION_TIME = 2.0  # s


@dataclass(frozen=True)
class Design:
    """`memory` of features and noise, `snr` s of variances, `drift` its standard deviation."""

    memory: float
    snr: float = 1.0
    drift: float = 0.0


DESIGNS = {
    "white": Design(0.0),
    "slow": Design(0.85),
    "slower": Design(0.95),
    "buried": Design(0.85, 0.25),
    "drift": Design(0.7, drift=1.0),
}


def generate(instance: str, seed: int, rng: np.random.Generator, workspace: Workspace) -> tuple[Problem, Truth]:
    null, design = instance.endswith("_null"), DESIGNS[instance.removesuffix("_null")]
    true = draw_runs(design, FEATURES, rng)
    signal = true @ rng.normal(size=(FEATURES, TARGETS))
    signal = 0 * signal if null else signal / signal.std(axis=0)
    noise = draw_runs(design, TARGETS, rng) / np.sqrt(design.snr)
    drift = design.drift * np.tile(slow_course(), RUNS)[:, None] * rng.choice([-1.0, 1.0], size=TARGETS)
    others = [indicators(), draw_runs(design, FEATURES, rng), polynomials(), rng.normal(size=(RUNS * ROWS, WIDE))]
    sets = others if null else [*others, true]
    order = rng.permutation(len(sets))
    problem = Problem(
        responses=signal + noise + drift,
        features=np.concatenate([sets[number] for number in order], axis=1),
        sets=np.repeat(np.arange(len(sets)), [sets[number].shape[1] for number in order]),
        runs=np.repeat(np.arange(RUNS), ROWS),
        sampling_rate=1 / REPETITION_TIME,
    )
    attainable = np.zeros(len(sets))
    if not null:
        attainable[order == len(others)] = reached(signal, design)
    return problem, Truth(null, attainable)


def draw_runs(design: Design, columns: int, rng: np.random.Generator) -> Float[np.ndarray, "rows columns"]:
    """Autoregressive columns of variance 1, anew in every run."""
    series = draw_stationary(autoregressive_covariance(design.memory, ROWS), RUNS * columns, rng)
    return series.reshape(columns, RUNS * ROWS).T


def reached(signal: Float[np.ndarray, "rows targets"], design: Design) -> float:
    """Mean over runs and targets of the root of signal variance over that of signal and expected noise."""
    inside = signal.reshape(RUNS, ROWS, -1).var(axis=1)
    lag = np.arange(1, ROWS)
    kept = 1 - (ROWS + 2 * ((ROWS - lag) * design.memory**lag).sum()) / ROWS**2
    return float(np.sqrt(inside / (inside + kept / design.snr)).mean())


def slow_course() -> Float[np.ndarray, "rows"]:
    """Half a cosine over a run, of mean 0 and variance 1."""
    course = np.cos(np.pi * (np.arange(ROWS) + 0.5) / ROWS)
    return course / course.std()


def indicators() -> Float[np.ndarray, "rows rows"]:
    """One column a sample: a Gaussian of standard deviation 2 samples about it, within its run."""
    time = np.arange(ROWS)
    bump = np.exp(-((time[:, None] - time) ** 2) / (2 * 2.0**2))
    return np.kron(np.eye(RUNS), bump)


def polynomials() -> Float[np.ndarray, "rows degrees"]:
    """Time in the run to the powers 1 to 4."""
    time = np.linspace(-1, 1, ROWS)
    return np.tile(time[:, None] ** np.arange(1, 5), (RUNS, 1))
