"""The score of circuit transfer by hand, and broken scorers that the same cases tell apart."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from bench.core.contract import InvalidAnswer
from bench.tracks.circuit_transfer import score as scorer
from bench.tracks.circuit_transfer.types import Answer, Truth, check

PROBLEM = SimpleNamespace(roles=["a0.h0", "a1.h0", "m0", "m1"], nodes=["a0.h0", "a0.h1", "m0", "m1"])
PLAYS = np.array([[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 1], [0, 0, 0, 0]], bool)
TRUTH = Truth(False, PLAYS)
NAMED = np.array([[0.1, 0.9, 0, 0], [0, 1, 0, 0], [0, 0, 0.2, 0.7], [0, 0, 0.9, 0]])
TIED = np.array([[0, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1], [0, 0, 0, 0.0]])
FOUND = np.array([True, True, True, False])


def test_right_nodes_and_noticed_absences_count_alike():
    assert scorer.score(PROBLEM, TRUTH, Answer(NAMED, FOUND)) == pytest.approx(
        {"transferred": 3 / 4, "named": 2 / 3, "heads_named": 1 / 2, "mlps_named": 1, "absence": 1}
    )


def test_a_right_node_that_is_said_to_be_missing_is_named_and_not_transferred():
    found = scorer.score(PROBLEM, TRUTH, Answer(NAMED, np.zeros(4, bool)))
    assert (found["transferred"], found["named"]) == pytest.approx((1 / 4, 2 / 3))


def test_ties_count_by_the_share_of_right_ones():
    found = scorer.score(PROBLEM, TRUTH, Answer(np.zeros((4, 4)), np.ones(4, bool)))
    assert found["transferred"] == pytest.approx((1 / 4 + 1 / 4 + 2 / 4 + 0) / 4)
    assert found["absence"] == 0


def test_the_truth_scores_one_and_a_null_counts_what_is_found():
    assert set(scorer.score(PROBLEM, TRUTH, Answer(PLAYS * 1.0, PLAYS.any(axis=1))).values()) == {1.0}
    null = Truth(True, np.zeros_like(PLAYS))
    assert scorer.score(PROBLEM, null, Answer(NAMED, FOUND)) == {"false_transfers": 0.75}
    assert scorer.score(PROBLEM, null, Answer(NAMED, np.zeros(4, bool))) == {"false_transfers": 0.0}


def first_of_ties(plays, scores):
    return plays[np.arange(len(plays)), scores.argmax(axis=1)].astype(float)


def any_of_ties(plays, scores):
    return ((scores == scores.max(axis=1, keepdims=True)) & plays).any(axis=1).astype(float)


def one_right_node_alone(plays, scores):
    first = plays & (plays.cumsum(axis=1) == 1)
    return share_right(first, scores)


share_right = scorer.share_right


@pytest.mark.parametrize(
    ("broken", "scores"),
    [(first_of_ties, TIED), (any_of_ties, np.zeros((4, 4))), (one_right_node_alone, NAMED)],
)
def test_a_scorer_that_rewards_indecision_or_knows_one_right_node_is_told_from_ours(broken, scores, monkeypatch):
    answer = Answer(scores, FOUND)
    ours = scorer.score(PROBLEM, TRUTH, answer)["transferred"]
    monkeypatch.setattr(scorer, "share_right", broken)
    assert abs(scorer.score(PROBLEM, TRUTH, answer)["transferred"] - ours) > 0.05


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (Answer(NAMED[:2], FOUND), "scores has shape"),
        (Answer(NAMED, FOUND[:1]), r"found has shape \(1,\)"),
        (Answer(NAMED * np.nan, FOUND), "NaN or infinite"),
    ],
)
def test_an_answer_scores_every_pair_and_decides_on_every_role(answer, complaint):
    with pytest.raises(InvalidAnswer, match=complaint):
        check(PROBLEM, answer)
