"""A linear discriminant at every time point.

Shrinkage LDA over channels at each sample. The sample whose discriminant tells held-out runs apart best decides the
test trials; labels can be told since the first sample at which the held-out half of the runs stands out, by
flips of the runs' signs and the largest mean over time. Pattern and attribution are those of the deciding sample.

Departs from King and Dehaene in LDA where they use a support vector machine.
"""

from __future__ import annotations

import numpy as np

from bench.kernels.discriminant import activation_pattern, fit_lda, linear_attribution
from bench.kernels.regression import group_folds
from bench.tracks.decoding.experiment import DataSet, Decoder, decode
from bench.tracks.decoding.timing import by_time, first_onset, halves, run_margins, stands_out
from bench.tracks.decoding.types import Answer, Problem

REFERENCE = "King and Dehaene (2014), Trends in Cognitive Sciences 18:203-210, doi:10.1016/j.tics.2014.01.002"
INVARIANT_TO = ("scale",)
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator, *, folds: int = 3) -> Answer:
    return decode(problem, lambda data: fit(data, folds))


def fit(data: DataSet, folds: int) -> Decoder:
    best = int(held_out_margins(data, group_folds(data.groups, folds)).mean(axis=1).argmax())
    weights, offsets = fit_lda(data.trials[:, :, best], data.labels, data.classes)
    at_best, contrast = data.trials[:, :, best], weights - weights.mean(axis=1, keepdims=True)
    early, late = halves(data)
    return Decoder(
        lambda trials: trials[:, :, best] @ weights + offsets,
        pattern=activation_pattern(at_best, weights[:, 1] - weights[:, 0]) if data.classes == 2 else None,
        attribution=np.mean([linear_attribution(at_best[:, :, None], one[:, None]) for one in contrast.T], axis=0),
        onset=first_onset(stands_out(margins_of(early, late))),
    )


def margins_of(train: DataSet, test: DataSet) -> np.ndarray:
    """Margins [time, runs] of the test runs."""
    weights, offsets = fit_lda(by_time(train.trials), train.labels, train.classes)
    return run_margins(by_time(test.trials) @ weights + offsets[:, None], test)


def held_out_margins(data: DataSet, folds: list[np.ndarray]) -> np.ndarray:
    """Margins [time, runs] of all runs by discriminants that have not seen them."""
    return np.concatenate([margins_of(data.without(held), data.part(held)) for held in folds], axis=1)
