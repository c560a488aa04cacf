"""The score of circuit comparison by hand, and broken scorers and ceilings that the same cases tell apart."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from bench.core.contract import Blob, InvalidAnswer
from bench.tracks.circuit_comparison import score as scorer
from bench.tracks.circuit_comparison.types import Answer, Problem, Truth, check

SAME = np.array([True, False, True, False, False])
LIVE, NULL = Truth(False, SAME), Truth(True, np.zeros(5, bool))


@pytest.fixture
def problem(tmp_path) -> Problem:
    (tmp_path / "blob").write_bytes(b"")
    return Problem(
        Blob.of(tmp_path / "blob"), np.zeros((6, 3), int), np.zeros(6, int), np.zeros((4, 3), int), 100
    )  # fmt: skip


def answer(scores, same=SAME, probabilities=None) -> Answer:
    return Answer(np.asarray(scores, float), np.asarray(same, bool), probabilities)


def test_the_order_of_two_and_three_candidates_is_scored_by_pairs(problem):
    found = scorer.score(problem, LIVE, answer([5, 1, 2, 3, 2]))
    assert found["same_auroc"] == pytest.approx((3 + 1 + 0.5) / 6)  # 5 beats three; 2 beats 1 and ties with 2
    assert scorer.score(problem, LIVE, answer(SAME))["same_auroc"] == 1
    assert scorer.score(problem, LIVE, answer(~SAME))["same_auroc"] == 0
    assert scorer.score(problem, LIVE, answer(np.ones(5)))["same_auroc"] == 0.5


def test_chance_is_one_half_over_all_orders(problem):
    orders = [scorer.score(problem, LIVE, answer(order))["same_auroc"] for order in itertools.permutations(range(5))]
    assert np.mean(orders) == pytest.approx(scorer.METRICS["same_auroc"]["floor"])


def test_rounding_ranks_nothing(problem):
    scores = 1 + 1e-15 * np.array([1, 2, 3, 4, 5])
    assert scorer.score(problem, LIVE, answer(scores))["same_auroc"] == 0.5


def test_flags_are_scored_by_f1_and_by_being_all_right(problem):
    found = scorer.score(problem, LIVE, answer(SAME, [1, 1, 0, 0, 0]))
    assert (found["same_f1"], found["all_right"]) == (0.5, 0)
    assert scorer.score(problem, LIVE, answer(SAME, np.zeros(5)))["same_f1"] == 0
    found = scorer.score(problem, LIVE, answer(SAME))
    assert (found["same_f1"], found["all_right"]) == (1, 1)


def test_on_a_null_unit_only_the_share_called_the_same_counts(problem):
    assert scorer.score(problem, NULL, answer(np.arange(5), [1, 1, 0, 0, 0])) == {"false_same": 0.4}
    assert scorer.score(problem, NULL, answer(np.arange(5), np.zeros(5))) == {"false_same": 0.0}


def test_probabilities_are_scored_where_given(problem):
    assert "brier" not in scorer.score(problem, LIVE, answer(SAME))
    stated = np.array([1, 0, 0.5, 0.5, 0])
    assert scorer.score(problem, LIVE, answer(SAME, probabilities=stated))["brier"] == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("broken", "cases"),
    [
        (lambda p, t, a: {"same_auroc": float((a.scores[t.same] > a.scores[~t.same].max()).mean())}, [[1, 1, 1, 1, 1]]),
        (lambda p, t, a: {"same_auroc": scorer.auroc(-a.scores, t.same)}, [[1, 0, 1, 0, 0]]),
        (lambda p, t, a: {"same_auroc": scorer.auroc(a.scores, t.same)}, [1 + 1e-15 * np.arange(5)]),
        (lambda p, t, a: {"same_auroc": scorer.auroc(a.same.astype(float), t.same)}, [[0, 1, 0, 1, 1]]),
    ],
    ids=["counts no ties", "reads scores upside down", "ranks by rounding", "ranks by flags"],
)
def test_a_broken_scorer_gives_another_value_on_some_case_above(problem, broken, cases):
    found = [(broken(problem, LIVE, answer(case)), scorer.score(problem, LIVE, answer(case))) for case in cases]
    assert any(one["same_auroc"] != pytest.approx(other["same_auroc"], abs=1e-9) for one, other in found)


def test_an_answer_of_another_size_or_without_finite_scores_is_refused(problem):
    check(problem, answer(SAME))
    with pytest.raises(InvalidAnswer, match=r"scores has shape \(4,\), the problem has 5 candidates"):
        check(problem, answer(np.ones(4), np.ones(4)))
    with pytest.raises(InvalidAnswer, match="1 values that are NaN"):
        check(problem, answer([1, 2, np.nan, 3, 4]))
    with pytest.raises(InvalidAnswer, match="probabilities has 1 values that are not between 0 and 1"):
        check(problem, answer(SAME, probabilities=np.array([1, 0, -0.5, 0, 0])))
