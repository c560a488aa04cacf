"""Exhaustive patching: the batched route equals one whole run per edge, and the interventions are what they say."""

import numpy as np
import pytest
import torch

from bench.core.contract import PASSES
from bench.models.checkpoint import Config, random_weights
from bench.models.graph import GRANULARITIES
from bench.models.patching import donors_for, edge_effects, output_change
from bench.models.transformer import Transformer


@pytest.fixture(scope="module")
def model():
    config = Config(
        n_layers=3, n_heads=2, n_kv_heads=1, d_model=8, d_head=4, d_mlp=6, d_vocab=5, d_out=3, n_ctx=4,
        norm="layernorm", activation="gelu",
    )  # fmt: skip
    return Transformer(config, random_weights(config, np.random.default_rng(0)), torch.float64)


@pytest.fixture(scope="module")
def inputs():
    return np.random.default_rng(1).integers(5, size=(2, 6, 4))


@pytest.mark.parametrize("granularity", GRANULARITIES)
@pytest.mark.parametrize("batch_elements", [1, 3000, 10**7])
def test_batched_equals_one_edge_at_a_time(model, inputs, granularity, batch_elements):
    graph, measure = model.graph(granularity), output_change(np.array([False, True, True, True]))
    donors = donors_for(model, "resample", *inputs)
    fast = edge_effects(model, graph, inputs[0], donors, measure, batch_elements=batch_elements)
    slow = edge_effects(model, graph, inputs[0], donors, measure, one_at_a_time=True)
    assert slow.max() > 0.01
    torch.testing.assert_close(fast, slow, rtol=0, atol=1e-12)


def test_any_measure_can_be_taken(model, inputs):
    def measure(patched, clean):
        return (patched[:, 2, 1, 0] - clean[2, 1, 0]) ** 3 + 1

    graph, donors = model.graph("qkv"), donors_for(model, "resample", *inputs)
    fast = edge_effects(model, graph, inputs[0], donors, measure)
    slow = edge_effects(model, graph, inputs[0], donors, measure, one_at_a_time=True)
    torch.testing.assert_close(fast, slow, rtol=0, atol=1e-12)
    assert slow.std() > 0.01
    assert (slow == 1).any()  # positions are the same in both inputs


def test_the_batched_route_counts_less_work_than_a_run_per_edge(model, inputs):
    graph, donors = model.graph("qkv"), donors_for(model, "resample", *inputs)
    PASSES.clear()
    edge_effects(model, graph, inputs[0], donors, output_change(np.ones(4, bool)), one_at_a_time=True)
    slow = PASSES["forward"]
    assert slow == 6 * (len(graph.edges) + 1)
    PASSES.clear()
    edge_effects(model, graph, inputs[0], donors, output_change(np.ones(4, bool)))
    assert 6 < PASSES["forward"] < 0.7 * slow


def test_donors_of_each_intervention(model, inputs):
    clean, corrupted = (model.node_outputs(tokens) for tokens in inputs)
    torch.testing.assert_close(donors_for(model, "resample", *inputs), corrupted)
    assert not donors_for(model, "zero", *inputs).any()
    mean = donors_for(model, "mean", *inputs)
    assert mean.shape == (len(model.sources), 1, 1, 8)
    torch.testing.assert_close(mean[:, 0, 0], clean.flatten(1, 2).mean(1))


def test_an_unknown_intervention_is_refused(model, inputs):
    with pytest.raises(ValueError, match="intervention is 'swap'"):
        donors_for(model, "swap", *inputs)


def test_the_output_change_is_the_mean_norm_over_scored_positions():
    clean = torch.zeros(2, 3, 2, dtype=torch.float64)
    patched = clean.clone()
    patched[0, 1] = torch.tensor([3.0, 4.0])
    patched[1, 0] = 100.0
    measure = output_change(np.array([False, True, True]))
    assert measure(patched[None], clean).tolist() == [2.5]
