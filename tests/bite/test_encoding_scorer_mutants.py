"""Broken scorers of encoding models are rejected by the sentences that the sound one keeps."""

import numpy as np
import pytest
from scipy import stats

from bench.core.catalogue import load_plugin
from bench.core.config import ROOT
from bench.core.contract import generator
from bench.kernels.correlation import correlate_columns, correlate_folds

TRACK = ROOT / "bench" / "tracks" / "encoding"
PLANTED, SCORE = load_plugin(TRACK / "tasks" / "planted.py"), load_plugin(TRACK / "score.py")
MEAN, ORACLE = (load_plugin(TRACK / "controls" / f"{name}.py") for name in ("training_mean", "oracle"))
NOISY = ("linear_buried", "lagged_tesla", "linear_slow", "banded_buried")


# -- scorers: (predicted, observed, reliability, folds) -> score --------------------------------------------------


def sound(predicted, observed, reliability, folds):
    return SCORE.over_ceiling(correlate_folds(predicted, observed, folds), np.sqrt(reliability))


def divided_by_reliability(predicted, observed, reliability, folds):
    return SCORE.over_ceiling(correlate_folds(predicted, observed, folds), reliability)


def divided_twice(predicted, observed, reliability, folds):
    """The ceiling's square root taken for the ceiling, and the ratio squared: (r / rho)^2."""
    return divided_by_reliability(predicted, observed, reliability, folds) ** 2


def pooled_over_folds(predicted, observed, reliability, folds):
    return SCORE.over_ceiling(correlate_columns(predicted, observed), np.sqrt(reliability))


def clipped(predicted, observed, reliability, folds):
    ratios = correlate_folds(predicted, observed, folds) / np.sqrt(reliability)
    return float(np.clip(ratios, 0, 1).mean())


def constant_folds_dropped(predicted, observed, reliability, folds):
    """NaN where the prediction is constant, and the mean over what is left."""
    r = []
    for fold in np.unique(folds):
        rows = folds == fold
        constant = predicted[rows].std(axis=0) < 1e-12 * np.abs(observed[rows]).max(axis=0)
        r.append(np.where(constant, np.nan, correlate_columns(predicted[rows], observed[rows])))
    known = ~np.isnan(r)
    mean = np.where(known, r, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    return SCORE.over_ceiling(mean, np.sqrt(reliability))


# -- sentences: true of the sound scorer ----------------------------------------------------------------------------


def the_oracle_scores_1_within_its_interval_at_low_reliability(scorer):
    for instance in NOISY:
        found = []
        for seed in range(20):
            problem, truth = PLANTED.generate(instance, seed, generator("scorer", instance, seed), None)
            found.append(scorer(truth.noiseless, truth.test_responses, truth.reliability, problem.test_groups))
        low, high = stats.t.interval(0.999, 19, np.mean(found), stats.sem(found))
        assert low < 1 < high


def knowing_the_mean_of_each_fold_alone_scores_nothing(scorer):
    rng, folds = np.random.default_rng(0), np.repeat(np.arange(6), 50)
    offsets = rng.normal(size=(6, 3))[folds]
    observed = 3 * offsets + rng.normal(size=(300, 3))
    assert abs(scorer(offsets + 0.1 * rng.normal(size=(300, 3)), observed, np.ones(3), folds)) < 0.2


def answers_that_know_nothing_score_0_on_average(scorer):
    rng, folds = np.random.default_rng(0), np.repeat(np.arange(4), 30)
    found = [scorer(*rng.normal(size=(2, 120, 5)), np.full(5, 0.3), folds) for _ in range(200)]
    low, high = stats.t.interval(0.999, 199, np.mean(found), stats.sem(found))
    assert low < 0 < high


def going_silent_in_a_fold_never_helps(scorer):
    """A prediction that is right in one fold and constant in three has a quarter of the score."""
    rng, folds = np.random.default_rng(0), np.repeat(np.arange(4), 30)
    observed = rng.normal(size=(120, 5))
    silent = np.where((folds == 0)[:, None], observed, 0.7)
    assert scorer(silent, observed, np.ones(5), folds) == pytest.approx(0.25)


SENTENCES = (
    the_oracle_scores_1_within_its_interval_at_low_reliability,
    knowing_the_mean_of_each_fold_alone_scores_nothing,
    answers_that_know_nothing_score_0_on_average,
    going_silent_in_a_fold_never_helps,
)
REJECTIONS = (
    (divided_by_reliability, the_oracle_scores_1_within_its_interval_at_low_reliability),
    (divided_twice, the_oracle_scores_1_within_its_interval_at_low_reliability),
    (clipped, the_oracle_scores_1_within_its_interval_at_low_reliability),
    (clipped, answers_that_know_nothing_score_0_on_average),
    (pooled_over_folds, knowing_the_mean_of_each_fold_alone_scores_nothing),
    (constant_folds_dropped, going_silent_in_a_fold_never_helps),
)


@pytest.mark.parametrize("sentence", SENTENCES, ids=lambda one: one.__name__)
def test_the_sound_scorer_keeps_every_sentence(sentence):
    sentence(sound)


@pytest.mark.parametrize(("scorer", "sentence"), REJECTIONS, ids=lambda one: one.__name__)
def test_a_broken_scorer_breaks_its_sentence(scorer, sentence):
    with pytest.raises(AssertionError):
        sentence(scorer)


def test_the_sound_scorer_is_the_one_of_the_track():
    for instance in NOISY:
        problem, truth = PLANTED.generate(instance, 0, generator("scorer", instance, 0), None)
        answer = ORACLE.solve(problem, None, truth=truth)
        expected = sound(answer.predictions, truth.test_responses, truth.reliability, problem.test_groups)
        assert SCORE.score(problem, truth, answer)["correlation"] == expected
        assert SCORE.score(problem, truth, MEAN.solve(problem, None))["correlation"] == 0
