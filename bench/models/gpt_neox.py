"""GPT-NeoX of Hugging Face (Pythia) as a transformer of ours.

Heads and MLP of a layer read the same stream, each through a norm of its own (`use_parallel_residual`); rotary
positions turn the first `rotary_pct` of a head's coordinates. Queries, keys and values of one head follow each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bench.models import model_folder
from bench.models.checkpoint import Config
from bench.models.model_folder import Tensors

MODEL_TYPES = ("gpt_neox",)


def read_shape(told: Mapping[str, Any]) -> Config:
    """Our configuration from theirs."""
    heads, rope = told["num_attention_heads"], model_folder.rope(told)
    d_head = told["hidden_size"] // heads
    share = rope.get("partial_rotary_factor", told.get("rotary_pct", 0.25))
    return Config(
        n_layers=told["num_hidden_layers"],
        n_heads=heads,
        n_kv_heads=heads,
        d_model=told["hidden_size"],
        d_head=d_head,
        d_mlp=told["intermediate_size"],
        d_vocab=told["vocab_size"],
        d_out=told["vocab_size"],
        n_ctx=told["max_position_embeddings"],
        causal=True,
        norm="layernorm",
        positions="rotary",
        activation=model_folder.activation(told, "hidden_act", "gelu"),
        rope_theta=float(told.get("rotary_emb_base", rope["rope_theta"])),
        norm_eps=float(told.get("layer_norm_eps", 1e-5)),
        rotary_dims=int(d_head * share),
        parallel=told.get("use_parallel_residual", True),
    )


def read_weights(told: Mapping[str, Any], config: Config, tensors: Tensors) -> dict[str, np.ndarray]:
    """Our tensors from theirs."""
    tied = told.get("tie_word_embeddings", False)
    weights = {
        "embed": tensors["gpt_neox.embed_in.weight"],
        "final_norm": tensors["gpt_neox.final_layer_norm.weight"],
        "final_norm_bias": tensors["gpt_neox.final_layer_norm.bias"],
        "unembed": tensors["gpt_neox.embed_in.weight" if tied else "embed_out.weight"].T,
    }
    for layer in range(config.n_layers):
        named = _layer(config, tensors, f"gpt_neox.layers.{layer}")
        weights |= {f"layers.{layer}.{name}": array for name, array in named.items()}
    return weights


def _layer(config: Config, tensors: Tensors, at: str) -> dict[str, np.ndarray]:
    names = {"norm1": "input_layernorm", "norm2": "post_attention_layernorm"}
    weights = {ours: tensors[f"{at}.{theirs}.weight"] for ours, theirs in names.items()}
    weights |= {f"{ours}_bias": tensors[f"{at}.{theirs}.bias"] for ours, theirs in names.items()}
    for ours, theirs in {"mlp_in": "dense_h_to_4h", "mlp_out": "dense_4h_to_h"}.items():
        weights[ours] = tensors[f"{at}.mlp.{theirs}.weight"].T
        weights[f"{ours}_bias"] = tensors[f"{at}.mlp.{theirs}.bias"]
    weights["o"] = model_folder.join_heads(tensors[f"{at}.attention.dense.weight"], config.n_heads)
    together = tensors[f"{at}.attention.query_key_value.weight"]
    for letter, projection in zip("qkv", _of_three(together, config), strict=True):
        weights[letter] = projection.transpose(0, 2, 1)
    return weights | _attention_biases(config, tensors, f"{at}.attention")


def _attention_biases(config: Config, tensors: Tensors, at: str) -> dict[str, np.ndarray]:
    if f"{at}.query_key_value.bias" not in tensors:
        return {}
    q, k, v = _of_three(tensors[f"{at}.query_key_value.bias"], config)
    return {"q_bias": q, "k_bias": k, "v_bias": v, "o_bias": tensors[f"{at}.dense.bias"]}


def _of_three(together: np.ndarray, config: Config) -> np.ndarray:
    """[heads * 3 * d_head, ...] as [3, heads, d_head, ...]."""
    return together.reshape(config.n_heads, 3, config.d_head, *together.shape[1:]).swapaxes(0, 1)
