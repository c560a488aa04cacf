"""Truth of models whose variables share too few residual axes: a certified circuit, or effects alone.

Every read carries a little of every other variable, so that edges outside the planted circuit have effects too. The
planted circuit is the truth where all its edges move the output at least ten times as far as any other edge.
Compressed further there is no such gap, and no verdict is given: what is left to score is the order of the effects.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float, Int

from bench.models.compiled.certificate import MARGIN, Subject, Uncertified
from bench.models.compiled.dressing import Dressed
from bench.models.exhaustive import forward
from bench.models.graph import Graph
from bench.models.planted import Directions, compressed, spread_directions
from bench.tracks.circuits.sufficiency import Bench, certify
from bench.tracks.circuits.types import Truth

TOLERANCE, LOST = (
    0.1,
    0.9,
)  # of the behaviour: what interference may do to the circuit's output, what an edge's loss must
DRAWS = 40

Flags = Bool[np.ndarray, "edges"]
Tokens = Int[np.ndarray, "examples pos"]


def draws(dressed: Dressed, axes: int, sample: Tokens, rng: np.random.Generator) -> Iterator[Dressed]:
    """A disguised model compressed, with directions of its own each time, wherever that changes no output on a sample
    by half of the largest or more. Decoys are compressed too: they interfere as all else does."""
    expected = forward(dressed.config, dressed.weights, sample)
    for _ in range(DRAWS):
        found = squeezed(dressed, spread_directions(dressed.config.d_model, axes, rng))
        if np.abs(forward(found.config, found.weights, sample) - expected).max() < np.abs(expected).max() / 2:
            yield found


def squeezed(dressed: Dressed, directions: Directions) -> Dressed:
    """Axis i of the model before it was turned, those of the decoys included, lies along row i of `directions`."""
    config, weights = compressed(dressed.config, dressed.weights, dressed.turn.T @ directions)
    return replace(dressed, config=config, weights=weights, turn=directions)


def certified(subject: Subject, granularity: str, circuit: Flags) -> Truth:
    """The planted circuit with its effects; raises `Uncertified` where interference is too large for a verdict.

    The threshold lies midway, on a logarithmic scale, between the two kinds of edges. Nothing is said of zero and mean
    ablation, for which interference leaves no gap.
    """
    graph, placebo = Graph(subject.config, granularity), placebo_of(subject, granularity)
    effects, nodes = subject.effects("resample", granularity), subject.effects("resample", "node")
    node_live = live_nodes(graph, circuit)
    gap = min(gap_of(effects, circuit, placebo), gap_of(nodes, node_live[:-1], placebo))
    if not gap >= MARGIN:
        raise Uncertified(
            f"the weakest planted edge or node moves the output {gap:.2f} times as far as the strongest other"
        )
    certify(Bench(subject, graph), circuit[None], TOLERANCE, LOST)
    return Truth(
        null=False, circuits=circuit[None], effects=effects, live=circuit, node_live=node_live,
        threshold=float(np.sqrt(effects[circuit].min() * effects[~circuit].max())), placebo=placebo, gap=gap,
    )  # fmt: skip


def effects_alone(subject: Subject, granularity: str, circuit: Flags) -> Truth:
    """Effects without a verdict: no circuit is known. Below the threshold they are rounding and equal."""
    effects, placebo = subject.effects("resample", granularity), placebo_of(subject, granularity)
    return Truth(
        null=False, circuits=np.zeros((0, len(circuit)), bool), effects=effects, threshold=MARGIN * placebo,
        placebo=placebo, gap=gap_of(effects, circuit, placebo),
    )  # fmt: skip


def gap_of(effects: Float[np.ndarray, "edges"], circuit: Flags, placebo: float) -> float:
    """The weakest effect inside over the strongest outside (or the placebo, if that is larger)."""
    return float(effects[circuit].min() / max(effects[~circuit].max(), placebo))


def live_nodes(graph: Graph, circuit: Flags) -> Bool[np.ndarray, "nodes"]:
    """The nodes that an edge of the circuit leaves, and the output."""
    sources = {edge.split("->")[0] for edge, kept in zip(graph.edges, circuit, strict=True) if kept}
    return np.array([node in sources or node == "output" for node in graph.nodes])


def placebo_of(subject: Subject, granularity: str) -> float:
    """The largest effect of patching an edge with its own value, at least what rounding makes of the residual width."""
    rounding = np.finfo(float).eps * subject.config.d_model * subject.output_size()
    return float(max(rounding, subject.first(2).placebo(granularity)))
