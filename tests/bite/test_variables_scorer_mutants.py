"""Broken scorers of causal variables are rejected by the sentences that the sound one keeps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench.core.config import ROOT
from tests.bite.rejecting import (  # noqa: F401
    test_a_broken_scorer_breaks_its_sentence,
    test_the_sound_scorer_keeps_every_sentence,
)
from tests.variables_units import AXES, IDLE, A, B, answer, switches, turned

SCORE_FILE = ROOT / "bench" / "tracks" / "variables" / "score.py"


# -- what replaces a part of the scorer: (loaded score module) -> None ----------------------------------------------


def isolation_on_all_cells_that_stay(score):
    """Also where the source says the same: nothing can be brought along there."""
    exact = score.cells
    score.cells = lambda problem, truth: (exact(problem, truth)[0], ~exact(problem, truth)[0] & problem.scored)


def cause_on_all_cells(score):
    """Also where nothing should change: doing nothing is then right half of the time."""
    exact = score.cells
    score.cells = lambda problem, truth: (np.tile(problem.scored, (len(truth.base), 1)), exact(problem, truth)[1])


def unscored_positions_count(score):
    exact = score.cells
    score.cells = lambda problem, truth: exact(replace(problem, scored=np.ones_like(problem.scored)), truth)


def labels_are_the_sources_answers(score):
    exact = score.right_cells
    score.right_cells = lambda problem, truth, given: exact(problem, replace(truth, labels=truth.source_outputs), given)


def every_position_is_exchanged(score):
    exact = score.Subject
    score.Subject = lambda config, weights, base, source, intervened: exact(
        config, weights, base, source, np.ones_like(intervened)
    )
    unscored_positions_count(score)


def base_and_source_change_places(score):
    exact = score.Subject
    score.Subject = lambda config, weights, base, source, intervened: exact(config, weights, source, base, intervened)


def the_complement_is_exchanged(score):
    exact = score.right_cells

    def complement(problem, truth, given):
        rest = np.linalg.svd(given.basis, full_matrices=True)[0][:, given.basis.shape[1] :]
        return exact(problem, truth, replace(given, basis=rest))

    score.right_cells = complement


def overlap_by_the_largest_angle(score):
    score.overlap = lambda one, other: float(np.linalg.svd(one.T @ other)[1].min() ** 2)


def overlap_over_the_smaller_dimension(score):
    score.overlap = lambda one, other: float(np.square(one.T @ other).sum() / min(one.shape[1], other.shape[1]))


def overlap_at_any_site(score):
    exact = score.score

    def anywhere(problem, truth, given):
        planted = truth.bases[np.flatnonzero(truth.right)[0]]
        return exact(problem, truth, given) | {"subspace_overlap": score.overlap(given.basis, planted)}

    score.score = anywhere


def an_answer_of_nothing_is_tried_all_the_same(score):
    exact = score.score
    score.score = lambda problem, truth, given: exact(problem, truth, replace(given, found=True))


def null_accuracy_on_all_cells(score):
    score.third_answer = lambda problem, truth: np.tile(problem.scored, (len(truth.base), 1))


def any_closeness_will_do(score):
    exact = score.says
    score.says = lambda output, labels, kind, tolerance: exact(output, labels, kind, 0.5)


def chance_is_that_of_one_direction_in_any(score):
    score.chance_overlap = lambda width, first, second: first * second / width


# -- sentences: true of the sound scorer ----------------------------------------------------------------------------


def the_truth_scores_full_marks(score, folder):
    values = score.score(*switches(folder), answer(A))
    assert all(value == 1 for value in values.values())


def doing_nothing_causes_nothing(score, folder):
    assert score.score(*switches(folder), answer(IDLE))["cause"] == 0


def bringing_all_along_isolates_nothing(score, folder):
    assert score.score(*switches(folder), answer(AXES))["isolation"] == 0


def only_scored_and_exchanged_positions_count(score, folder):
    """Where nothing is exchanged at the first position, its cells would be wrong ones; where all is, right ones."""
    assert score.score(*switches(folder), answer(B))["iia"] == 0
    the_truth_scores_full_marks(score, folder)
    assert score.cells(*switches(folder))[0].sum() == 2


def a_plane_that_shares_a_line_overlaps_by_half(score, folder):
    problem, truth = switches(folder)
    truth = replace(truth, bases=np.where(truth.right[:, None, None], AXES[:, :2], 0.0))
    assert score.score(problem, truth, answer(AXES[:, [0, 2]]))["subspace_overlap"] == pytest.approx(0.5)


def everything_overlaps_by_its_share(score, folder):
    assert score.score(*switches(folder), answer(AXES))["subspace_overlap"] == pytest.approx(1 / 3)


def the_right_direction_at_a_wrong_site_overlaps_nothing(score, folder):
    assert score.score(*switches(folder), answer(A, "pos"))["subspace_overlap"] == 0


def what_is_not_found_is_not_exchanged(score, folder):
    values = score.score(*switches(folder), answer(A, found=False))
    assert (values["cause"], values["detection"]) == (0, 0)


def doing_nothing_is_never_right_on_a_null(score, folder):
    assert score.score(*switches(folder, null=True), answer(A, "pos"))["null_iia"] == 0


def half_a_change_is_no_change(score, folder):
    """At 0.4 the output moves by 1.70 where it should by 2."""
    assert score.score(*switches(folder), answer(turned(0.4)))["cause"] == 0


def the_floor_of_the_overlap_lies_below_its_ceiling(score, folder):
    problem, truth = switches(folder)
    truth = replace(truth, bases=np.where(truth.right[:, None, None], AXES[:, :2], 0.0))
    assert score.closed_form(problem, truth)["subspace_overlap"]["floor"] == pytest.approx(2 / 3)


REJECTIONS = (
    (isolation_on_all_cells_that_stay, bringing_all_along_isolates_nothing),
    (cause_on_all_cells, doing_nothing_causes_nothing),
    (unscored_positions_count, only_scored_and_exchanged_positions_count),
    (every_position_is_exchanged, only_scored_and_exchanged_positions_count),
    (labels_are_the_sources_answers, the_truth_scores_full_marks),
    (base_and_source_change_places, the_truth_scores_full_marks),
    (the_complement_is_exchanged, the_truth_scores_full_marks),
    (overlap_by_the_largest_angle, a_plane_that_shares_a_line_overlaps_by_half),
    (overlap_over_the_smaller_dimension, everything_overlaps_by_its_share),
    (overlap_at_any_site, the_right_direction_at_a_wrong_site_overlaps_nothing),
    (an_answer_of_nothing_is_tried_all_the_same, what_is_not_found_is_not_exchanged),
    (null_accuracy_on_all_cells, doing_nothing_is_never_right_on_a_null),
    (any_closeness_will_do, half_a_change_is_no_change),
    (chance_is_that_of_one_direction_in_any, the_floor_of_the_overlap_lies_below_its_ceiling),
)
