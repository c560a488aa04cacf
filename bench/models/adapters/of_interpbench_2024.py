"""The released models of InterpBench 2024 (huggingface.co/cybershiptrooper/InterpBench) as checkpoints of ours.

A case there is a folder with `ll_model*.pth` (a state dictionary of TransformerLens), `ll_model_cfg*.pkl`,
`meta*.json` and `edges.pkl`, the circuit that training enforced, as pairs of hook names; beside the folders lies
`benchmark_metadata.json`, which has the configurations again. Pickles are not read here: the configuration comes from
that JSON or from `ll_model_cfg*.json`, the circuit from `edges.json`, and both are made from pickles that run nothing
by `python -P -m bench.models.adapters unpickle` (see `state_files.inert_pickle`).

The release's own description says that training constrained heads, not queries, keys and values: the circuit is given
as edges at head granularity, and as nodes.
Reference: Gupta et al. 2024, InterpBench, NeurIPS, arXiv:2407.14494.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.core.contract import BadInput
from bench.models.adapters.of_transformer_lens import converted
from bench.models.adapters.state_files import load_state
from bench.models.checkpoint import Config
from bench.models.graph import Graph, node_of

HEAD_PLACE = re.compile(r"^blocks\.(\d+)\.(?:attn\.hook_result|hook_([qkv])_input|attn\.hook_([qkv]))\[(\d+)\]$")
OTHER_PLACE = re.compile(r"^blocks\.(\d+)\.(hook_mlp_in|hook_mlp_out|hook_resid_post)$")
INPUTS = {"hook_embed": "embed", "hook_pos_embed": "pos"}


@dataclass(frozen=True)
class Case:
    """A released model and the circuit that training enforced: edges at head granularity and the nodes they touch."""

    config: Config
    weights: Mapping[str, np.ndarray]
    edges: tuple[str, ...]
    nodes: tuple[str, ...]


def read_case(folder: Path, metadata: Path | None = None) -> Case:
    """Read a case; the configuration from the release's metadata where these are given."""
    told = _configuration(folder) if metadata is None else _configuration_in(metadata, folder.name)
    config, weights = converted(told, load_state(_only(folder, "ll_model*.pth")))
    pairs = _pairs(folder)
    edges = tuple(dict.fromkeys(edge for pair in pairs for edge in _edge(*pair, config)))
    alien = sorted(set(edges) - set(Graph(config, "head").edges))
    if alien:
        raise BadInput(f"{folder}: the circuit has an edge {alien[0]!r} that the model has not; is it another model's?")
    nodes = {node for edge in edges for node in edge.split("->")} - {"output"}
    return Case(config, weights, edges, tuple(node for node in Graph(config, "head").sources if node in nodes))


def _only(folder: Path, pattern: str) -> Path:
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        raise BadInput(f"{folder}: has {len(found)} files {pattern}; a case has one")
    return found[0]


def _configuration(folder: Path) -> dict[str, Any]:
    if not list(folder.glob("ll_model_cfg*.json")):
        raise BadInput(
            f"{folder}: has no ll_model_cfg*.json, and pickles are not read; give --metadata benchmark_metadata.json,"
            " or make the file with 'python -P -m bench.models.adapters unpickle'"
        )
    return json.loads(_only(folder, "ll_model_cfg*.json").read_text())


def _configuration_in(metadata: Path, case: str) -> dict[str, Any]:
    cases = {str(entry["case_id"]): entry for entry in json.loads(metadata.read_text())["cases"]}
    if case not in cases:
        raise BadInput(f"{metadata}: has no case {case!r}; the folder's name must be one of {', '.join(sorted(cases))}")
    return cases[case]["transformer_cfg"]


def _pairs(folder: Path) -> Iterable[tuple[str, str]]:
    path = folder / "edges.json"
    if not path.is_file():
        raise BadInput(
            f"{folder}: has no edges.json, and pickles are not read; make it of edges.pkl with"
            " 'python -P -m bench.models.adapters unpickle'"
        )
    return [(str(start), str(end)) for start, end in json.loads(path.read_text())]


def _edge(start: str, end: str, config: Config) -> Iterable[str]:
    """A pair as an edge of ours, queries, keys and values promoted to their head; nothing inside a node."""
    source, target = (_place(name, config) for name in (start, end))
    if source != target:
        yield f"{source}->{target}"


def _place(name: str, config: Config) -> str:
    """The node that a hook of theirs belongs to; the last stream is the output."""
    if name in INPUTS:
        return INPUTS[name]
    head, other = HEAD_PLACE.match(name), OTHER_PLACE.match(name)
    if head:
        return node_of(f"a{head[1]}.h{head[4]}")
    if other and other[2] != "hook_resid_post":
        return f"m{other[1]}"
    if other and int(other[1]) == config.n_layers - 1:
        return "output"
    raise BadInput(f"edges: {name!r} is no place of this model; expected embeddings, heads, MLPs or the last stream")
