"""The track `leakage`: what can be reached by simulation, folds against scikit-learn, and its scorer's mutants."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import LeaveOneGroupOut

from bench.core.catalogue import load_plugin
from bench.core.config import ROOT
from bench.core.contract import InvalidAnswer, generator
from bench.kernels.correlation import correlate_columns
from bench.kernels.regression import PENALTIES
from bench.tracks.leakage.protocol import contiguous, inner_runs, run_folds, scores_of_sets
from bench.tracks.leakage.types import Answer, check

TRACK = ROOT / "bench" / "tracks" / "leakage"
RUNS, SCORE = load_plugin(TRACK / "tasks" / "runs.py"), load_plugin(TRACK / "score.py")


def method(name):
    return load_plugin(TRACK / "methods" / f"{name}.py")


def made(instance, seed=0):
    return RUNS.generate(instance, seed, generator("test", instance, seed), None)


def kinds(problem):
    """Sets by what they are: `indicators` are the widest but for the noise, `polynomials` have four columns."""
    sizes = np.bincount(problem.sets)
    return {"indicators": int(sizes.argmax()), "polynomials": int(sizes.argmin())}


@pytest.mark.parametrize("name", ["white", "slow", "buried"])
def test_what_can_be_reached_is_the_signals_mean_correlation_over_draws_of_noise(name):
    """One signal, 150 draws of noise, r in every run: within .02 of the closed form."""
    design, rng = RUNS.DESIGNS[name], np.random.default_rng(0)
    signal = RUNS.draw_runs(design, RUNS.TARGETS, rng)
    signal /= signal.std(axis=0)
    runs = np.repeat(np.arange(RUNS.RUNS), RUNS.ROWS)
    found = []
    for _ in range(150):
        response = signal + RUNS.draw_runs(design, RUNS.TARGETS, rng) / np.sqrt(design.snr)
        found.append([correlate_columns(signal[runs == run], response[runs == run]).mean() for run in range(RUNS.RUNS)])
    assert np.mean(found) == pytest.approx(RUNS.reached(signal, design), abs=0.02)


def test_unrelated_sets_are_what_they_are_said_to_be():
    bumps = RUNS.indicators().reshape(RUNS.RUNS, RUNS.ROWS, RUNS.RUNS, RUNS.ROWS)
    assert all((bumps[a, :, b] == 0).all() for a in range(RUNS.RUNS) for b in range(RUNS.RUNS) if a != b)
    np.testing.assert_allclose(np.diagonal(bumps[0, :, 0]), 1)
    course = RUNS.polynomials().reshape(RUNS.RUNS, RUNS.ROWS, -1)
    assert (course == course[0]).all()
    fit, *_ = np.linalg.lstsq(np.c_[np.ones(RUNS.ROWS), course[0]], RUNS.slow_course(), rcond=None)
    assert np.var(RUNS.slow_course() - np.c_[np.ones(RUNS.ROWS), course[0]] @ fit) < 0.01  # they hold the drift


def test_shuffled_folds_score_samples_by_their_neighbours_and_grouped_ones_do_not():
    """The order of the published figures: indicators far above true features when shuffled, nothing when grouped."""
    problem, truth = made("slow")
    at, true = kinds(problem)["indicators"], int(truth.attainable.argmax())
    shuffled = method("shuffled_folds").solve(problem, np.random.default_rng(0)).scores
    grouped = method("grouped_folds").solve(problem, None).scores
    assert shuffled[at] > 0.7
    assert shuffled[at] > shuffled[true] + 0.05
    assert grouped[at] == pytest.approx(0, abs=0.01)  # a held-out run's columns are 0 in training
    assert grouped[true] > 0.5


def test_a_drift_that_every_run_has_is_predicted_from_the_time_unless_it_is_taken_out():
    problem, _ = made("drift")
    at = kinds(problem)["polynomials"]
    assert method("grouped_folds").solve(problem, None).scores[at] > 0.4
    assert method("grouped_high_passed").solve(problem, None).scores[at] < 0.15
    cleaned = method("grouped_high_passed").by_run(np.tile(RUNS.slow_course(), RUNS.RUNS)[:, None], problem)
    assert np.abs(cleaned).max() < 1e-9


def test_leaving_runs_out_is_that_of_scikit_learn():
    """One set, penalties chosen by scikit-learn's own ridge on standardised features with the same folds."""
    problem, truth = made("white")
    columns = problem.sets == int(truth.attainable.argmax())
    one = replace(
        problem,
        responses=problem.responses[:, :2],
        features=problem.features[:, columns],
        sets=np.zeros(int(columns.sum()), int),
    )
    found = method("grouped_folds").solve(one, None).scores[0]
    scores = []
    for train, held in LeaveOneGroupOut().split(one.features, groups=one.runs):
        mean, spread = one.features[train].mean(axis=0), one.features[train].std(axis=0)
        x, new = (one.features[train] - mean) / spread, (one.features[held] - mean) / spread
        kept = [np.setdiff1d(np.arange(len(train)), rows) for rows in inner_runs(one)(train)]
        folds = list(zip(kept, inner_runs(one)(train), strict=True))
        predicted = []
        for target in one.responses.T:
            fit = RidgeCV(PENALTIES * len(train), cv=folds, scoring="neg_mean_squared_error").fit(x, target[train])
            predicted.append(fit.predict(new))
        scores.append(correlate_columns(np.stack(predicted, axis=1), one.responses[held]).mean())
    # scikit-learn's penalty does not follow the number of rows of a fold: close, not equal
    assert found == pytest.approx(np.mean(scores), abs=0.01)


def test_a_gap_keeps_neighbours_out_of_training():
    problem, _ = made("slow")
    seen = []

    def solve(problem, folds, inner, keep):
        seen.extend((held, keep(held)) for held in folds)
        return np.zeros(5)

    gapped = method("gapped_folds")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gapped, "scores_of_sets", solve)
        gapped.solve(problem, None)
    assert sum(len(held) for held, _ in seen) == len(problem.runs)
    assert all(np.abs(held[:, None] - train).min() == 9 for held, train in seen)


def test_folds_hold_every_row_once():
    problem, _ = made("slow")
    for folds in (run_folds(problem), contiguous(len(problem.runs), 5)):
        np.testing.assert_array_equal(np.sort(np.concatenate(folds)), np.arange(len(problem.runs)))
    constant = replace(problem, features=np.ones_like(problem.features))
    assert (scores_of_sets(constant, run_folds(problem), inner_runs(problem)) == 0).all()


def test_answers_that_are_no_correlations_are_refused():
    problem, truth = made("slow")
    check(problem, Answer(truth.attainable))
    for bad in (np.zeros(4), np.array([0, 0, 0, 0, np.nan]), np.array([0, 0, 0, 0, 1.5])):
        with pytest.raises(InvalidAnswer):
            check(problem, Answer(bad))


# -- scorers: (score of the true set, of the best other, what can be reached) -> headline ------------------------------


def sound(true, other, best):
    problem, truth = made("slow")
    scores = np.where(truth.attainable > 0, true, other)
    truth = replace(truth, attainable=np.where(truth.attainable > 0, best, 0.0))
    return SCORE.score(problem, truth, Answer(scores))["margin"]


def true_score_alone(true, other, best):
    return true


def uncapped(true, other, best):
    return true - max(0.0, other)


def uncut(true, other, best):
    return min(true, best) - other


def a_protocol_whose_unrelated_sets_win_scores_below_nothing(scorer):
    assert scorer(0.77, 0.87, 0.69) < scorer(0.0, 0.0, 0.69) == 0


def more_than_can_be_reached_is_no_credit(scorer):
    assert scorer(0.95, 0.0, 0.69) == scorer(0.69, 0.0, 0.69)


def unrelated_sets_below_nothing_are_no_credit(scorer):
    assert scorer(0.5, -0.4, 0.69) == scorer(0.5, 0.0, 0.69)


@pytest.mark.parametrize(
    ("scorer", "sentence"),
    [
        (true_score_alone, a_protocol_whose_unrelated_sets_win_scores_below_nothing),
        (uncapped, more_than_can_be_reached_is_no_credit),
        (uncut, unrelated_sets_below_nothing_are_no_credit),
    ],
    ids=["true_score_alone", "uncapped", "uncut"],
)
def test_a_broken_margin_breaks_its_sentence_and_the_sound_one_keeps_it(scorer, sentence):
    sentence(sound)
    with pytest.raises(AssertionError):
        sentence(scorer)
