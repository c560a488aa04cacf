"""The score of a causal variable, by hand on two switches side by side."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench.core.catalogue import load_plugin
from bench.core.config import ROOT
from bench.core.contract import InvalidAnswer
from bench.tracks.variables.interchange import says
from bench.tracks.variables.subspace import chance_overlap, overlap, random_subspace, span
from bench.tracks.variables.types import Answer, check
from tests.variables_units import AXES, IDLE, A, B, answer, in_classes, switches, turned

SCORE = load_plugin(ROOT / "bench" / "tracks" / "variables" / "score.py")


@pytest.fixture
def live(tmp_path):
    return switches(tmp_path)


@pytest.fixture
def null(tmp_path):
    return switches(tmp_path, null=True)


def test_the_planted_subspace_is_right_in_every_cell_at_both_sites_that_hold_it(live):
    for site in ("embed", "resid0"):
        values = SCORE.score(*live, answer(A, site))
        assert values == dict.fromkeys(
            ("iia", "cause", "isolation", "disentangle", "subspace_overlap", "site_accuracy", "detection"), 1.0
        )


def test_the_other_variables_subspace_has_no_cause_and_brings_along_what_should_stay(live):
    """Two cells should change and keep their a; two should stay and take the source's b."""
    values = SCORE.score(*live, answer(B))
    assert (values["cause"], values["isolation"], values["iia"], values["disentangle"]) == (0, 0, 0, 0)
    assert (values["subspace_overlap"], values["site_accuracy"]) == (0, 1)


def test_the_full_vector_is_right_where_only_the_variable_differs(live):
    """Of the two cells that should change one also changes b; both that should stay are moved."""
    values = SCORE.score(*live, answer(AXES))
    assert (values["cause"], values["isolation"]) == (0.5, 0)
    assert (values["iia"], values["disentangle"]) == (0.25, 0.25)
    assert values["subspace_overlap"] == pytest.approx(1 / 3)  # one of three dimensions is the variable's


def test_what_changes_nothing_isolates_and_causes_nothing(live):
    for given in (answer(IDLE), answer(A, "pos"), answer(AXES, "a0.h0")):
        values = SCORE.score(*live, given)
        assert (values["cause"], values["isolation"], values["iia"], values["disentangle"]) == (0, 1, 0.5, 0.5)
        assert values["subspace_overlap"] == 0
    assert SCORE.score(*live, answer(A, "pos"))["site_accuracy"] == 0


def test_saying_that_there_is_nothing_counts_as_no_intervention(live):
    values = SCORE.score(*live, answer(A, found=False))
    assert (values["cause"], values["isolation"], values["iia"], values["detection"]) == (0, 1, 0.5, 0)
    assert values["site_accuracy"] == values["subspace_overlap"] == 1  # the best guess is judged all the same


def test_a_number_within_the_tolerance_is_right_and_beyond_it_wrong(live):
    """Turned by t, the exchange moves the output by 2 cos(t)^2 instead of 2."""
    for angle, cause in ((0.05, 1), (0.1, 0)):  # 2 sin(t)^2 = 0.005 and 0.020; the tolerance is 0.01
        values = SCORE.score(*live, answer(turned(angle)))
        assert values["cause"] == cause
        assert values["subspace_overlap"] == pytest.approx(np.cos(angle) ** 2)


def test_cells_are_those_that_change_and_those_that_stay_though_the_source_differs(live):
    for problem, truth in (live, in_classes(*live)):
        cause, isolation = SCORE.cells(problem, truth)
        np.testing.assert_array_equal(cause, [[False, i in (0, 1)] for i in range(5)])
        np.testing.assert_array_equal(isolation, [[False, i in (2, 3)] for i in range(5)])
        np.testing.assert_array_equal(SCORE.third_answer(problem, truth), [[False, i == 0] for i in range(5)])


def test_without_cells_that_should_stay_isolation_is_left_out(live):
    problem, truth = live
    per_pair = ("base", "source", "labels", "base_outputs", "source_outputs")
    few = replace(truth, **{name: getattr(truth, name)[:2] for name in per_pair})
    values = SCORE.score(problem, few, answer(A))
    assert (values["iia"], values["cause"]) == (1, 1)
    assert not values.keys() & {"isolation", "disentangle"}


def test_a_null_counts_what_was_found_and_what_comes_out_as_neither_answer(null):
    assert SCORE.score(*null, answer(A, "pos")) == {"false_discovery": 1, "null_iia": 0}
    assert SCORE.score(*null, answer(AXES, "a0.h0", found=False)) == {"false_discovery": 0, "null_iia": 0}


def test_every_metric_on_its_card_is_scored_and_no_other(live, null):
    for units, unit, site in (("live", live, "embed"), ("null", null, "pos")):
        named = {name for name, card in SCORE.METRICS.items() if card["units"] == units}
        assert SCORE.score(*unit, answer(A, site)).keys() == named


def test_the_floors_in_closed_form_are_those_of_a_random_line_and_a_random_site(live):
    found = SCORE.closed_form(*live)
    assert found == {
        "subspace_overlap": {"floor": pytest.approx(1 / 3), "ceiling": 1.0},
        "site_accuracy": {"floor": 0.5, "ceiling": 1.0},
    }


@pytest.mark.parametrize(("width", "first", "second"), [(3, 1, 1), (6, 2, 2), (7, 2, 5), (12, 4, 1)])
def test_the_overlap_of_a_random_subspace_is_by_simulation_what_is_stated(width: int, first: int, second: int):
    rng = np.random.default_rng(width)
    fixed = np.eye(width)[:, :first]
    drawn = [overlap(fixed, random_subspace(width, second, rng)) for _ in range(2000)]
    error = np.std(drawn) / np.sqrt(len(drawn))
    assert np.mean(drawn) == pytest.approx(chance_overlap(width, first, second), abs=4 * error)


def test_overlap_is_the_mean_squared_cosine_of_the_principal_angles():
    """Planes in four dimensions that meet at 0.3 in one direction and at 1.1 in the other."""
    e = np.eye(4)
    plane = np.stack([np.cos(0.3) * e[0] + np.sin(0.3) * e[2], np.cos(1.1) * e[1] + np.sin(1.1) * e[3]], axis=1)
    expected = (np.cos(0.3) ** 2 + np.cos(1.1) ** 2) / 2
    assert overlap(e[:, :2], plane) == pytest.approx(expected)
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(2, 2)))[0]
    assert overlap(e[:, :2] @ turn, plane) == pytest.approx(expected)  # of subspaces, not of bases


def test_a_span_has_as_many_columns_as_independent_directions():
    directions = np.array([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0], [1.0, 2.0, -1.0]])
    basis = span(directions)
    assert basis.shape == (3, 2)
    np.testing.assert_allclose(basis @ basis.T, np.diag([1.0, 0.0, 1.0]), atol=1e-12)
    np.testing.assert_allclose(span(1e-9 * directions) @ basis.T @ directions, span(directions) @ basis.T @ directions)
    assert span(np.zeros((3, 2))).shape == (3, 0)


def test_a_class_leads_by_the_tolerance_or_is_not_said():
    labels = np.array([[[1.0, 0, 0]]])
    for lead, said in ((0.02, True), (0.005, False), (-0.5, False)):
        output = np.array([[[0.4 + lead, 0.4, 0.1]]])
        assert says(output, labels, "class", 0.01).item() is said


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        (answer(A, "m3"), "site 'm3' is no candidate"),
        (answer(np.ones((3, 1))), "not orthonormal"),
        (answer(np.full((3, 1), np.nan)), "not orthonormal"),
        (answer(np.eye(4)[:, :1]), r"shape \(4, 1\)"),
        (answer(np.zeros((3, 0))), r"shape \(3, 0\)"),
        (Answer("embed", A, True, site_scores=np.zeros(2)), r"site_scores has shape \(2,\)"),
        (Answer("embed", A, True, site_scores=np.array([0, 1, np.nan, 0])), "NaN"),
        (Answer("embed", A, True, probability=1.5), "probability is 1.5"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_an_answer_that_breaks_a_promise_is_refused(live, wrong: Answer, complaint: str):
    with pytest.raises(InvalidAnswer, match=complaint):
        check(live[0], wrong)
