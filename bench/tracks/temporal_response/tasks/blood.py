"""Planted BOLD: events and slow features through responses that differ from target to target.

Responses are differences of two gamma densities with their own peak, undershoot and dispersion, shifted by a delay
(jittered around the canonical response, or late). Noise is autoregressive with slow drift. Volumes are taken once a
second; the middle of an event's volume is its time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from jaxtyping import Float

from bench.core.problems import Workspace
from bench.neuro.haemodynamics import DoubleGamma
from bench.neuro.simulate.continuous import (
    bold_spectrum,
    draw_onsets,
    draw_series,
    envelope_spectrum,
    impulses,
)
from bench.tracks.temporal_response.planting import PRIOR_DRAWS, Noise, Plan, Planted, draw_kernels, plant
from bench.tracks.temporal_response.types import Problem, Truth

VERSION = 1
BOARD = "truth"
SEED_CHANGES = "truth"
SEEDS = 4
REFERENCE = "Lindquist et al. (2009), NeuroImage 45:S187-S198, doi:10.1016/j.neuroimage.2008.10.065"
INSTANCES = {
    "events": {"size": "small", "null": False, "title": "brief events, responses around the canonical one"},
    "buried": {"size": "small", "null": False, "title": "brief events, noise of 30 times the variance"},
    "late": {"size": "small", "null": False, "title": "brief events, responses up to 4 s late"},
    "features": {"size": "small", "null": False, "title": "two slow features, r = .7"},
    "null_events": {"size": "small", "null": True, "title": "brief events, unrelated responses"},
    "null_features": {"size": "small", "null": True, "title": "two slow features, unrelated responses"},
}  # fmt: skip


@dataclass(frozen=True)
class Design:
    """One difficulty: events, or slow features made by `mixing`; `delay` (s) is the largest one."""

    plan: Plan
    mixing: tuple[tuple[float, ...], ...] = ()
    delay: float = 0.5


RUNS = Plan(1.0, 10, 150, (-4, 24), "blood", "percent", 1.0, 0.25)
PAIR = ((1.0, 0.0), (0.7, 0.51**0.5))
DESIGNS = {
    "events": Design(RUNS),
    "buried": Design(replace(RUNS, snr=0.03)),
    "late": Design(RUNS, delay=4.0),
    "features": Design(RUNS, PAIR),
    "null_events": Design(replace(RUNS, snr=None, targets=40)),
    "null_features": Design(replace(RUNS, snr=None, targets=40), PAIR),
}  # fmt: skip


def generate(instance: str, seed: int, rng: np.random.Generator, workspace: Workspace) -> tuple[Problem, Truth]:
    design = DESIGNS[instance]
    plan = design.plan
    stimuli, planted = draw_stimuli(design, rng), draw_planted(design, plan.targets, rng)
    noise = Noise.draw(bold_spectrum(plan.length, plan.sampling_rate), plan, rng)
    features = stimuli.shape[1]
    return plant(plan, stimuli, np.arange(features), np.ones(features), planted, bank(instance), noise)


@cache
def bank(instance: str) -> Planted:
    """Kernels from which second moments are taken."""
    return draw_planted(DESIGNS[instance], PRIOR_DRAWS, np.random.default_rng(0))


def draw_stimuli(design: Design, rng: np.random.Generator) -> Float[np.ndarray, "time features"]:
    """Impulses about every 6 s, at least 2 s apart; or Gaussian features that change within seconds."""
    plan = design.plan
    if design.mixing:
        mixing = np.array(design.mixing)
        spectrum = envelope_spectrum(plan.length, plan.sampling_rate, cutoff=0.2)
        return draw_series(spectrum, plan.length, mixing.shape[1], rng) @ mixing.T
    onsets = draw_onsets(plan.length / plan.sampling_rate, 2.0, 1 / 6, rng)
    return impulses(onsets, np.ones(len(onsets)), plan.length, plan.sampling_rate)[:, None]


def draw_planted(design: Design, targets: int, rng: np.random.Generator) -> Planted:
    times = design.plan.causal / design.plan.sampling_rate
    acts = np.ones((max(len(design.mixing), 1), targets), dtype=bool)
    return draw_kernels(lambda draws: draw_response(times, design.delay, draws), acts, rng)


def draw_response(times: Float[np.ndarray, "lags"], delay: float, rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """A response of either sign with a peak, undershoot and dispersion of its own, and when it is largest (s)."""
    rise, dispersion = rng.uniform([4.5, 0.7], [7.0, 1.3])
    shape = DoubleGamma(rise, rise + rng.uniform(5, 8), dispersion, 0.9, rng.uniform(0.1, 0.4))
    onset = rng.uniform(0, delay)
    grid = np.arange(0, times[-1], 0.02)
    fine = np.abs(shape.density(grid - onset))
    return rng.choice([-1.0, 1.0]) * shape.density(times - onset) / fine.max(), float(grid[fine.argmax()])
