"""Llama-family folders of Hugging Face (config.json and model.safetensors) as transformers of ours.

Their linear layers store [out, in]; ours store [in, out], split by head. Both turn the rotary pairs
(i, i + d_head / 2), so no coordinate moves. Embeddings may be tied; keys and values may be shared by groups of heads.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file

from bench.core.contract import BadInput
from bench.models.checkpoint import Config
from bench.models.transformer import Transformer

ACTIVATIONS = {"silu": "silu", "gelu": "gelu", "relu": "relu"}


class Tensors(dict[str, np.ndarray]):
    """Tensors by name; a missing one is the file's fault, not a bug."""

    def __missing__(self, name: str) -> np.ndarray:
        raise BadInput(f"model.safetensors: tensor {name!r} is missing; the file does not fit its config.json")


def load_llama(
    folder: Path | str, dtype: torch.dtype = torch.float32, device: str | torch.device = "cpu"
) -> Transformer:
    """Read a Hugging Face folder; raises `BadInput` where it holds something that we do not compute."""
    config, weights = llama_arrays(folder)
    return Transformer(config, weights, dtype, device)


def llama_arrays(folder: Path | str) -> tuple[Config, dict[str, np.ndarray]]:
    """The configuration and the tensors of `bench.models.checkpoint`, in float32."""
    folder = Path(folder)
    told = _read_config(folder)
    config = _config(told)
    tensors = Tensors((name, tensor.float().numpy()) for name, tensor in _read_tensors(folder).items())
    weights = {
        "embed": tensors["model.embed_tokens.weight"],
        "final_norm": tensors["model.norm.weight"],
        "unembed": tensors["model.embed_tokens.weight" if _tied(told) else "lm_head.weight"].T,
    }
    for layer in range(config.n_layers):
        weights |= {f"layers.{layer}.{name}": array for name, array in _layer(config, tensors, layer).items()}
    return config, weights


def _read_config(folder: Path) -> dict[str, Any]:
    path = folder / "config.json"
    if not path.is_file():
        raise BadInput(f"{folder}: there is no config.json; give a Hugging Face model folder")
    told = json.loads(path.read_text())
    if told.get("model_type") != "llama":
        raise BadInput(f"{path}: model_type is {told.get('model_type')!r}; only 'llama' is read")
    if _rope(told).get("rope_type", "default") != "default":
        raise BadInput(f"{path}: rotary positions are scaled by {_rope(told)['rope_type']!r}; only 'default' is read")
    if told.get("hidden_act", "silu") not in ACTIVATIONS:
        raise BadInput(f"{path}: hidden_act is {told['hidden_act']!r}; choose one of {tuple(ACTIVATIONS)}")
    return told


def _rope(told: dict[str, Any]) -> dict[str, Any]:
    """The rotary settings; before they were gathered they stood at the top level and under "rope_scaling"."""
    gathered = told.get("rope_parameters") or told.get("rope_scaling") or {}
    older = {"rope_type": gathered["type"]} if "type" in gathered else {}
    return {"rope_theta": told.get("rope_theta", 10_000.0)} | older | gathered


def _tied(told: dict[str, Any]) -> bool:
    return bool(told.get("tie_word_embeddings", False))


def _config(told: dict[str, Any]) -> Config:
    heads = told["num_attention_heads"]
    return Config(
        n_layers=told["num_hidden_layers"],
        n_heads=heads,
        n_kv_heads=told.get("num_key_value_heads") or heads,
        d_model=told["hidden_size"],
        d_head=told.get("head_dim") or told["hidden_size"] // heads,
        d_mlp=told["intermediate_size"],
        d_vocab=told["vocab_size"],
        d_out=told["vocab_size"],
        n_ctx=told["max_position_embeddings"],
        causal=True,
        norm="rmsnorm",
        positions="rotary",
        activation=ACTIVATIONS[told.get("hidden_act", "silu")],
        gated=True,
        rope_theta=float(_rope(told)["rope_theta"]),
        norm_eps=float(told.get("rms_norm_eps", 1e-6)),
    )


def _read_tensors(folder: Path) -> dict[str, torch.Tensor]:
    path = folder / "model.safetensors"
    if not path.is_file():
        raise BadInput(f"{folder}: there is no model.safetensors; sharded or pickled weights are not read")
    return load_file(path)


def _layer(config: Config, tensors: Tensors, layer: int) -> dict[str, np.ndarray]:
    at = f"model.layers.{layer}"
    heads = {"q": config.n_heads, "k": config.n_kv_heads, "v": config.n_kv_heads}
    weights = {
        "norm1": tensors[f"{at}.input_layernorm.weight"],
        "norm2": tensors[f"{at}.post_attention_layernorm.weight"],
        "o": tensors[f"{at}.self_attn.o_proj.weight"].T.reshape(config.n_heads, config.d_head, config.d_model),
    }
    for letter, count in heads.items():
        projection = tensors[f"{at}.self_attn.{letter}_proj.weight"]
        weights[letter] = projection.reshape(count, config.d_head, config.d_model).transpose(0, 2, 1)
    for ours, theirs in {"mlp_gate": "gate_proj", "mlp_in": "up_proj", "mlp_out": "down_proj"}.items():
        weights[ours] = tensors[f"{at}.mlp.{theirs}.weight"].T
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
