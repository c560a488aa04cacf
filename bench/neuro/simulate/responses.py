"""Responses of a region that is driven by known units: four families of generators, and graded noise.

Each family makes the noiseless signal of every site from the activations of the driving units (rows are stimuli):

- `mix_linearly`: weighted sums with independent normal weights; the expected Gram matrix of the sites is that of the
  units, so that the region's geometry is theirs up to sampling of sites;
- `select_sparsely`: each site is one unit with a gain of its own;
- `mix_with_gain`: a weighted sum times exp(d u), u another weighted sum, both of unit variance. For Gaussian units the
  best linear model explains the share exp(-d^2) of the variance;
- `warp`: sign(m) |m|^a of a weighted sum m. For Gaussian units its correlation with m is
  E|z|^(a + 1) / sqrt(E|z|^(2 a)), with E|z|^k = 2^(k / 2) Gamma((k + 1) / 2) / sqrt(pi).

Signals are standardised site by site, so that a region has no unit. Noise of variance v in one repeat then leaves the
mean of R repeats the reliability 1 / (1 + v / R).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int
from scipy.signal import lfilter

Units = Float[np.ndarray, "stimuli units"]
Sites = Float[np.ndarray, "stimuli sites"]


def mix_linearly(units: Units, sites: int, rng: np.random.Generator) -> Sites:
    """Weighted sums of centred units, weights of variance 1 / units."""
    weights = rng.normal(size=(units.shape[1], sites)) / np.sqrt(units.shape[1])
    return (units - units.mean(axis=0)) @ weights


def select_sparsely(units: Units, sites: int, rng: np.random.Generator, *, spread: float = 0.5) -> Sites:
    """One unit a site, none twice before all were taken, times a gain of log-normal spread; centred.

    Units that do not vary are left out. Raises `ValueError` where no unit varies.
    """
    alive = np.flatnonzero(units.std(axis=0) > 0)
    if not len(alive):
        raise ValueError(f"none of {units.shape[1]} units varies: there is nothing to select")
    chosen = np.concatenate([rng.permutation(alive) for _ in range(-(-sites // len(alive)))])[:sites]
    gains = np.exp(spread * rng.normal(size=sites))
    return (units[:, chosen] - units[:, chosen].mean(axis=0)) * gains


def mix_with_gain(units: Units, sites: int, rng: np.random.Generator, *, depth: float = 0.8) -> Sites:
    """A standardised weighted sum times exp(depth * another one)."""
    sums, drive = (standardise(mix_linearly(units, sites, rng)) for _ in range(2))
    return sums * np.exp(depth * drive)


def warp(units: Units, sites: int, rng: np.random.Generator, *, power: float = 3.0) -> Sites:
    """A standardised weighted sum, raised to a power with its sign kept."""
    sums = standardise(mix_linearly(units, sites, rng))
    return np.sign(sums) * np.abs(sums) ** power


FAMILIES: dict[str, Callable[..., np.ndarray]] = {
    "linear": mix_linearly,
    "sparse": select_sparsely,
    "gain": mix_with_gain,
    "warped": warp,
}


def standardise(columns: Sites) -> Sites:
    """Columns of mean 0 and variance 1. Raises `ValueError` where one does not vary."""
    spread = columns.std(axis=0)
    if not spread.all():
        raise ValueError(f"column {int(np.argmin(spread))} does not vary and cannot be standardised")
    return (columns - columns.mean(axis=0)) / spread


def repeat_noisily(
    signal: Sites, variance: float, noise: Float[np.ndarray, "repeats stimuli sites"]
) -> Float[np.ndarray, "repeats stimuli sites"]:
    """The standardised signal in every repeat, plus noise of variance 1 that is brought to the given one."""
    return standardise(signal) + np.sqrt(variance) * noise


def draw_noise(
    runs: Int[np.ndarray, "stimuli"],
    sites: int,
    rng: np.random.Generator,
    *,
    repeats: int = 2,
    memory: float = 0.0,
    shared: float = 0.0,
) -> Float[np.ndarray, "repeats stimuli sites"]:
    """Gaussian noise of variance 1, independent between repeats and runs.

    `memory` is its correlation from one stimulus to the next inside a run; `shared` the share of its variance that is
    one time course in all sites, with a sign of each site's own.
    """
    signs = rng.choice([-1.0, 1.0], size=sites)
    private = autoregressive(rng.normal(size=(repeats, len(runs), sites)), runs, memory)
    common = autoregressive(rng.normal(size=(repeats, len(runs), 1)), runs, memory)
    return np.sqrt(1 - shared) * private + np.sqrt(shared) * common * signs


def autoregressive(
    innovations: Float[np.ndarray, "*any stimuli columns"], runs: Int[np.ndarray, "stimuli"], memory: float
) -> Float[np.ndarray, "*any stimuli columns"]:
    """Stationary first-order series of variance 1 in every run, from independent standard normal innovations."""
    series = np.empty_like(innovations)
    for run in np.unique(runs):
        drawn = innovations[..., runs == run, :] * np.sqrt(1 - memory**2)
        drawn[..., 0, :] /= np.sqrt(1 - memory**2)
        series[..., runs == run, :] = lfilter([1.0], [1.0, -memory], drawn, axis=-2)
    return series
