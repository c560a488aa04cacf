"""Broken scorers of circuits are rejected by the sentences that the sound one keeps."""

from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from bench.core.config import ROOT
from bench.core.contract import Blob, InvalidAnswer
from bench.tracks.circuits.types import Answer, Problem, Truth, check
from tests.bite.rejecting import (  # noqa: F401
    test_a_broken_scorer_breaks_its_sentence,
    test_the_sound_scorer_keeps_every_sentence,
)

SCORE_FILE = ROOT / "bench" / "tracks" / "circuits" / "score.py"
EDGES = 8


# -- what replaces a part of the scorer: (loaded score module) -> None ----------------------------------------------


def ties_broken_by_order(score):
    """True items first among equals, as where a stable sort meets a list that begins with the circuit."""
    exact = score.auroc
    score.auroc = lambda scores, labels: exact(np.lexsort((labels, scores)).argsort().astype(float), labels)


def ties_count_as_won(score):
    def optimistic(scores, labels):
        return float((scores[labels][:, None] >= scores[~labels]).mean())

    score.auroc = optimistic


def rounding_ranks(score):
    score.resolved = lambda scores: scores


def everything_small_is_a_tie(score):
    score.resolved = lambda scores: np.where(np.abs(scores) < 1e-9, 0.0, scores)


def chance_is_the_base_rate(score):
    score.average_precision_by_chance = lambda positives, items: positives / items


def missing_edges_count_as_included(score):
    """A NaN sorts above every number, so that deleting an edge puts it in every circuit."""
    exact = score.auroc
    score.auroc = lambda scores, labels: exact(np.where(np.isnan(scores), np.inf, scores), labels)
    score.check = lambda problem, answer: None


def any_edge_of_any_circuit_is_wanted(score):
    """Several right circuits are taken for one that needs all their edges."""
    exact = score.score

    def union(problem, truth, answer):
        return exact(problem, replace(truth, circuits=truth.circuits.any(axis=0)[None]), answer)

    score.score = union


def only_the_first_circuit_is_right(score):
    exact = score.score
    score.score = lambda problem, truth, answer: exact(problem, replace(truth, circuits=truth.circuits[:1]), answer)


def false_edges_from_raw_scores(score):
    exact = score.score

    def raw(problem, truth, answer):
        return exact(problem, truth, replace(answer, circuit=answer.edge_scores > 0) if truth.null else answer)

    score.score = raw


def f1_of_as_many_as_are_live(score):
    """The scorer cuts the ranking itself, at the true size, and ignores what the method chose."""
    exact = score.score

    def cut(problem, truth, answer):
        top = np.argsort(-answer.edge_scores, kind="stable")[: truth.circuits[0].sum()]
        return exact(problem, truth, replace(answer, circuit=np.isin(np.arange(EDGES), top)))

    score.score = cut


def equal_scores_are_equal_twins(score):
    """Twins with one score throughout are taken for twins that are scored alike."""
    exact = score.identity_correlation
    score.identity_correlation = lambda one, other: 1.0 if np.array_equal(one, other) else exact(one, other)


def twins_are_correlated(score):
    """A twin at another scale is taken for the same."""
    score.identity_correlation = lambda one, other: float(np.corrcoef(one, other)[0, 1]) if np.ptp(one) else 0.0


def twins_are_compared_with_themselves(score):
    exact = score.identity_correlation
    score.identity_correlation = lambda one, other: exact(one, one)


def twins_are_compared_as_sets(score):
    """Sorted scores agree whichever edge has which."""
    exact = score.identity_correlation
    score.identity_correlation = lambda one, other: exact(np.sort(one), np.sort(other))


def all_dead_edges_count_as_cut(score):
    exact = score.score

    def any_dead(problem, truth, answer):
        return exact(problem, truth if truth.changed is None else replace(truth, changed=~truth.live), answer)

    score.score = any_dead


def cut_edges_are_wanted(score):
    """The cut is not seen: what was live before it counts as live."""
    exact = score.score

    def before(problem, truth, answer):
        if truth.changed is None:
            return exact(problem, truth, answer)
        return exact(problem, replace(truth, circuits=truth.circuits | truth.changed, changed=~truth.live), answer)

    score.score = before


# -- sentences: true of the sound scorer ----------------------------------------------------------------------------


def problem():
    edges = [f"{source}->output" for source in ("embed", *(f"m{layer}" for layer in range(EDGES - 1)))]
    nodes = [*(edge.split("->")[0] for edge in edges), "output"]
    return Problem(
        Blob(Path("model"), ""), np.zeros((1, 2), int), np.zeros((1, 2), int), np.ones(2, bool), np.zeros((1, 2, 1)),
        "signed_output", "resample", "qkv", nodes, edges, 100,
    )  # fmt: skip


def truth(live, null=False, others=()):
    flags = np.array([np.isin(np.arange(EDGES), circuit) for circuit in (live, *others)])
    return Truth(null, flags, flags[0] * 1.0, flags[0], flags[0], flags[0], np.append(flags[0], True))


def answer(scores, circuit=()):
    return Answer(np.asarray(scores, float), np.isin(np.arange(EDGES), circuit))


def scored(score, live, *given, **kinds):
    """As the suite does: answers are checked, then scored."""
    getattr(score, "check", check)(problem(), answer(*given))
    return score.score(problem(), truth(live, **kinds), answer(*given))


def equal_scores_are_worth_half(score):
    for live in ([0, 1], [6, 7], [2, 5]):
        assert scored(score, live, np.zeros(EDGES))["edge_auroc"] == 0.5


def what_cancels_is_worth_half_in_any_unit(score):
    for unit in (1e-12, 1.0, 1e12):
        noise = unit * 1e-16 * (np.arange(EDGES) < 2)
        assert scored(score, [0, 1], noise + unit * (np.arange(EDGES) == 7))["edge_auroc"] == pytest.approx(5 / 12)


def small_units_are_ranked(score):
    assert scored(score, [0, 1], -1e-12 * np.arange(EDGES))["edge_auroc"] == 1


def the_floor_is_what_random_orders_reach(score):
    live, ranks = [0, 1], -np.arange(EDGES)
    reached = [scored(score, list(pair), ranks)["average_precision"] for pair in combinations(range(EDGES), 2)]
    assert score.closed_form(problem(), truth(live))["average_precision"]["floor"] == pytest.approx(np.mean(reached))


def leaving_an_edge_without_score_is_refused(score):
    assert "edge_scores has 2 values that are NaN" in refusal(score, np.where(np.arange(EDGES) < 2, np.nan, 1.0))


def refusal(score, scores):
    """What the scorer complains of; nothing where it takes the answer."""
    try:
        scored(score, [0, 1], scores)
    except InvalidAnswer as complaint:
        return str(complaint)
    return ""


def any_right_circuit_scores_full_marks(score):
    for circuit in ([0, 1], [0, 2]):
        values = scored(score, [0, 1], np.isin(np.arange(EDGES), circuit), circuit, others=[[0, 2]])
        assert values["edge_auroc"] == values["average_precision"] == values["circuit_f1"] == values["recall"] == 1


def declining_to_choose_is_right_on_a_null_unit(score):
    assert scored(score, [], 1e-9 * np.arange(EDGES), [], null=True) == {"false_edge_rate": 0}


def a_circuit_of_everything_is_punished(score):
    scores = np.arange(EDGES)[::-1]
    assert scored(score, [0, 1], scores, range(EDGES))["circuit_f1"] == pytest.approx(2 * 2 / (EDGES + 2))


TWIN = np.array([4, 5, 6, 7, 0, 1, 2, 3])


def of_twins(score, scores):
    told = replace(truth([0, 1, 4, 5]), twin=TWIN)
    return score.score(problem(), told, answer(scores))["equivariance"]


def equal_scores_are_no_equivariance(score):
    assert of_twins(score, np.ones(EDGES)) == 0


def equal_twins_score_full_marks_in_any_unit(score):
    for unit in (1e-13, 1.0):
        assert of_twins(score, unit * np.array([4, 3, 0, 0, 4, 3, 0, 0])) == pytest.approx(1)


def twins_at_different_scales_are_not_alike(score):
    assert of_twins(score, [4, 3, 2, 1, 40, 30, 20, 10]) < 0.5


def twins_in_opposite_orders_score_below_nothing(score):
    assert of_twins(score, [4, 3, 2, 1, 1, 2, 3, 4]) == pytest.approx(-1)


def of_a_cut(score, scores):
    told = replace(truth([0, 1, 4]), changed=np.isin(np.arange(EDGES), [5]))
    return score.score(problem(), told, answer(scores))["change_detected"]


def only_what_was_cut_is_held_against_the_circuit(score):
    assert of_a_cut(score, [3, 3, 9, 9, 3, 0, 9, 9]) == 1
    assert of_a_cut(score, [3, 3, 0, 0, 3, 9, 0, 0]) == 0


REJECTIONS = (
    (equal_scores_are_equal_twins, equal_scores_are_no_equivariance),
    (twins_are_correlated, twins_at_different_scales_are_not_alike),
    (twins_are_compared_with_themselves, twins_in_opposite_orders_score_below_nothing),
    (twins_are_compared_as_sets, twins_in_opposite_orders_score_below_nothing),
    (all_dead_edges_count_as_cut, only_what_was_cut_is_held_against_the_circuit),
    (cut_edges_are_wanted, only_what_was_cut_is_held_against_the_circuit),
    (ties_broken_by_order, equal_scores_are_worth_half),
    (ties_count_as_won, equal_scores_are_worth_half),
    (rounding_ranks, what_cancels_is_worth_half_in_any_unit),
    (everything_small_is_a_tie, small_units_are_ranked),
    (chance_is_the_base_rate, the_floor_is_what_random_orders_reach),
    (missing_edges_count_as_included, leaving_an_edge_without_score_is_refused),
    (any_edge_of_any_circuit_is_wanted, any_right_circuit_scores_full_marks),
    (only_the_first_circuit_is_right, any_right_circuit_scores_full_marks),
    (false_edges_from_raw_scores, declining_to_choose_is_right_on_a_null_unit),
    (f1_of_as_many_as_are_live, a_circuit_of_everything_is_punished),
)
FURTHER = (equal_twins_score_full_marks_in_any_unit,)


@pytest.fixture(autouse=True)
def no_circuit_is_run(score):
    """What is run has its own mutants."""
    score.run_circuits = lambda problem, truth, answer: {}


def test_an_edge_left_out_would_pay_if_it_were_taken(score):
    """What the refusal guards against: without it a missing score beats an honest one."""
    missing_edges_count_as_included(score)
    honest, deleted = np.zeros(EDGES), np.where(np.arange(EDGES) < 2, np.nan, 0.0)
    assert scored(score, [0, 1], deleted)["edge_auroc"] > scored(score, [0, 1], honest)["edge_auroc"]
