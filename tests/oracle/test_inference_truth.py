"""The track `inference`: its truth by two routes, its methods against other implementations, its scorer's mutants."""

import os
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from scipy.linalg import toeplitz

from bench.core import data
from bench.core.catalogue import load_plugin
from bench.core.config import ROOT
from bench.core.contract import InvalidAnswer, Unsupported, generator
from bench.core.problems import Workspace
from bench.tracks.inference.events import REPETITION_TIME, draw_events
from bench.tracks.inference.types import Answer, Problem, check

TRACK = ROOT / "bench" / "tracks" / "inference"
SERIES, SCORE = load_plugin(TRACK / "tasks" / "series.py"), load_plugin(TRACK / "score.py")


def method(name, kind="methods"):
    return load_plugin(TRACK / kind / f"{name}.py")


def made(instance, seed=0):
    return SERIES.generate(instance, seed, generator("test", instance, seed), None)


@pytest.mark.parametrize("instance", sorted(SERIES.DESIGNS))
def test_the_ideal_observer_has_the_power_of_the_closed_form(instance):
    """P(|N(d, 1)| > 1.96), over 2,000 effects: within 4 standard errors. Its false-positive rate is .05."""
    p = [
        (truth.ideal[truth.related], truth.ideal[~truth.related]) for _, truth in (made(instance, s) for s in range(5))
    ]
    found, null = (np.concatenate(one) for one in zip(*p, strict=True))
    distance, cut = SERIES.DESIGNS[instance].distance, stats.norm.isf(0.025)
    expected = stats.norm.sf(cut - distance) + stats.norm.cdf(-cut - distance)
    assert (found <= 0.05).mean() == pytest.approx(expected, abs=4 * np.sqrt(expected * (1 - expected) / len(found)))
    assert (null <= 0.05).mean() == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / len(null)))
    assert stats.kstest(null, "uniform").pvalue > 1e-4


def test_the_ideal_p_is_that_of_generalised_least_squares_with_an_intercept():
    """b = (X' S^-1 X)^-1 X' S^-1 y, z = b / sqrt((X' S^-1 X)^-1), by plain inverses."""
    rng = np.random.default_rng(0)
    covariance = 0.7 ** np.arange(30)
    inverse = np.linalg.inv(toeplitz(covariance))
    x, y = rng.normal(size=(2, 4, 30))
    for row, p in enumerate(SERIES.ideal_p(x, y + 5, covariance)):
        design = np.column_stack([np.ones(30), x[row]])
        spread = np.linalg.inv(design.T @ inverse @ design)
        z = (spread @ design.T @ inverse @ (y[row] + 5))[1] / np.sqrt(spread[1, 1])
        assert p == pytest.approx(2 * stats.norm.sf(abs(z)), rel=1e-8)


def test_no_method_finds_more_than_the_ideal_observer():
    """On `slower`, whose noise costs methods most: pooled over three seeds, each below the closed form."""
    for name in ("parametric", "prewhitening", "phase_randomisation"):
        powers = []
        for seed in range(3):
            problem, truth = made("slower", seed)
            answer = method(name).solve(problem, np.random.default_rng(seed))
            powers.append(
                SCORE.score(problem, truth, answer)["power"] - SCORE.closed_form(problem, truth)["power"]["ceiling"]
            )
        assert np.mean(powers) < 0.03


def test_trains_of_events_are_sums_of_responses_in_time():
    """The mean over many trains is the events' rate, 1 / 12 s, times the area of a response, 1."""
    trains = draw_events(400, 60, np.random.default_rng(0))
    assert trains.shape == (400, 60)
    assert trains.mean() == pytest.approx(1 / 12, rel=0.02)
    assert np.abs(trains.mean(axis=0) - 1 / 12).max() < 0.02  # from the first volume on
    assert REPETITION_TIME == 2.0


def test_first_order_prewhitening_is_the_textbook_one():
    """One step of Cochrane and Orcutt, data set by data set, with scipy's regression at the end."""
    problem, _ = made("short")
    found = method("prewhitening").solve(problem, None).p
    for row in range(5):
        x, y = problem.feature[row], problem.response[row] * 1e5
        fit = stats.linregress(x, y)
        residual = y - fit.intercept - fit.slope * x
        memory = (residual[1:] @ residual[:-1]) / (residual @ residual)
        filtered = stats.linregress(x[1:] - memory * x[:-1], y[1:] - memory * y[:-1])
        assert found[row] == pytest.approx(filtered.pvalue, rel=1e-6)


def test_long_prewhitening_takes_the_order_with_the_least_criterion():
    correlation = 0.8 ** np.arange(60, dtype=float)[None]
    filters = method("prewhitening_long").chosen_filters(correlation, 60, 4)
    np.testing.assert_allclose(filters, [[0.8, 0, 0, 0]], atol=1e-12)


def test_the_newey_west_variance_is_the_sandwich_with_falling_weights():
    score = np.random.default_rng(0).normal(size=(1, 25))
    lags = np.abs(np.subtract.outer(np.arange(25), np.arange(25)))
    weights = np.maximum(1 - lags / 4, 0)
    assert method("newey_west").long_run_variance(score, 3)[0] == pytest.approx(score[0] @ weights @ score[0])


@pytest.mark.parametrize("name", ["permutation", "block_permutation", "block_sign_flip", "phase_randomisation"])
def test_resampling_methods_keep_their_size_where_rows_are_exchangeable(name):
    """White noise, two units of 700: the false-positive rates at .01, .05 and .10, within 4 standard errors."""
    p = np.concatenate([method(name).solve(made("white_null", s)[0], np.random.default_rng(s)).p for s in range(2)])
    for level in (0.01, 0.05, 0.10):
        assert (p <= level).mean() <= level + 4 * np.sqrt(level * (1 - level) / len(p))
    assert (p <= 0.10).mean() > 0.05


def test_autocorrelation_breaks_the_tests_that_are_blind_to_it():
    problem, truth = made("slower_null")
    for name, least in (("parametric", 0.4), ("permutation", 0.4)):
        answer = method(name).solve(problem, np.random.default_rng(0))
        values = SCORE.score(problem, truth, answer)
        assert values["false_positives_05"] > least
        assert values["invalid"] == 1


def test_answers_that_are_no_p_values_are_refused():
    problem = Problem(np.zeros((2, 5)), np.zeros((2, 5)), 1.0, "V")
    check(problem, Answer(np.array([0.0, 1.0])))
    for bad in ([0.1], [0.1, 1.1], [np.nan, 0.5]):
        with pytest.raises(InvalidAnswer):
            check(problem, Answer(np.array(bad)))


# -- scorers: (p of effects, p of nulls) -> power --------------------------------------------------------------------


def nominal(found, null):
    return float((found <= 0.05).mean())


def raised_too(found, null):
    return float((found < np.sort(null)[int(0.05 * len(null))]).mean())


def sound(found, null):
    return SCORE.power_at_kept_level(found, null)


def rejecting_always_gains_nothing(scorer):
    assert scorer(np.zeros(50), np.zeros(50)) == 0


def being_too_careful_costs_power(scorer):
    p = np.linspace(0.001, 1, 200)
    assert scorer(np.sqrt(p), np.sqrt(p)) < scorer(p, p)


@pytest.mark.parametrize("sentence", [rejecting_always_gains_nothing, being_too_careful_costs_power])
def test_the_sound_power_keeps_its_sentences(sentence):
    sentence(sound)


@pytest.mark.parametrize(
    ("scorer", "sentence"),
    [(nominal, rejecting_always_gains_nothing), (raised_too, being_too_careful_costs_power)],
    ids=["nominal", "raised_too"],
)
def test_a_broken_power_breaks_its_sentence(scorer, sentence):
    with pytest.raises(AssertionError):
        sentence(scorer)


def test_a_verdict_counts_the_realisations_of_all_seeds():
    """30 of 300 do not show a rate above .06 with 99 % confidence; 300 of 3,000 do."""
    problem, truth = Problem(np.zeros((300, 5)), np.zeros((300, 5)), 1.0, "V"), made("white_null")[1]
    answer = Answer(np.r_[np.zeros(25), np.ones(275)])
    assert SCORE.score(problem, truth, answer)["invalid"] == 0
    assert SCORE.score_beside(problem, truth, answer, [answer] * 9)["invalid"] == 1


@pytest.mark.skipif("INTERPBENCH_MIRROR" not in os.environ, reason="no mirror of the recordings is named")
def test_recorded_noise_is_cut_into_whole_stretches(tmp_path):
    folder = data.obtain("alice", ROOT / "datasets", tmp_path, Path(os.environ["INTERPBENCH_MIRROR"]))
    recorded = load_plugin(TRACK / "tasks" / "recorded.py")
    assert recorded.stretches(folder).shape == (27 * 6 * 3, recorded.ROWS)
    workspace = Workspace(tmp_path / "blobs", {"alice": folder})
    problem, truth = recorded.generate("slow", 0, generator("test"), workspace)
    share = []
    for row in np.flatnonzero(truth.related):
        share.append(np.corrcoef(problem.feature[row], problem.response[row])[0, 1])
    assert np.sqrt(np.square(share).mean()) > 0.25
    with pytest.raises(Unsupported):
        method("oracle", "controls").solve(problem, None, truth=truth)
