"""Edge values and slot masks: expansion and reduction are adjoint, in numpy and torch alike; pruning is a closure."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.models.checkpoint import Config
from bench.models.graph import GRANULARITIES, Graph


@st.composite
def graphs(draw, granularities=GRANULARITIES):
    config = Config(
        n_layers=draw(st.integers(1, 3)), n_heads=draw(st.integers(1, 3)), n_kv_heads=1, d_model=4, d_head=2,
        d_mlp=draw(st.sampled_from([0, 4])), d_vocab=3, d_out=3, n_ctx=4,
        positions=draw(st.sampled_from(["none", "learned"])), parallel=draw(st.booleans()),
    )  # fmt: skip
    return Graph(config, draw(st.sampled_from(granularities)), merge_pos=draw(st.booleans()))


seeds = st.integers(0, 2**32 - 1)


@settings(deadline=None)
@given(graphs(("node", "head", "qkv")), seeds)
def test_reduction_is_the_adjoint_of_expansion(graph, seed):
    """<expand(v), w> = <v, reduce(w)>."""
    rng = np.random.default_rng(seed)
    values, pairs = rng.normal(size=len(graph.edges)), rng.normal(size=graph.feeds.shape)
    assert np.sum(graph.patch_matrix(values) * pairs) == pytest.approx(values @ graph.reduce(pairs), rel=1e-9, abs=1e-9)


@settings(deadline=None)
@given(graphs(("acdc",)), seeds)
def test_with_inner_edges_reduction_is_the_adjoint_of_the_derivative_at_zero(graph, seed):
    rng = np.random.default_rng(seed)
    pairs = torch.tensor(rng.normal(size=graph.feeds.shape))
    values = torch.zeros(len(graph.edges), dtype=torch.float64, requires_grad=True)
    (graph.patch_matrix(values) * pairs).sum().backward()
    np.testing.assert_allclose(values.grad.numpy(), graph.reduce(pairs).numpy(), atol=1e-12)


@settings(deadline=None)
@given(graphs())
def test_all_edges_patched_is_every_pair_that_exists(graph):
    np.testing.assert_array_equal(graph.patch_matrix(np.ones(len(graph.edges))), graph.feeds)
    assert not graph.patch_matrix(np.zeros(len(graph.edges), bool)).any()


@settings(deadline=None)
@given(graphs(("node", "head", "qkv")))
def test_every_pair_belongs_to_exactly_one_edge(graph):
    masks = graph.patch_matrix(np.eye(len(graph.edges)))
    np.testing.assert_array_equal(masks.sum(axis=0), graph.feeds)


@settings(deadline=None)
@given(graphs(("acdc",)))
def test_an_inner_edge_patches_its_slot_and_nothing_else(graph):
    for slot in np.flatnonzero(graph.internal_of >= 0):
        mask = graph.patch_matrix(np.arange(len(graph.edges)) == graph.internal_of[slot])
        np.testing.assert_array_equal(mask[slot], graph.feeds[slot])
        assert mask.sum() == graph.feeds[slot].sum()


@settings(deadline=None)
@given(graphs(), seeds)
def test_numpy_and_torch_agree(graph, seed):
    rng = np.random.default_rng(seed)
    values, pairs = rng.random((2, len(graph.edges))), rng.random((2, 3, *graph.feeds.shape))
    np.testing.assert_allclose(graph.patch_matrix(torch.tensor(values)).numpy(), graph.patch_matrix(values))
    np.testing.assert_allclose(graph.reduce(torch.tensor(pairs)).numpy(), graph.reduce(pairs))
    np.testing.assert_allclose(graph.reduce(pairs)[1, 2], graph.reduce(pairs[1, 2]))


@settings(deadline=None)
@given(graphs(), seeds)
def test_no_edge_acts_before_its_first_slot(graph, seed):
    masks = graph.patch_matrix(np.eye(len(graph.edges)))
    for mask, first in zip(masks, graph.first_slot, strict=True):
        assert not mask[:first].any()
        assert mask[first].any()


@settings(deadline=None)
@given(graphs(), seeds)
def test_pruning_takes_away_and_is_idempotent_and_monotone(graph, seed):
    rng = np.random.default_rng(seed)
    circuit = rng.random(len(graph.edges)) < 0.5
    pruned = graph.prune(circuit)
    assert not (pruned & ~circuit).any()
    np.testing.assert_array_equal(graph.prune(pruned), pruned)
    larger = circuit | (rng.random(len(graph.edges)) < 0.2)
    assert not (pruned & ~graph.prune(larger)).any()


@settings(deadline=None)
@given(graphs())
def test_the_whole_graph_survives_pruning(graph):
    assert graph.prune(np.ones(len(graph.edges), bool)).all()
