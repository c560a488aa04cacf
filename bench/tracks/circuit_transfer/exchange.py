"""Exchange of one node between runs, in float64 numpy: the output on a base string with a node taken from another.

The forward pass is that of `bench.models.exhaustive`, which shares no code with the torch runs by which methods match.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from jaxtyping import Float, Int

from bench.core.contract import Blob
from bench.core.problems import Workspace
from bench.models import checkpoint
from bench.models.checkpoint import Config
from bench.models.exhaustive import Weights, forward, node_outputs
from bench.models.graph import INPUTS, Graph, source_names
from bench.tracks.circuit_transfer.matching import layer_and_head


class Disguised(Protocol):
    """A checkpoint that stands elsewhere than where it was made."""

    @property
    def config(self) -> Config: ...
    @property
    def weights(self) -> dict[str, np.ndarray]: ...


def save(model: Disguised, workspace: Workspace) -> Blob:
    """A model's checkpoint as a file that units share."""
    return workspace.blob(lambda path: checkpoint.save(path, model.config, model.weights))


def candidates(config: Config) -> list[str]:
    """The heads and MLPs of a model."""
    return [node for node in source_names(config) if node not in INPUTS]


def exchange_patches(config: Config, nodes: Sequence[str]) -> Float[np.ndarray, "nodes slots sources"]:
    """Masks that each replace all that one node writes."""
    graph = Graph(config, "node")
    return graph.patch_matrix(np.array([[edge == f"{node}->*" for edge in graph.edges] for node in nodes], float))


def exchanged(
    config: Config, weights: Weights, nodes: Sequence[str],
    base: Int[np.ndarray, "pairs pos"], source: Int[np.ndarray, "pairs pos"],
) -> Float[np.ndarray, "nodes pairs pos outputs"]:  # fmt: skip
    """The output on `base` strings where one node alone writes what it writes on `source` strings."""
    donors = node_outputs(config, weights, source)
    layers = [[node for node in nodes if layer_and_head(node)[0] == layer] for layer in range(config.n_layers)]
    found = [  # nodes of one layer at a time: what lies before them is then run once for all
        forward(config, weights, base, donors, exchange_patches(config, group)) for group in layers if group
    ]
    order = [node for group in layers for node in group]
    return np.concatenate(found)[[order.index(node) for node in nodes]]
