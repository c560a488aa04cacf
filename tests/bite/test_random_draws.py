"""Trees that are of no use are rejected by the generator, each for its own reason."""

from __future__ import annotations

import numpy as np
import pytest

from bench.models.compiled.programs.drawn import Shape, draw, faults
from bench.models.compiled.programs.expressions import Variable

SHAPE = Shape(depth=2, branching=0.5, reads=(3, 4))
TOKENS, PLACES = Variable("tokens", 4), Variable("indices", 5)
COUNT = Variable("count", 6, (TOKENS, Variable("tokens", 4)), np.eye(4, dtype=bool))
NEXT = Variable("fetch", 4, (PLACES, Variable("tokens", 4)), np.array([1, 2, 3, 4, 0]))


def both(table: np.ndarray, first: Variable = COUNT, second: Variable = TOKENS) -> Variable:
    return Variable("sequence_map", int(table.max()) + 1, (first, second), table)


def sound() -> Variable:
    return both(np.random.default_rng(0).integers(3, size=(6, 4)))


def constant() -> Variable:
    return both(np.ones((6, 4), int))


def deaf() -> Variable:
    """Reads the count and makes nothing of it."""
    return both(np.tile(np.arange(4), (6, 1)))


def idle() -> Variable:
    """A computation over positions alone, which is the same on all strings."""
    places = Variable("map", 2, (PLACES,), np.array([0, 1, 0, 1, 0]))
    return both(np.random.default_rng(0).integers(3, size=(2, 6)), places, COUNT)


def flat() -> Variable:
    return COUNT


def doubled() -> Variable:
    return both(np.random.default_rng(0).integers(3, size=(4, 4)), Variable("tokens", 4), TOKENS)


def vast() -> Variable:
    return both(np.random.default_rng(0).integers(3, size=(9, 9)), COUNT, COUNT)


def headless() -> Variable:
    return both(
        np.random.default_rng(0).integers(3, size=(2, 5)), Variable("map", 2, (TOKENS,), np.array([0, 1, 0, 1])), PLACES
    )


REJECTIONS = (
    (headless, "no head"),
    (constant, "the output seldom differs"),
    (deaf, "a reading matters too seldom"),
    (idle, "a computation does not depend on the string"),
    (flat, "another depth"),
    (doubled, "a sequence map of one variable with itself"),
    (vast, "a sequence map of too many values"),
)


def test_a_sound_tree_is_taken() -> None:
    assert faults(sound(), SHAPE, np.random.default_rng(0)) == ()


@pytest.mark.parametrize(("tree", "fault"), REJECTIONS, ids=lambda one: getattr(one, "__name__", one))
def test_a_tree_of_no_use_is_rejected_for_its_fault(tree, fault) -> None:
    assert fault in faults(tree(), SHAPE, np.random.default_rng(0))


def test_symbols_that_are_told_apart_are_rejected_where_kinds_are_asked_for() -> None:
    kinds = Shape(depth=2, branching=0.5, reads=(3, 4), kinds=2)
    assert "symbols of one kind are told apart" in faults(sound(), kinds, np.random.default_rng(0))


def test_too_many_and_too_rare_readings_are_rejected() -> None:
    few, rare = Shape(2, 0.5, (1, 2)), Shape(2, 0.5, (3, 4), rarest=(0.0, 0.01))
    assert "too few or too many readings" in faults(sound(), few, np.random.default_rng(0))
    assert "no reading matters seldom enough" in faults(sound(), rare, np.random.default_rng(0))


def test_a_shape_that_no_tree_has_is_refused_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.models.compiled.programs.drawn.DRAWS", 20)
    with pytest.raises(ValueError, match=r"20 draws hold no program .* ask for less"):
        draw(Shape(depth=1, branching=0.0, reads=(30, 40)), np.random.default_rng(0))
