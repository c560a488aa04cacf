"""Planted EEG and MEG: speech-like envelopes, spectrograms and words through kernels of 40 to 300 ms.

Kernels have two bumps of opposite sign, the larger one first or second; on `brief` they last less than a sample. Noise
has the spectrum of EEG (1/f, alpha, white). The planted kernel stays the best linear account where a gain that the
stimulus does not explain varies, and, since those stimuli are Gaussian, behind a compression (Bussgang 1952).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from jaxtyping import Bool, Float

from bench.core.problems import Workspace
from bench.neuro.simulate.continuous import (
    draw_onsets,
    draw_series,
    eeg_spectrum,
    envelope_spectrum,
    impulses,
)
from bench.tracks.temporal_response.planting import PRIOR_DRAWS, Noise, Plan, Planted, draw_kernels, plant
from bench.tracks.temporal_response.types import Problem, Truth

VERSION = 1
BOARD = "truth"
SEED_CHANGES = "truth"
SEEDS = 4
REFERENCE = "Crosse et al. (2016), Frontiers in Human Neuroscience 10:604, doi:10.3389/fnhum.2016.00604"
INSTANCES = {
    "envelope_clear": {"size": "small", "null": False, "title": "envelope, noise of twice the signal's variance"},
    "envelope_noisy": {"size": "small", "null": False, "title": "envelope in pascal, noise of 10 times the variance"},
    "envelope_buried": {"size": "small", "null": False, "title": "envelope, noise of 50 times the variance"},
    "envelope_lost": {"size": "small", "null": False, "title": "envelope, noise of 400 times the variance"},
    "words": {"size": "small", "null": False, "title": "words of varying weight, noise of 20 times the variance"},
    "correlated": {"size": "small", "null": False, "title": "two features, r = .9, of which one or both act"},
    "spectrogram_words": {"size": "small", "null": False, "title": "words beside 4 bands that hardly act, in tesla"},
    "short_trials": {"size": "small", "null": False, "title": "trials of 1.5 s, noise of a fifth of the variance"},
    "brief": {"size": "small", "null": False, "title": "bumps briefer than a sample, noise of 10 times the variance"},
    "gain": {"size": "small", "null": False, "title": "gain that varies by a factor of 2"},
    "compression": {"size": "small", "null": False, "title": "response that saturates"},
    "null_envelope": {"size": "small", "null": True, "title": "envelope, unrelated responses"},
    "null_words": {"size": "small", "null": True, "title": "words and two features, unrelated responses"},
    "null_trials": {"size": "small", "null": True, "title": "trials of 1.5 s, unrelated responses"},
}  # fmt: skip


@dataclass(frozen=True)
class Design:
    """One difficulty: `mixing` makes Gaussian features of independent envelopes, words follow if `words`; `weights` are
    the standard deviations of what each feature contributes, `unit` that of the Gaussian features."""

    plan: Plan
    mixing: tuple[tuple[float, ...], ...] = ((1.0,),)
    words: bool = False
    weights: tuple[float, ...] = (1.0,)
    unit: float = 1.0
    choice: bool = False  # a target is driven by one feature or by all, in turn
    gain: bool = False
    width: float = 1.0  # of bumps, relative to the usual


VOLTS = Plan(64.0, 15, 640, (-8, 28), "electric", "V", 1e-5, 0.1)
NOBODY = replace(VOLTS, snr=None, targets=40)
NEIGHBOURS = tuple(tuple(0.8 ** abs(i - j) for j in range(4)) for i in range(4))
DESIGNS = {
    "envelope_clear": Design(replace(VOLTS, snr=0.5)),
    "envelope_noisy": Design(VOLTS, unit=1e-3),
    "envelope_buried": Design(replace(VOLTS, snr=0.02)),
    "envelope_lost": Design(replace(VOLTS, snr=0.0025)),
    "words": Design(replace(VOLTS, snr=0.05), mixing=(), words=True),
    "correlated": Design(VOLTS, ((1.0, 0.0), (0.9, 0.19**0.5)), weights=(1.0, 1.0), choice=True),
    "spectrogram_words": Design(
        replace(VOLTS, snr=0.05, units="T", scale=1e-13, lags=(-4, 24), targets=6), NEIGHBOURS, True,
        (0.2, 0.2, 0.2, 0.2, 1.0), 1e-3,
    ),
    "short_trials": Design(replace(VOLTS, snr=5.0, groups=90, samples=96)),
    "brief": Design(VOLTS, width=0.2),
    "gain": Design(replace(VOLTS, depth=0.7), gain=True),
    "compression": Design(replace(VOLTS, compressed=True, depth=2.0)),
    "null_envelope": Design(NOBODY),
    "null_words": Design(NOBODY, words=True, weights=(1.0, 1.0)),
    "null_trials": Design(replace(NOBODY, groups=90, samples=96)),
}  # fmt: skip


def generate(instance: str, seed: int, rng: np.random.Generator, workspace: Workspace) -> tuple[Problem, Truth]:
    design = DESIGNS[instance]
    plan, weights = design.plan, np.array(design.weights)
    stimuli, planted = draw_stimuli(design, rng), draw_planted(design, plan.targets, rng)
    noise = Noise.draw(eeg_spectrum(plan.length, plan.sampling_rate), plan, rng)
    modulation = None
    if design.gain:
        modulation = draw_series(envelope_spectrum(plan.length, plan.sampling_rate), plan.length, plan.targets, rng)
    bands = np.repeat([0, 1], [len(design.mixing), int(design.words)])
    return plant(plan, stimuli, bands, weights, planted, bank(instance), noise, modulation)


@cache
def bank(instance: str) -> Planted:
    """Kernels from which second moments are taken."""
    return draw_planted(DESIGNS[instance], PRIOR_DRAWS, np.random.default_rng(0))


def draw_stimuli(design: Design, rng: np.random.Generator) -> Float[np.ndarray, "time features"]:
    """Gaussian features with the spectrum of envelopes, mixed, in their unit; then words with heights around 1."""
    plan = design.plan
    columns = []
    if design.mixing:
        mixing = np.array(design.mixing)
        mixing = mixing / np.linalg.norm(mixing, axis=1, keepdims=True)
        spectrum = envelope_spectrum(plan.length, plan.sampling_rate)
        columns.append(design.unit * draw_series(spectrum, plan.length, mixing.shape[1], rng) @ mixing.T)
    if design.words:
        onsets = draw_onsets(plan.length / plan.sampling_rate, 0.15, 2.8, rng)
        heights = rng.gamma(4.0, 0.25, size=len(onsets))
        columns.append(impulses(onsets, heights, plan.length, plan.sampling_rate)[:, None])
    return np.concatenate(columns, axis=1)


def draw_planted(design: Design, targets: int, rng: np.random.Generator) -> Planted:
    features = len(design.weights)
    times = design.plan.causal / design.plan.sampling_rate
    acts = choose_actors(features, targets) if design.choice else np.ones((features, targets), dtype=bool)
    return draw_kernels(lambda draws: draw_bumps(times, design.width, draws), acts, rng)


def choose_actors(features: int, targets: int) -> Bool[np.ndarray, "features targets"]:
    """Target by target: the first feature alone, the second alone, ..., all of them, and again."""
    turn = np.arange(targets) % (features + 1)
    return (turn == np.arange(features)[:, None]) | (turn == features)


def bumps(times: Float[np.ndarray, "*any"], centres: np.ndarray, widths: np.ndarray, heights: np.ndarray) -> np.ndarray:
    """Sum of Gaussian bumps at times from 0 s on."""
    return np.exp(-0.5 * ((times[..., None] - centres) / widths) ** 2) @ heights


def draw_bumps(times: Float[np.ndarray, "lags"], width: float, rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """A bump at 70 to 140 ms and a weaker one of opposite sign 60 to 120 ms later, or the other way round; its peak.

    Bumps briefer than a sample lie on samples, so that none falls between two of them.
    """
    first = rng.uniform(0.07, 0.14)
    centres = np.array([first, first + rng.uniform(0.06, 0.12)])
    if width < 1:
        centres = times[np.searchsorted(times, centres)]
    widths = width * rng.uniform([0.012, 0.018], [0.02, 0.03])
    heights = rng.choice([-1.0, 1.0]) * rng.permutation([1.0, -rng.uniform(0.3, 0.7)])
    grid = np.arange(0, times[-1], 1e-4)
    return bumps(times, centres, widths, heights), float(grid[np.abs(bumps(grid, centres, widths, heights)).argmax()])
