"""Several networks in one file: tensor `n` of network m is `m.n`, and the metadata hold their configurations."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file

from bench.models.checkpoint import Config, checked

Network = tuple[Config, dict[str, np.ndarray]]


def save(path: Path, networks: Sequence[Network]) -> None:
    """Write networks in order; the weights are checked against their configurations first."""
    arrays = {
        f"{number}.{name}": np.ascontiguousarray(array)
        for number, (config, weights) in enumerate(networks)
        for name, array in sorted(checked(config, weights, path).items())
    }
    configs = json.dumps([asdict(config) for config, _ in networks], sort_keys=True)
    save_file(arrays, str(path), metadata={"configs": configs})


def load(path: Path) -> list[Network]:
    """The networks in order."""
    with safe_open(str(path), "np") as file:
        configs = [Config(**values) for values in json.loads(file.metadata()["configs"])]
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
    found: list[Network] = [(config, {}) for config in configs]
    for name, array in arrays.items():
        number, _, tensor = name.partition(".")
        found[int(number)][1][tensor] = array
    return found
