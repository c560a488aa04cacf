"""Peak-to-peak thresholds that are learnt from the trials themselves by cross-validation.

For one site, a threshold keeps the trials whose amplitude (largest minus smallest value) does not exceed it. Its error
is the root mean square difference, over time, between the mean of the kept training trials and the *median* of those
that were held out, averaged over folds: too low a threshold leaves few trials and a noisy mean, too high a one lets
artefacts into the mean, and the median does not see them. Only the amplitudes that occur change what is kept, so that
all of them are tried and the search is exact. Multiplying the data by c multiplies the threshold by c.

Error and idea: Jas M, Engemann D, Bekhti Y, Raimondo F, Gramfort A (2017), NeuroImage 159:417-429, eq. 2-4.
Departs from the paper in the search (exhaustive, not Bayesian), and in the choice: the largest threshold whose error is
within one standard error (over folds) of the least, so that trials go only where that is seen to help.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int


def peak_to_peak(trials: Float[np.ndarray, "*any time"]) -> Float[np.ndarray, "*any"]:
    """Largest minus smallest value over time."""
    return trials.max(axis=-1) - trials.min(axis=-1)


def deal(trials: int, folds: int, rng: np.random.Generator) -> Int[np.ndarray, "trials"]:
    """The fold of each trial, sizes equal to within one."""
    return rng.permutation(np.arange(trials) % folds)


def threshold_errors(
    trials: Float[np.ndarray, "trials time"], fold: Int[np.ndarray, "trials"]
) -> tuple[Float[np.ndarray, "candidates"], Float[np.ndarray, "folds candidates"]]:
    """The amplitudes that occur, in rising order, and the error of each as threshold in each fold.

    A threshold that keeps no training trial has an infinite error.
    """
    amplitude = peak_to_peak(trials)
    candidates = np.unique(amplitude)
    return candidates, np.stack([_fold_errors(trials, amplitude, fold == k, candidates) for k in np.unique(fold)])


def _fold_errors(
    trials: Float[np.ndarray, "trials time"],
    amplitude: Float[np.ndarray, "trials"],
    held: Bool[np.ndarray, "trials"],
    candidates: Float[np.ndarray, "candidates"],
) -> Float[np.ndarray, "candidates"]:
    """Means of the n smallest training trials for every n at once, from cumulative sums in order of amplitude."""
    order = np.flatnonzero(~held)[np.argsort(amplitude[~held], kind="stable")]
    means = np.cumsum(trials[order], axis=0) / np.arange(1, len(order) + 1)[:, None]
    error = np.sqrt(np.square(means - np.median(trials[held], axis=0)).mean(axis=1))
    kept = np.searchsorted(amplitude[order], candidates, side="right")
    return np.where(kept > 0, error[np.maximum(kept, 1) - 1], np.inf)


def learn_threshold(trials: Float[np.ndarray, "trials time"], fold: Int[np.ndarray, "trials"]) -> float:
    """The largest amplitude whose error is within one standard error of the least."""
    candidates, errors = threshold_errors(trials, fold)
    with np.errstate(invalid="ignore"):
        mean, spread = errors.mean(axis=0), errors.std(axis=0, ddof=1) / np.sqrt(len(errors))
    best = int(np.argmin(mean))
    return float(candidates[np.flatnonzero(mean <= mean[best] + spread[best])[-1]])


def learn_thresholds(
    trials: Float[np.ndarray, "trials sites time"], fold: Int[np.ndarray, "trials"]
) -> Float[np.ndarray, "sites"]:
    """`learn_threshold` of each site by itself."""
    return np.array([learn_threshold(trials[:, site], fold) for site in range(trials.shape[1])])


def bad_trials(
    amplitude: Float[np.ndarray, "trials sites"], threshold: Float[np.ndarray, "sites"], consensus: float
) -> Bool[np.ndarray, "trials"]:
    """Trials in which more than the share `consensus` of the sites exceeds its threshold."""
    return (amplitude > threshold).mean(axis=1) > consensus
