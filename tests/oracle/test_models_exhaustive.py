"""The torch model and the numpy route, which share no code, agree to 1e-9 on models of every kind."""

import numpy as np
import pytest
import torch

from bench.models import exhaustive
from bench.models.checkpoint import RESIDUAL_AXIS, Config, random_weights
from bench.models.graph import GRANULARITIES, Graph
from bench.models.patching import donors_for, edge_effects, output_change
from bench.models.transformer import Transformer

BASE = {
    "n_layers": 2, "n_heads": 2, "n_kv_heads": 2, "d_model": 6, "d_head": 4, "d_mlp": 5, "d_vocab": 7, "d_out": 3,
    "n_ctx": 6, "causal": False, "norm": "none", "positions": "learned",
}  # fmt: skip
KINDS = {
    "tracr": {"n_heads": 1, "n_kv_heads": 1},
    "attention_only": {"d_mlp": 0},
    "causal_layernorm": {"causal": True, "norm": "layernorm", "activation": "gelu"},
    "llama": {
        "causal": True, "norm": "rmsnorm", "positions": "rotary", "activation": "silu", "gated": True,
        "n_heads": 4, "n_kv_heads": 2, "rope_theta": 50.0,
    },
    "one_key_head": {"n_heads": 3, "n_kv_heads": 1, "norm": "rmsnorm", "n_layers": 3},
    "no_positions": {"positions": "none", "attention_scale": 1.7, "activation": "silu"},
}  # fmt: skip
kinds = pytest.mark.parametrize("kind", KINDS)


class Case:
    """A random model of a kind in both routes, with clean and corrupted inputs."""

    def __init__(self, kind, seed=0):
        rng = np.random.default_rng(seed)
        self.config = Config(**(BASE | KINDS[kind]))
        self.weights = random_weights(self.config, rng)
        self.model = Transformer(self.config, self.weights, torch.float64)
        self.clean, self.corrupted = rng.integers(7, size=(2, 5, 6))
        self.donors = exhaustive.node_outputs(self.config, self.weights, self.corrupted)
        self.scored = np.arange(6) > 0
        self.rng = rng


@kinds
def test_outputs_and_node_outputs_agree(kind):
    case = Case(kind)
    ours = case.model.run(case.clean).numpy()
    np.testing.assert_allclose(exhaustive.forward(case.config, case.weights, case.clean), ours, rtol=0, atol=1e-9)
    nodes = exhaustive.node_outputs(case.config, case.weights, case.clean)
    np.testing.assert_allclose(case.model.node_outputs(case.clean).numpy(), nodes, rtol=0, atol=1e-9)


@kinds
@pytest.mark.parametrize("density", [0.1, 0.6])
def test_patched_runs_agree_for_fractional_masks(kind, density):
    case = Case(kind)
    shape = (4, *Graph(case.config, "qkv").feeds.shape)
    patch = case.rng.random(shape) * (case.rng.random(shape) < density) * Graph(case.config, "qkv").feeds
    ours = case.model.patched(case.clean, torch.tensor(case.donors), torch.tensor(patch)).numpy()
    other = exhaustive.forward(case.config, case.weights, case.clean, case.donors, patch)
    assert np.abs(ours - case.model.run(case.clean).numpy()).max() > 0.01
    np.testing.assert_allclose(ours, other, rtol=0, atol=1e-9)


@kinds
@pytest.mark.parametrize("granularity", GRANULARITIES)
@pytest.mark.parametrize("intervention", ["resample", "zero", "mean"])
def test_effects_of_single_edges_agree(kind, granularity, intervention):
    case = Case(kind)
    graph = Graph(case.config, granularity)
    donors = donors_for(case.model, intervention, case.clean, case.corrupted)
    ours = edge_effects(case.model, graph, case.clean, donors, output_change(case.scored)).numpy()
    truth = exhaustive.edge_effects(case.config, case.weights, graph, case.clean, donors.numpy(), case.scored)
    assert truth.max() > 0.01
    np.testing.assert_allclose(ours, truth, rtol=0, atol=1e-9)


@kinds
def test_the_numpy_shortcut_equals_whole_runs(kind):
    """Values taken from the clean run instead of computed anew change nothing."""
    case = Case(kind)
    graph = Graph(case.config, "qkv")
    clean = exhaustive.forward(case.config, case.weights, case.clean)
    runs = exhaustive.forward(
        case.config, case.weights, case.clean, case.donors, graph.patch_matrix(np.eye(len(graph.edges)))
    )
    change = np.linalg.norm((runs - clean)[:, :, case.scored].reshape(len(runs), len(clean), -1), axis=-1).mean(-1)
    effects = exhaustive.edge_effects(case.config, case.weights, graph, case.clean, case.donors, case.scored)
    np.testing.assert_allclose(effects, change, rtol=0, atol=1e-12)


@kinds
def test_the_placebo_is_noise_and_not_nothing(kind):
    """A node patched with its own recomputed value moves the output by rounding errors alone, which are seen."""
    case = Case(kind)
    noise = exhaustive.placebo(case.config, case.weights, Graph(case.config, "qkv"), case.clean, case.scored)
    assert 0 < noise < 1e-12


def test_weights_in_float32_and_without_biases_are_read():
    case = Case("tracr")
    bare = {name: w.astype(np.float32) for name, w in case.weights.items() if not name.endswith("_bias")}
    model = Transformer(case.config, bare, torch.float64)
    other = exhaustive.forward(case.config, bare, case.clean)
    assert other.dtype == np.float64
    np.testing.assert_allclose(other, model.run(case.clean).numpy(), rtol=0, atol=1e-9)


def test_every_tensor_along_the_residual_stream_has_its_axis_named():
    for kind in KINDS:
        case = Case(kind)
        for name, array in case.weights.items():
            axis = RESIDUAL_AXIS.get(name.rsplit(".", 1)[-1])
            assert (axis is None) == (case.config.d_model not in array.shape), name
            assert axis is None or array.shape[axis] == case.config.d_model, name
