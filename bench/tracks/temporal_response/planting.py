"""What the tasks share: continuous records with planted kernels, cut into groups.

A record is longer than its groups: before each group lies a stretch whose stimuli act on the group's first samples and
are not shown, as where a recording is cut.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.signal import fftconvolve

from bench.kernels.lags import centre_groups, lag_windows, whole_rows
from bench.neuro.simulate.continuous import autocovariance, draw_series
from bench.tracks.temporal_response.types import Problem, Truth

PRIOR_DRAWS = 200  # kernels whose second moments stand for all that could have been drawn

Draw = Callable[[np.random.Generator], tuple[np.ndarray, float]]
"""A kernel at the causal lags (largest absolute value about 1, either sign) and its peak in s."""


@dataclass(frozen=True)
class Plan:
    """What a record is made of. Sampling in Hz, groups in samples, lags in samples, `snr` a ratio of variances."""

    sampling_rate: float
    groups: int
    samples: int
    lags: tuple[int, int]
    kind: str
    units: str
    scale: float  # of the responses, in their units: standard deviation of the noise
    snr: float | None  # None: no signal
    targets: int = 8
    depth: float = 0.0  # of a distortion
    compressed: bool = False

    @property
    def gap(self) -> int:
        return self.lags[1]

    @property
    def length(self) -> int:
        """Samples of the whole record."""
        return self.groups * (self.samples + self.gap)

    @property
    def causal(self) -> Int[np.ndarray, "lags"]:
        return np.arange(self.lags[1] + 1)

    def shown(self) -> tuple[Int[np.ndarray, "time"], Int[np.ndarray, "time"]]:
        """Samples of the record that are shown, and the group of each."""
        starts = self.gap + np.arange(self.groups) * (self.samples + self.gap)
        return (starts[:, None] + np.arange(self.samples)).ravel(), np.repeat(np.arange(self.groups), self.samples)


@dataclass(frozen=True)
class Planted:
    """Kernels at causal lags, when they peak (s) and who acts."""

    kernels: Float[np.ndarray, "features lags targets"]
    peaks: Float[np.ndarray, "features targets"]
    acts: Bool[np.ndarray, "features targets"]


@dataclass(frozen=True)
class Noise:
    """Noise of variance 1, and its covariance at each distance in samples."""

    values: Float[np.ndarray, "time targets"]
    covariance: Float[np.ndarray, "distances"]

    @classmethod
    def draw(cls, spectrum: Float[np.ndarray, "frequencies"], plan: Plan, rng: np.random.Generator) -> Noise:
        values = draw_series(spectrum, plan.length, plan.targets, rng)
        return cls(values, autocovariance(spectrum, plan.length))


def draw_kernels(draw: Draw, acts: Bool[np.ndarray, "features targets"], rng: np.random.Generator) -> Planted:
    """A kernel for every feature that acts, each as `draw` makes it."""
    features, targets = acts.shape
    drawn = [[draw(rng) for _ in range(targets)] for _ in range(features)]
    kernels = np.array([[kernel for kernel, _ in row] for row in drawn]).transpose(0, 2, 1)
    peaks = np.array([[peak for _, peak in row] for row in drawn])
    return Planted(kernels * acts[:, None], np.where(acts, peaks, 0.0), acts)


def drive(
    stimuli: Float[np.ndarray, "time features"], kernels: Float[np.ndarray, "features lags targets"]
) -> Float[np.ndarray, "time targets"]:
    """y(t) = sum of k[f, l] x_f(t - l) over causal lags; 0 before the record begins."""
    whole = fftconvolve(stimuli[:, :, None], kernels.transpose(1, 0, 2), axes=0)[: len(stimuli)]
    return whole.sum(axis=1)


def distort(
    plan: Plan, signal: Float[np.ndarray, "time targets"], modulation: Float[np.ndarray, "time targets"] | None
) -> tuple[Float[np.ndarray, "time targets"], float]:
    """The signal (of variance 1) after a nonlinearity, and the factor of its best linear account.

    A gain exp(d u), u independent of the stimuli and of variance 1, has the mean exp(d^2 / 2). For Gaussian signals z
    of variance 1 a static f has the linear account E[f'(z)] z (Bussgang 1952); f = tanh(d z).
    """
    if modulation is not None:
        return signal * np.exp(plan.depth * modulation), float(np.exp(plan.depth**2 / 2))
    if plan.compressed:
        nodes, masses = np.polynomial.hermite_e.hermegauss(60)
        slopes = plan.depth / np.cosh(plan.depth * nodes) ** 2
        return np.tanh(plan.depth * signal), float(slopes @ masses / masses.sum())
    return signal, 1.0


def plant(
    plan: Plan,
    stimuli: Float[np.ndarray, "time features"],
    bands: Int[np.ndarray, "features"],
    weights: Float[np.ndarray, "features"],
    planted: Planted,
    bank: Planted,
    noise: Noise,
    modulation: Float[np.ndarray, "time targets"] | None = None,
) -> tuple[Problem, Truth]:
    """A unit: signal of variance `snr` beside noise of variance 1, both times the response's scale.

    `weights` are the standard deviations of what the features contribute, up to a common factor; `bank` holds other
    kernels that could have been drawn.
    """
    shown, groups = plan.shown()
    amplitude = 0.0 if plan.snr is None else np.sqrt(plan.snr)
    units = (weights / stimuli.std(axis=0))[:, None, None]
    plain = drive(stimuli, planted.kernels * units)
    spread = plain[shown].std(axis=0)
    signal, factor = distort(plan, plain / spread, modulation)
    loudness = amplitude / signal[shown].std(axis=0)
    lags = np.arange(plan.lags[0], plan.lags[1] + 1)
    kernels = np.zeros((stimuli.shape[1], len(lags), plan.targets))
    kernels[:, lags >= 0] = plan.scale * planted.kernels * units * (factor * loudness / spread)
    problem = Problem(
        stimuli=stimuli[shown], responses=plan.scale * (signal * loudness + noise.values)[shown], groups=groups,
        bands=bands, lags=lags, sampling_rate=plan.sampling_rate, units=plan.units, kind=plan.kind,
    )  # fmt: skip
    return problem, Truth(
        null=plan.snr is None, kernels=kernels, peaks=planted.peaks if amplitude else 0.0 * planted.peaks,
        acts=planted.acts & (amplitude > 0), noise_covariance=noise.covariance[: plan.samples],
        noise_variance=np.full(plan.targets, plan.scale**2),
        prior=(plan.scale * amplitude) ** 2 * second_moments(plan, problem, bank.kernels * units),
    )  # fmt: skip


def second_moments(
    plan: Plan, problem: Problem, kernels: Float[np.ndarray, "features lags draws"]
) -> Float[np.ndarray, "columns columns"]:
    """Mean of k k' over the drawn kernels, each scaled to a signal of variance 1 on these stimuli."""
    rows = whole_rows(problem.groups, plan.causal)
    design = centre_groups(lag_windows(problem.stimuli, rows, plan.causal), problem.groups[rows])
    gram = design.T @ design / len(rows)
    flat = kernels.reshape(len(gram), -1)
    flat = flat / np.sqrt(np.einsum("ct,ct->t", flat, gram @ flat))
    places = np.tile(problem.lags >= 0, problem.stimuli.shape[1])
    moments = np.zeros((len(places), len(places)))
    moments[np.ix_(places, places)] = flat @ flat.T / flat.shape[1]
    return moments
