"""A model as modules says what the model says, and hooks on its modules do what patching does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.core.catalogue import load_plugin
from bench.core.config import ROOT
from bench.core.contract import PASSES, Unsupported, generator
from bench.core.problems import Workspace
from bench.models.adapters.modules import Nodes, module_of
from bench.models.checkpoint import Config, random_weights
from bench.models.transformer import Transformer

TALL = Config(
    n_layers=2, n_heads=2, n_kv_heads=1, d_model=8, d_head=4, d_mlp=6, d_vocab=5, d_out=3, n_ctx=4, norm="layernorm",
    activation="gelu",
)  # fmt: skip
SHAPES = {
    "layer_norm": TALL,
    "attention_only": replace(TALL, d_mlp=0, norm="none", causal=False),
    "rotary_gated": replace(TALL, positions="rotary", norm="rmsnorm", gated=True, activation="silu"),
}


@pytest.fixture(params=SHAPES)
def model(request):
    config = SHAPES[request.param]
    return Transformer(config, random_weights(config, np.random.default_rng(0)), torch.float64)


@pytest.fixture
def inputs():
    return torch.as_tensor(np.random.default_rng(1).integers(5, size=(2, 3, 4)))


def test_the_modules_say_what_the_model_says(model, inputs):
    PASSES.clear()
    said = Nodes(model)(inputs[0])
    assert PASSES["forward"] == 3
    torch.testing.assert_close(said, model.run(inputs[0]), rtol=0, atol=1e-12)


def test_each_module_puts_out_what_its_node_does(model, inputs):
    found, modules = {}, Nodes(model)
    for node in model.sources:
        module = modules.get_submodule(module_of(node))
        module.register_forward_hook(lambda module, read, output, node=node: found.__setitem__(node, output))
    modules(inputs[0])
    torch.testing.assert_close(
        torch.stack([found[node] for node in model.sources]), model.node_outputs(inputs[0]), rtol=0, atol=1e-12
    )


def test_a_hook_on_an_output_patches_the_node_for_all_its_readers(model, inputs):
    donors, modules = model.node_outputs(inputs[1]), Nodes(model)
    for number, node in enumerate(model.sources):
        module = modules.get_submodule(module_of(node))
        handle = module.register_forward_hook(lambda module, read, output, number=number: donors[number])
        hooked = modules(inputs[0])
        handle.remove()
        mask = model.feeds.double() * (torch.arange(len(model.sources)) == number)
        expected = model.patched(inputs[0], donors, mask)
        assert node == "pos" or (expected - model.run(inputs[0])).abs().max() > 1e-3
        torch.testing.assert_close(hooked, expected, rtol=0, atol=1e-12)


def test_a_hook_on_an_input_patches_the_edge_into_that_slot(model, inputs):
    donors, clean, modules = model.node_outputs(inputs[1]), model.node_outputs(inputs[0]), Nodes(model)
    for number, slot in enumerate(model.graph("qkv").slots):
        module, change = modules.get_submodule(module_of(slot)), donors[0] - clean[0]
        handle = module.register_forward_pre_hook(lambda module, read, change=change: (read[0] + change,))
        hooked = modules(inputs[0])
        handle.remove()
        mask = torch.zeros(model.feeds.shape, dtype=torch.float64)
        mask[number, 0] = 1
        torch.testing.assert_close(hooked, model.patched(inputs[0], donors, mask), rtol=0, atol=1e-12)


@pytest.fixture(scope="module")
def problem(tmp_path_factory):
    task = load_plugin(ROOT / "bench" / "tracks" / "circuits" / "tasks" / "siit.py")
    folder = tmp_path_factory.mktemp("unit")
    return task.generate("reverse", 0, generator("adapters", "modules"), Workspace(folder, {}))[0]


TEMPLATE = Path("docs/plugins/circuits/methods/hooked_nodes.py")


def test_the_template_written_with_hooks_answers_as_node_patching_does(problem):
    hooked, ours = (
        load_plugin(ROOT / path).solve(problem, generator("unused"))
        for path in (TEMPLATE, "bench/tracks/circuits/methods/node_patching.py")
    )
    assert ours.edge_scores.max() > 0.1
    np.testing.assert_allclose(hooked.edge_scores, ours.edge_scores, rtol=0, atol=1e-9)
    np.testing.assert_allclose(hooked.node_scores, ours.node_scores, rtol=0, atol=1e-9)
    np.testing.assert_array_equal(hooked.circuit, ours.circuit)


def test_the_template_declines_what_it_does_not_do(problem):
    with pytest.raises(Unsupported, match="the intervention is zero"):
        load_plugin(ROOT / TEMPLATE).solve(replace(problem, intervention="zero"), generator("unused"))
