"""Planted responses: known generators, graded noise, and a ceiling that is known by construction.

Features are autoregressive time courses (mixed where they are collinear), mean 0 in every run. A generator makes the
noiseless signal of each target from them:

- `linear`: a weighted sum; with lags, each feature acts through a smooth kernel of its own up to `max_lag` samples;
- `sparse`: a weighted sum of a few features for each target;
- `gain`: a weighted sum times exp(d u), u another weighted sum of unit variance. The best linear model explains the
  share exp(-d^2) of it (Gaussian features), so that its correlation with the signal is exp(-d^2 / 2);
- `counts`: Poisson counts of rate r exp(d u - d^2 / 2);
- `null` and `null_counts`: nothing; the features have no part in the responses, which are noise or counts of one rate.

Signals but counts have mean 0 and variance 1 in every run, as responses that are standardised run by run. Noise is
autoregressive and has mean 0 in every run; its variance is 1 / s for a target of signal-to-noise ratio s. The test
responses are the mean of `repeats` repeats. Their reliability is V / (V + v / R) in a run, V the variance of the
planted signal and v the expected variance of the noise (the mean rate for counts); its root is averaged over test runs.
The oracle's correlation reaches that to within the inverse of the number of independent samples in a run. R^2 is pooled
over runs: for counts, whose signal varies more in some runs than in others, the oracle's is about 1.05.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from scipy.signal import lfilter

from bench.core.problems import Workspace
from bench.kernels.regression import lagged_design
from bench.tracks.encoding.types import Problem, Truth

VERSION = 1
BOARD = "truth"
SEED_CHANGES = "truth"
REFERENCE = "Sahani and Linden (2003), Advances in Neural Information Processing Systems 15 (signal and noise power)"
INSTANCES = {
    "linear_clear": {"size": "small", "null": False, "title": "weighted sum of 20 features, little noise"},
    "linear_graded": {"size": "small", "null": False, "title": "weighted sum of 60 features, noise differs by target"},
    "linear_buried": {"size": "small", "null": False, "title": "150 features, noise of 20 times their variance"},
    "linear_slow": {"size": "small", "null": False, "title": "slow features, slow noise"},
    "collinear": {"size": "small", "null": False, "title": "150 features that are mixtures of 6"},
    "sparse": {"size": "small", "null": False, "title": "4 of 200 features for each target"},
    "banded": {"size": "small", "null": False, "title": "a band of 5 features matters, bands of 40 and 160 do not"},
    "banded_buried": {"size": "small", "null": False, "title": "as banded, with noise of 6 times the variance"},
    "lagged_volts": {"size": "small", "null": False, "title": "kernels of 12 samples, short trials, in volts"},
    "lagged_tesla": {"size": "small", "null": False, "title": "kernels of 12 samples in tesla, much noise"},
    "gain_weak": {"size": "small", "null": False, "title": "gain that varies by half"},
    "gain_strong": {"size": "small", "null": False, "title": "gain that varies by a factor of 3"},
    "counts": {"size": "small", "null": False, "title": "Poisson counts, one every other bin"},
    "null_slow": {"size": "small", "null": True, "title": "slow features, slow responses, unrelated"},
    "null_lagged": {"size": "small", "null": True, "title": "lagged features in volts, unrelated responses"},
    "null_counts": {"size": "small", "null": True, "title": "Poisson counts of a constant rate"},
}  # fmt: skip


@dataclass(frozen=True)
class Design:
    """One difficulty. `bands` are numbers of features, `shares` the standard deviation of what each band contributes,
    `scales` the standard deviation of its features, `snr` the ratio of variances in one repeat; memories are lag-1
    autocorrelations. Runs have `rows` samples."""

    generator: str = "linear"
    bands: tuple[int, ...] = (20,)
    shares: tuple[float, ...] = (1.0,)
    scales: tuple[float, ...] = (1.0,)
    latents: int = 0  # features are mixtures of so many time courses; 0: of none
    active: int = 0  # features that act on one target; 0: all
    snr: tuple[float, float] = (1.0, 1.0)  # of the first and the last target, in equal ratios between
    depth: float = 0.0  # d of gain and counts
    rate: float = 0.5  # counts a bin
    memory: float = 0.0
    noise_memory: float = 0.0
    max_lag: int = 0
    repeats: int = 1
    targets: int = 8
    train_runs: int = 6
    test_runs: int = 5
    rows: int = 60
    sampling_rate: float = 0.5  # Hz
    scale: float = 1.0
    units: str = "z"

    @property
    def is_null(self) -> bool:
        return self.generator.startswith("null")

    @property
    def is_counts(self) -> bool:
        return self.generator.endswith("counts")


EEG: dict[str, Any] = {
    "scale": 1e-5,
    "units": "V",
    "sampling_rate": 100.0,
    "scales": (1.0, 1e-6),
    "bands": (2, 4),
    "shares": (0.5, 1.0),
}
MEG: dict[str, Any] = {**EEG, "scale": 1e-13, "units": "T", "scales": (1.0, 1e-13)}
TRF: dict[str, Any] = {"max_lag": 12, "memory": 0.6, "noise_memory": 0.6, "rows": 80}
DESIGNS = {
    "linear_clear": Design(snr=(4, 4)),
    "linear_graded": Design(bands=(60,), snr=(0.05, 2), repeats=4),
    "linear_buried": Design(bands=(150,), snr=(0.05, 0.05), repeats=4),
    "linear_slow": Design(bands=(100,), memory=0.9, noise_memory=0.9, snr=(0.2, 0.2), repeats=4),
    "collinear": Design(bands=(150,), latents=6, snr=(0.3, 0.3)),
    "sparse": Design("sparse", bands=(200,), active=4, snr=(0.5, 0.5)),
    "banded": Design(bands=(5, 40, 160), shares=(1.0, 0.0, 0.0), scales=(0.1, 1.0, 10.0), snr=(1, 1)),
    "banded_buried": Design(bands=(5, 40, 160), shares=(1.0, 0.3, 0.0), scales=(0.1, 1.0, 10.0), snr=(0.15, 0.15)),
    "lagged_volts": Design(**EEG, **{**TRF, "rows": 40}, train_runs=12, test_runs=10, snr=(0.5, 0.5)),
    "lagged_tesla": Design(**MEG, **TRF, snr=(0.03, 0.03), repeats=10),
    "gain_weak": Design("gain", depth=0.5, snr=(2, 2)),
    "gain_strong": Design("gain", depth=1.1, snr=(2, 2)),
    "counts": Design("counts", bands=(12,), depth=0.8, memory=0.5, units="spikes/bin", sampling_rate=100.0, rows=80),
    "null_slow": Design("null", bands=(60,), memory=0.9, noise_memory=0.9),
    "null_lagged": Design("null", **EEG, **TRF),
    "null_counts": Design("null_counts", bands=(12,), memory=0.5, units="spikes/bin", sampling_rate=100.0, rows=80),
}  # fmt: skip


@dataclass(frozen=True)
class World:
    """Everything that was drawn: rows of all runs, those that train first."""

    features: Float[np.ndarray, "rows features"]
    groups: Int[np.ndarray, "rows"]
    signal: Float[np.ndarray, "rows targets"]
    noise_variance: Float[np.ndarray, "targets"]  # of one repeat, before it loses its mean in each run; none for counts
    training: int  # rows


def generate(instance: str, seed: int, rng: np.random.Generator, workspace: Workspace) -> tuple[Problem, Truth]:
    design = DESIGNS[instance]
    world = draw_world(design, rng)
    train, test = slice(0, world.training), slice(world.training, None)
    problem = Problem(
        train_features=world.features[train],
        train_responses=design.scale * draw_repeats(world, design, 1, rng)[0, train],
        train_groups=world.groups[train],
        test_features=world.features[test],
        test_groups=world.groups[test],
        bands=np.repeat(np.arange(len(design.bands)), design.bands),
        sampling_rate=design.sampling_rate,
        max_lag=design.max_lag,
        units=design.units,
        response_kind="counts" if design.is_counts else "continuous",
    )
    return problem, Truth(
        null=design.is_null,
        test_responses=design.scale * draw_repeats(world, design, design.repeats, rng)[:, test].mean(axis=0),
        selected=np.ones(design.targets, dtype=bool),
        reliability=None if design.is_null else stated_reliability(world, design),
        noiseless=design.scale * world.signal[test],
    )


def draw_world(design: Design, rng: np.random.Generator) -> World:
    """Features, noiseless signal and noise variance."""
    runs = design.train_runs + design.test_runs
    groups = np.repeat(np.arange(runs), design.rows)
    features = draw_features(design, groups, rng)
    signal = draw_signal(design, features, groups, rng)
    scaled = features * np.repeat(design.scales, design.bands)
    noise_variance = 1 / np.geomspace(*design.snr, design.targets)
    return World(scaled, groups, signal, noise_variance, design.train_runs * design.rows)


def draw_features(design: Design, groups: np.ndarray, rng: np.random.Generator) -> Float[np.ndarray, "rows features"]:
    """Standardised features, mean 0 in each run."""
    count = sum(design.bands)
    if not design.latents:
        return autoregressive(groups, count, design.memory, rng)
    latents = autoregressive(groups, design.latents, design.memory, rng)
    mixed = latents @ rng.normal(size=(design.latents, count)) / np.sqrt(design.latents)
    return mixed + 0.3 * autoregressive(groups, count, design.memory, rng)


def autoregressive(
    groups: Int[np.ndarray, "rows"], columns: int, memory: float, rng: np.random.Generator
) -> Float[np.ndarray, "rows columns"]:
    """x_i = memory x_(i-1) + sqrt(1 - memory^2) e_i, stationary from the start of each run, less the run's mean."""
    innovations = rng.normal(size=(len(groups), columns))
    series = np.empty_like(innovations)
    for run in np.unique(groups):
        draws = innovations[groups == run]
        draws[1:] *= np.sqrt(1 - memory**2)
        series[groups == run] = lfilter([1.0], [1.0, -memory], draws, axis=0)
    return centre_runs(series, groups)


def by_run(series: Float[np.ndarray, "rows columns"], groups: Int[np.ndarray, "rows"]) -> list[np.ndarray]:
    return [series[groups == run] for run in np.unique(groups)]


def centre_runs(series: Float[np.ndarray, "rows columns"], groups: Int[np.ndarray, "rows"]) -> np.ndarray:
    return series - np.stack([run.mean(axis=0) for run in by_run(series, groups)])[groups]


def standardise_runs(series: Float[np.ndarray, "rows columns"], groups: Int[np.ndarray, "rows"]) -> np.ndarray:
    return centre_runs(series, groups) / np.stack([run.std(axis=0) for run in by_run(series, groups)])[groups]


def kept_variance(rows: int, memory: float) -> float:
    """Expected variance of a stationary series of variance 1 about its own mean over `rows` samples: the mean of an
    autoregressive series has variance sum_ij memory^|i-j| / rows^2."""
    lag = np.arange(1, rows)
    return float(1 - (rows + 2 * ((rows - lag) * memory**lag).sum()) / rows**2)


def draw_signal(
    design: Design, features: np.ndarray, groups: np.ndarray, rng: np.random.Generator
) -> Float[np.ndarray, "rows targets"]:
    """The noiseless response, of variance 1 in each run (counts: the rate, in counts a bin)."""
    if design.is_null:
        return np.full((len(groups), design.targets), design.rate if design.is_counts else 0.0)
    drive = weighted_sum(design, features, groups, rng)
    if design.is_counts:
        return design.rate * np.exp(design.depth * drive - design.depth**2 / 2)
    if design.generator == "gain":
        drive = drive * np.exp(design.depth * weighted_sum(design, features, groups, rng))
    return standardise_runs(drive, groups)


def weighted_sum(
    design: Design, features: np.ndarray, groups: np.ndarray, rng: np.random.Generator
) -> Float[np.ndarray, "rows targets"]:
    """Random weighted sum of variance 1 for each target, through the kernels where there are lags."""
    lags = np.arange(design.max_lag + 1)
    shares = np.repeat(np.array(design.shares) / np.sqrt(design.bands), design.bands)
    weights = rng.normal(size=(len(shares), design.targets)) * shares[:, None]
    if design.active:
        weights *= rng.permuted(np.arange(len(shares))[:, None] < np.full(design.targets, design.active), axis=0)
    if design.max_lag:
        peaks = rng.uniform(0, design.max_lag, size=weights.shape)
        weights = (np.exp(-0.5 * (lags[:, None, None] - peaks) ** 2) * weights).reshape(-1, design.targets)
    total = lagged_design(features, groups, lags) @ weights
    return total / total.std(axis=0)


def draw_repeats(
    world: World, design: Design, repeats: int, rng: np.random.Generator
) -> Float[np.ndarray, "repeats rows targets"]:
    """Responses to the same stimuli with independent noise, in units of the signal."""
    if design.is_counts:
        return rng.poisson(world.signal, size=(repeats, *world.signal.shape)).astype(float)
    noise = [autoregressive(world.groups, design.targets, design.noise_memory, rng) for _ in range(repeats)]
    return world.signal + np.sqrt(world.noise_variance) * np.stack(noise)


def stated_reliability(world: World, design: Design) -> Float[np.ndarray, "targets"]:
    """rho_R of the test responses in closed form; a Poisson count has the variance of its rate."""
    runs = by_run(world.signal[world.training :], world.groups[world.training :])
    power = np.stack([run.var(axis=0) for run in runs])
    noise = world.noise_variance * kept_variance(design.rows, design.noise_memory)
    if design.is_counts:
        noise = np.stack([run.mean(axis=0) for run in runs])
    return np.sqrt(power / (power + noise / design.repeats)).mean(axis=0) ** 2
