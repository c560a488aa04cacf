"""Models trained to hold a program's variables in named nodes.

Strict interchange-intervention training (`bench.models.siit`) makes some heads and MLPs carry the variables of a
program and the others nothing of it. It constrains nodes, not edges: units have one edge a node, "a0.h1->*", which
patches all that the node writes. The circuit is known by construction: the token embedding and the nodes that carry
variables. Training makes the other nodes' effects small, not zero, so exhaustive node patching in float64 must agree:
the weakest effect inside the circuit is at least ten times the strongest one outside, else the unit is refused. The
replicate is the trained model.

The two strings of a null pair agree up to the last scored position and differ after it. A causal model's nodes take
other values there, none of which can reach what is scored; exhaustive patching must find no effect above rounding.
(Strings that differ only in symbols that a program treats alike make no null here: no variable changes, but what leaks
past the variables moves the output by about a hundredth of what the circuit does.)
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.core.problems import Workspace
from bench.models import checkpoint
from bench.models.compiled.certificate import MARGIN, Subject, Uncertified, judge
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
    "balance_later": {"size": "small", "null": True, "title": "Balance: changes after what is scored"},
    "duplicates_later": {"size": "small", "null": True, "title": "Seen before?: changes after what is scored"},
    "first_occurrences": {"size": "small", "null": False, "title": "Blank all but first occurrences"},
    "indirect_object": {"size": "small", "null": False, "title": "The name that was not repeated"},
    "ends_agree": {"size": "small", "null": False, "title": "Do the first and the last symbol agree?"},
    "is_sorted": {"size": "small", "null": False, "title": "No descent so far?"},
    "induction": {"size": "small", "null": False, "title": "What followed the same symbol last time"},
    "ends_agree_few": {"size": "small", "null": False, "title": "Do the ends agree?, few pairs"},
    "indirect_object_few": {"size": "small", "null": False, "title": "The name that was not repeated, few pairs"},
}

GRANULARITY = "node"
TRUTH_PAIRS, PAIRS, FEW = 256, 24, 4
SUFFIXES = ("_later", "_few")  # of instances that take the models of another
TRIES = 100
BUDGET = 12  # passes per edge and example


def generate(instance: str, seed: int, rng: np.random.Generator, workspace: Workspace) -> tuple[Problem, Truth]:
    """The seed's trained model with pairs of strings on which the program's answers differ, or on a null agree."""
    null, name = bool(INSTANCES[instance]["null"]), program_of(instance)
    program, pairs = PROGRAMS[name], FEW if instance.endswith("_few") else PAIRS
    config, weights = checkpoint.load_arrays(Path(package).parent / "weights" / name / f"{seed}.safetensors")
    draw, judged = (_later_pairs, make_null_truth) if null else (_telling_pairs, make_truth)
    hidden, shown = (draw(program, config, weights, count, rng) for count in (TRUTH_PAIRS, pairs))
    return make_problem(program, shown, rng, workspace), judged(program, hidden)


def program_of(instance: str) -> str:
    """The program, and folder of weights, behind an instance."""
    for suffix in SUFFIXES:
        instance = instance.removesuffix(suffix)
    return instance


def _telling_pairs(
    program: Program, config: checkpoint.Config, weights: dict[str, np.ndarray], count: int, rng: np.random.Generator
) -> Subject:
    """Pairs with other answers that together show every variable; raises `ValueError` where chance yields none."""
    for _ in range(TRIES):
        clean, corrupted = _differing(program, count, rng)
        if all(_matters(program, variable.name, clean, corrupted) for variable in program.variables):
            return Subject(config, weights, clean, corrupted, program.scored)
    raise ValueError(f"{program.title!r}: no {count} pairs in {TRIES} draws show every variable; raise the count")


def _differing(program: Program, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    clean, corrupted = (np.empty((0, program.length), int) for _ in range(2))
    while len(clean) < count:
        base, source = program.strings(count, rng), program.strings(count, rng)
        differ = (program.answer(base) != program.answer(source))[:, program.scored].any(axis=1)
        clean, corrupted = np.concatenate([clean, base[differ]]), np.concatenate([corrupted, source[differ]])
    return clean[:count], corrupted[:count]


def _matters(program: Program, variable: str, clean: np.ndarray, corrupted: np.ndarray) -> bool:
    """Whether the variable, taken from the corrupted strings, changes a scored answer on some pair."""
    held = {variable: program.values(corrupted)[variable]}
    return bool((program.answer(clean, held) != program.answer(clean))[:, program.scored].any())


def _later_pairs(
    program: Program, config: checkpoint.Config, weights: dict[str, np.ndarray], count: int, rng: np.random.Generator
) -> Subject:
    """Pairs that agree in the first half of the positions, where alone something is scored, and differ after it."""
    early = np.arange(program.length) < program.length // 2
    clean = program.strings(count, rng)
    corrupted = np.where(early, clean, (clean + rng.integers(1, program.symbols, clean.shape)) % program.symbols)
    return Subject(config, weights, clean, corrupted, program.scored & early)


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


def make_null_truth(program: Program, subject: Subject) -> Truth:
    """No edge, once no effect is above ten times rounding; raises `Uncertified` where one is."""
    found = judge(subject, "resample", subject.first(2).placebo(GRANULARITY), GRANULARITY)
    if found.live.any():
        raise Uncertified(f"{found.live.sum()} nodes move the output of a null unit of {program.title!r}")
    return Truth(
        null=True, circuits=found.live[None], effects=found.effects, live=found.live,
        node_live=np.append(found.live, False), threshold=found.threshold, placebo=found.placebo, gap=float(found.gap),
    )  # fmt: skip


def make_problem(program: Program, subject: Subject, rng: np.random.Generator, workspace: Workspace) -> Problem:
    """The metric looks along `direction_of` at scored positions."""
    graph = Graph(subject.config, GRANULARITY)
    return Problem(
        model=workspace.blob(lambda path: checkpoint.save(path, subject.config, dict(subject.weights))),
        clean=subject.clean, corrupted=subject.corrupted, scored=subject.scored,
        direction=direction_of(program, subject, rng), metric="signed_output", intervention="resample",
        granularity=GRANULARITY, nodes=list(graph.nodes), edges=list(graph.edges),
        budget=BUDGET * len(graph.edges) * len(subject.clean),
    )  # fmt: skip


def direction_of(program: Program, subject: Subject, rng: np.random.Generator) -> np.ndarray:
    """From the corrupted answer to the clean one; where no scored answer differs, from a drawn one to the clean one."""
    clean, corrupted = program.answer(subject.clean), program.answer(subject.corrupted)
    if not (clean != corrupted)[:, subject.scored].any():
        corrupted = (clean + rng.integers(1, program.classes, clean.shape)) % program.classes
    one_hot = np.eye(program.classes)
    return (one_hot[clean] - one_hot[corrupted]) * subject.scored[:, None]
