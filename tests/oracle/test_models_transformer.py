"""The forward pass against modules of torch.nn put together from the same weights."""

import numpy as np
import pytest
import torch
from torch import nn

from bench.core.contract import BadInput
from bench.models.checkpoint import Config, random_weights
from bench.models.transformer import Transformer

ACTIVATIONS = {"relu": nn.ReLU(), "gelu": nn.GELU(), "silu": nn.SiLU()}
NORMS = {"layernorm": nn.LayerNorm, "rmsnorm": nn.RMSNorm}


def config(**changes):
    base = {
        "n_layers": 2, "n_heads": 3, "n_kv_heads": 3, "d_model": 12, "d_head": 4, "d_mlp": 20, "d_vocab": 11,
        "d_out": 5, "n_ctx": 8, "norm": "layernorm", "positions": "learned", "activation": "gelu", "norm_eps": 1e-3,
    }  # fmt: skip
    return Config(**(base | changes))


def filled(module, **parameters):
    with torch.no_grad():
        for name, value in parameters.items():
            getattr(module, name).copy_(torch.tensor(value))
    return module


def reference_norm(config, weights, name):
    norm = NORMS[config.norm](config.d_model, eps=config.norm_eps, dtype=torch.float64)
    bias = {"bias": weights[f"{name}_bias"]} if config.norm == "layernorm" else {}
    return filled(norm, weight=weights[name], **bias)


def reference_attention(config, weights, at):
    """Heads of torch's own module stand side by side in its projections, [out, in]."""
    side_by_side = [weights[f"{at}.{x}"].transpose(0, 2, 1).reshape(config.d_model, config.d_model) for x in "qkv"]
    biases = [weights[f"{at}.{x}_bias"].ravel() for x in "qkv"]
    attention = nn.MultiheadAttention(config.d_model, config.n_heads, batch_first=True, dtype=torch.float64)
    filled(attention, in_proj_weight=np.concatenate(side_by_side), in_proj_bias=np.concatenate(biases))
    filled(attention.out_proj, weight=weights[f"{at}.o"].reshape(-1, config.d_model).T, bias=weights[f"{at}.o_bias"])
    return attention


def reference_linear(weights, name):
    d_in, d_out = weights[name].shape
    return filled(nn.Linear(d_in, d_out, dtype=torch.float64), weight=weights[name].T, bias=weights[f"{name}_bias"])


@torch.no_grad()
def reference_run(config, weights, tokens):
    tokens = torch.tensor(tokens)
    x = torch.tensor(weights["embed"])[tokens] + torch.tensor(weights["pos"])[: tokens.shape[1]]
    later = torch.ones(tokens.shape[1], tokens.shape[1]).triu(1).bool() if config.causal else None
    for layer in range(config.n_layers):
        at = f"layers.{layer}"
        y = reference_norm(config, weights, f"{at}.norm1")(x)
        x = x + reference_attention(config, weights, at)(y, y, y, attn_mask=later, need_weights=False)[0]
        y = reference_norm(config, weights, f"{at}.norm2")(x)
        y = ACTIVATIONS[config.activation](reference_linear(weights, f"{at}.mlp_in")(y))
        x = x + reference_linear(weights, f"{at}.mlp_out")(y)
    return reference_linear(weights, "unembed")(reference_norm(config, weights, "final_norm")(x))


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("norm", ["layernorm", "rmsnorm"])
@pytest.mark.parametrize("activation", ["gelu", "relu", "silu"])
def test_the_output_equals_torch_modules_with_the_same_weights(causal, norm, activation):
    kind, rng = config(causal=causal, norm=norm, activation=activation), np.random.default_rng(0)
    weights, tokens = random_weights(kind, rng), rng.integers(11, size=(4, 7))
    ours = Transformer(kind, weights, torch.float64).run(tokens)
    torch.testing.assert_close(ours, reference_run(kind, weights, tokens), rtol=1e-10, atol=1e-10)


def test_node_outputs_and_attention_biases_add_up_to_what_is_unembedded():
    kind, rng = config(norm="none"), np.random.default_rng(1)
    weights, tokens = random_weights(kind, rng), rng.integers(11, size=(4, 7))
    model = Transformer(kind, weights, torch.float64)
    stream = model.node_outputs(tokens).sum(0) + sum(model.weights[f"layers.{layer}.o_bias"] for layer in range(2))
    expected = stream @ model.weights["unembed"] + model.weights["unembed_bias"]
    torch.testing.assert_close(model.run(tokens), expected)


def test_float32_follows_float64():
    kind, rng = config(), np.random.default_rng(2)
    weights, tokens = random_weights(kind, rng), rng.integers(11, size=(4, 7))
    single, double = (Transformer(kind, weights, dtype).run(tokens) for dtype in (torch.float32, torch.float64))
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), double, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        (np.zeros((2, 9), int), r"shape \(2, 9\); give \[batch, pos <= 8\]"),
        (np.zeros(3, int), r"shape \(3,\)"),
        (np.full((1, 2), 11), "11 to 11; the vocabulary has 11"),
        (np.full((1, 2), -1), "-1 to -1"),
    ],
)
def test_tokens_that_the_model_cannot_read_are_refused(tokens, message):
    model = Transformer(config(), random_weights(config(), np.random.default_rng(0)))
    with pytest.raises(BadInput, match=message):
        model.run(tokens)
