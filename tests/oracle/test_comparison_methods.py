"""Methods that compare networks against slow obvious ways, closed forms and hand-made graphs."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import networkx
import numpy as np
import pytest

from bench.core.catalogue import load_plugin
from bench.core.config import ROOT
from bench.core.contract import Unsupported, generator
from bench.core.problems import Workspace
from bench.kernels.representation import linear_cka
from bench.models import exhaustive
from bench.models.checkpoint import RESIDUAL_AXIS
from bench.models.compiled.dressing import random_rotation
from bench.models.graph import Graph
from bench.tracks.circuit_comparison import networks
from bench.tracks.circuit_comparison.alignment import best_matches
from bench.tracks.circuit_comparison.experiment import Experiment

TRACK = ROOT / "bench/tracks/circuit_comparison"
METHODS = sorted(path.stem for path in (TRACK / "methods").glob("*.py"))


def method(name: str):
    return load_plugin(TRACK / "methods" / f"{name}.py")


@pytest.fixture(scope="module")
def unit(tmp_path_factory):
    folder = tmp_path_factory.mktemp("comparison")
    task = load_plugin(TRACK / "tasks/compiled.py")
    return task.generate("sums_three", 0, generator("comparison methods"), Workspace(folder, {}))


def test_alignment_is_the_ratio_of_hilbert_schmidt_independence_criteria():
    """Independent route: HSIC(K, L) / sqrt(HSIC(K, K) HSIC(L, L)) with HSIC(K, L) = tr(K H L H)."""
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(2, 9, 4)), rng.normal(size=(3, 9, 6))
    centring = np.eye(9) - 1 / 9

    def hsic(x, y):
        return np.trace(x @ x.T @ centring @ y @ y.T @ centring)

    expected = [[hsic(x, y) / np.sqrt(hsic(x, x) * hsic(y, y)) for y in other] for x in one]
    np.testing.assert_allclose(linear_cka(one, other), expected, rtol=1e-12)


def test_alignment_knows_no_basis_no_scale_and_no_offset_but_shear():
    rng = np.random.default_rng(1)
    one = rng.normal(size=(1, 30, 5))
    assert linear_cka(one, 1e-9 * (one @ random_rotation(5, rng)) + 3)[0, 0] == pytest.approx(1)
    assert linear_cka(one, one @ np.diag([1, 2, 4, 8, 16]))[0, 0] < 0.9
    assert linear_cka(one, np.ones((1, 30, 5)))[0, 0] == 0


def test_best_matches_are_of_both_networks():
    assert best_matches(np.array([[1.0, 0.0], [0.5, 0.0]])) == pytest.approx((1 + 0.5 + 1 + 0) / 4)
    assert best_matches(np.zeros((0, 3))) == 0


def test_interchange_is_that_of_float64_numpy(unit):
    problem, _ = unit
    experiment, strings = Experiment(problem), problem.strings[:6]
    config, weights = networks.load(problem.networks.path)[2]
    graph, source = Graph(config, "node"), strings[::-1]
    base, donor = experiment.tokens(2, strings), experiment.tokens(2, source)
    donors = exhaustive.node_outputs(config, weights, donor)
    patches = graph.patch_matrix(np.eye(len(graph.edges))[2:])
    moved = exhaustive.forward(config, weights, base, donors, patches) - exhaustive.forward(config, weights, base)
    np.testing.assert_allclose(experiment.interchange(2, strings, source), moved[:, :, 1:].reshape(len(moved), 6, -1),
                               atol=1e-9)  # fmt: skip


def test_edge_effects_are_those_of_float64_numpy(unit):
    problem, _ = unit
    experiment, strings = Experiment(problem), problem.strings[:3]
    config, weights = networks.load(problem.networks.path)[1]
    graph, found = experiment.effects(1, strings, strings[::-1])
    base, donor = experiment.tokens(1, strings), experiment.tokens(1, strings[::-1])
    donors, scored = exhaustive.node_outputs(config, weights, donor), np.arange(base.shape[1]) > 0
    np.testing.assert_allclose(found, exhaustive.edge_effects(config, weights, graph, base, donors, scored), atol=1e-9)


def test_telling_pairs_are_answered_differently_and_share_no_string(unit):
    problem, _ = unit
    base, source = Experiment(problem).telling(6, np.random.default_rng(0))
    assert len(base) == len(source) == 6
    assert (base.sum(axis=1) % 5 != source.sum(axis=1) % 5).all()
    base, _ = Experiment(problem).telling(60, np.random.default_rng(0))
    assert 40 < len(base) <= 48  # of a pool of 96


def test_passes_beyond_the_budget_are_declined(unit):
    problem, _ = unit
    experiment = Experiment(replace(problem, budget=10))
    experiment.outputs(0, problem.strings[:8])
    with pytest.raises(Unsupported, match="needs 8 more passes, the budget of 10 has 2 left"):
        experiment.outputs(1, problem.strings[:8])


@pytest.mark.slow
@pytest.mark.parametrize("name", METHODS)
def test_an_answer_does_not_change_when_heads_are_permuted_and_the_stream_is_rotated(unit, name, tmp_path: Path):
    problem, _ = unit
    rng = np.random.default_rng(3)
    moved = [moved_network(config, weights, rng) for config, weights in networks.load(problem.networks.path)]
    blob = Workspace(tmp_path, {}).blob(lambda path: networks.save(path, moved))
    one, other = (
        method(name).solve(given, np.random.default_rng(0)) for given in (problem, replace(problem, networks=blob))
    )
    np.testing.assert_allclose(one.scores, other.scores, rtol=1e-6, atol=1e-8)
    assert np.array_equal(one.same, other.same)


def moved_network(config, weights, rng) -> networks.Network:
    turn, order = random_rotation(config.d_model, rng), rng.permutation(config.n_heads)
    found = {}
    for name, array in weights.items():
        kind = name.rsplit(".", 1)[-1]
        axis = RESIDUAL_AXIS.get(kind)
        array = array if axis is None else np.moveaxis(np.moveaxis(array, axis, -1) @ turn, -1, axis)
        found[name] = array[order] if kind in ("q", "k", "v", "o", "q_bias", "k_bias", "v_bias") else array
    return config, found


def test_label_counts_are_equal_where_networkx_finds_an_isomorphism_and_not_where_it_finds_none():
    module = method("edge_graph")
    chain = [("embed", "a0.h0", "v"), ("pos", "a0.h0", "k"), ("a0.h0", "m0", ""), ("m0", "output", "")]
    renamed = [("embed", "a1.h2", "v"), ("pos", "a1.h2", "k"), ("a1.h2", "m3", ""), ("m3", "output", "")]
    slot = [("embed", "a0.h0", "q"), *chain[1:]]
    backwards = [*chain[:3], ("output", "m0", "")]
    shortcut = [*chain, ("a0.h0", "output", "")]
    for other in (renamed, slot, backwards, shortcut):
        equal = module.label_counts(chain, 4) == module.label_counts(other, 4)
        assert equal == isomorphic(module, chain, other)
    assert module.label_counts(chain, 4) == module.label_counts(renamed, 4)


def isomorphic(module, one, other) -> bool:
    graphs = []
    for edges in (one, other):
        graph = networkx.DiGraph()
        for source, reader, slot in edges:
            graph.add_node(source, kind=module.kind(source))
            graph.add_node(reader, kind=module.kind(reader))
            graph.add_edge(source, reader, slot=slot)
        graphs.append(graph)
    return networkx.is_isomorphic(*graphs, lambda a, b: a == b, lambda a, b: a == b)


def test_the_kernel_of_label_counts_is_a_cosine():
    cosine = method("edge_graph").cosine
    assert cosine(Counter(a=3, b=4), Counter(a=3, b=4)) == pytest.approx(1)
    assert cosine(Counter(a=1), Counter(a=1, b=1)) == pytest.approx(2**-0.5)
    assert cosine(Counter(), Counter(a=1)) == 0


def test_effects_are_matched_both_ways_and_each_counts_once():
    module = method("interchange_matching")
    changes = np.array([[[1.0, 0]], [[1.0, 1e-6]], [[0, 1.0]], [[1e-6, 0]]])
    effects = module.distinct(changes)
    assert effects.tolist() == [[1, 0], [0, 1]]
    assert module.matched(effects, effects[::-1]) == 1
    assert module.matched(effects, effects[:1]) == pytest.approx(2 / 3)
    assert module.matched(effects[:0], effects[:0]) == 1


def test_profiles_sort_mean_changes():
    changes = np.array([[[3.0, 4], [0, 0]], [[6, 8], [6, 8]]])
    assert method("effect_profile").profile(changes).tolist() == [10, 2.5]


def test_spectra_are_square_roots_of_eigenvalues_of_whole_maps(unit):
    problem, _ = unit
    config, weights = networks.load(problem.networks.path)[0]
    heads, _ = method("weight_spectra").spectra((config, weights), 4)
    inputs = np.concatenate([weights["embed"], weights["pos"]])
    form = inputs @ (weights["layers.0.q"][1] @ weights["layers.0.k"][1].T) @ inputs.T
    sizes = np.sqrt(np.sort(np.linalg.eigvalsh(form @ form.T))[::-1][:4])
    np.testing.assert_allclose(heads[1][:4] * np.sqrt(2), sizes / np.linalg.norm(sizes), atol=1e-6)
