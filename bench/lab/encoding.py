"""From features and a recording to held-out predictions, and what chance makes of them under the same folds."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from types import ModuleType

import numpy as np
from jaxtyping import Float, Int
from scipy.signal import resample_poly

from bench.core.contract import BadInput, generator
from bench.kernels.correlation import correlate_folds
from bench.kernels.regression import Standardisation
from bench.lab.features import RESPONSES, Features
from bench.lab.settings import Encoding
from bench.neuro.blocks import Split, equal_blocks, split_blocks
from bench.neuro.haemodynamics import cosine_drifts
from bench.neuro.recording import Recording, step, steps
from bench.tracks.encoding.controls.autocorrelated_features import smooth_noise
from bench.tracks.encoding.methods import banded_ridge, lagged_ridge, ridge
from bench.tracks.encoding.types import Problem

METHODS: dict[str, ModuleType] = {"ridge": ridge, "lagged_ridge": lagged_ridge, "banded_ridge": banded_ridge}
CANDIDATES = 16  # copies of the predictions that the choice of a penalty holds
SLOWEST = 0.99  # lag-1 correlation of noise features at most, so that they are stationary


@dataclass(frozen=True)
class Folds:
    """How samples are held out: `groups[t]` is the run or block of sample t, and each is tested once."""

    scheme: str
    groups: Int[np.ndarray, "time"]
    splits: list[Split]


def make_folds(recording: Recording, chosen: Encoding) -> Folds:
    """Leave one run out; with a single run, contiguous blocks with a gap on either side of what is tested.

    Raises `BadInput` where the gaps leave nothing to train on.
    """
    known, groups = np.unique(recording.runs, return_inverse=True)
    scheme, gap, least = "leave one run out", 0, 0
    if len(known) == 1:
        groups = equal_blocks(len(groups), chosen.blocks)
        gap = int(np.ceil(chosen.gap * recording.sampling_rate))
        scheme, least = f"{chosen.blocks} contiguous blocks with gaps of {chosen.gap:g} s", len(groups) // chosen.blocks
    count = int(groups.max()) + 1
    splits = [split_blocks(groups, np.arange(count) == one, gap) for one in range(count)]
    fewest = min(len(split.train) for split in splits)
    if fewest < least:
        raise BadInput(
            f"subject {recording.subject}: with {scheme} a fold trains on {fewest} of {len(groups)} samples; "
            "give fewer blocks or a shorter gap, or record another run"
        )
    return Folds(scheme, groups, splits)


def slowed(recording: Recording, rate: float) -> Recording:
    """The recording at `rate` (Hz) if it is faster, each run low-passed and resampled by itself.

    The new rate is the old one times a ratio of whole numbers up to 1000 and may differ from `rate` by rounding.
    """
    up, down = _ratio(rate / recording.sampling_rate)
    if up >= down:
        return recording
    runs, first = np.unique(recording.runs, return_index=True)
    ordered = runs[np.argsort(first)]
    parts = [resample_poly(recording.values[recording.runs == run], up, down, axis=0) for run in ordered]
    made = recording.sampling_rate * up / down
    return dataclasses.replace(
        recording,
        values=np.concatenate(parts),
        runs=np.repeat(ordered, [len(part) for part in parts]),
        sampling_rate=made,
        provenance=[*recording.provenance, step("resample for the fit", rate_hz=made)],
    )


def _ratio(share: float) -> tuple[int, int]:
    found = Fraction(share).limit_denominator(1000)
    return found.numerator, found.denominator


def filtered(features: Features, recording: Recording, chosen: Encoding) -> Features:
    """What was high-passed in the responses is high-passed in convolved features, run by run, with the same cosines.

    Only where a haemodynamic response was convolved: delayed features are filtered by the weights of their lags.
    """
    cutoff = next((one["high_pass_s"] for one in steps(recording) if "high_pass_s" in one), None)
    if cutoff is None or chosen.alignment not in RESPONSES:
        return features
    values = features.values.copy()
    for run in np.unique(recording.runs):
        rows = recording.runs == run
        drifts = cosine_drifts(int(rows.sum()), 1 / recording.sampling_rate, cutoff)
        values[rows] -= drifts @ (drifts.T @ values[rows])
    return dataclasses.replace(features, values=values)


def predict(
    features: Features, recording: Recording, folds: Folds, chosen: Encoding
) -> Float[np.ndarray, "time sites"]:
    """The prediction of every sample by the fold that did not train on it, in the unit of the recording.

    Sites are fitted in batches: each takes its own penalty, so that batches change nothing.
    """
    predicted = np.empty_like(recording.values, dtype=float)
    for split in folds.splits:
        for sites in batches(recording, chosen):
            problem = problem_of(features, recording, split, sites, chosen)
            answer = METHODS[chosen.method].solve(problem, generator("lab fit", recording.subject))
            predicted[split.test, sites] = answer.predictions
    return predicted


def problem_of(features: Features, recording: Recording, split: Split, sites: slice, chosen: Encoding) -> Problem:
    """One fold as a problem of the encoding track."""
    return Problem(
        train_features=features.values[split.train],
        train_responses=recording.values[split.train, sites],
        train_groups=split.train_groups,
        test_features=features.values[split.test],
        test_groups=split.test_groups,
        bands=features.bands,
        sampling_rate=recording.sampling_rate,
        max_lag=round(chosen.lag * recording.sampling_rate),
        units=recording.unit,
        response_kind="continuous",
    )


def batches(recording: Recording, chosen: Encoding) -> Iterator[slice]:
    """Slices of sites whose candidate predictions take at most `targets_mb`."""
    width = batch_width(len(recording.values), chosen)
    for start in range(0, recording.values.shape[1], width):
        yield slice(start, start + width)


def batch_width(samples: int, chosen: Encoding) -> int:
    return max(1, int(chosen.targets_mb * 2**20 // (CANDIDATES * 8 * samples)))


def site_scores(
    predicted: Float[np.ndarray, "time sites"], recording: Recording, folds: Folds
) -> Float[np.ndarray, "sites"]:
    """Correlation of prediction and response in each held-out run or block, averaged: the raw score."""
    return correlate_folds(predicted, recording.values, folds.groups)


def noise_features(features: Features, recording: Recording, rng: np.random.Generator) -> Features:
    """Autoregressive noise in place of the features: as many, as smooth, and without knowledge of any stimulus."""
    standard = Standardisation.of(features.values).apply(features.values)
    same_run = np.diff(recording.runs) == 0
    memory = np.clip((standard[1:] * standard[:-1])[same_run].mean(axis=0), -SLOWEST, SLOWEST)
    parts = [smooth_noise(int((recording.runs == run).sum()), memory, rng) for run in _in_order(recording.runs)]
    return dataclasses.replace(features, values=np.concatenate(parts))


def _in_order(runs: np.ndarray) -> np.ndarray:
    return runs[np.sort(np.unique(runs, return_index=True)[1])]


def permuted_scores(
    features: Features, recording: Recording, folds: Folds, chosen: Encoding
) -> Float[np.ndarray, "permutations sites"]:
    """Scores of everything done again with responses whose blocks of time change places inside each run or block.

    The fit is repeated, penalties too: folds train on each other's test rows, so that their scores rise and fall
    together, and permuting predictions alone takes that away (two runs: p below .05 in a tenth of null sites). Blocks
    keep the memory of the noise; one order serves all sites, so that what they share stays shared. Permuted responses
    are further columns of one fit.
    """
    length = max(1, round(chosen.block * recording.sampling_rate))
    rng = generator("lab permutations", recording.subject)
    orders = [deal_blocks(folds.groups, length, rng) for _ in range(chosen.permutations)]
    sites = recording.values.shape[1]
    at_once = max(1, batch_width(len(recording.values), chosen) // sites)
    scores = []
    for start in range(0, len(orders), at_once):
        values = np.concatenate([recording.values[order] for order in orders[start : start + at_once]], axis=1)
        permuted = dataclasses.replace(recording, values=values)
        scores.append(site_scores(predict(features, permuted, folds, chosen), permuted, folds).reshape(-1, sites))
    return np.concatenate(scores)


def deal_blocks(groups: Int[np.ndarray, "time"], length: int, rng: np.random.Generator) -> Int[np.ndarray, "time"]:
    """An order of rows in which blocks of about `length` rows change places inside their group."""
    order = np.empty(len(groups), dtype=int)
    for group in np.unique(groups):
        rows = np.flatnonzero(groups == group)
        blocks = np.array_split(np.roll(rows, int(rng.integers(length))), max(2, round(len(rows) / length)))
        order[rows] = np.concatenate([blocks[number] for number in rng.permutation(len(blocks))])
    return order


def adjusted_p(
    scores: Float[np.ndarray, "sites"], permuted: Float[np.ndarray, "permutations sites"], correction: str
) -> Float[np.ndarray, "sites"]:
    """One-sided p of each site over all sites: by the largest score of each permutation, or Benjamini-Hochberg.

    p = (1 + number at least as large) / (1 + permutations): a p of 0 does not exist (Phipson and Smyth 2010).
    Westfall and Young (1993); Nichols and Holmes (2002); Benjamini and Hochberg (1995).
    """
    if correction == "max":
        return (1 + (permuted.max(axis=1)[:, None] >= scores).sum(axis=0)) / (1 + len(permuted))
    alone = (1 + (permuted >= scores).sum(axis=0)) / (1 + len(permuted))
    order = np.argsort(alone)[::-1]
    steps = alone[order] * len(alone) / np.arange(len(alone), 0, -1)
    adjusted = np.empty_like(alone)
    adjusted[order] = np.minimum(np.minimum.accumulate(steps), 1.0)
    return adjusted
