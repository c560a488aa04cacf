"""The score of node roles by hand, and broken scorers that the same cases tell apart."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from bench.core.contract import Blob, InvalidAnswer
from bench.kernels.ranking import concordance
from bench.tracks.roles import score as scorer
from bench.tracks.roles.types import Answer, Problem, Truth, check

TRUTH = Truth(
    null=False, strengths=np.array([[0.5, 0.01, 0.0, 0.02], [0.0, 0.3, 0.31, 0.1]]),
    plays=np.array([[True, False, False, False], [False, False, False, False]]), certified=np.array([True, False]),
)  # fmt: skip
NULL = dataclasses.replace(TRUTH, null=True, strengths=np.zeros((2, 4)), plays=np.zeros((2, 4), bool))


def scored(scores, plays=None, truth=TRUTH):
    named = np.zeros((2, 4), bool) if plays is None else np.array(plays, bool)
    return scorer.score(None, truth, Answer(np.array(scores, float), named))


def test_agreement_is_the_mean_over_roles_of_pairs_won_among_those_that_are_told_apart():
    assert scored(TRUTH.strengths)["agreement"] == 1
    assert scored(-TRUTH.strengths)["agreement"] == 0
    assert scored(np.zeros((2, 4)))["agreement"] == 0.5
    # Role 0: three pairs, head 0 before each other; role 1: 1 and 2 before 0 and 3, 3 before 0.
    assert scored([[1, 2, 0, 0], [1, 2, 0, 0]])["agreement"] == pytest.approx(0.5 * (2 / 3) + 0.5 * ((2 + 0 + 0.5) / 5))


def test_heads_of_nearly_equal_strength_may_stand_in_either_order():
    swapped = TRUTH.strengths[:, [0, 2, 1, 3]].copy()
    swapped[0] = [0.5, 0.02, 0.04, 0.0]
    assert scored(swapped)["agreement"] == 1
    assert concordance(swapped[1], TRUTH.strengths[1]) < 1  # without the margin the order of equals would count


def test_the_strongest_head_is_found_by_the_share_of_highest_scores_that_are_strong():
    assert scored([[9, 0, 0, 0], [0, 9, 0, 0]])["first"] == 1
    assert scored([[9, 9, 0, 0], [0, 9, 9, 0]])["first"] == 0.75
    assert scored(np.zeros((2, 4)))["first"] == (1 / 4 + 2 / 4) / 2


def test_names_count_for_certified_roles_alone():
    assert scored(TRUTH.strengths, [[1, 0, 0, 0], [1, 1, 1, 1]])["role_f1"] == 1
    assert scored(TRUTH.strengths, [[1, 1, 0, 0], [0, 0, 0, 0]])["role_f1"] == pytest.approx(2 / 3)
    unclear = dataclasses.replace(TRUTH, certified=np.array([False, False]))
    assert "role_f1" not in scored(TRUTH.strengths, truth=unclear)


def test_on_a_null_unit_a_role_is_named_once_any_head_is():
    assert scored(np.zeros((2, 4)), truth=NULL) == {"named_in_nulls": 0}
    assert scored(np.zeros((2, 4)), [[1, 1, 1, 0], [0, 0, 0, 0]], NULL) == {"named_in_nulls": 0.5}


def signed(scores, values, margin=0.0):
    return concordance(np.abs(scores), values, margin)


def transposed(scores, values, margin=0.0):
    return concordance(values, scores, margin)


def lower_wins(scores, values, margin=0.0):
    return 1 - concordance(scores, values, margin)


@pytest.mark.parametrize("broken", [signed, transposed, lower_wins])
def test_a_broken_agreement_is_told_from_the_sound_one(broken, monkeypatch):
    cases = [TRUTH.strengths, np.array([[1, -2, 0, 0], [1, -2, -3, 0.0]])]
    sound = [scored(case)["agreement"] for case in cases]
    monkeypatch.setattr(scorer, "concordance", broken)
    assert [scored(case)["agreement"] for case in cases] != sound


def test_an_answer_of_another_shape_or_without_a_number_is_invalid(tmp_path):
    (tmp_path / "model").write_bytes(b"")
    none = np.zeros(0, int)
    problem = Problem(
        Blob.of(tmp_path / "model"), ["a", "b"], ["", ""], ["h"] * 4, none, np.zeros((0, 3), int),
        np.zeros((0, 3), int), none, none, none, none, 1,
    )  # fmt: skip
    check(problem, Answer(TRUTH.strengths, TRUTH.plays))
    with pytest.raises(InvalidAnswer, match="shape"):
        check(problem, Answer(TRUTH.strengths.T, TRUTH.plays))
    with pytest.raises(InvalidAnswer, match="1 values that are NaN"):
        check(problem, Answer(np.where(TRUTH.strengths == 0.5, np.nan, TRUTH.strengths), TRUTH.plays))
