"""The residual stream against the model's own output, and long texts against windows written out by hand."""

import numpy as np
import pytest
import torch

from bench.models.activations import read_text, residual_stream
from bench.models.checkpoint import Config, shapes
from bench.models.transformer import Transformer


@pytest.fixture(scope="module")
def model():
    config = Config(
        n_layers=3, n_heads=2, n_kv_heads=1, d_model=8, d_head=4, d_mlp=12, d_vocab=11, d_out=11, n_ctx=10, causal=True,
        norm="rmsnorm", positions="rotary", activation="silu", gated=True,
    )  # fmt: skip
    rng = np.random.default_rng(0)
    weights = {name: rng.normal(0, 0.5, shape) for name, shape in shapes(config).items()}
    return Transformer(config, weights, torch.float64)


def test_the_stream_starts_at_the_embedding_and_ends_where_the_output_reads(model):
    tokens = np.array([[1, 4, 2, 9], [0, 3, 3, 10]])
    stream = residual_stream(model, tokens)
    torch.testing.assert_close(stream[0], model.weights["embed"][torch.as_tensor(tokens)])
    torch.testing.assert_close(model.unembed(stream[-1]), model.run(tokens))


def test_each_layer_adds_what_its_nodes_write(model):
    tokens = np.array([[5, 6, 7]])
    stream = residual_stream(model, tokens)
    after = stream[1] + model.weights["layers.1.o_bias"]
    after = after + model.node_outputs(tokens)[1 + 3 : 1 + 5].sum(0)
    torch.testing.assert_close(stream[2], after + model.mlp(after, 1))


def test_a_short_text_is_one_window(model):
    tokens = np.arange(1, 8)
    expected = residual_stream(model, np.concatenate([[0], tokens])[None])[:, 0, 1:]
    np.testing.assert_array_equal(read_text(model, tokens, 0, 4), expected.numpy())


def test_a_long_text_is_read_in_the_first_window_that_holds_each_token(model):
    tokens = np.random.default_rng(1).integers(1, 11, 23)
    read = read_text(model, tokens, start=0, stride=4)
    assert read.shape == (4, 23, 8)
    windows = [(0, 9, 0), (4, 13, 9), (8, 17, 13), (12, 21, 17), (16, 25, 21)]  # width 9, then steps of 4
    for first, end, new in windows:
        window = residual_stream(model, np.concatenate([[0], tokens[first:end]])[None])[:, 0, 1:].numpy()
        np.testing.assert_allclose(read[:, new:end], window[:, new - first :], rtol=1e-10)
