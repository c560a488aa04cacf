"""`python -m bench.peers.floor`: exact patching's CPU time beside that of the arithmetic that no batching can spare.

For each edge whose donor differs from the clean value: the entered projection, and every layer after the entered one,
over all examples and positions. The operations are those of the matrix products (two for each multiplied pair);
softmax, activations and sums are left out, so that the floor is a lower bound. Its seconds are the operations over the
rate at which this machine multiplies matrices of the model's own MLP in double precision, measured in the same run.
"""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path
from time import process_time

import numpy as np
import torch

from bench.core.catalogue import load_plugin
from bench.core.config import ROOT
from bench.models.checkpoint import Config
from bench.models.patching import moving_edges
from bench.peers import cases
from bench.tracks.circuits.experiment import Experiment

ROUNDS = 5
ROWS = 64  # runs in one product, as in a batch of patched edges


def layer_operations(config: Config, pos: int) -> int:
    """Operations of one layer for one example: projections, scores, mixing, output and MLP."""
    d, e, heads = config.d_model, config.d_head, config.n_heads
    projections, output, mixing = 2 * pos * d * e * 3 * heads, 2 * pos * d * e * heads, 4 * pos * pos * e * heads
    return projections + output + mixing + 4 * pos * d * config.d_mlp


def operations(experiment: Experiment) -> int:
    """Those of all moving edges: what is entered (one projection, or the MLP), and the layers after it."""
    config, graph = experiment.model.config, experiment.graph
    batch, pos = experiment.problem.clean.shape
    moving = moving_edges(graph, experiment.nodes, experiment.donors)
    layer, inside = np.divmod(graph.first_slot[moving], 3 * config.n_heads + bool(config.d_mlp))
    whole, mlp = layer_operations(config, pos), 4 * pos * config.d_model * config.d_mlp
    entered = np.where(inside == 3 * config.n_heads, mlp, 2 * pos * config.d_model * config.d_head + mlp)
    after = np.maximum(config.n_layers - 1 - layer, 0)
    return int(batch * (after * whole + np.where(layer < config.n_layers, entered, 0)).sum())


def rate(config: Config, rows: int) -> float:
    """Operations a second of the MLP's first product: median of some rounds."""
    left = torch.rand((rows, config.d_model), dtype=torch.float64)
    right = torch.rand((config.d_model, config.d_mlp), dtype=torch.float64)
    seconds = []
    for _ in range(ROUNDS):
        start = process_time()
        for _ in range(200):
            left @ right
        seconds.append((process_time() - start) / 200)
    return 2 * left.numel() * config.d_mlp / statistics.median(seconds)


def main() -> None:
    torch.set_num_threads(1)
    exact = load_plugin(ROOT / "bench" / "tracks" / "circuits" / "methods" / "exact_patching.py")
    print("| case | 10^9 operations | floor, CPU-s | exact patching, CPU-s | ratio |\n|---|---|---|---|---|")
    for name, make in cases.COMPILED.items():
        with tempfile.TemporaryDirectory() as workplace:
            problem = make(Path(workplace))
            experiment, seconds = Experiment(problem), []
            needed = operations(experiment)
            for _ in range(ROUNDS):
                start = process_time()
                exact.solve(problem, np.random.default_rng(0))
                seconds.append(process_time() - start)
            floor = needed / rate(experiment.model.config, ROWS * problem.clean.size)
        spent = statistics.median(seconds)
        print(f"| {name} | {needed / 1e9:.3g} | {floor:.3g} | {spent:.3g} | {spent / floor:.2g} |")


if __name__ == "__main__":
    main()
