"""Models trained to hold a program's variables in named nodes.

Strict interchange-intervention training (`bench.models.siit`) makes some heads and MLPs carry the variables of a
program and the others nothing of it. It constrains nodes, not edges: units have one edge a node, "a0.h1->*", which
patches all that the node writes. The circuit is known by construction: the token embedding and the nodes that carry
variables. Training makes the other nodes' effects small, not zero, so exhaustive node patching in float64 must agree:
the weakest effect inside the circuit is at least ten times the strongest one outside, else the unit is refused. The
replicate is the trained model. There is no null instance.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.core.problems import Workspace
from bench.models import checkpoint
from bench.models.compiled.certificate import MARGIN, Subject, Uncertified
from bench.models.graph import Graph
from bench.models.siit import __file__ as package
from bench.models.siit.programs import PROGRAMS, Program
from bench.tracks.circuits.types import Problem, Truth

VERSION = 1
BOARD = "truth"
SEED_CHANGES = "model"
MAX_SEEDS = 3
REFERENCE = "Gupta et al. 2024, InterpBench: semi-synthetic transformers for evaluating circuit discovery, NeurIPS"
INSTANCES = {
    "reverse": {"size": "small", "null": False, "title": "The string backwards"},
    "repeat_of_previous": {"size": "small", "null": False, "title": "Equal to the symbol before?"},
    "greater_than_first": {"size": "small", "null": False, "title": "Larger than the first symbol?"},
    "balance": {"size": "small", "null": False, "title": "Fewer, as many or more opened than closed so far"},
    "majority_so_far": {"size": "small", "null": False, "title": "Is symbol 0 the majority so far?"},
    "duplicates": {"size": "small", "null": False, "title": "Seen before?"},
    "maximum": {"size": "small", "null": False, "title": "The largest symbol"},
    "count": {"size": "small", "null": False, "title": "How often symbol 0 occurs"},
}

GRANULARITY = "node"
TRUTH_PAIRS, PAIRS = 256, 24
BUDGET = 12  # passes per edge and example


def generate(instance: str, seed: int, rng: np.random.Generator, workspace: Workspace) -> tuple[Problem, Truth]:
    """The seed's trained model with pairs of strings on which the program's answers differ."""
    program = PROGRAMS[instance]
    config, weights = checkpoint.load_arrays(Path(package).parent / "weights" / instance / f"{seed}.safetensors")
    hidden, shown = (_subject(program, config, weights, count, rng) for count in (TRUTH_PAIRS, PAIRS))
    return make_problem(program, shown, workspace), make_truth(program, hidden)


def _subject(
    program: Program, config: checkpoint.Config, weights: dict[str, np.ndarray], count: int, rng: np.random.Generator
) -> Subject:
    clean, corrupted = (np.empty((0, program.length), int) for _ in range(2))
    while len(clean) < count:
        base, source = program.strings(count, rng), program.strings(count, rng)
        differ = (program.answer(base) != program.answer(source))[:, program.scored].any(axis=1)
        clean, corrupted = np.concatenate([clean, base[differ]]), np.concatenate([corrupted, source[differ]])
    return Subject(config, weights, clean[:count], corrupted[:count], program.scored)


def make_truth(program: Program, subject: Subject) -> Truth:
    """The constructed circuit, with measured effects that agree; raises `Uncertified` where they overlap."""
    graph = Graph(subject.config, GRANULARITY)
    inside = {"embed", *(variable.node for variable in program.variables)}
    circuit = np.array([edge.removesuffix("->*") in inside for edge in graph.edges])
    effects = subject.effects("resample", GRANULARITY)
    gap = float(effects[circuit].min() / effects[~circuit].max())
    if not gap >= MARGIN:
        raise Uncertified(f"the weakest node inside moves the output {gap:.2f} times as far as the strongest outside")
    threshold = float(np.sqrt(effects[circuit].min() * effects[~circuit].max()))
    node_live = np.array([node in inside or node == "output" for node in graph.nodes])
    return Truth(
        null=False, circuits=circuit[None], effects=effects, live=circuit, node_live=node_live,
        threshold=threshold, placebo=subject.first(2).placebo(GRANULARITY), gap=gap,
    )  # fmt: skip


def make_problem(program: Program, subject: Subject, workspace: Workspace) -> Problem:
    """The direction goes from the corrupted answer to the clean one, at scored positions."""
    graph = Graph(subject.config, GRANULARITY)
    one_hot = np.eye(program.classes)
    direction = one_hot[program.answer(subject.clean)] - one_hot[program.answer(subject.corrupted)]
    return Problem(
        model=workspace.blob(lambda path: checkpoint.save(path, subject.config, dict(subject.weights))),
        clean=subject.clean, corrupted=subject.corrupted, scored=subject.scored,
        direction=direction * subject.scored[:, None], metric="signed_output", intervention="resample",
        granularity=GRANULARITY, nodes=list(graph.nodes), edges=list(graph.edges),
        budget=BUDGET * len(graph.edges) * len(subject.clean),
    )  # fmt: skip
