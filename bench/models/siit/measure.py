"""How well a model realises its program, on fresh strings, in float64 numpy.

The forward pass is that of `bench.models.exhaustive`, which shares no code with the one that trains. Three accuracies,
over scored positions: `behaviour`; `interchange`, the worst over variables; `strict`, the worst over the nodes outside
the circuit. `gap` is the weakest effect of a node of the circuit over the strongest of one outside, an effect being the
mean Euclidean change of the scored output when that node is taken from the source run.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float, Int

from bench.models import exhaustive
from bench.models.checkpoint import Config
from bench.models.graph import Graph
from bench.models.siit.programs import Program

GATE = {"behaviour": 0.99, "interchange": 0.99, "strict": 0.95}


class Refused(ValueError):
    """A model that does not realise its program well enough."""


def measure(
    program: Program, config: Config, weights: Mapping[str, np.ndarray], rng: np.random.Generator, count: int = 512
) -> dict[str, float]:
    """Behaviour, interchange and strict accuracy and the gap of effects on strings drawn anew."""
    base, source = program.strings(count, rng), program.strings(count, rng)
    outputs = swapped_outputs(program, config, weights, base, source)
    clean, answer = exhaustive.forward(config, weights, base), program.answer(base)
    donors = program.values(source)
    interchange = [
        accuracy(program, outputs[v.node], program.answer(base, {v.name: donors[v.name]})) for v in program.variables
    ]
    strict = [accuracy(program, outputs[node], answer) for node in program.outside]
    effects = {node: effect(program, output, clean) for node, output in outputs.items()}
    weakest = min(effects[variable.node] for variable in program.variables)
    strongest = max(effects[node] for node in program.outside)
    return {
        "behaviour": accuracy(program, clean, answer), "interchange": min(interchange), "strict": min(strict),
        "weakest_inside": weakest, "strongest_outside": strongest, "gap": weakest / max(strongest, 1e-300),
    }  # fmt: skip


def swapped_outputs(
    program: Program, config: Config, weights: Mapping[str, np.ndarray], base: np.ndarray, source: np.ndarray
) -> dict[str, np.ndarray]:
    """The output on base strings with one node, head or MLP, taken from the source run."""
    graph = Graph(config, "node")
    nodes = [*(variable.node for variable in program.variables), *program.outside]
    donors = exhaustive.node_outputs(config, weights, source)
    found = {}
    for node in nodes:
        values = np.array([[edge == f"{node}->*" for edge in graph.edges]], float)
        found[node] = exhaustive.forward(config, weights, base, donors, graph.patch_matrix(values))[0]
    return found


def accuracy(program: Program, output: np.ndarray, answer: Int[np.ndarray, "batch pos"]) -> float:
    """Share of scored positions whose largest output is the answer's."""
    return float((output.argmax(axis=2) == answer)[:, program.scored].mean())


def effect(program: Program, output: np.ndarray, clean: Float[np.ndarray, "batch pos outputs"]) -> float:
    change = (output - clean)[:, program.scored]
    return float(np.sqrt(np.square(change).sum(axis=(1, 2))).mean())


def failures(found: Mapping[str, float]) -> list[str]:
    """What falls short of the gate, in words."""
    return [f"{name} is {found[name]:.4f}, below {least}" for name, least in GATE.items() if not found[name] >= least]


def admit(found: Mapping[str, float]) -> None:
    """Raise `Refused` where an accuracy is below the gate."""
    short = failures(found)
    if short:
        raise Refused("; ".join(short))
