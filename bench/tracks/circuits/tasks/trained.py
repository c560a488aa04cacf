"""Small transformers trained on behaviour alone, whose circuits no theory fixes.

Balanced brackets (is the string balanced, asked at its end) and greater-than (a later year of the same century) are
learned to more than .99 on strings that did not train. How the models do it nobody knows, and several circuits may do:
answers stand on the proxy board and are scored by how much of the behaviour their circuits keep. Clean and corrupted
strings have different answers; pairs are resampled position by position. The replicate is the trained model. There is
no null instance: without truth, no edge is known to be idle.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.core.problems import Workspace
from bench.models import checkpoint
from bench.models.graph import Graph
from bench.models.trained import __file__ as package
from bench.models.trained.behaviours import BEHAVIOURS, Strings
from bench.tracks.circuits.prompted import no_truth
from bench.tracks.circuits.types import Problem, Truth

VERSION = 1
BOARD = "proxy"
SEED_CHANGES = "model"
SEEDS = 3
MAX_SEEDS = 3
REFERENCE = "Hanna et al. (2023), How does GPT-2 compute greater-than?, NeurIPS, arXiv:2305.00586 (that behaviour)"
INSTANCES = {
    "brackets": {"size": "small", "null": False, "title": "Are the brackets balanced?"},
    "greater_than": {"size": "small", "null": False, "title": "A later year of the same century"},
}

GRANULARITY = "qkv"
PAIRS, DRAWS = 16, 100
APART = {"brackets": 1, "greater_than": 5}
BUDGET = 12  # example passes an edge and pair


def generate(instance: str, seed: int, rng: np.random.Generator, workspace: Workspace) -> tuple[Problem, Truth]:
    """The seed's trained model and pairs of fresh strings with different answers."""
    config, weights = checkpoint.load_arrays(Path(package).parent / "weights" / instance / f"{seed}.safetensors")
    clean, corrupted = differing_pairs(instance, seed, PAIRS, rng)
    graph, scored = Graph(config, GRANULARITY), np.asarray(clean.asked.any(axis=0))
    problem = Problem(
        model=workspace.blob(lambda path: checkpoint.save(path, config, weights)),
        clean=clean.tokens, corrupted=corrupted.tokens, scored=scored, direction=direction(clean, corrupted),
        metric="signed_output", intervention="resample", granularity=GRANULARITY, nodes=list(graph.nodes),
        edges=list(graph.edges), budget=BUDGET * len(graph.edges) * PAIRS,
    )  # fmt: skip
    return problem, no_truth(problem)


def differing_pairs(instance: str, seed: int, count: int, rng: np.random.Generator) -> tuple[Strings, Strings]:
    """Pairs that begin alike, and of whose right answers after the clean string `APART` are wrong after the corrupted.

    Where several answers are right the clean year is the earlier one.
    """
    clean, corrupted = (BEHAVIOURS[instance].fresh(seed, DRAWS * count, rng) for _ in range(2))
    alike = clean.tokens[:, 0] == corrupted.tokens[:, 0]
    apart = (clean.right & ~corrupted.right).sum(axis=(1, 2)) >= APART[instance]
    rows = np.flatnonzero(alike & apart)[:count]
    return clean.take(rows), corrupted.take(rows)


def direction(clean: Strings, corrupted: Strings) -> np.ndarray:
    """The mean of the outputs that are right after the clean string alone, less the mean of all others."""
    towards = clean.right & ~corrupted.right
    away = clean.asked[..., None] & ~towards
    return towards / np.maximum(1, towards.sum(-1, keepdims=True)) - away / np.maximum(1, away.sum(-1, keepdims=True))
