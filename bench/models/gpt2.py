"""GPT-2 of Hugging Face as a transformer of ours.

Its layers store [in, out], as ours do; queries, keys and values stand side by side in one matrix. Older files name the
tensors without the prefix "transformer.".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bench.core.contract import BadInput
from bench.models import model_folder
from bench.models.checkpoint import Config
from bench.models.model_folder import Tensors

MODEL_TYPES = ("gpt2",)
REFUSED = ("scale_attn_by_inverse_layer_idx", "add_cross_attention")


def read_shape(told: Mapping[str, Any]) -> Config:
    """Our configuration from theirs."""
    for key in REFUSED:
        if told.get(key, False):
            raise BadInput(f"config.json: {key} is {told[key]!r}; only a GPT-2 without it is read")
    heads, d_model = told["n_head"], told["n_embd"]
    return Config(
        n_layers=told["n_layer"],
        n_heads=heads,
        n_kv_heads=heads,
        d_model=d_model,
        d_head=d_model // heads,
        d_mlp=told.get("n_inner") or 4 * d_model,
        d_vocab=told["vocab_size"],
        d_out=told["vocab_size"],
        n_ctx=told["n_positions"],
        causal=True,
        norm="layernorm",
        positions="learned",
        activation=model_folder.activation(told, "activation_function", "gelu_new"),
        norm_eps=float(told.get("layer_norm_epsilon", 1e-5)),
        attention_scale=None if told.get("scale_attn_weights", True) else 1.0,
    )


def read_weights(told: Mapping[str, Any], config: Config, tensors: Tensors) -> dict[str, np.ndarray]:
    """Our tensors from theirs."""
    at = "transformer." if "transformer.wte.weight" in tensors else ""
    tied = told.get("tie_word_embeddings", True)
    weights = {
        "embed": tensors[f"{at}wte.weight"],
        "pos": tensors[f"{at}wpe.weight"],
        "final_norm": tensors[f"{at}ln_f.weight"],
        "final_norm_bias": tensors[f"{at}ln_f.bias"],
        "unembed": tensors[f"{at}wte.weight" if tied else "lm_head.weight"].T,
    }
    for layer in range(config.n_layers):
        named = _layer(config, tensors, f"{at}h.{layer}")
        weights |= {f"layers.{layer}.{name}": array for name, array in named.items()}
    return weights


def _layer(config: Config, tensors: Tensors, at: str) -> dict[str, np.ndarray]:
    names = {
        "norm1": "ln_1.weight", "norm1_bias": "ln_1.bias", "norm2": "ln_2.weight", "norm2_bias": "ln_2.bias",
        "o_bias": "attn.c_proj.bias", "mlp_in": "mlp.c_fc.weight", "mlp_in_bias": "mlp.c_fc.bias",
        "mlp_out": "mlp.c_proj.weight", "mlp_out_bias": "mlp.c_proj.bias",
    }  # fmt: skip
    weights = {ours: tensors[f"{at}.{theirs}"] for ours, theirs in names.items()}
    weights["o"] = model_folder.join_heads(tensors[f"{at}.attn.c_proj.weight"].T, config.n_heads)
    projections = np.split(tensors[f"{at}.attn.c_attn.weight"].T, 3)
    biases = np.split(tensors[f"{at}.attn.c_attn.bias"], 3)
    for letter, projection, bias in zip("qkv", projections, biases, strict=True):
        weights[letter] = model_folder.split_heads(projection, config.n_heads)
        weights[f"{letter}_bias"] = bias.reshape(config.n_heads, config.d_head)
    return weights
