"""What runs circuits agrees with slow routes, closed forms and the identities of the public definitions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bench.core.contract import Blob
from bench.models import checkpoint
from bench.models.checkpoint import Config, random_weights
from bench.models.exhaustive import forward
from bench.models.graph import Graph, node_of
from bench.tracks.circuits import faithfulness
from bench.tracks.circuits.faithfulness import Curve, Faithfulness, best, greedy, measures, mib_auroc
from bench.tracks.circuits.types import Answer, Problem

CONFIG = Config(n_layers=2, n_heads=2, n_kv_heads=2, d_model=6, d_head=3, d_mlp=5, d_vocab=7, d_out=3, n_ctx=4)


@pytest.fixture(scope="module")
def problem(tmp_path_factory: pytest.TempPathFactory) -> Problem:
    rng = np.random.default_rng(5)
    weights = random_weights(CONFIG, rng)
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    checkpoint.save(path, CONFIG, weights)
    clean, corrupted = rng.integers(7, size=(2, 5, 4))
    scored = np.array([False, True, True, True])
    change = forward(CONFIG, weights, clean) - forward(CONFIG, weights, corrupted)
    graph = Graph(CONFIG, "qkv")
    return Problem(
        Blob.of(path), clean, corrupted, scored, np.sign(change) * scored[:, None], "signed_output", "resample", "qkv",
        list(graph.nodes), list(graph.edges), 10_000,
    )  # fmt: skip


@pytest.fixture(scope="module")
def circuits(problem: Problem) -> np.ndarray:
    return np.random.default_rng(6).random((9, len(problem.edges))) < np.linspace(0.1, 0.9, 9)[:, None]


def slow_metric(problem: Problem, circuit: np.ndarray) -> float:
    """One circuit at a time: the run in which every slot reads the clean sources of the circuit and donors besides."""
    experiment = faithfulness.Experiment(problem)
    graph, model = experiment.graph, experiment.model
    mask = np.zeros(graph.feeds.shape)
    for edge, kept in zip(graph.edges, circuit, strict=True):
        source, slot = edge.split("->")
        mask[graph.slots.index(slot), graph.sources.index(source)] = 0 if kept else 1
    output = model.patched(problem.clean, model.node_outputs(problem.corrupted), torch.as_tensor(mask)).numpy()
    return float((problem.direction * output)[:, problem.scored].sum((1, 2)).mean())


def test_faithfulness_is_the_share_of_the_metric_that_one_run_a_circuit_gives(problem, circuits):
    none, whole = (slow_metric(problem, np.full(len(problem.edges), flag)) for flag in (False, True))
    expected = [(slow_metric(problem, circuit) - none) / (whole - none) for circuit in circuits]
    assert Faithfulness(problem).of(circuits) == pytest.approx(expected, rel=1e-9)


def test_nothing_is_worth_0_and_everything_1(problem):
    ends = np.array([[False], [True]]).repeat(len(problem.edges), axis=1)
    assert Faithfulness(problem).of(ends) == pytest.approx([0, 1], abs=1e-12)


def test_the_empty_circuit_is_the_corrupted_run(problem):
    config, weights = checkpoint.load_arrays(problem.model.path)
    corrupted = forward(config, weights, problem.corrupted)
    expected = (problem.direction * corrupted)[:, problem.scored].sum((1, 2)).mean()
    assert slow_metric(problem, np.zeros(len(problem.edges), bool)) == pytest.approx(expected)


def test_the_batch_changes_nothing(problem, circuits, monkeypatch):
    whole = Faithfulness(problem).of(circuits)
    monkeypatch.setattr(faithfulness, "BATCH_ELEMENTS", 1)
    assert Faithfulness(problem).of(circuits) == pytest.approx(whole, rel=1e-12)


def test_a_behaviour_that_survives_the_loss_of_all_edges_has_no_measures(problem):
    same = replace(problem, corrupted=problem.clean)
    assert measures(same, Answer(np.arange(float(len(problem.edges))), np.ones(len(problem.edges), bool))) == {}


def test_areas_by_hand():
    """f is 0 up to the first circuit of 10 edges, then 2, and falls to 1: log-positions 0, 1/2 and 1."""
    curve = Curve.of(np.array([10, 10, 100]), np.array([2.0, 2.0, 1.0]))
    assert curve.edges.tolist() == [0, 10, 100]
    assert curve.cpr == pytest.approx(0.5)
    assert curve.cmd == pytest.approx(0.5 + 0.25)
    assert curve.over_recovery == pytest.approx(0.25)


@given(st.lists(st.floats(-3, 3), min_size=2, max_size=8))
def test_areas_are_bounded_and_add_up(values):
    curve = Curve.of(np.cumsum(np.arange(1, len(values) + 1)), np.array([*values[:-1], 1.0]))
    assert 0 <= curve.cpr <= 1 + 1e-12
    assert 0 <= curve.cmd <= 1 + 1e-12
    assert curve.cpr + curve.cmd >= 1 - 1e-9  # equal where f stays between 0 and 1
    assert (curve.cpr + curve.cmd == pytest.approx(1)) or min(values) < 0 or max(values) > 1


def test_the_public_floor_is_the_last_trapezoid_alone():
    """CPR .25 and CMD .75 of a ranking whose circuits restore nothing up to half of the edges and all with all (Mueller
    et al. 2025, table of random circuits)."""
    shares = np.array(faithfulness.MIB_SHARES)
    nothing = (shares == 1).astype(float)
    assert np.trapezoid(nothing, shares) == pytest.approx(0.25)
    assert np.trapezoid(np.abs(1 - nothing), shares) == pytest.approx(0.75, abs=0.001)


def test_ties_enter_together_or_not_at_all():
    scores = np.array([3.0, 2, 2, 2, 1])
    found = best(scores, np.array([0, 1, 2, 3, 4, 5]))
    assert found.sum(1).tolist() == [0, 1, 1, 1, 4, 5]
    assert found[4].tolist() == [True, True, True, True, False]


def test_constant_scores_keep_nothing_before_everything(problem):
    values = measures(problem, Answer(np.ones(len(problem.edges)), np.ones(len(problem.edges), bool)))
    assert values["cpr"] == pytest.approx(0, abs=1e-12)
    assert values["cmd"] == pytest.approx(1)
    assert values["circuit_faithfulness"] == pytest.approx(1)
    assert values["incompleteness"] == pytest.approx(0, abs=1e-12)


def test_measures_of_a_chosen_circuit_by_slow_routes(problem):
    rng = np.random.default_rng(7)
    scores, circuit = rng.random(len(problem.edges)), rng.random(len(problem.edges)) < 0.3
    values = measures(problem, Answer(scores, circuit))
    none, whole = (slow_metric(problem, np.full(len(problem.edges), flag)) for flag in (False, True))

    def kept(some: np.ndarray) -> float:
        return (slow_metric(problem, some) - none) / (whole - none)

    assert values["circuit_faithfulness"] == pytest.approx(kept(circuit))
    gaps = [abs(kept(circuit & ~out) - kept(~(circuit & out))) for out in faithfulness.knock_outs(circuit)]
    assert values["incompleteness"] == pytest.approx(np.mean(gaps))
    lost = [abs(kept(circuit & (np.arange(len(circuit)) != e)) - kept(circuit)) for e in faithfulness.some_of(circuit)]
    assert values["superfluous_share"] == pytest.approx(np.mean(np.array(lost) <= faithfulness.NEGLIGIBLE))
    further = faithfulness.put_in(Graph(CONFIG, "qkv"), circuit)
    added = [abs(kept(one) - kept(circuit)) for one in further]
    assert (further & ~circuit).sum(1).tolist() == [1] * faithfulness.ADDED
    assert values["minimality"] == pytest.approx(np.mean(np.array(lost) > max(added)))
    assert set(faithfulness.some_of(circuit)) <= set(np.flatnonzero(circuit))


def test_half_of_the_knock_outs_are_halves_and_the_others_single_edges_of_the_circuit(problem, circuits):
    for circuit in circuits[circuits.sum(1) >= faithfulness.SINGLES]:
        out = faithfulness.knock_outs(circuit)
        assert len(out) == faithfulness.HALVES + faithfulness.SINGLES
        assert out[faithfulness.HALVES :].sum(1).tolist() == [1] * faithfulness.SINGLES
        assert (out[faithfulness.HALVES :] <= circuit).all()
        within, without = faithfulness.knocked(circuit)
        assert (~without).any(1).all()
        assert (within == without & circuit).all()
        assert not (~without & ~circuit).any()


def test_edges_are_put_in_between_nodes_of_the_circuit():
    graph = Graph(CONFIG, "qkv")
    circuit = np.isin(graph.edges, ["embed->a0.h0.v", "a0.h0->m1", "m1->output"])
    found = {graph.edges[edge] for edge in np.flatnonzero(faithfulness.beside(graph, circuit))}
    slots = {f"embed->a0.h0.{letter}" for letter in "qk"} | {"embed->m1", "embed->output", "a0.h0->output"}
    assert found == slots


def test_where_a_circuit_leaves_out_nothing_between_its_nodes_any_edge_is_put_in():
    graph = Graph(CONFIG, "qkv")
    direct = np.isin(graph.edges, ["embed->output"])
    assert faithfulness.beside(graph, direct).sum() == len(graph.edges) - 1
    assert faithfulness.beside(graph, np.zeros(len(graph.edges), bool)).all()
    assert not len(faithfulness.put_in(graph, np.ones(len(graph.edges), bool)))


@pytest.mark.parametrize(
    ("less", "more", "minimality", "superfluous"),
    [
        ([0.5, 0.02, 0.01, 0.0], [0.0, 0.01, 0.015], 0.5, 0.5),  # one in a hundred is negligible, .02 beats chance
        ([0.5, 0.02, 0.01, 0.0], [0.3], 0.25, 0.5),
        ([0.5, 1e-12], [], 0.5, 0.5),  # nothing to compare with: above rounding
        ([0.2, 0.2], [0.2], 0.0, 0.0),  # as large as chance is not larger
    ],
)
def test_minimality_by_hand(less, more, minimality, superfluous):
    found = faithfulness.of_edges(np.array(less), np.array(more))
    assert found == {"minimality": minimality, "superfluous_share": superfluous}


def test_an_empty_circuit_has_no_edge_to_judge_and_is_as_incomplete_as_can_be(problem):
    values = measures(problem, Answer(np.arange(float(len(problem.edges))), np.zeros(len(problem.edges), bool)))
    assert not {"minimality", "superfluous_share"} & set(values)
    assert values["incompleteness"] == pytest.approx(1)


def test_growing_from_the_output_joins_the_best_edge_that_touches_the_circuit():
    graph = Graph(CONFIG, "qkv")
    scores = np.random.default_rng(8).random(len(graph.edges))
    order = list(greedy(graph, scores))
    reached, left = {"output"}, set(range(len(graph.edges)))
    for edge in order:  # the slow route: all edges are looked at in every step
        touching = [e for e in left if node_of(graph.edges[e].split("->")[1]) in reached]
        assert edge == max(touching, key=lambda e: scores[e])
        left.remove(edge)
        reached.add(graph.edges[edge].split("->")[0])
    assert not left


def test_a_perfect_ranking_scores_1_under_the_public_area_and_a_worthless_one_about_a_half():
    graph, rng = Graph(CONFIG, "qkv"), np.random.default_rng(9)
    into_output = np.array([edge.endswith("->output") for edge in graph.edges])
    assert mib_auroc(graph, into_output + 0.001 * rng.random(len(graph.edges)), into_output) > 0.9
    live = rng.random(len(graph.edges)) < 0.5
    found = [mib_auroc(graph, rng.random(len(graph.edges)), live) for _ in range(50)]
    assert 0.4 < np.mean(found) < 0.6
