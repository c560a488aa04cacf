"""Signals of variance 1 in noise whose variance is set by the reliability that is asked for.

Target t has reliability rho_t, in equal steps over the targets. Its signal is slow or white over the stimuli, of mean 0
and variance exactly 1; noise has variance v_t, so that the mean over the repeats of stimulus i has noise variance
v_t / R_i, and

    rho_t = 1 / (1 + v_t k mean_i(1 / R_i)),

k the share of its variance that noise keeps when its mean over stimuli is taken out ((n - 1) / n where it is white).
v_t is solved from that. Difficulties: few repeats, little reliability, stimuli with one to four repeats, noise whose
variance follows the signal, autocorrelated noise, offsets of targets (ten times the signal) and of repeats. Repeats may
be `subjects`, each with a gain g_j on the shared signal and a variance of its own: then the signal of the mean has the
variance gbar^2, gbar the mean gain. On null units signals are 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from bench.core.problems import Workspace
from bench.kernels.stationary import autoregressive_covariance, draw_stationary
from bench.tracks.ceilings.types import Problem, Truth

VERSION = 1
BOARD = "truth"
SEED_CHANGES = "truth"
REFERENCE = "Sahani and Linden (2003), Advances in Neural Information Processing Systems 15 (signal and noise power)"
INSTANCES = {
    "plenty": {"size": "small", "null": False, "title": "10 repeats of 200 stimuli"},
    "few": {"size": "small", "null": False, "title": "2 repeats of 100 stimuli"},
    "odd": {"size": "small", "null": False, "title": "3 repeats of 60 stimuli"},
    "buried": {"size": "small", "null": False, "title": "6 repeats of 40 stimuli, reliability below .3"},
    "uneven": {"size": "small", "null": False, "title": "one to four repeats of 150 stimuli"},
    "multiplicative": {"size": "small", "null": False, "title": "noise that grows with the signal"},
    "slow": {"size": "small", "null": False, "title": "slow signals in noise of memory .8"},
    "offsets": {"size": "small", "null": False, "title": "offsets of targets and repeats, in volts"},
    "subjects": {"size": "small", "null": False, "title": "8 subjects, each its own gain and noise"},
    "null_few": {"size": "small", "null": True, "title": "2 repeats of pure noise"},
    "null_uneven": {"size": "small", "null": True, "title": "one to four repeats of pure noise"},
    "null_slow": {"size": "small", "null": True, "title": "slow noise"},
    "null_offsets": {"size": "small", "null": True, "title": "noise with offsets of targets and repeats"},
    "null_subjects": {"size": "small", "null": True, "title": "8 subjects who share nothing"},
}

TARGETS = 48


@dataclass(frozen=True)
class Design:
    """`reliability` of the first and last target; `memory` of signals and noise; `growth` g: noise variance follows
    exp(g signal); `offset` of targets and repeats in standard deviations of the signal."""

    repeats: int
    stimuli: int
    reliability: tuple[float, float] = (0.1, 0.9)
    memory: float = 0.0
    uneven: bool = False
    growth: float = 0.0
    offset: float = 0.0
    subjects: bool = False
    scale: float = 1.0
    units: str = "z"


DESIGNS = {
    "plenty": Design(10, 200),
    "few": Design(2, 100),
    "odd": Design(3, 60),
    "buried": Design(6, 40, (0.02, 0.3)),
    "uneven": Design(4, 150, uneven=True),
    "multiplicative": Design(3, 100, growth=1.0),
    "slow": Design(4, 120, memory=0.8),
    "offsets": Design(4, 60, (0.1, 0.6), offset=10.0, scale=1e-6, units="V"),
    "subjects": Design(8, 120, subjects=True),
}


def generate(instance: str, seed: int, rng: np.random.Generator, workspace: Workspace) -> tuple[Problem, Truth]:
    null = instance.startswith("null_")
    design = DESIGNS[instance.removeprefix("null_")]
    signal = draw_signal(design, rng)
    present = draw_present(design, rng)
    gains = rng.uniform(0.4, 1.6, size=design.repeats) if design.subjects else np.ones(design.repeats)
    rho = rng.permutation(np.linspace(*design.reliability, TARGETS))
    noise = draw_noise(design, signal, noise_variance(design, rho, gains, present), rng)
    values = noise if null else gains[:, None, None] * signal + noise
    if design.offset:
        values = values + design.offset * (rng.normal(size=TARGETS) + 0.1 * rng.normal(size=(design.repeats, 1, 1)))
    problem = Problem(
        responses=design.scale * np.where(present[..., None], values, 0.0),
        present=present,
        repeats_are="subjects" if design.subjects else "presentations",
        units=design.units,
    )
    return problem, Truth(null, np.zeros(TARGETS) if null else rho, 0.0 * signal if null else signal)


def draw_signal(design: Design, rng: np.random.Generator) -> Float[np.ndarray, "stimuli targets"]:
    """Mean 0 and variance exactly 1 over the stimuli."""
    series = draw_stationary(autoregressive_covariance(design.memory, design.stimuli), TARGETS, rng).T
    return (series - series.mean(axis=0)) / series.std(axis=0)


def draw_present(design: Design, rng: np.random.Generator) -> Bool[np.ndarray, "repeats stimuli"]:
    """All repeats of every stimulus, or one to all of them, each number for as many stimuli."""
    if not design.uneven:
        return np.ones((design.repeats, design.stimuli), bool)
    counts = rng.permutation(1 + np.arange(design.stimuli) % design.repeats)
    return np.arange(design.repeats)[:, None] < counts


def kept_share(design: Design) -> float:
    """k: expected variance over the stimuli (divided by n) of stationary noise of variance 1; see `planted`."""
    lag = np.arange(1, design.stimuli)
    covariance = autoregressive_covariance(design.memory, design.stimuli)
    return float(1 - (design.stimuli + 2 * ((design.stimuli - lag) * covariance[1:]).sum()) / design.stimuli**2)


def noise_variance(
    design: Design, rho: Float[np.ndarray, "targets"], gains: Float[np.ndarray, "repeats"], present: np.ndarray
) -> Float[np.ndarray, "targets"]:
    """v of one repeat that gives the mean over repeats the reliability rho."""
    return gains.mean() ** 2 * (1 / rho - 1) / (kept_share(design) * (1 / present.sum(axis=0)).mean())


def draw_noise(
    design: Design, signal: np.ndarray, variance: Float[np.ndarray, "targets"], rng: np.random.Generator
) -> Float[np.ndarray, "repeats stimuli targets"]:
    """Independent between repeats; where it follows the signal its mean variance over the stimuli is kept, and between
    subjects too."""
    covariance = autoregressive_covariance(design.memory, design.stimuli)
    series = draw_stationary(covariance, design.repeats * TARGETS, rng)
    noise = series.reshape(design.repeats, TARGETS, design.stimuli).transpose(0, 2, 1)
    if design.growth:
        shape = np.exp(design.growth * signal)
        noise = noise * np.sqrt(shape / shape.mean(axis=0))
    if design.subjects:
        share = rng.uniform(0.3, 1.7, size=(design.repeats, 1, 1))
        noise = noise * np.sqrt(share / share.mean())
    return noise * np.sqrt(variance)
