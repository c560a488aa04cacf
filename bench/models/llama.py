"""The Llama family of Hugging Face (Llama, Qwen2, Qwen3) as transformers of ours.

Their linear layers store [out, in]; ours store [in, out], split by head. Both turn the rotary pairs
(i, i + d_head / 2), so no coordinate moves. Embeddings may be tied; keys and values may be shared by groups of heads.
Qwen2 has biases of queries, keys and values; Qwen3 norms each head's queries and keys. Where attention slides over a
window, texts are no longer than the window, within which it changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bench.core.contract import BadInput
from bench.models import model_folder
from bench.models.checkpoint import Config
from bench.models.model_folder import Tensors
from bench.models.transformer import Transformer

MODEL_TYPES = ("llama", "qwen2", "qwen3")


def load_llama(
    folder: Path | str, dtype: torch.dtype = torch.float32, device: str | torch.device = "cpu"
) -> Transformer:
    """Read a Hugging Face folder; raises `BadInput` where it holds something that we do not compute."""
    config, weights = llama_arrays(folder)
    return Transformer(config, weights, dtype, device)


def llama_arrays(folder: Path | str) -> tuple[Config, dict[str, np.ndarray]]:
    """The configuration and the tensors of `bench.models.checkpoint`, in float32."""
    told = model_folder.read_config(Path(folder))
    if told.get("model_type") not in MODEL_TYPES:
        raise BadInput(f"{folder}: model_type is {told.get('model_type')!r}; choose one of {MODEL_TYPES}")
    config = read_shape(told)
    return config, read_weights(told, config, model_folder.read_tensors(Path(folder)))


def read_shape(told: Mapping[str, Any]) -> Config:
    """Our configuration from theirs."""
    heads = told["num_attention_heads"]
    window = told.get("sliding_window") if told.get("use_sliding_window") else None
    return Config(
        n_layers=told["num_hidden_layers"],
        n_heads=heads,
        n_kv_heads=told.get("num_key_value_heads") or heads,
        d_model=told["hidden_size"],
        d_head=told.get("head_dim") or told["hidden_size"] // heads,
        d_mlp=told["intermediate_size"],
        d_vocab=told["vocab_size"],
        d_out=told["vocab_size"],
        n_ctx=min(told["max_position_embeddings"], window or told["max_position_embeddings"]),
        causal=True,
        norm="rmsnorm",
        positions="rotary",
        activation=model_folder.activation(told, "hidden_act", "silu"),
        gated=True,
        rope_theta=float(model_folder.rope(told)["rope_theta"]),
        norm_eps=float(told.get("rms_norm_eps", 1e-6)),
        qk_norm=told["model_type"] == "qwen3",
    )


def read_weights(told: Mapping[str, Any], config: Config, tensors: Tensors) -> dict[str, np.ndarray]:
    """Our tensors from theirs."""
    tied = bool(told.get("tie_word_embeddings", False))
    weights = {
        "embed": tensors["model.embed_tokens.weight"],
        "final_norm": tensors["model.norm.weight"],
        "unembed": tensors["model.embed_tokens.weight" if tied else "lm_head.weight"].T,
    }
    for layer in range(config.n_layers):
        weights |= {f"layers.{layer}.{name}": array for name, array in _layer(config, tensors, layer).items()}
    return weights


def _layer(config: Config, tensors: Tensors, layer: int) -> dict[str, np.ndarray]:
    at = f"model.layers.{layer}"
    heads = {"q": config.n_heads, "k": config.n_kv_heads, "v": config.n_kv_heads}
    weights = {
        "norm1": tensors[f"{at}.input_layernorm.weight"],
        "norm2": tensors[f"{at}.post_attention_layernorm.weight"],
        "o": model_folder.join_heads(tensors[f"{at}.self_attn.o_proj.weight"], config.n_heads),
    }
    for letter, count in heads.items():
        weights[letter] = model_folder.split_heads(tensors[f"{at}.self_attn.{letter}_proj.weight"], count)
    for ours, theirs in {"mlp_gate": "gate_proj", "mlp_in": "up_proj", "mlp_out": "down_proj"}.items():
        weights[ours] = tensors[f"{at}.mlp.{theirs}.weight"].T
    if config.qk_norm:
        weights |= {f"{letter}_norm": tensors[f"{at}.self_attn.{letter}_norm.weight"] for letter in "qk"}
    return weights | _biases(config, tensors, at)


def _biases(config: Config, tensors: Tensors, at: str) -> dict[str, np.ndarray]:
    names = {
        "q_bias": "self_attn.q_proj", "k_bias": "self_attn.k_proj", "v_bias": "self_attn.v_proj",
        "o_bias": "self_attn.o_proj", "mlp_in_bias": "mlp.up_proj", "mlp_out_bias": "mlp.down_proj",
    }  # fmt: skip
    if f"{at}.mlp.gate_proj.bias" in tensors:
        raise BadInput(f"{at}.mlp.gate_proj.bias: a bias of the MLP's gate is not read; use a model without mlp_bias")
    found = {ours: tensors[f"{at}.{theirs}.bias"] for ours, theirs in names.items() if f"{at}.{theirs}.bias" in tensors}
    per_head = ("q_bias", "k_bias", "v_bias")
    return {name: bias.reshape(-1, config.d_head) if name in per_head else bias for name, bias in found.items()}
