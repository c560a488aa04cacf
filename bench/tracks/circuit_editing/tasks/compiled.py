"""Compiled programs one rule of which is to be changed, in one MLP or at the output.

A rule is a table of an MLP: which symbols stay, whether equal neighbours are a break, what counts as a rise. Rules at
the start of a program act through the heads and MLPs that read them. Few examples do not show every entry of
the table that changes. A crowded MLP has many units besides the rule's, active whatever it is to say. On null instances
the wanted outputs are those that the model gives, or those within half the tolerance.

Left out are rules that Tracr puts into the matrix with which an MLP reads (a `Map` with several symbols a value has one
unit a value), which no change of the matrix with which it writes can change, and rules of numbers, where the compiled
model and the interpreted program differ at thresholds.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from tracr.compiler import lib
from tracr.rasp import rasp

from bench.core.problems import Workspace
from bench.models.compiled.dressing import Outfit
from bench.models.compiled.programs.public import BLANK, both, count_true, neighbour, none_true
from bench.tracks.circuit_editing.compiled import Change, Editing
from bench.tracks.circuit_editing.types import Problem, Truth

VERSION = 1
BOARD = "truth"
SEED_CHANGES = "model"
SPLIT = True
REFERENCE = "Lindner et al. (2023), Tracr: compiled transformers as a laboratory for interpretability, NeurIPS"
INSTANCES = {
    "twice": {"size": "small", "null": False, "title": "Symbols that occur twice stay too (the last rule)"},
    "twice_few": {"size": "small", "null": False, "title": "The same, few examples"},
    "exception": {"size": "small", "null": False, "title": "One symbol is exempt from the last rule"},
    "exception_crowded": {"size": "small", "null": False, "title": "The same, in an MLP with many other units"},
    "labelled": {"size": "small", "null": False, "title": "One symbol is read as another (the first rule)"},
    "labelled_few": {"size": "small", "null": False, "title": "The same, few examples"},
    "paired_few": {"size": "small", "null": False, "title": "One symbol is read as another, also by a head"},
    "alternating": {"size": "small", "null": False, "title": "One symbol changes class, wherever it stands"},
    "equal_neighbours": {"size": "small", "null": False, "title": "Equal neighbours are no break (the first rule)"},
    "rises": {"size": "small", "null": False, "title": "Equal neighbours count as a rise (the first rule)"},
    "nothing_to_change": {"size": "small", "null": True, "title": "Symbols that occur once, as they are"},
    "nothing_to_change_few": {"size": "small", "null": True, "title": "An order, as it is, few examples"},
    "nothing_to_change_noisy": {"size": "small", "null": True, "title": "Symbols that occur once, recorded with noise"},
}


def once(rule) -> rasp.SOp:
    return both(rule, lib.make_hist(), rasp.tokens, "kept")


def ordered(rule) -> rasp.SOp:
    return none_true(both(rule, neighbour(rasp.tokens, -1, "before"), rasp.tokens, "break"), "ordered")


def rising(rule) -> rasp.SOp:
    return count_true(both(rule, neighbour(rasp.tokens, -1, "before"), rasp.tokens, "rise"), "rises")


def labelled(rule) -> rasp.SOp:
    kind = rasp.Map(rule, rasp.tokens).named("kind")
    return both(lambda kind, count: f"{kind}{min(count, 3)}", kind, lib.make_hist(), "label")


def paired(rule) -> rasp.SOp:
    kind = rasp.Map(rule, rasp.tokens).named("kind")
    return both(lambda kind, before: f"{kind}{before}", kind, neighbour(kind, -1, "kind_before"), "pair")


def alternating(rule) -> rasp.SOp:
    kind = both(rule, rasp.tokens, rasp.indices, "kind")
    return both(lambda kind, before: f"{kind}{before}", kind, neighbour(kind, -1, "kind_before"), "pair")


def just_once(count: int, symbol: int) -> int:
    return symbol if count == 1 else BLANK


def up_to_twice(count: int, symbol: int) -> int:
    return symbol if count <= 2 else BLANK


def once_or_three(count: int, symbol: int) -> int:
    return symbol if count == 1 or symbol == 3 else BLANK


def below(last: int) -> Callable[[int, int], str]:
    """Symbols up to the last are of one class, the others of another, wherever they stand."""
    return lambda symbol, place: "v" if symbol <= last else "c"


FOUR, FIVE = (1, 2, 3, 4), (1, 2, 3, 4, 5)
TWICE = Change(once, just_once, up_to_twice, "kept", FOUR, 5)
EXCEPTION = Change(once, just_once, once_or_three, "kept", FOUR, 5)
LABELLED = Change(labelled, lambda s: "abcd"[s - 1], lambda s: "abbd"[s - 1], "kind", FOUR, 5)
PAIRED = Change(paired, lambda s: "abcd"[s - 1], lambda s: "abbd"[s - 1], "kind", FOUR, 5)
ALTERNATING = Change(alternating, below(2), below(3), "kind", FOUR, 5)
NEIGHBOURS = Change(ordered, lambda before, here: before >= here, lambda before, here: before > here, "break", FIVE, 4)
RISES = Change(rising, lambda before, here: before < here, lambda before, here: before <= here, "rise", FOUR, 5)
OUTFIT, CROWDED = Outfit(heads=1, layers=1, units=8, axes=8), Outfit(heads=1, layers=1, units=64, axes=8)

EDITINGS = {
    "twice": Editing(TWICE, OUTFIT, 64),
    "twice_few": Editing(TWICE, OUTFIT, 8),
    "exception": Editing(EXCEPTION, OUTFIT, 64),
    "exception_crowded": Editing(EXCEPTION, CROWDED, 64),
    "labelled": Editing(LABELLED, OUTFIT, 64),
    "labelled_few": Editing(LABELLED, OUTFIT, 8),
    "paired_few": Editing(PAIRED, OUTFIT, 8),
    "alternating": Editing(ALTERNATING, OUTFIT, 64),
    "equal_neighbours": Editing(NEIGHBOURS, OUTFIT, 64),
    "rises": Editing(RISES, OUTFIT, 64),
    "nothing_to_change": Editing(TWICE, OUTFIT, 64, null=True),
    "nothing_to_change_few": Editing(NEIGHBOURS, OUTFIT, 8, null=True),
    "nothing_to_change_noisy": Editing(TWICE, OUTFIT, 64, null=True, noise=0.5),
}


def generate(instance: str, seed: int, rng: np.random.Generator, workspace: Workspace) -> tuple[Problem, Truth]:
    """A dressed model, examples of what it is to say, and the edited program on every string."""
    return EDITINGS[instance].unit(rng, workspace)
