"""Path patching against a search that walks every path by hand, node by node."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from bench.core.catalogue import load_plugin
from bench.core.config import ROOT
from bench.core.contract import PASSES, Blob, Unsupported
from bench.models import checkpoint
from bench.models.checkpoint import Config, random_weights
from bench.models.graph import Graph, node_of
from bench.tracks.circuits.experiment import Experiment
from bench.tracks.circuits.types import Problem

FOLDER = ROOT / "bench" / "tracks" / "circuits" / "methods"
PATHS, EXACT = (load_plugin(FOLDER / f"{name}.py") for name in ("path_patching", "exact_patching"))
CONFIG = Config(
    n_layers=3, n_heads=2, n_kv_heads=1, d_model=6, d_head=3, d_mlp=5, d_vocab=5, d_out=3, n_ctx=4, norm="layernorm",
    activation="gelu",
)  # fmt: skip


@pytest.fixture(scope="module")
def make(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "random.safetensors"
    rng = np.random.default_rng(3)
    checkpoint.save(path, CONFIG, random_weights(CONFIG, rng))
    clean, corrupted = rng.integers(CONFIG.d_vocab, size=(2, 4, 4))
    direction = rng.normal(size=(4, 4, 3))

    def problem(granularity="qkv", intervention="resample", metric="signed_output"):
        graph = Graph(CONFIG, granularity)
        return Problem(
            Blob.of(path), clean, corrupted, np.array([False, True, True, True]), direction, metric, intervention,
            granularity, list(graph.nodes), list(graph.edges), 10**6,
        )  # fmt: skip

    return problem


Pair = tuple[str, str]


def output_by_hand(experiment: Experiment, patched: set[Pair], heard: set[Pair]) -> torch.Tensor:
    """The output where pairs (source, slot) carry the donor's value if `patched`, the run's own if `heard`, and the
    clean one otherwise."""
    model, graph = experiment.model, experiment.graph
    clean = dict(zip(graph.sources, experiment.nodes, strict=True))
    donors = dict(zip(graph.sources, experiment.donors.expand_as(experiment.nodes), strict=True))
    own = {name: clean[name] for name in ("embed", "pos")}

    def read(slot: str) -> torch.Tensor:
        layers = range(int(slot[1:].split(".")[0]) + slot.startswith("m")) if slot != "output" else range(3)
        total = sum(model.weights[f"layers.{layer}.o_bias"] for layer in layers) + torch.zeros_like(clean["embed"])
        for n in np.flatnonzero(graph.feeds[graph.slots.index(slot)]):
            name = graph.sources[n]
            value = donors if (name, slot) in patched else own if (name, slot) in heard else clean
            total = total + value[name]
        return total

    for name in graph.sources[2:]:
        layer = int(name[1:].split(".")[0])
        if name.startswith("m"):
            own[name] = model.mlp(read(name), layer)
            continue
        head = int(name.split("h")[1])
        weights = model.attention[layer]
        q, k, v = (
            model.norm(read(f"{name}.{letter}"), f"layers.{layer}.norm1") @ weights.project[head, part]
            + weights.bias[head, part]
            for part, letter in enumerate("qkv")
        )
        own[name] = model.mix(q, k, v) @ weights.o[head]
    return model.unembed(read("output"))


def pairs_of(graph: Graph, edge: str) -> set[Pair]:
    mask = graph.patch_matrix(np.arange(len(graph.edges)) == graph.index[edge])
    return {(graph.sources[n], graph.slots[s]) for s, n in np.argwhere(mask)}


def search_by_hand(experiment: Experiment, threshold: float) -> dict[str, float]:
    """Edges one at a time, those into the latest receiver first; all else is clean but for what was found."""
    graph, scores = experiment.graph, {}
    found: set[Pair] = set()
    for receiver in ("output", *reversed(graph.sources)):
        if receiver != "output" and receiver not in {source for source, _ in found}:
            continue
        new = set()
        for edge in graph.edges:
            into = edge.split("->")[1]
            if receiver not in (into, node_of(into)):
                continue
            moved = experiment.deviation(output_by_hand(experiment, pairs_of(graph, edge), found))
            scores[edge] = float(moved)
            if moved > threshold and not edge.split("->")[0].endswith(("q", "k", "v")):
                new |= pairs_of(graph, edge)
        found |= new
    return scores


def nodes_by_hand(experiment: Experiment, threshold: float) -> dict[str, float]:
    """Nodes one at a time, the latest first, each patched into the output and all nodes found before."""
    graph, scores = experiment.graph, {}
    found: set[Pair] = set()
    for name in reversed(graph.sources):
        slots = {slot for slot in graph.slots if slot == "output" or node_of(slot) in {source for source, _ in found}}
        patched = {pair for pair in pairs_of(graph, f"{name}->*") if pair[1] in slots}
        scores[f"{name}->*"] = float(experiment.deviation(output_by_hand(experiment, patched, found)))
        if scores[f"{name}->*"] > threshold:
            found |= patched
    return scores


SHARES = (0.0, 0.03, 0.1)


@pytest.mark.parametrize("intervention", ["resample", "zero"])
@pytest.mark.parametrize("granularity", ["head", "qkv", "acdc", "node"])
def test_edges_score_as_paths_walked_by_hand(make, granularity, intervention):
    problem = make(granularity, intervention)
    experiment = Experiment(problem)
    by_hand = nodes_by_hand if granularity == "node" else search_by_hand
    for share in SHARES:
        threshold = share * experiment.scale
        expected = by_hand(experiment, threshold)
        found = PATHS.search(experiment, threshold)
        tested = np.array([expected.get(edge, 0) for edge in problem.edges])
        np.testing.assert_allclose(found, tested, rtol=1e-9, atol=1e-12)


def test_what_is_not_reached_is_not_run(make):
    experiment = Experiment(make())
    reached, spent = [], []
    for share in (0.0, 0.2):
        PASSES.clear()
        reached.append(np.count_nonzero(PATHS.search(experiment, share * experiment.scale)))
        spent.append(sum(PASSES.values()))
    assert 0 < reached[1] < reached[0]
    assert 0 < spent[1] < spent[0] / 2


def test_it_is_not_patching_every_edge_alone(make):
    """Into the output nothing lies behind, and the two agree; elsewhere paths that were not found are missing."""
    problem = make()
    paths, exact = (method.solve(problem, None, share=0.1).edge_scores for method in (PATHS, EXACT))
    last = np.array([edge.endswith("->output") for edge in problem.edges])
    np.testing.assert_allclose(paths[last], exact[last], rtol=1e-9, atol=1e-12)
    tested = ~last & (paths > 0)
    assert np.abs(paths - exact)[tested].max() > 0.01 * exact.max()


@pytest.mark.parametrize("granularity", ["node", "qkv"])
def test_it_spends_no_more_than_a_run_for_every_edge(make, granularity):
    problem = make(granularity)
    runs = len(problem.edges) + 4
    PASSES.clear()
    PATHS.solve(problem, None, share=0.0)
    assert 0 < sum(PASSES.values()) <= runs * len(problem.clean)
    with pytest.raises(Unsupported, match="path patching takes"):
        PATHS.solve(replace(problem, budget=runs * len(problem.clean) - 1), None)
