"""Circuits written into weights by hand, with and without redundancy.

Bits of a string are copied by heads and combined by gates (`bench.models.planted`); the model is then disguised anew
for every seed, and the unit of its output is drawn. Clean strings have all bits true, corrupted ones none, beside pairs
of strings in which nothing is true, so that the output varies. Where a gate takes any of several children there are
several minimal circuits, and patching one edge at a time sees none of them. The truth is every minimal circuit.
Superposed models lie on fewer residual axes than they have variables (`bench.tracks.circuits.superposition`).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache

import numpy as np
from jaxtyping import Bool

from bench.core.problems import Workspace
from bench.models import checkpoint
from bench.models.compiled.certificate import INTERVENTIONS, Subject, Uncertified, verdict
from bench.models.compiled.conversion import Compiled
from bench.models.compiled.dressing import Dressed, Outfit, dress
from bench.models.graph import Graph
from bench.models.planted import Backup, Design, Gate, Leaf
from bench.tracks.circuits.sufficiency import Bench, certify
from bench.tracks.circuits.superposition import certified, draws, effects_alone
from bench.tracks.circuits.types import Problem, Truth

VERSION = 1
BOARD = "truth"
SEED_CHANGES = "model"
REFERENCE = "Wang et al. 2023, Interpretability in the wild (backup and negative heads), ICLR; McGrath et al. 2023"
INSTANCES = {
    "all_of_four": {"size": "small", "null": False, "title": "Four bits, all needed"},
    "unused_copies": {"size": "small", "null": False, "title": "Two bits needed, two read and cancelled"},
    "negative_head": {"size": "small", "null": False, "title": "A head that writes against the answer"},
    "any_of_two": {"size": "small", "null": False, "title": "Either of two bits"},
    "backup_head": {"size": "small", "null": False, "title": "A head that wakes when another is knocked out"},
    "self_repair": {"size": "small", "null": False, "title": "An MLP that makes up for a lost head"},
    "any_of_pairs": {"size": "small", "null": False, "title": "Either of two pairs of bits"},
    "pairs_of_any": {"size": "small", "null": False, "title": "Two bits, each in two copies"},
    "deep_choice": {"size": "small", "null": False, "title": "Six bits, choices below choices"},
    "superposed_a_little": {"size": "small", "null": False, "title": "436 variables on 410 axes"},
    "superposed": {"size": "small", "null": False, "title": "436 variables on 396 axes"},
    "superposed_too_far": {"size": "small", "null": False, "title": "436 variables on 300 axes, no circuit certified"},
    "unread": {"size": "small", "null": True, "title": "Strings differ where nothing is read"},
}

GRANULARITY = "qkv"
TRUTH_PAIRS, PLACEBO_PAIRS = 6, 2
BUDGET = 4  # passes per edge and example
DECADES = (-6, 3)  # the unit of the output is drawn from these powers of ten


def _leaves(*places: int) -> tuple[Leaf, ...]:
    return tuple(Leaf(place) for place in places)


def _all(*children: Leaf | Gate) -> Gate:
    return Gate("all", children)


def _any(*children: Leaf | Backup | Gate) -> Gate:
    return Gate("any", children)


DESIGNS = {
    "all_of_four": Design(_all(*_leaves(1, 2, 3, 4)), 5),
    "unused_copies": Design(_all(*_leaves(1, 2)), 5, unused=(3, 4)),
    "negative_head": Design(Gate("weighted", _leaves(1, 2, 3), (1.0, 0.75, -0.5)), 5),
    "any_of_two": Design(_any(*_leaves(1, 2)), 5),
    "backup_head": Design(_all(_any(Leaf(1), Backup(1, Leaf(1))), Leaf(2)), 5),
    "self_repair": Design(Gate("weighted", (Leaf(1), Gate("difference", _leaves(2, 1))), (1.0, 1.0)), 5),
    "any_of_pairs": Design(_any(_all(*_leaves(1, 2)), _all(*_leaves(3, 4))), 6),
    "pairs_of_any": Design(_all(_any(*_leaves(1, 2)), _any(*_leaves(3, 4))), 6),
    "deep_choice": Design(_any(_all(_any(*_leaves(1, 2)), Leaf(3)), _all(Leaf(4), _any(*_leaves(5, 6)))), 7),
    "unread": Design(_all(*_leaves(1, 2)), 6),
}
TWO_PAIRS = Design(_all(_all(*_leaves(1, 2)), _all(*_leaves(3, 4))), 5, steep=True, symbols=200)
# tokens, places, heads, gates and decoys are 436 variables in all
AXES = {"superposed_a_little": 410, "superposed": 396, "superposed_too_far": 300}
DESIGNS |= dict.fromkeys(AXES, TWO_PAIRS)
UNCERTIFIED = ("superposed_too_far",)
Pairs = tuple[list[tuple[str, ...]], list[tuple[str, ...]]]
PLAIN, HIDDEN = Outfit(heads=1, layers=0, units=4, axes=6), Outfit(heads=2, layers=0, units=12, axes=16)
LEAN = Outfit(heads=0, layers=0, units=8, axes=12)
SHARING = Outfit(heads=0, layers=0, units=4, axes=20)
OUTFITS = {"any_of_pairs": HIDDEN, "pairs_of_any": HIDDEN, "deep_choice": LEAN, "unread": HIDDEN}
PAIRS = {"deep_choice": 6, "pairs_of_any": 8}
USUAL_PAIRS = 12


def generate(instance: str, seed: int, rng: np.random.Generator, workspace: Workspace) -> tuple[Problem, Truth]:
    """A disguised design with pairs of strings, and all its minimal circuits."""
    design, null = DESIGNS[instance], bool(INSTANCES[instance]["null"])
    compiled = in_unit(compiled_of(instance), 10 ** rng.uniform(*DECADES))
    hidden, shown = (draw_pairs(design, null, count, rng) for count in (TRUTH_PAIRS, PAIRS.get(instance, USUAL_PAIRS)))
    if instance in AXES:
        dressed, truth = superposed(instance, compiled, (hidden, shown), rng)
    else:
        dressed = dress(compiled, OUTFITS.get(instance, PLAIN), compiled.encode(hidden[0]), rng)
        truth = make_truth(subject_of(compiled, dressed, hidden), design, dressed, null)
    problem = make_problem(subject_of(compiled, dressed, shown), workspace)
    return problem, truth


def superposed(
    instance: str, compiled: Compiled, pairs: tuple[Pairs, Pairs], rng: np.random.Generator
) -> tuple[Dressed, Truth]:
    """The first compressed model whose circuit is certified, disguised; or the first at all where none can be."""
    dressed = dress(compiled, SHARING, compiled.encode(pairs[0][0]), rng)
    sample = np.vstack([dressed.tokens[compiled.encode(strings)] for both in pairs for strings in both])
    (circuit,) = planted_circuits(DESIGNS[instance], dressed, Graph(dressed.config, GRANULARITY))
    truth_of = effects_alone if instance in UNCERTIFIED else certified
    for found in draws(dressed, AXES[instance], sample, rng):
        with suppress(Uncertified):
            return found, truth_of(subject_of(compiled, found, pairs[0]), GRANULARITY, circuit)
    raise Uncertified(f"{instance}: no model on {AXES[instance]} axes passes; give more axes")


@cache
def compiled_of(instance: str) -> Compiled:
    return DESIGNS[instance].compiled()


def in_unit(compiled: Compiled, unit: float) -> Compiled:
    """The same model with an output of another unit."""
    return replace(compiled, weights=compiled.weights | {"unembed": unit * compiled.weights["unembed"]})


def draw_pairs(design: Design, null: bool, count: int, rng: np.random.Generator) -> Pairs:
    """Half of the pairs lose all their bits, in the other half nothing is true; on a null both strings have the same
    symbols wherever the design reads any."""
    read = [node.place for node in design.nodes if not isinstance(node, Gate)]
    clean = [_string(design, number % 2 == 0, rng) for number in range(count)]
    corrupted = [_string(design, False, rng) for _ in range(count)]
    if null:
        corrupted = [_with(string, other, read) for string, other in zip(corrupted, clean, strict=True)]
    order = rng.permutation(count)
    return [clean[n] for n in order], [corrupted[n] for n in order]


def _string(design: Design, true: bool, rng: np.random.Generator) -> tuple[str, ...]:
    """Random symbols: true ones, or false ones, wherever the design looks; any elsewhere."""
    looks = {node.place for node in design.nodes if not isinstance(node, Gate)} | set(design.unused)
    told, either = design.true if true else design.false, design.true + design.false
    symbols = [told if place in looks else either for place in range(1, design.length + 1)]
    return tuple(some[rng.integers(len(some))] for some in symbols)


def _with(string: Sequence[str], other: Sequence[str], places: Sequence[int]) -> tuple[str, ...]:
    return tuple(other[n] if n + 1 in places else symbol for n, symbol in enumerate(string))


def subject_of(compiled: Compiled, dressed: Dressed, pairs: Pairs) -> Subject:
    clean, corrupted = (dressed.tokens[compiled.encode(strings)] for strings in pairs)
    return Subject(dressed.config, dressed.weights, clean, corrupted, np.arange(clean.shape[1]) > 0)


def make_truth(subject: Subject, design: Design, dressed: Dressed, null: bool) -> Truth:
    """Circuits by logic, certified by running them; verdicts on single edges by exhaustive patching."""
    graph = Graph(subject.config, GRANULARITY)
    circuits = np.zeros((1, len(graph.edges)), bool) if null else planted_circuits(design, dressed, graph)
    if not null:
        certify(Bench(subject, graph), circuits)
    size = subject.output_size()
    rounding = np.finfo(float).eps * subject.config.d_model * size  # gates that saturate round large numbers
    placebo = max(rounding, *(subject.first(PLACEBO_PAIRS).placebo(name) for name in (GRANULARITY, "node")))
    edges = {name: verdict(subject.effects(name, GRANULARITY), placebo, size) for name in INTERVENTIONS}
    nodes = verdict(subject.effects("resample", "node"), placebo, size)
    found = edges["resample"]
    if null and found.live.any():
        raise ValueError(f"{found.live.sum()} live edges in a null unit")
    return Truth(
        null=null, circuits=circuits, effects=found.effects, live=found.live, live_zero=edges["zero"].live,
        live_mean=edges["mean"].live, node_live=np.append(nodes.live, not null), threshold=found.threshold,
        placebo=placebo, gap=float(found.gap),
    )  # fmt: skip


def planted_circuits(design: Design, dressed: Dressed, graph: Graph) -> Bool[np.ndarray, "alternatives edges"]:
    """The design's proofs as edges of the disguised model."""
    found = np.zeros((len(design.proofs), len(graph.edges)), bool)
    for row, proof in enumerate(design.proofs):
        found[row, [graph.index[dressed.edge(*edge)] for edge in proof]] = True
    return found


def make_problem(subject: Subject, workspace: Workspace) -> Problem:
    graph = Graph(subject.config, GRANULARITY)
    direction = np.broadcast_to(subject.scored[:, None].astype(float), (*subject.clean.shape, 1))
    return Problem(
        model=workspace.blob(lambda path: checkpoint.save(path, subject.config, dict(subject.weights))),
        clean=subject.clean, corrupted=subject.corrupted, scored=subject.scored, direction=direction.copy(),
        metric="signed_output", intervention="resample", granularity=GRANULARITY, nodes=list(graph.nodes),
        edges=list(graph.edges), budget=BUDGET * len(graph.edges) * len(subject.clean),
    )  # fmt: skip
