"""Broken measures of running circuits are rejected by sentences that the sound ones keep."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from bench.core.contract import Blob
from bench.core.problems import Workspace
from bench.models import checkpoint
from bench.models.checkpoint import Config, random_weights
from bench.models.exhaustive import forward
from bench.models.graph import Graph
from bench.tracks.circuits import faithfulness
from bench.tracks.circuits.tasks import planted
from bench.tracks.circuits.types import Answer, Problem

CONFIG = Config(n_layers=2, n_heads=2, n_kv_heads=2, d_model=6, d_head=3, d_mlp=5, d_vocab=7, d_out=3, n_ctx=4)


@pytest.fixture(scope="module")
def problem(tmp_path_factory: pytest.TempPathFactory) -> Problem:
    rng = np.random.default_rng(5)
    weights = random_weights(CONFIG, rng)
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    checkpoint.save(path, CONFIG, weights)
    clean, corrupted = rng.integers(7, size=(2, 5, 4))
    direction = np.sign(forward(CONFIG, weights, clean) - forward(CONFIG, weights, corrupted))
    graph = Graph(CONFIG, "qkv")
    return Problem(
        Blob.of(path), clean, corrupted, np.ones(4, bool), direction, "signed_output", "resample", "qkv",
        list(graph.nodes), list(graph.edges), 10_000,
    )  # fmt: skip


# -- defects --------------------------------------------------------------------------------------------------------


def the_ablated_run_is_the_intact_one(patch):
    """Hooks are gone before the run: whatever is left out, the whole model answers."""
    exact = faithfulness.Faithfulness._metric
    patch.setattr(faithfulness.Faithfulness, "_metric", lambda self, circuits: exact(self, np.ones_like(circuits)))


def the_circuit_is_patched_instead_of_the_rest(patch):
    exact = faithfulness.Faithfulness._metric
    patch.setattr(faithfulness.Faithfulness, "_metric", lambda self, circuits: exact(self, ~circuits))


def distance_of_the_clipped_share(patch):
    """f is clipped before its distance to 1 is taken, so that over-recovery is forgiven."""
    clipped = property(lambda self: self.area(1 - np.clip(self.faithfulness, 0, 1)))
    patch.setattr(faithfulness.Curve, "cmd", clipped)


def edges_counted_as_asked_for(patch):
    """Circuits stand at the number of edges that was asked for, though fewer are on a path."""
    exact = faithfulness.Curve.of.__func__
    asked = classmethod(lambda cls, edges, values: exact(cls, np.maximum(edges, np.arange(1, len(edges) + 1)), values))
    patch.setattr(faithfulness.Curve, "of", asked)


def ties_cut_in_the_order_of_edges(patch):
    def cut(scores, sizes):
        order = np.argsort(-scores, kind="stable")
        return np.array([np.isin(np.arange(len(scores)), order[:size]) for size in sizes])

    patch.setattr(faithfulness, "best", cut)


def the_model_is_not_knocked_out(patch):
    """The circuit without some edges is compared with the intact model."""
    exact = faithfulness.knocked
    patch.setattr(faithfulness, "knocked", lambda circuit: (exact(circuit)[0], np.ones_like(exact(circuit)[1])))


def the_circuit_is_not_knocked_out(patch):
    def intact(circuit):
        within, without = exact(circuit)
        return np.broadcast_to(circuit, within.shape), without

    exact = faithfulness.knocked
    patch.setattr(faithfulness, "knocked", intact)


def halves_alone_are_knocked_out(patch):
    """Of edges that are all needed a half breaks circuit and model alike, whatever the circuit lacks."""
    patch.setattr(faithfulness, "SINGLES", 0)


def edges_are_left_out_of_the_model(patch):
    """An edge is needed where the model needs it, so that nothing of a redundant pair is."""
    exact = faithfulness.left_out
    patch.setattr(faithfulness, "left_out", lambda circuit: ~(circuit & ~exact(circuit)))


def any_change_is_larger_than_chance(patch):
    """Without a reference, and without rounding: what moves the last digit is needed."""
    exact = faithfulness.of_edges
    patch.setattr(faithfulness, "of_edges", lambda less, more: exact(less, more) | {"minimality": (less >= 0).mean()})


def no_edges_are_as_good_as_needed_ones(patch):
    """The empty circuit gets full marks for minimality."""
    exact = faithfulness.of_edges
    patch.setattr(faithfulness, "of_edges", lambda less, more: exact(less, more) if len(less) else {"minimality": 1.0})


# -- sentences ------------------------------------------------------------------------------------------------------


def nothing_is_worth_0_and_everything_1(problem):
    ends = np.array([[False], [True]]).repeat(len(problem.edges), axis=1)
    run = faithfulness.Faithfulness(problem)
    assert run.is_defined
    assert run._metric(ends)[1] > run._metric(ends)[0]
    assert run.of(ends) == pytest.approx([0, 1])


def over_recovery_is_a_distance(problem):
    assert faithfulness.Curve.of(np.array([1, 9]), np.array([3.0, 1.0])).cmd == pytest.approx(0.5)


def edges_on_no_path_do_not_count(problem):
    found = faithfulness.Curve.of(np.array([0, 0, 2, 4]), np.array([0.0, 0.0, 1.0, 1.0]))
    assert found.edges.tolist() == [0, 2, 4]


def constant_scores_have_no_first_edge(problem):
    assert not faithfulness.best(np.ones(len(problem.edges)), np.array([1])).any()


@cache
def planted_unit(instance, folder):
    rng = np.random.default_rng(0)
    return planted.generate(instance, 0, rng, Workspace(Path(folder), {}))


def measured(problem, instance, chosen):
    """Measures of a circuit made from the minimal ones of a planted unit."""
    unit, truth = planted_unit(instance, str(problem.model.path.parent / "planted"))
    return faithfulness.measures(unit, Answer(truth.circuits.any(axis=0) * 1.0, chosen(truth.circuits)))


def the_whole_of_a_redundant_circuit_is_complete(problem):
    for instance in ("all_of_four", "any_of_two"):
        assert measured(problem, instance, lambda circuits: circuits.any(axis=0))["incompleteness"] < 1e-9


def one_of_two_ways_is_incomplete_and_its_edges_are_needed(problem):
    values = measured(problem, "any_of_two", lambda circuits: circuits[0])
    assert values["circuit_faithfulness"] == pytest.approx(1)
    assert values["incompleteness"] > 0.25
    assert values["minimality"] == 1


def a_missing_copy_shows_in_single_knock_outs(problem):
    """Two bits are needed, each in two copies of which one is chosen: most halves break what both copies share."""
    assert measured(problem, "pairs_of_any", lambda circuits: circuits[0])["incompleteness"] > 0.25


def edges_that_do_nothing_are_not_needed(problem):
    def with_as_many_more(circuits):
        needed = circuits[0]
        return needed | (np.cumsum(~needed) <= needed.sum()) & ~needed

    values = measured(problem, "all_of_four", with_as_many_more)
    assert values["minimality"] == 1 - values["superfluous_share"] < 0.9


def nothing_is_not_minimal(problem):
    assert "minimality" not in measured(problem, "all_of_four", lambda circuits: circuits[0] & False)


SENTENCES = (
    the_whole_of_a_redundant_circuit_is_complete,
    one_of_two_ways_is_incomplete_and_its_edges_are_needed,
    a_missing_copy_shows_in_single_knock_outs,
    edges_that_do_nothing_are_not_needed,
    nothing_is_not_minimal,
    nothing_is_worth_0_and_everything_1,
    over_recovery_is_a_distance,
    edges_on_no_path_do_not_count,
    constant_scores_have_no_first_edge,
)
REJECTIONS = (
    (the_ablated_run_is_the_intact_one, nothing_is_worth_0_and_everything_1),
    (the_circuit_is_patched_instead_of_the_rest, nothing_is_worth_0_and_everything_1),
    (distance_of_the_clipped_share, over_recovery_is_a_distance),
    (edges_counted_as_asked_for, edges_on_no_path_do_not_count),
    (the_model_is_not_knocked_out, the_whole_of_a_redundant_circuit_is_complete),
    (the_circuit_is_not_knocked_out, the_whole_of_a_redundant_circuit_is_complete),
    (halves_alone_are_knocked_out, a_missing_copy_shows_in_single_knock_outs),
    (edges_are_left_out_of_the_model, one_of_two_ways_is_incomplete_and_its_edges_are_needed),
    (any_change_is_larger_than_chance, edges_that_do_nothing_are_not_needed),
    (no_edges_are_as_good_as_needed_ones, nothing_is_not_minimal),
    (ties_cut_in_the_order_of_edges, constant_scores_have_no_first_edge),
)


@pytest.mark.parametrize("sentence", SENTENCES, ids=lambda one: one.__name__)
def test_the_sound_measures_keep_their_sentences(problem, sentence):
    sentence(problem)


@pytest.mark.parametrize(("broken", "sentence"), REJECTIONS, ids=lambda one: one.__name__)
def test_a_broken_measure_breaks_its_sentence(problem, broken, sentence, monkeypatch):
    broken(monkeypatch)
    with pytest.raises(AssertionError):
        sentence(problem)
