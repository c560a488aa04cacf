"""Models on fewer axes than variables: interference is what overlaps say, and truth is given where it is small."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from bench.core.catalogue import load_plugin
from bench.core.config import ROOT
from bench.core.contract import generator
from bench.core.problems import Workspace
from bench.models import exhaustive
from bench.models.compiled.certificate import Subject, Uncertified, verdict
from bench.models.compiled.conversion import Compiled
from bench.models.compiled.dressing import dress
from bench.models.graph import Graph, source_names
from bench.models.planted import Design, compressed, spread_directions
from bench.tracks.circuits import superposition
from bench.tracks.circuits.tasks import planted
from bench.tracks.circuits.types import Answer, Problem, Truth

TRACK = ROOT / "bench" / "tracks" / "circuits"
SCORE = load_plugin(TRACK / "score.py")
READS = ("q", "k", "v", "mlp_in", "unembed")
FEWER = 376  # axes for the 416 variables of the bare model
CERTIFIED = [name for name in planted.AXES if name not in planted.UNCERTIFIED]


@cache
def bare() -> tuple[Design, Compiled, np.ndarray, np.ndarray]:
    """The model before it is compressed or disguised, its directions, and strings in which the bits agree or not."""
    design, rng = planted.TWO_PAIRS, generator("test superposition")
    compiled = design.compiled()
    directions = spread_directions(len(compiled.labels), FEWER, rng)
    strings = [[rng.choice(design.true if rng.random() < 0.7 else design.false) for _ in range(5)] for _ in range(40)]
    return design, compiled, directions, compiled.encode(strings)


def run(config, weights, tokens):
    return exhaustive.forward(config, weights, tokens)[:, 1:, 0]


def test_directions_overlap_as_little_as_so_many_can():
    """The mean square overlap of n unit vectors in d dimensions is at least (n - d) / (d (n - 1)) (Welch 1974)."""
    for many, few in ((26, 20), (416, 376), (100, 20)):
        directions = spread_directions(many, few, np.random.default_rng(0))
        overlaps = directions @ directions.T
        np.testing.assert_allclose(np.diag(overlaps), 1)
        found, least = np.square(overlaps[~np.eye(many, dtype=bool)]).mean(), (many - few) / (few * (many - 1))
        assert least * (1 - 1e-9) <= found <= least * 1.01


def test_a_compressed_model_is_one_whose_every_read_is_mixed_by_the_overlaps():
    """Second route, on as many axes as before: what reads axis i reads every axis j too, overlap (i, j) times."""
    _, compiled, directions, tokens = bare()
    mixed = {
        name: np.moveaxis(np.tensordot(directions @ directions.T, array, (1, array.ndim - 2)), 0, array.ndim - 2)
        if name.rsplit(".", 1)[-1] in READS
        else array
        for name, array in compiled.weights.items()
    }
    expected = run(compiled.config, mixed, tokens)
    np.testing.assert_allclose(
        run(*compressed(compiled.config, compiled.weights, directions), tokens), expected, atol=1e-9
    )
    assert np.abs(expected - run(compiled.config, compiled.weights, tokens)).max() > 0.01


def test_the_output_is_off_by_what_the_overlaps_with_its_axis_and_with_the_constant_say():
    """Theory, to first order: the output reads every variable by its overlap with the last gate's axis; and an open
    gate writes the constant as it reads it, which is 1 and every variable by its overlap with the constant's axis.
    Heads and gates write wrong values themselves; the second order is at most an overlap times the error of each."""
    design, compiled, directions, tokens = bare()
    overlaps = directions @ directions.T
    np.fill_diagonal(overlaps, 0)
    values = exhaustive.node_outputs(compiled.config, compiled.weights, tokens).sum(0)[:, 1:]
    plain = run(compiled.config, compiled.weights, tokens)
    error = run(*compressed(compiled.config, compiled.weights, directions), tokens) - plain
    last = compiled.labels.index(design.names[design.root])
    before = np.where(np.arange(len(compiled.labels)) == last, 0, values)
    expected = values @ overlaps[last] + plain * (before @ overlaps[0])
    variables = [compiled.labels.index(name) for name in design.names.values()]
    largest = np.abs(values).sum(-1).max() * np.abs(overlaps).max()
    slack = largest * np.abs(overlaps[variables][:, [0, last]]).sum()
    assert np.abs(error - expected).max() < slack
    assert np.abs(error - expected).max() < 0.2 * np.abs(error).max()


def test_all_axes_kept_change_nothing():
    _, compiled, _, tokens = bare()
    whole = spread_directions(len(compiled.labels), len(compiled.labels), np.random.default_rng(1))
    expected = run(compiled.config, compiled.weights, tokens)
    np.testing.assert_allclose(run(*compressed(compiled.config, compiled.weights, whole), tokens), expected, atol=1e-9)


def test_a_steep_gate_is_flat_where_its_bits_agree():
    """What a head writes may be off by a fifth on either side and the output does not move."""
    _, compiled, _, _ = bare()
    design = planted.TWO_PAIRS
    for clean in (design.true, design.false):
        tokens = compiled.encode([clean[:5]])
        expected = run(compiled.config, compiled.weights, tokens)
        for factor in (0.8, 1.2):
            wrong = compiled.weights["layers.0.o"] * np.where(np.arange(4) == 0, factor, 1)[:, None, None]
            scaled = {**compiled.weights, "layers.0.o": wrong}
            np.testing.assert_allclose(run(compiled.config, scaled, tokens), expected, atol=1e-12)


@cache
def _unit(instance: str, seed: int, folder: str) -> tuple[Problem, Truth]:
    rng = generator("test superposition units", instance, seed)
    return planted.generate(instance, seed, rng, Workspace(Path(folder), {}))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("blobs"))
    return lambda instance, seed=0: _unit(instance, seed, folder)


@pytest.mark.slow
@pytest.mark.parametrize("instance", CERTIFIED)
def test_the_planted_circuit_is_what_exhaustive_patching_finds(instance, made):
    """By construction and by patching: all edges above the gap are the design's, and there are as many."""
    _, truth = made(instance)
    assert truth.gap >= 10
    assert truth.circuits.tolist() == [(truth.effects > truth.threshold).tolist()]
    assert truth.live.sum() == len(planted.TWO_PAIRS.proofs[0]) == 11
    assert (truth.effects[~truth.live] > 10 * truth.placebo).sum() > 100  # interference, not rounding


@pytest.mark.slow
def test_the_twin_that_is_not_compressed_has_the_same_live_edges():
    rng, compiled = generator("test superposition twin"), planted.compiled_of("superposed")
    pairs = planted.draw_pairs(planted.TWO_PAIRS, False, 4, rng)
    dressed = dress(compiled, planted.SHARING, compiled.encode(pairs[0]), rng)
    subject = planted.subject_of(compiled, dressed, pairs)
    (circuit,) = planted.planted_circuits(planted.TWO_PAIRS, dressed, Graph(dressed.config, "qkv"))
    found = verdict(subject.effects("resample", "qkv"), superposition.placebo_of(subject, "qkv"), subject.output_size())
    assert found.live.tolist() == circuit.tolist()


@pytest.mark.slow
def test_too_far_compressed_no_circuit_is_claimed_and_the_order_of_effects_is_scored(made):
    problem, truth = made("superposed_too_far")
    assert truth.gap < 10
    assert not truth.null
    assert not len(truth.circuits)
    assert truth.live is None
    oracle = load_plugin(TRACK / "controls" / "oracle.py").solve(problem, np.random.default_rng(0), truth=truth)
    values = SCORE.score(problem, truth, oracle)
    assert values["effect_concordance"] == 1
    assert not {"edge_auroc", "circuit_f1", "node_auroc"} & set(values)
    reverse = Answer(-oracle.edge_scores, oracle.circuit)
    assert SCORE.score(problem, truth, reverse)["effect_concordance"] == 0


def test_a_verdict_is_refused_where_interference_is_too_large():
    design, compiled, directions, _ = bare()
    config, weights = compressed(compiled.config, compiled.weights, directions[:, :200])
    clean, corrupted = (
        compiled.encode(strings) for strings in planted.draw_pairs(design, False, 2, np.random.default_rng(0))
    )
    subject = Subject(config, weights, clean, corrupted, np.arange(6) > 0)
    graph = Graph(config, "qkv")
    circuit = np.isin(graph.edges, [f"{source}->{slot}" for source, slot in design.proofs[0]])
    with pytest.raises(Uncertified, match="times as far"):
        superposition.certified(subject, "qkv", circuit)


def test_nodes_of_a_circuit_are_those_that_its_edges_leave():
    _, compiled, _, _ = bare()
    graph = Graph(compiled.config, "qkv")
    circuit = np.isin(graph.edges, ["embed->a0.h1.v", "a0.h1->output"])
    live = superposition.live_nodes(graph, circuit)
    assert [name for name, flag in zip(graph.nodes, live, strict=True) if flag] == ["embed", "a0.h1", "output"]
    assert len(source_names(compiled.config)) == len(live) - 1
