"""What every decoder is asked: fit on training trials, decide the test trials, and say whether that means anything.

A method gives a `Fit`; `decode` applies it to all data sets of a problem. Evidence is taken from the training trials
alone: a decoder of the first half of the runs is tried on the others, whose AUCs are independent of each other where
labels say nothing, and a one-sided t test holds them against .5. Taking the halves in turn would look at the
chance likeness of both halves twice, and find something in more than twice as many data sets as it should.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.special import log_softmax
from scipy.stats import t as student

from bench.kernels.ranking import auroc
from bench.kernels.regression import group_folds
from bench.tracks.decoding.types import Answer, Problem

Trials = Float[np.ndarray, "trials channels time"]


@dataclass(frozen=True)
class DataSet:
    """Labelled trials of one data set."""

    trials: Trials
    labels: Int[np.ndarray, "trials"]
    groups: Int[np.ndarray, "trials"]
    classes: int
    sampling_rate: float

    def part(self, rows: np.ndarray) -> DataSet:
        return DataSet(self.trials[rows], self.labels[rows], self.groups[rows], self.classes, self.sampling_rate)

    def without(self, rows: np.ndarray) -> DataSet:
        return self.part(np.setdiff1d(np.arange(len(self.labels)), rows))


@dataclass(frozen=True)
class Decoder:
    """A fitted decoder, and what it says beside its decisions, as in `Answer`; for one data set."""

    scores: Callable[[Trials], Float[np.ndarray, "trials classes"]]
    pattern: Float[np.ndarray, "channels"] | None = None
    attribution: Float[np.ndarray, "channels"] | None = None
    onset: int | None = None
    dynamics: str | None = None


Fit = Callable[[DataSet], Decoder]


def data_sets(problem: Problem) -> list[DataSet]:
    every = zip(problem.train_trials, problem.train_labels, problem.train_groups, strict=True)
    return [DataSet(*one, problem.classes, problem.sampling_rate) for one in every]


def decode(problem: Problem, fit: Fit) -> Answer:
    """Fit on each data set, decide its test trials, and give the p-value of the held-out half of the runs."""
    sets = data_sets(problem)
    decoders = [fit(one) for one in sets]
    values = [p_value(run_aucs(fit, one, group_folds(one.groups, 2)[1:])) for one in sets]
    return Answer(
        scores=np.stack([one.scores(test) for one, test in zip(decoders, problem.test_trials, strict=True)]),
        p_values=np.array(values),
        onset=_stacked([one.onset for one in decoders]),
        dynamics=None if decoders[0].dynamics is None else [str(one.dynamics) for one in decoders],
        pattern=_stacked([one.pattern for one in decoders]),
        attribution=_stacked([one.attribution for one in decoders]),
    )


def _stacked(values: list) -> np.ndarray | None:
    return None if values[0] is None else np.stack(values)


def run_aucs(fit: Fit, data: DataSet, folds: list[np.ndarray]) -> Float[np.ndarray, "runs"]:
    """AUC of each held-out run, each class against the rest, by a decoder that has not seen the run's fold.

    Runs without two classes have none. A run that lies in several folds counts once in each.
    """
    found = []
    for held in folds:
        part = data.part(held)
        scores = fit(data.without(held)).scores(part.trials)
        for run in np.unique(part.groups):
            rows = part.groups == run
            if np.ptp(part.labels[rows]):
                found.append(mean_auc(scores[rows], part.labels[rows]))
    return np.array(found)


def mean_auc(scores: Float[np.ndarray, "trials classes"], labels: Int[np.ndarray, "trials"]) -> float:
    """Mean over the classes that occur of the AUC of a class's probability."""
    odds = log_softmax(scores, axis=1)
    if scores.shape[1] == 2:
        odds = scores - scores[:, ::-1]
    return float(np.mean([auroc(odds[:, label], labels == label) for label in np.unique(labels)]))


def p_value(aucs: Float[np.ndarray, "runs"]) -> float:
    """One-sided t test of runs' AUCs against .5; AUCs that are all equal are as clear as can be."""
    above, error = aucs.mean() - 0.5, aucs.std(ddof=1) / np.sqrt(len(aucs))
    if error == 0:
        return 0.0 if above > 0 else 1.0
    return float(student.sf(above / error, len(aucs) - 1))


def held_out_accuracy(
    scores: Float[np.ndarray, "... trials classes"], labels: Int[np.ndarray, "trials"]
) -> Float[np.ndarray, "..."]:
    """Mean over the classes that occur of the share decided right."""
    right = scores.argmax(axis=-1) == labels
    return np.mean([right[..., labels == label].mean(axis=-1) for label in np.unique(labels)], axis=0)
