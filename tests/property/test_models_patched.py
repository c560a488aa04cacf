"""What patching must satisfy whatever the model: identities, exact gradients, batches, causality, honest counts."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.core.contract import PASSES
from bench.models.checkpoint import Config, random_weights
from bench.models.graph import GRANULARITIES
from bench.models.transformer import Transformer

BATCH, POS, VOCAB = 3, 4, 5


@st.composite
def configs(draw, causal=(False, True)):
    positions = draw(st.sampled_from(["none", "learned", "rotary"]))
    kv_heads, group = draw(st.integers(1, 2)), draw(st.integers(1, 2))
    return Config(
        n_layers=draw(st.integers(1, 3)), n_heads=kv_heads * group, n_kv_heads=kv_heads, d_model=6, d_head=4,
        d_mlp=draw(st.sampled_from([0, 5])), d_vocab=VOCAB, d_out=3, n_ctx=POS + 1, 
        causal=draw(st.sampled_from(causal)),
        norm=draw(st.sampled_from(["none", "layernorm", "rmsnorm"])), positions=positions,
        activation=draw(st.sampled_from(["relu", "gelu", "gelu_tanh", "silu"])), gated=draw(st.booleans()),
        rotary_dims=draw(st.sampled_from([None, 2])), qk_norm=draw(st.booleans()), parallel=draw(st.booleans()),
    )  # fmt: skip


class Case:
    def __init__(self, config, seed):
        self.rng = np.random.default_rng(seed)
        self.model = Transformer(config, random_weights(config, self.rng), torch.float64)
        self.clean, self.corrupted = self.rng.integers(VOCAB, size=(2, BATCH, POS))
        self.donors = self.model.node_outputs(self.corrupted)
        self.shape = self.model.graph("qkv").feeds.shape

    def masks(self, count, density):
        """Random fractional masks over the edges that exist."""
        mask = self.rng.random((count, *self.shape)) * (self.rng.random((count, *self.shape)) < density)
        return torch.tensor(mask * self.model.graph("qkv").feeds)


seeds = st.integers(0, 2**32 - 1)


def assert_same(found, expected, tolerance=1e-11):
    """Equal to a share of the largest value: streams without a norm may grow large."""
    assert found.shape == expected.shape
    assert (found - expected).abs().max() <= tolerance * expected.abs().max()


@settings(deadline=None, max_examples=30)
@given(configs(), seeds)
def test_patching_nothing_is_the_clean_run(config, seed):
    case = Case(config, seed)
    nothing = torch.zeros(case.shape)
    clean = case.model.run(case.clean)
    assert_same(case.model.patched(case.clean, case.donors, nothing), clean)
    nodes = case.model.node_outputs(case.clean)
    assert_same(case.model.patched(case.clean, case.donors, nothing, clean=nodes), clean)


@settings(deadline=None, max_examples=30)
@given(configs(), st.sampled_from(GRANULARITIES), seeds)
def test_patching_every_edge_is_the_donors_run(config, granularity, seed):
    case = Case(config, seed)
    graph = case.model.graph(granularity)
    everything = torch.tensor(graph.patch_matrix(np.ones(len(graph.edges))))
    patched = case.model.patched(case.clean, case.donors, everything)
    assert_same(patched, case.model.run(case.corrupted))


@settings(deadline=None, max_examples=30)
@given(configs(), seeds)
def test_patching_along_no_edge_to_the_output_but_one_path_reads_only_that_path(config, seed):
    """With every edge patched but those that leave the embedding for the output, only that difference remains."""
    case = Case(config, seed)
    mask = torch.tensor(case.model.graph("qkv").feeds, dtype=torch.float64)
    mask[-1, 0] = 0
    nodes = case.donors.clone()
    nodes[0] = case.model.node_outputs(case.clean)[0]
    bias = sum(case.model.weights[f"layers.{layer}.o_bias"] for layer in range(config.n_layers))
    expected = case.model.unembed(nodes.sum(0) + bias)
    assert_same(case.model.patched(case.clean, case.donors, mask), expected)


@settings(deadline=None, max_examples=40)
@given(configs(), st.sampled_from([0.03, 0.2, 0.8]), st.booleans(), seeds)
def test_a_batch_of_masks_equals_one_mask_at_a_time(config, density, cached, seed):
    case = Case(config, seed)
    masks = case.masks(4, density)
    nodes = case.model.node_outputs(case.clean) if cached else None
    together = case.model.patched(case.clean, case.donors, masks, clean=nodes)
    alone = torch.stack([case.model.patched(case.clean, case.donors, mask) for mask in masks])
    assert_same(together, alone)


@settings(deadline=None, max_examples=30)
@given(configs(), seeds)
def test_a_mask_whose_gradient_is_wanted_gives_the_same_output(config, seed):
    case = Case(config, seed)
    masks = case.masks(3, 0.3)
    plain = case.model.patched(case.clean, case.donors, masks)
    tracked = case.model.patched(case.clean, case.donors, masks.requires_grad_(True))
    assert_same(tracked.detach(), plain)


@settings(deadline=None, max_examples=40)
@given(configs(), st.booleans(), seeds)
def test_nodes_that_no_slot_hears_change_nothing(config, cached, seed):
    """Sources patched wherever they are read, in every row; with a derivative wanted every node is computed."""
    case = Case(config, seed)
    masks = case.masks(3, 0.3)
    cut = torch.tensor(case.rng.random(masks.shape[-1]) < 0.6)
    masks[:, :, cut] = torch.as_tensor(case.model.feeds)[:, cut].double()
    clean = case.model.node_outputs(case.clean) if cached else None
    every = case.model.patched(case.clean, case.donors, masks.clone().requires_grad_()).detach()
    assert_same(case.model.patched(case.clean, case.donors, masks, clean=clean), every)


@pytest.mark.parametrize("node", ["a2.h1", "m2", "a1.h0"])
def test_a_node_that_no_slot_hears_is_not_computed(node):
    config = Config(
        n_layers=3, n_heads=2, n_kv_heads=2, d_model=6, d_head=4, d_mlp=5, d_vocab=VOCAB, d_out=3, n_ctx=POS,
        causal=True, norm="layernorm", positions="learned", activation="gelu", gated=False,
    )  # fmt: skip
    case = Case(config, 1)
    clean, masks = case.model.node_outputs(case.clean), case.masks(2, 0.3)
    number = case.model.sources.index(node)
    masks[:, :, number] = torch.as_tensor(case.model.feeds)[:, number].double()
    expected = case.model.patched(case.clean, case.donors, masks, clean=clean)
    layer, head = int(node[1]), int(node[-1])
    if node.startswith("m"):
        case.model.weights[f"layers.{layer}.mlp_out"][:] = torch.nan
    else:
        case.model.attention[layer].o[head] = torch.nan
    torch.testing.assert_close(case.model.patched(case.clean, case.donors, masks, clean=clean), expected)


@settings(deadline=None, max_examples=30)
@given(configs(), seeds)
def test_internal_edges_patch_their_whole_slot(config, seed):
    case = Case(config, seed)
    internal = torch.tensor(case.rng.integers(2, size=case.shape[0]), dtype=torch.float64)
    whole = internal[:, None] * torch.tensor(case.model.graph("qkv").feeds)
    by_slot = case.model.patched(case.clean, case.donors, torch.zeros(case.shape), internal=internal)
    assert_same(by_slot, case.model.patched(case.clean, case.donors, whole))


@settings(deadline=None, max_examples=30)
@given(configs(), st.sampled_from(GRANULARITIES), seeds)
def test_the_gradient_at_no_patch_is_the_product_formula(config, granularity, seed):
    """d metric / d edge at 0 = sum over its pairs of (donor - clean) . d metric / d slot input."""
    case = Case(config, seed)
    graph = case.model.graph(granularity)
    weighting = torch.tensor(case.rng.normal(size=(BATCH, POS, 3)))
    probed = case.model.slot_gradients(case.clean, lambda output: (output * weighting).sum())
    values = torch.zeros(len(graph.edges), dtype=torch.float64, requires_grad=True)
    (case.model.patched(case.clean, case.donors, graph.patch_matrix(values)) * weighting).sum().backward()
    by_product = graph.reduce(probed.products(case.donors - probed.nodes))
    assert_same(values.grad, by_product)


@settings(deadline=None, max_examples=20)
@given(configs(), seeds)
def test_the_gradient_equals_finite_differences(config, seed):
    """Smooth activations only: a kink has no derivative."""
    if config.activation == "relu":
        config = replace(config, activation="gelu")
    case = Case(config, seed)
    graph, step = case.model.graph("qkv"), 1e-5
    weighting = torch.tensor(case.rng.normal(size=(BATCH, POS, 3)))

    def metric(values):
        return (case.model.patched(case.clean, case.donors, graph.patch_matrix(values)) * weighting).sum((-1, -2, -3))

    start = torch.tensor(case.rng.random(len(graph.edges)) * 0.5, requires_grad=True)
    metric(start).backward()
    steps = step * torch.eye(len(graph.edges), dtype=torch.float64)
    with torch.no_grad():
        slope = (metric(start + steps) - metric(start - steps)) / (2 * step)
    assert_same(start.grad, slope, tolerance=1e-4)


@settings(deadline=None, max_examples=20)
@given(configs(), seeds)
def test_slot_gradients_take_other_embeddings(config, seed):
    """With the corrupted embeddings in place the run is the corrupted run; halfway it is neither."""
    case = Case(config, seed)
    probed = case.model.slot_gradients(case.clean, lambda output: output.sum(), inputs=case.donors[0])
    assert_same(probed.nodes, case.donors)
    assert_same(probed.output, case.model.run(case.corrupted))
    assert probed.value == pytest.approx(float(probed.output.sum()))


@settings(deadline=None, max_examples=20)
@given(configs(causal=(True,)), seeds)
def test_causal_models_do_not_read_what_comes_later(config, seed):
    case = Case(config, seed)
    changed = case.clean.copy()
    changed[:, 2:] = (changed[:, 2:] + 1) % VOCAB
    before, after = case.model.run(case.clean), case.model.run(changed)
    assert_same(after[:, :2], before[:, :2])
    assert not torch.allclose(after[:, 2:], before[:, 2:])


@settings(deadline=None, max_examples=20)
@given(configs(causal=(False,)), seeds)
def test_bidirectional_models_read_what_comes_later(config, seed):
    case = Case(config, seed)
    changed = case.clean.copy()
    changed[:, -1] = (changed[:, -1] + 1) % VOCAB
    assert not torch.allclose(case.model.run(changed)[:, 0], case.model.run(case.clean)[:, 0], rtol=0, atol=1e-12)


@settings(deadline=None, max_examples=30)
@given(configs(), seeds)
def test_work_is_counted_by_the_layers_that_are_computed(config, seed):
    case = Case(config, seed)
    layers, masks = config.n_layers, 4
    nodes = case.model.node_outputs(case.clean)
    last = torch.zeros(masks, *case.shape)
    last[:, (layers - 1) * (case.shape[0] - 1) // layers, 0] = 1

    def counted(call):
        PASSES.clear()
        call()
        return PASSES["forward"], PASSES["backward"]

    assert counted(lambda: case.model.run(case.clean)) == (BATCH, 0)
    assert counted(lambda: case.model.node_outputs(case.clean)) == (BATCH, 0)
    assert counted(lambda: case.model.slot_gradients(case.clean, torch.sum)) == (BATCH, BATCH)
    assert counted(lambda: case.model.patched(case.clean, nodes, last[0])) == (BATCH, 0)
    shared = -(-BATCH * (layers - 1 + masks) // layers)
    assert counted(lambda: case.model.patched(case.clean, nodes, last)) == (shared, 0)
    spared = -(-BATCH * masks // layers)
    assert counted(lambda: case.model.patched(case.clean, nodes, last, clean=nodes)) == (spared, 0)
