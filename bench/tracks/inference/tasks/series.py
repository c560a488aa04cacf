"""Gaussian noise of a known autocovariance, with and without a part of the feature in it.

The response of a data set is b + scale (beta x + e): x the feature, e noise of variance 1, b a baseline of up to three
standard deviations. Noise is white, autoregressive (memory m) or fractional Gaussian, which falls as 1/f^(2H - 1) at
low frequencies; in `mixed` units the memory differs from one data set to the next, and nobody says which is which.
Features have the covariance of the noise, or are trains of events through a haemodynamic response (of mean above 0).

The size of an effect is set by what can be seen of it: with x~ the centred, whitened feature, beta = +-d / |x~|, so
that the ideal observer's statistic z = (x~ . y~) / |x~| is N(d, 1) in every data set, whatever the noise, and has the
power P(|z| > 1.96). What methods lose of that is what the noise costs *them*. In live units half of the data sets have
an effect.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy import special

from bench.core.problems import Workspace
from bench.kernels.stationary import autoregressive_covariance, draw_stationary, fractional_covariance, whiten
from bench.tracks.inference.events import REPETITION_TIME, draw_events
from bench.tracks.inference.types import Problem, Truth

VERSION = 1
BOARD = "truth"
SEED_CHANGES = "inputs"
REFERENCE = "Bartlett (1935), Journal of the Royal Statistical Society 98:536-543 (time correlation of two series)"
INSTANCES = {
    "white": {"size": "small", "null": False, "title": "white noise"},
    "slow": {"size": "small", "null": False, "title": "memory .5"},
    "slower": {"size": "small", "null": False, "title": "memory .9"},
    "pink": {"size": "small", "null": False, "title": "1/f^.6 noise"},
    "pinker": {"size": "small", "null": False, "title": "1/f^.9 noise"},
    "mixed": {"size": "small", "null": False, "title": "memory from 0 to .95, data set by data set"},
    "events": {"size": "small", "null": False, "title": "haemodynamic events in noise of memory .8"},
    "short": {"size": "small", "null": False, "title": "40 samples, memory .5"},
    "white_null": {"size": "small", "null": True, "siblings": True, "title": "white noise, unrelated"},
    "slower_null": {"size": "small", "null": True, "siblings": True, "title": "memory .9, unrelated"},
    "pink_null": {"size": "small", "null": True, "siblings": True, "title": "1/f^.6 noise, unrelated"},
    "mixed_null": {"size": "small", "null": True, "siblings": True, "title": "memory from 0 to .95, unrelated"},
    "events_null": {"size": "small", "null": True, "siblings": True, "title": "haemodynamic events, unrelated noise"},
    "short_null": {"size": "small", "null": True, "siblings": True, "title": "40 samples, memory .5, unrelated"},
}

LIVE, NULL = 400, 700  # data sets in a unit: three seeds hold more than 2,000 null ones
UNITS, SCALE = "V", 1e-5


@dataclass(frozen=True)
class Design:
    """`memories` are the autoregressive noises that data sets take turns in; `hurst` instead of them is fractional
    noise. `distance` is d, in standard deviations of the ideal observer's statistic."""

    distance: float
    memories: tuple[float, ...] = (0.0,)
    hurst: float | None = None
    events: bool = False
    rows: int = 160

    def covariances(self) -> list[Float[np.ndarray, "rows"]]:
        if self.hurst is not None:
            return [fractional_covariance(self.hurst, self.rows)]
        return [autoregressive_covariance(memory, self.rows) for memory in self.memories]


DESIGNS = {
    "white": Design(2.8),
    "slow": Design(3.0, (0.5,)),
    "slower": Design(4.0, (0.9,)),
    "pink": Design(4.0, hurst=0.8),
    "pinker": Design(4.0, hurst=0.95),
    "mixed": Design(3.5, (0.0, 0.3, 0.6, 0.8, 0.9, 0.95)),
    "events": Design(3.0, (0.8,), events=True),
    "short": Design(3.5, (0.5,), rows=40),
}


def generate(instance: str, seed: int, rng: np.random.Generator, workspace: Workspace) -> tuple[Problem, Truth]:
    null = instance.endswith("_null")
    design = DESIGNS[instance.removesuffix("_null")]
    count = NULL if null else LIVE
    related = rng.permutation(count) % 2 == 1 if not null else np.zeros(count, bool)
    feature, response, ideal = draw_data_sets(design, related, rng)
    baseline = rng.uniform(-3, 3, size=(count, 1))
    problem = Problem(feature, SCALE * (baseline + response), 1 / REPETITION_TIME, UNITS)
    return problem, Truth(null, related, ideal)


def draw_data_sets(
    design: Design, related: Bool[np.ndarray, "datasets"], rng: np.random.Generator
) -> tuple[Float[np.ndarray, "datasets rows"], Float[np.ndarray, "datasets rows"], Float[np.ndarray, "datasets"]]:
    """Features, responses (noise of variance 1, no baseline) and the ideal observer's p-values."""
    covariances = design.covariances()
    kinds = rng.permutation(len(related)) % len(covariances)
    feature, response = np.empty((2, len(related), design.rows))
    ideal = np.empty(len(related))
    for kind, covariance in enumerate(covariances):
        mine = kinds == kind
        count = int(mine.sum())
        x = draw_events(count, design.rows, rng) if design.events else draw_stationary(covariance, count, rng)
        e = draw_stationary(covariance, count, rng)
        sign = rng.choice([-1.0, 1.0], size=count) * related[mine]
        beta = sign * design.distance / np.linalg.norm(centred_whitened(x, covariance), axis=1)
        feature[mine], response[mine] = x, beta[:, None] * x + e
        ideal[mine] = ideal_p(x, response[mine], covariance)
    return feature, response, ideal


def centred_whitened(
    series: Float[np.ndarray, "datasets rows"], covariance: Float[np.ndarray, "rows"]
) -> Float[np.ndarray, "datasets rows"]:
    """Whitened series less their part along the whitened constant: a baseline that nobody knows leaves no trace."""
    white = whiten(series, covariance)
    constant = whiten(np.ones((1, series.shape[1])), covariance)[0]
    constant = constant / np.linalg.norm(constant)
    return white - np.outer(white @ constant, constant)


def ideal_p(x: np.ndarray, y: np.ndarray, covariance: Float[np.ndarray, "rows"]) -> Float[np.ndarray, "datasets"]:
    """Two-sided p of the generalised least-squares coefficient with known covariance and unknown baseline.

    Of all unbiased tests it is the most powerful (Lehmann and Romano 2005, Testing Statistical Hypotheses, section 4).
    """
    seen = centred_whitened(x, covariance)
    z = (seen * whiten(y, covariance)).sum(axis=1) / np.linalg.norm(seen, axis=1)
    return 2 * special.ndtr(-np.abs(z))
