"""The files of a Hugging Face model folder: config.json, safetensors in one file or in shards, tokenizer.json."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file

from bench.core.contract import BadInput

ACTIVATIONS = {
    "silu": "silu", "relu": "relu", "gelu": "gelu", "gelu_new": "gelu_tanh", "gelu_pytorch_tanh": "gelu_tanh",
}  # fmt: skip
"""Their names of activations and ours."""


class Tensors(dict[str, np.ndarray]):
    """Tensors by name, in float32; a missing one is the file's fault, not a bug."""

    def __missing__(self, name: str) -> np.ndarray:
        raise BadInput(f"model.safetensors: tensor {name!r} is missing; the file does not fit its config.json")


def read_config(folder: Path) -> dict[str, Any]:
    """config.json."""
    path = folder / "config.json"
    if not path.is_file():
        raise BadInput(f"{folder}: there is no config.json; give a Hugging Face model folder")
    told: dict[str, Any] = json.loads(path.read_text())
    return told


def read_tensors(folder: Path) -> Tensors:
    """Every tensor of model.safetensors, or of the shards that model.safetensors.index.json names."""
    files = [folder / "model.safetensors"]
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        files = sorted({folder / shard for shard in json.loads(index.read_text())["weight_map"].values()})
    lost = [path for path in files if not path.is_file()]
    if lost:
        raise BadInput(f"{folder}: there is no {lost[0].name}; pickled weights are not read, save them as safetensors")
    read = [load_file(path) for path in files]
    return Tensors((name, _single(tensor)) for part in read for name, tensor in part.items())


def _single(tensor: torch.Tensor) -> np.ndarray:
    array: np.ndarray = tensor.float().numpy()
    return array


def activation(told: Mapping[str, Any], key: str, default: str) -> str:
    """Our name of the activation that config.json gives under `key`; raises `BadInput` where we have none."""
    name = told.get(key, default)
    if name not in ACTIVATIONS:
        raise BadInput(f"config.json: {key} is {name!r}; choose one of {tuple(ACTIVATIONS)}")
    return ACTIVATIONS[name]


def rope(told: Mapping[str, Any]) -> dict[str, Any]:
    """The rotary settings; before they were gathered they stood at the top level and under "rope_scaling"."""
    gathered = told.get("rope_parameters") or told.get("rope_scaling") or {}
    older = {"rope_type": gathered["type"]} if "type" in gathered else {}
    found = {"rope_theta": told.get("rope_theta", 10_000.0)} | older | gathered
    if found.get("rope_type", "default") != "default":
        raise BadInput(f"config.json: rotary positions are scaled by {found['rope_type']!r}; only 'default' is read")
    return found


def split_heads(projection: np.ndarray, heads: int) -> np.ndarray:
    """A linear layer [heads * d_head, d_model] of theirs as ours, [heads, d_model, d_head]."""
    return projection.reshape(heads, -1, projection.shape[1]).transpose(0, 2, 1)


def join_heads(output: np.ndarray, heads: int) -> np.ndarray:
    """Their attention output [d_model, heads * d_head] as ours, [heads, d_head, d_model]."""
    return output.T.reshape(heads, -1, len(output))
