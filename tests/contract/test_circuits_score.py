"""The score of a circuit on truth and answers made by hand."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.core.catalogue import load_plugin
from bench.core.config import ROOT
from bench.core.contract import Blob, InvalidAnswer
from bench.kernels.ranking import resolved
from bench.tracks.circuits.types import Answer, Problem, Truth, check

SCORE = load_plugin(ROOT / "bench" / "tracks" / "circuits" / "score.py")
RUN = {"cpr": 0.5, "cmd": 0.5, "over_recovery": 0.0, "mib_cpr": 1.5, "mib_cmd": 0.5, "mib_auroc": 0.5}
RUN |= {"circuit_faithfulness": 1.0, "incompleteness": 0.0, "superfluous_share": 0.0, "minimality": 1.0}
STATED = {"brier", "false_discovery_rate"}  # of answers that state probabilities

NODES = ["embed", "a0.h0", "m0", "output"]
EDGES = ["embed->a0.h0.q", "embed->m0", "a0.h0->m0", "embed->output", "a0.h0->output", "m0->output"]
LIVE = np.array([False, True, False, False, False, True])
PROBLEM = Problem(
    Blob(Path("model.safetensors"), "0" * 64), np.zeros((1, 2), int), np.zeros((1, 2), int), np.array([False, True]),
    np.zeros((1, 2, 1)), "signed_output", "resample", "qkv", NODES, EDGES, 100,
)  # fmt: skip
TRUTH = Truth(
    null=False, circuits=LIVE[None], effects=LIVE * 2.0, live=LIVE, live_zero=LIVE | (np.arange(6) == 3),
    live_mean=~LIVE, node_live=np.array([True, False, True, True]), threshold=1e-12, placebo=1e-13,
    gap=1e12,
)  # fmt: skip
NULL = replace(TRUTH, null=True, circuits=np.zeros((1, 6), bool), live=np.zeros(6, bool), node_live=np.zeros(4, bool))


@pytest.fixture(scope="module", autouse=True)
def no_circuit_is_run():
    """tests/oracle/test_circuits_faithfulness.py has what is run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SCORE, "run_circuits", lambda problem, truth, answer: RUN)
        yield


def score(scores, circuit=LIVE, truth=TRUTH, nodes=None):
    return SCORE.score(PROBLEM, truth, Answer(np.asarray(scores, float), np.asarray(circuit, bool), nodes))


def test_the_truth_itself_scores_1():
    values = score(TRUTH.effects)
    for name in ("edge_auroc", "average_precision", "circuit_f1", "recall", "node_auroc"):
        assert values[name] == 1
    assert values["edge_auroc_zero"] == pytest.approx((2 + 0.5) / 3)  # two of three first, one tied with three
    assert values["edge_auroc_mean"] == 0


def test_the_reverse_of_the_truth_scores_0():
    values = score(-TRUTH.effects, ~LIVE, nodes=-TRUTH.node_live.astype(float))
    for name in ("edge_auroc", "circuit_f1", "recall", "node_auroc"):
        assert values[name] == 0
    assert values["average_precision"] == pytest.approx(2 / 6)  # both live edges come in with the last tie


def test_constant_scores_are_worth_nothing():
    values = score(np.full(6, 0.3), np.zeros(6))
    for name in ("edge_auroc", "node_auroc", "edge_auroc_zero", "edge_auroc_mean"):
        assert values[name] == 0.5
    assert values["average_precision"] == pytest.approx(2 / 6)
    assert values["circuit_f1"] == values["recall"] == 0


def test_ranks_by_hand():
    """Live edges on the first and the third place of six."""
    values = score([4, 6, 5, 3, 2, 4.5], [0, 1, 1, 0, 0, 0])
    assert values["edge_auroc"] == pytest.approx(7 / 8)
    assert values["average_precision"] == pytest.approx((1 + 2 / 3) / 2)
    assert values["circuit_f1"] == values["recall"] == 0.5


def test_a_null_unit_is_scored_on_the_chosen_circuit_alone():
    circuit = [True, False, True, False, False, False]
    assert score(np.zeros(6), circuit, NULL) == {"false_edge_rate": pytest.approx(2 / 6)}
    assert score(np.arange(6) * 1e9, circuit, NULL) == score(-np.arange(6), circuit, NULL)
    assert score(np.arange(6), np.zeros(6), NULL) == {"false_edge_rate": 0}


EITHER = replace(TRUTH, circuits=np.array([[1, 1, 0, 0, 0, 1], [0, 1, 1, 0, 0, 1]], bool))
"""Edge 0 or edge 2 is needed beside edges 1 and 5."""


@pytest.mark.parametrize("circuit", [[1, 1, 0, 0, 0, 1], [0, 1, 1, 0, 0, 1], [1, 1, 1, 0, 0, 1]])
def test_any_of_several_right_circuits_and_all_of_them_together_score_1(circuit):
    values = score(circuit, circuit, EITHER)
    for name in ("edge_auroc", "average_precision", "circuit_f1", "recall"):
        assert values[name] == 1


def test_what_all_right_circuits_lack_or_need_counts():
    without = score([0, 1, 0, 0, 0, 1], [0, 1, 0, 0, 0, 1], EITHER)  # neither of the two that suffice
    assert without["edge_auroc"] == pytest.approx((2 + 0.5) / 3)
    assert without["circuit_f1"] == pytest.approx(2 * 2 / 5)
    beyond = score([1, 1, 0, 1, 0, 1], [1, 1, 0, 1, 0, 1], EITHER)
    assert beyond["circuit_f1"] == pytest.approx(2 * 3 / 7)


def test_the_floor_of_the_best_of_several_circuits_is_what_random_orders_reach():
    rng = np.random.default_rng(0)
    floors = SCORE.closed_form(PROBLEM, EITHER)
    for name in ("edge_auroc", "average_precision"):
        found = [score(rng.permutation(6), truth=EITHER)[name] for _ in range(2000)]
        assert abs(np.mean(found) - floors[name]["floor"]) < 4 * np.std(found) * np.sqrt(1 / 2000 + 1 / 1000)
        assert floors[name]["floor"] > SCORE.closed_form(PROBLEM, TRUTH)[name]["floor"]


def test_where_no_circuit_is_known_nothing_is_scored_against_it():
    unknown = Truth(null=False, circuits=np.zeros((0, 6), bool))
    assert score(np.arange(6), truth=unknown) == RUN
    assert SCORE.closed_form(PROBLEM, unknown) == {}


def test_a_node_scores_as_its_best_outgoing_edge():
    found = SCORE.node_scores(PROBLEM, Answer(np.array([1.0, 5, 2, 0, 3, 4]), LIVE))
    assert found.tolist() == [5, 3, 4, 0]  # the output feeds nothing: the lowest of all


def test_node_scores_of_the_answers_own_are_taken():
    own = np.array([0.0, 3, 1, 2])
    assert SCORE.node_scores(PROBLEM, Answer(np.arange(6.0), LIVE, own)).tolist() == own.tolist()
    assert score(TRUTH.effects, nodes=own)["node_auroc"] == 0  # embed and m0 are live, a0.h0 outscores both


def test_the_score_of_the_output_node_does_not_count():
    low, high = (score(np.arange(6), nodes=np.array([1.0, 0, 2, end])) for end in (-9, 9))
    assert low == high


def test_a_truth_without_dead_edges_under_another_intervention_has_no_area_there():
    values = score(TRUTH.effects, truth=replace(TRUTH, live_zero=np.ones(6, bool), live_mean=np.zeros(6, bool)))
    assert "edge_auroc_zero" not in values
    assert "edge_auroc_mean" not in values
    assert values["edge_auroc"] == 1


def test_the_floor_is_the_mean_over_random_orders():
    rng = np.random.default_rng(0)
    found = [score(rng.permutation(6))["average_precision"] for _ in range(2000)]
    floor = SCORE.closed_form(PROBLEM, TRUTH)["average_precision"]["floor"]
    assert abs(np.mean(found) - floor) < 4 * np.std(found) / np.sqrt(2000)
    assert floor > 2 / 6 + 0.1


@pytest.mark.parametrize("unit", [1e-300, 1e-9, 1.0, 1e300])
def test_what_rounding_leaves_ranks_nothing(unit):
    """The live edges 1 and 5 stand first among what a cancelled sum leaves, and second, of four sizes."""
    noise = np.array([1e-16, 3e-16, -1e-16, 0, 2e-16, 4e-16]) * unit
    assert score(noise + unit * np.array([1, 0, 0, 0, 0, 0]))["edge_auroc"] == pytest.approx(3 / 8)
    assert score(noise + unit * np.array([1, 0, 0, 0, 0, 1e-9]))["edge_auroc"] == pytest.approx((3 + 1.5) / 8)
    nodes = score(np.arange(6), nodes=np.array([1e-16, 1, 2e-16, 0]) * unit)["node_auroc"]
    assert nodes == 0  # of embed, a0.h0 and m0 only a0.h0 is dead


@given(st.lists(st.integers(-1000, 1000), min_size=6, max_size=6), st.floats(1e-200, 1e200))
def test_scores_that_are_no_noise_keep_their_order_in_any_unit(numbers, unit):
    steps = resolved(np.array(numbers) * unit)
    assert np.argsort(steps, kind="stable").tolist() == np.argsort(numbers, kind="stable").tolist()
    assert len(set(steps)) == len(set(numbers))


NUMBERS = st.lists(st.integers(-3, 3), min_size=6, max_size=6)
FLAGS = st.lists(st.booleans(), min_size=6, max_size=6)


@given(NUMBERS, FLAGS, st.sampled_from([TRUTH, NULL]))
def test_every_value_is_declared_and_within_its_range(numbers, circuit, truth):
    for name, value in score(numbers, circuit, truth).items():
        low, high = (bound if bound is not None else value for bound in SCORE.METRICS[name]["range"])
        assert low <= value <= high
        assert SCORE.METRICS[name]["units"] == ("null" if truth.null else "live")


def test_every_metric_is_given_on_its_units():
    for truth, units in ((TRUTH, "live"), (NULL, "null")):
        declared = {name for name, metric in SCORE.METRICS.items() if metric["units"] == units}
        answer = Answer(TRUTH.effects, LIVE, probabilities=LIVE * 0.5)
        told = replace(truth, changed=~LIVE, twin=TWIN)
        beside = SCORE.score_beside(PROBLEM, truth, answer, [answer])
        assert SCORE.score(PROBLEM, told, answer).keys() | beside.keys() == declared


TWIN = np.array([3, 4, 5, 0, 1, 2])


def test_twins_are_compared_edge_by_edge():
    twins = replace(TRUTH, twin=TWIN)
    assert score([1, 2, 4, 1, 2, 4], truth=twins)["equivariance"] == pytest.approx(1)
    assert score([1, 2, 3, 3, 2, 1], truth=twins)["equivariance"] == pytest.approx(-1)
    assert score(np.ones(6), truth=twins)["equivariance"] == 0
    alone = replace(TRUTH, twin=np.array([3, -1, -1, 0, -1, -1]))
    assert score([1, 9, 9, 1, 5, 5], truth=alone)["equivariance"] == 0  # one pair says nothing


def test_probabilities_are_scored_against_the_circuit_that_fits_them():
    for circuit in EITHER.circuits:
        answer = Answer(np.zeros(6), LIVE, probabilities=np.where(circuit, 0.9, 0.1))
        values = SCORE.score(PROBLEM, EITHER, answer)
        assert values["brier"] == pytest.approx(0.01)
        assert values["false_discovery_rate"] == 0
    assert not STATED & set(score(np.zeros(6)))


def test_edges_that_a_cut_has_silenced_are_told_from_the_circuits_own():
    cut = replace(TRUTH, changed=np.arange(6) == 3)
    assert score([9, 2, 9, 1, 9, 2], truth=cut)["change_detected"] == 1
    assert score([9, 2, 9, 2, 9, 2], truth=cut)["change_detected"] == 0.5
    assert "change_detected" not in score(np.arange(6))


def test_effects_below_the_threshold_have_no_order():
    noisy = replace(TRUTH, effects=np.array([1e-14, 2, 3e-14, 0, 2e-14, 3]))
    assert score([5, 8, 1, 2, 3, 9], truth=noisy)["effect_concordance"] == 1
    assert score([5, 9, 1, 2, 3, 8], truth=noisy)["effect_concordance"] == pytest.approx(8 / 9)


@pytest.mark.parametrize("stated", [-0.1, 1.1, np.nan])
def test_probabilities_outside_0_and_1_are_refused(stated):
    with pytest.raises(InvalidAnswer, match="probabilities has 2 values"):
        check(PROBLEM, Answer(np.zeros(6), LIVE, probabilities=np.where(LIVE, stated, 0.5)))


@pytest.mark.parametrize("worth", [np.nan, np.inf, -np.inf])
def test_scores_that_are_not_finite_are_refused(worth):
    scores = np.where(LIVE, worth, 0.0)
    with pytest.raises(InvalidAnswer, match="edge_scores has 2 values"):
        check(PROBLEM, Answer(scores, LIVE))
    with pytest.raises(InvalidAnswer, match="node_scores has 1 values"):
        check(PROBLEM, Answer(np.zeros(6), LIVE, np.array([worth, 0, 0, 0])))


def test_answers_of_the_wrong_length_are_refused():
    with pytest.raises(InvalidAnswer, match=r"edge_scores has shape \(5,\), the problem has 6 edges"):
        check(PROBLEM, Answer(np.zeros(5), LIVE))
    with pytest.raises(InvalidAnswer, match=r"circuit has shape \(4,\), the problem has 6 edges"):
        check(PROBLEM, Answer(np.zeros(6), LIVE[:4]))
    with pytest.raises(InvalidAnswer, match=r"node_scores has shape \(3,\), the problem has 4 nodes"):
        check(PROBLEM, Answer(np.zeros(6), LIVE, np.zeros(3)))
