"""Gates over bits with parts that can go: decoys, cancelling sets, second copies, parts of rare use.

A formula is written into heads and MLPs. Beside what it needs stand heads and units that write where nothing reads,
copies of its own heads and units that cancel each other in pairs or threes (to delete one changes the output, to delete
all does not), and second ways to compute the same gate, of which one may go but not both. Some gates fire on one input
in a thousand: the sample does not show what they are for. On null instances all that can go is gone.
"""

from __future__ import annotations

import numpy as np

from bench.core.problems import Workspace
from bench.models.compiled.dressing import Outfit
from bench.models.planted import Design, Gate, Leaf
from bench.tracks.circuit_compilation.planting import Cancelling, Plan
from bench.tracks.circuit_compilation.types import Problem, Truth

VERSION = 1
BOARD = "truth"
SEED_CHANGES = "model"
SPLIT = True
REFERENCE = "Wang et al. (2023), Interpretability in the wild, ICLR, arXiv:2211.00593 (redundant and negative heads)"
INSTANCES = {
    "gates": {"size": "small", "null": False, "title": "Gates beside decoys that nothing reads"},
    "cancelling_heads": {"size": "small", "null": False, "title": "Pairs of heads that cancel, as a needed head"},
    "cancelling_units": {"size": "small", "null": False, "title": "Pairs of units that cancel"},
    "cancelling_threes": {"size": "small", "null": False, "title": "Three heads and three units that cancel together"},
    "copies": {"size": "small", "null": False, "title": "Two copies of a gate: either may go, not both"},
    "dear_copy": {"size": "small", "null": False, "title": "A cheap and a dear way to compute a gate"},
    "seldom": {"size": "small", "null": False, "title": "A gate that fires on one input in 64"},
    "rare": {"size": "small", "null": False, "title": "A gate that fires on one input in 1024, small budget"},
    "rare_copies": {"size": "small", "null": False, "title": "Rare gate, two copies of another, a cancelling pair"},
    "nothing_to_drop": {"size": "small", "null": True, "title": "Gates of which nothing can go"},
    "nothing_to_drop_seldom": {"size": "small", "null": True, "title": "Nothing can go; a gate fires on one in 64"},
    "nothing_to_drop_rare": {"size": "small", "null": True, "title": "Nothing can go; a gate fires on one in 1024"},
}


def conjunction(*places: int) -> Gate:
    return Gate("all", tuple(Leaf(place) for place in places))


def either(*children: Gate | Leaf) -> Gate:
    return Gate("any", children)


def beside(first: Gate | Leaf, *others: Gate | Leaf) -> Gate:
    """A weighted sum, so that each part of it shows in the output by itself."""
    return Gate("weighted", (first, *others), tuple(2.0**-n for n in range(len(others) + 1)))


PLAIN, RICH = Outfit(heads=1, layers=0, units=4, axes=6), Outfit(heads=1, layers=1, units=6, axes=8)
MIXED = Design(Gate("all", (either(Leaf(1), Leaf(2)), Leaf(3))), 4)
TWICE = Design(either(conjunction(1, 2, 3), conjunction(3, 2, 1)), 4)
STEPS = Gate("difference", (Leaf(1), Gate("difference", (Leaf(1), Leaf(2)))))  # 1 and not (1 and not 2)
SELDOM = Design(beside(Leaf(1), conjunction(2, 3, 4)), 4)
RARE = Design(beside(Leaf(1), conjunction(2, 3, 4, 5, 6)), 6)
PLANS = {
    "gates": Plan(MIXED, PLAIN, 3, 3, true=2, false=2),
    "cancelling_heads": Plan(MIXED, PLAIN, 3, 3, (Cancelling("heads", 0),), true=2, false=2),
    "cancelling_units": Plan(
        MIXED, PLAIN, 3, 3, (Cancelling("units", 0), Cancelling("units", 1)), true=2, false=2
    ),
    "cancelling_threes": Plan(
        MIXED, RICH, 3, 3, tuple(Cancelling(kind, 0, (1.0, 1.0, -2.0)) for kind in ("heads", "units")), true=2, false=2
    ),
    "copies": Plan(TWICE, PLAIN, 3, 2, true=2, false=2),
    "dear_copy": Plan(Design(either(conjunction(1, 2), STEPS), 4), PLAIN, 2, 2, true=2, false=2),
    "seldom": Plan(SELDOM, PLAIN, 4, 1, false=3),
    "rare": Plan(RARE, RICH, 6, 1, false=3, shown=32, sweeps=4, searches=0.25),
    "rare_copies": Plan(
        Design(beside(either(conjunction(1, 2), conjunction(2, 1)), conjunction(2, 3, 4, 5)), 5), RICH, 5, 3,
        (Cancelling("heads", 0),), false=3, shown=32,
    ),
    "nothing_to_drop": Plan(MIXED, PLAIN, 3, 3, true=2, false=2, null=True),
    "nothing_to_drop_seldom": Plan(SELDOM, RICH, 4, 1, false=3, null=True),
    "nothing_to_drop_rare": Plan(RARE, RICH, 6, 1, false=3, shown=32, null=True),
}  # fmt: skip


def generate(instance: str, seed: int, rng: np.random.Generator, workspace: Workspace) -> tuple[Problem, Truth]:
    """A dressed network of gates with parts to spare, and its smallest exact subnetworks."""
    return PLANS[instance].unit(rng, workspace)
