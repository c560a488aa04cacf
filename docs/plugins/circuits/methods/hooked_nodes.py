"""Activation patching of whole nodes with forward hooks.

A template for authors who think in hooks: `Nodes` is an ordinary `torch.nn.Module` with one module a node, and nothing
below knows of this benchmark's own patching. Each node's output is replaced by the one from the corrupted run, and an
edge scores as the weaker of its two ends. Run it with
`interpbench try circuits docs/plugins/circuits/methods/hooked_nodes.py`.
"""

from __future__ import annotations

import numpy as np
import torch

from bench.core.contract import Unsupported
from bench.models.adapters.modules import Nodes, load, module_of
from bench.tracks.circuits.experiment import SHARE, Experiment, weaker_ends
from bench.tracks.circuits.types import Answer, Problem

REFERENCE = "Meng et al. (2022), Locating and editing factual associations in GPT, NeurIPS"
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator, *, share: float = SHARE) -> Answer:
    if problem.intervention != "resample":
        raise Unsupported(f"the intervention is {problem.intervention}, and hooks here resample")
    experiment, model = Experiment(problem), load(problem.model.path)
    sources = experiment.graph.sources
    experiment.afford(len(sources) + 2, "patching every node")
    donors = outputs_of(model, sources, problem.corrupted)
    effects = {node: float(experiment.deviation(patched(model, node, donors[node], problem.clean))) for node in sources}
    scores = weaker_ends(problem.edges, effects)
    nodes = np.array([effects.get(node, max(effects.values())) for node in problem.nodes])
    return Answer(scores, experiment.choose(scores, share), nodes)


def outputs_of(model: Nodes, nodes: tuple[str, ...], tokens: np.ndarray) -> dict[str, torch.Tensor]:
    """What each node adds to the residual stream, [batch, pos, d_model]."""
    found: dict[str, torch.Tensor] = {}

    def keep(node: str):
        return lambda module, inputs, output: found.__setitem__(node, output)

    handles = [model.get_submodule(module_of(node)).register_forward_hook(keep(node)) for node in nodes]
    model(torch.as_tensor(tokens))
    for handle in handles:
        handle.remove()
    return found


def patched(model: Nodes, node: str, value: torch.Tensor, tokens: np.ndarray) -> torch.Tensor:
    """The model's output when a node says something else."""
    handle = model.get_submodule(module_of(node)).register_forward_hook(lambda module, inputs, output: value)
    output = model(torch.as_tensor(tokens))
    handle.remove()
    return output
