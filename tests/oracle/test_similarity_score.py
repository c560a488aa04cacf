"""The score of similarity by hand, its closed-form floors by enumeration, and broken scorers that they tell apart."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from bench.core.catalogue import load_plugin
from bench.core.config import ROOT
from bench.core.contract import InvalidAnswer, generator
from bench.tracks.similarity import score as scorer
from bench.tracks.similarity.types import Answer, Problem, Truth, check

RANDOM = load_plugin(ROOT / "bench/tracks/similarity/controls/random_scores.py")
ORACLE = load_plugin(ROOT / "bench/tracks/similarity/controls/oracle.py")
PROBLEM = Problem([f"c{n}" for n in range(4)], np.zeros((6, 4)), np.arange(4), np.zeros((3, 2, 6, 2)), np.zeros(6, int))
SOURCES = np.array([[1, 0, 0, 0], [0, 1, 1, 0], [0, 0, 0, 1]], bool)
TRUTH = Truth(False, SOURCES, True, np.array([2.0, 0, 1, 3]))
NULL = Truth(True, np.zeros((3, 4), bool), True, TRUTH.depth)
SCORES = np.array([[4.0, 3, 2, 1], [4, 1, 3, 2], [5, 5, 4, 5]])
P = np.array([0.01, 0.05, 0.2])


def found(truth=TRUTH, **changes):
    fields = {"scores": SCORES, "p": P, "probability": None} | changes
    return scorer.score(PROBLEM, truth, Answer(**fields))


def test_every_metric_by_hand():
    """Region 1 is right; of region 2 a source is second, 1 step off; in region 3 the source ties with two others."""
    assert found() == {
        "top1": pytest.approx((1 + 0 + 1 / 3) / 3),
        "reciprocal_rank": pytest.approx((1 + 1 / 2 + 1 / 2) / 3),
        "detected": pytest.approx(2 / 3),
        "layer_error": pytest.approx((0 + 1 / 3 + (1 + 3 + 0) / 3 / 3) / 3),
    }


def test_calibration_is_that_of_the_likeliest_candidate():
    stated = np.array([[0.7, 0.1, 0.1, 0.1], [0.6, 0.2, 0.1, 0.1], [0.5, 0, 0, 0.5]])
    values = found(probability=stated)
    assert values["claim_brier"] == pytest.approx((0.3**2 + 0.6**2 + 0) / 3)
    assert values["overconfidence"] == pytest.approx((0.7 - 1 + 0.6 - 0 + 0.5 - 0.5) / 3)


def test_on_a_null_claims_are_counted_and_silence_about_p_is_a_claim_everywhere():
    assert found(NULL) == {"false_claims": pytest.approx(2 / 3)}
    assert found(NULL, p=None) == {"false_claims": 1.0}
    assert found(NULL, p=np.ones(3)) == {"false_claims": 0.0}


def test_floors_are_means_over_all_orders():
    closed = scorer.closed_form(PROBLEM, TRUTH)
    orders = list(itertools.permutations(range(4)))
    values = [found(scores=np.tile(np.array(order, float), (3, 1))) for order in orders]
    for name in ("top1", "reciprocal_rank", "layer_error"):
        assert closed[name]["floor"] == pytest.approx(np.mean([value[name] for value in values]))


def test_the_oracle_is_at_the_ceiling_and_random_scores_at_the_floor():
    best = scorer.score(PROBLEM, TRUTH, ORACLE.solve(PROBLEM, None, truth=TRUTH))
    assert (best["top1"], best["reciprocal_rank"], best["layer_error"], best["detected"]) == (1, 1, 0, 1)
    assert scorer.score(PROBLEM, NULL, ORACLE.solve(PROBLEM, None, truth=NULL)) == {"false_claims": 0}
    draws = [scorer.score(PROBLEM, TRUTH, RANDOM.solve(PROBLEM, generator("floor", n))) for n in range(2000)]
    assert np.mean([draw["top1"] for draw in draws]) == pytest.approx(1 / 3, abs=0.02)


def first_of_ties(scores, worth):
    return worth[np.arange(len(scores)), scores.argmax(axis=1)]


def last_of_ties(scores, worth):
    return first_of_ties(scores[:, ::-1], worth[:, ::-1])


def smallest_first(scores, worth):
    return worth[np.arange(len(scores)), scores.argmin(axis=1)]


def any_of_ties(scores, worth):
    return np.where(scores == scores.max(axis=1, keepdims=True), worth, 0).max(axis=1)


@pytest.mark.parametrize("broken", [first_of_ties, last_of_ties, smallest_first, any_of_ties])
def test_a_scorer_that_breaks_ties_its_own_way_or_ranks_backwards_is_told_from_ours(broken, monkeypatch):
    """A constant answer must score chance, one that is right 1."""
    constant = {"scores": np.zeros((3, 4))}
    assert found(**constant)["top1"] == pytest.approx(scorer.closed_form(PROBLEM, TRUTH)["top1"]["floor"])
    right = {"scores": SOURCES + 0.0}
    assert (found(**right)["top1"], found()["top1"]) == (1, pytest.approx(4 / 9))
    monkeypatch.setattr(scorer, "top_share", broken)
    values = [found(**changes)["top1"] for changes in (constant, right, {})]
    assert values != pytest.approx([1 / 3, 1, 4 / 9])


def silence_abstains(answer):
    return np.zeros(3, bool) if answer.p is None else answer.p <= 0.05


def small_p_abstains(answer):
    return np.ones(3, bool) if answer.p is None else answer.p > 0.05


def strictly_below(answer):
    return np.ones(3, bool) if answer.p is None else answer.p < 0.05


@pytest.mark.parametrize("broken", [silence_abstains, small_p_abstains, strictly_below])
def test_a_scorer_that_counts_claims_otherwise_is_told_from_ours(broken, monkeypatch):
    right = [pytest.approx(2 / 3), 1.0]
    assert [found(NULL)["false_claims"], found(NULL, p=None)["false_claims"]] == right
    monkeypatch.setattr(scorer, "claims", broken)
    assert [found(NULL)["false_claims"], found(NULL, p=None)["false_claims"]] != right


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scores": np.zeros((2, 4))}, "scores of shape"),
        ({"scores": SCORES * np.nan}, "12 scores that are not finite"),
        ({"p": np.array([0.1, 0.2, 1.1])}, "one p between 0 and 1"),
        ({"probability": np.ones((3, 4))}, "sum to 1"),
    ],
)
def test_answers_that_do_not_fit_are_refused(changes, message):
    with pytest.raises(InvalidAnswer, match=message):
        check(PROBLEM, Answer(**({"scores": SCORES, "p": P, "probability": None} | changes)))
