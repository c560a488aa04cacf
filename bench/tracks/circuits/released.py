"""Units of released models: a checkpoint with the circuit that its makers claim, and inputs to try it on.

A claim is no truth. It is taken at node granularity and must agree with exhaustive node patching in float64, as for
the models trained here: every node inside moves the output at least ten times as far as any outside, or there is no
unit. Nothing is drawn; a plug-in brings the inputs (see docs/adapters.md).
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Int

from bench.core.contract import Blob
from bench.models import checkpoint, exhaustive
from bench.models.compiled.certificate import MARGIN, Subject, Uncertified
from bench.models.graph import Graph
from bench.tracks.circuits.types import Problem, Truth

GRANULARITY = "node"
PASSES = 12  # per edge and example


def make_unit(
    model: Path,
    inside: Collection[str],
    shown: tuple[Int[np.ndarray, "examples pos"], Int[np.ndarray, "examples pos"]],
    hidden: tuple[Int[np.ndarray, "held pos"], Int[np.ndarray, "held pos"]],
    scored: Bool[np.ndarray, "pos"],
) -> tuple[Problem, Truth]:
    """The unit of clean and corrupted inputs `shown`, its truth measured on `hidden` ones.

    The metric looks from the corrupted output to the clean one. Raises `Uncertified` where the effects do not bear out
    that the nodes named are the circuit.
    """
    config, weights = checkpoint.load_arrays(model)
    graph = Graph(config, GRANULARITY)
    outputs = [exhaustive.forward(config, weights, tokens) for tokens in shown]
    problem = Problem(
        Blob.of(model), *shown, scored, (outputs[0] - outputs[1]) * scored[:, None], "signed_output", "resample",
        GRANULARITY, list(graph.nodes), list(graph.edges), PASSES * len(graph.edges) * len(shown[0]),
    )  # fmt: skip
    return problem, make_truth(Subject(config, weights, *hidden, scored), inside)


def make_truth(subject: Subject, inside: Collection[str]) -> Truth:
    """The claimed nodes as the circuit, once their measured effects stand apart from all others'."""
    graph = Graph(subject.config, GRANULARITY)
    circuit = np.array([edge.removesuffix("->*") in inside for edge in graph.edges])
    effects = subject.effects("resample", GRANULARITY)
    if not circuit.any() or circuit.all():
        raise Uncertified(f"the claim names {circuit.sum()} of {len(circuit)} nodes: nothing can be told apart")
    gap = float(effects[circuit].min() / max(effects[~circuit].max(), np.finfo(float).tiny))
    if not gap >= MARGIN:
        raise Uncertified(f"the weakest node inside moves the output {gap:.2f} times as far as the strongest outside")
    return Truth(
        null=False, circuits=circuit[None], effects=effects, live=circuit,
        node_live=np.array([node in inside or node == "output" for node in graph.nodes]),
        threshold=float(np.sqrt(effects[circuit].min() * max(effects[~circuit].max(), np.finfo(float).tiny))),
        placebo=subject.first(2).placebo(GRANULARITY), gap=gap,
    )  # fmt: skip
