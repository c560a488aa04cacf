"""`python -m bench.peers.curve`: memory and CPU time of EAP on random models of 10^2 to 10^6 edges.

Attribution keeps one vector a node and one gradient a slot, whatever the number of edges; what grows with the edges is
one product each and their names.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from bench.core.catalogue import load_plugin
from bench.core.config import ROOT
from bench.core.contract import Blob
from bench.models import checkpoint
from bench.models.checkpoint import Config, random_weights
from bench.models.graph import Graph
from bench.peers.measuring import measured
from bench.tracks.circuits.types import Problem

SIZES = ((2, 2), (4, 4), (8, 8), (16, 16), (32, 20), (48, 16))
"""Layers and heads."""
EXAMPLES, LENGTH = 8, 16


def problem(layers: int, heads: int, workplace: Path) -> Problem:
    """A random attention-and-MLP model of the size of its graph and little else; the last position is scored."""
    config = Config(
        n_layers=layers, n_heads=heads, n_kv_heads=heads, d_model=32, d_head=8, d_mlp=32, d_vocab=50, d_out=50,
        n_ctx=LENGTH, norm="rmsnorm", positions="rotary", activation="gelu",
    )  # fmt: skip
    rng = np.random.default_rng([layers, heads])
    path, graph = workplace / "model.safetensors", Graph(config, "qkv")
    checkpoint.save(path, config, random_weights(config, rng))
    clean, corrupted = rng.integers(50, size=(2, EXAMPLES, LENGTH))
    scored = np.arange(LENGTH) == LENGTH - 1
    direction = rng.normal(size=(EXAMPLES, LENGTH, 50)) * scored[:, None]
    return Problem(
        Blob.of(path), clean, corrupted, scored, direction, "signed_output", "resample", "qkv", list(graph.nodes),
        list(graph.edges), 10**9,
    )  # fmt: skip


def row(layers: int, heads: int) -> str:
    with tempfile.TemporaryDirectory() as workplace:
        asked = problem(layers, heads, Path(workplace))
        eap = load_plugin(ROOT / "bench" / "tracks" / "circuits" / "methods" / "eap.py")
        figures, _ = measured(lambda: eap.solve(asked, np.random.default_rng(0)))
    nodes, edges = len(asked.nodes), len(asked.edges)
    return f"| {nodes} | {edges} | {figures['grown_mib']:.0f} | {figures['cpu_seconds']:.3g} |"


def main() -> None:
    """One process a size, so that no size inherits another's memory; or the one size that is given."""
    if sys.argv[1:]:
        print(row(*map(int, sys.argv[1:])))
        return
    print("| nodes | edges | MiB | CPU-s |\n|---|---|---|---|", flush=True)
    for layers, heads in SIZES:
        subprocess.run([sys.executable, "-P", "-m", "bench.peers.curve", str(layers), str(heads)], check=True, cwd=ROOT)


if __name__ == "__main__":
    main()
