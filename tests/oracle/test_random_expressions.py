"""Drawn programs: tables, the RASP interpreter and the compiled model say the same, on every string."""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from bench.core.contract import generator
from bench.models import exhaustive
from bench.models.compiled.assembly import compile_program
from bench.models.compiled.dressing import COLDNESS
from bench.models.compiled.interchange import WIDTH, Wiring
from bench.models.compiled.programs.drawn import draw, program_of
from bench.models.compiled.programs.expressions import Reading, Variable, alike, readings
from bench.tracks.circuits.tasks.random_rasp import SHAPES

NAMES = [name for name in SHAPES if name not in ("crowded", "twin_cut", "frugal")]  # those have the shapes of others
SEEDS = range(3)


@cache
def tree(name: str, seed: int) -> Variable:
    return draw(SHAPES[name], generator("test drawn", name, seed))


@cache
def wired(name: str, seed: int) -> Wiring:
    program = program_of(tree(name, seed), SHAPES[name])
    expression = program.build()
    return Wiring(expression, compile_program(expression, program.vocabulary, program.length, apart=program.apart))


def labels(name: str, seed: int) -> dict[Variable, str]:
    """What RASP calls each variable: v0, v1, ... with a number of its own behind."""
    called = {label.rsplit("_", 1)[0]: label for label in wired(name, seed).expressions}
    computed = (node for node in tree(name, seed).nodes() if node.children)
    return {node: called[f"v{number}"] for number, node in enumerate(computed)}


def every_string(name: str) -> np.ndarray:
    shape = SHAPES[name]
    return np.array(list(itertools.product(range(shape.symbols), repeat=shape.length)))


def share_of(name: str) -> np.ndarray:
    """Of long lists of strings an equal part, by turns."""
    strings = every_string(name)
    return strings[:: max(1, len(strings) // 150)]


def model_says(wiring: Wiring, strings: np.ndarray) -> np.ndarray:
    config = replace(wiring.compiled.config, attention_scale=COLDNESS)
    tokens = wiring.compiled.encode(strings.tolist())
    return exhaustive.forward(config, wiring.compiled.weights, tokens)[:, 1:]


def test_without_separate_units_tracr_gets_a_program_with_two_counts_in_a_layer_wrong() -> None:
    """Why programs are compiled with `apart`: the defect is there, and the remedy removes it."""
    program, strings = program_of(tree("twin", 2), SHAPES["twin"]), every_string("twin")
    expression, expected = program.build(), tree("twin", 2).on(strings)
    compiled = {
        apart: compile_program(expression, program.vocabulary, program.length, apart=apart) for apart in (False, True)
    }
    wrong = {
        apart: np.abs(model_says(Wiring(expression, one), strings) - (expected[..., None] == np.array(one.outputs)))
        for apart, one in compiled.items()
    }
    assert wrong[False].max() == pytest.approx(1)
    assert wrong[True].max() < 1e-9


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", NAMES)
def test_the_compiled_model_computes_the_tables_on_every_string(name: str, seed: int) -> None:
    """Of the 7776 strings of six symbols on every seventh, which holds all strings of kinds many times over."""
    strings = every_string(name)[:: 7 if SHAPES[name].symbols == 6 else 1]
    wiring, values = wired(name, seed), tree(name, seed).on(strings)
    expected = (
        values[..., None] if wiring.compiled.numerical else values[..., None] == np.array(wiring.compiled.outputs)
    )
    np.testing.assert_allclose(model_says(wiring, strings), expected.astype(float), atol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_the_interpreter_computes_every_variable_of_the_tables(name: str) -> None:
    """By RASP's own evaluation of the output and by ours of every variable, on some 150 strings."""
    root, wiring, strings = tree(name, 0), wired(name, 0), share_of(name)
    known = root.known_on(strings)
    named = labels(name, 0)
    for row, string in enumerate(strings.tolist()):
        values = wiring.values(string)
        for node, label in named.items():
            np.testing.assert_allclose(values[label], known[node][row], atol=1e-12)
        assert wiring.program(string) == values[wiring.program.label]


@pytest.mark.parametrize("name", NAMES)
def test_an_edge_is_live_by_interchange_where_its_one_reading_matters(name: str) -> None:
    """Interchange in the tables, which knows readings and no model, against interchange along edges."""
    root, wiring = tree(name, 1), wired(name, 1)
    rng, shape = generator("test readings", name), SHAPES[name]
    clean, donors = rng.integers(shape.symbols, size=(2, 20, shape.length))
    live = {
        edge for edge, effect in wiring.effects(clean.tolist(), donors.tolist(), scored(name)).items() if effect > 0
    }
    told = 0
    for reading in readings(root, clean, donors):
        edge = edge_of(wiring, reading, labels(name, 1))
        if sum((read.source, read.slot) == edge for read in wiring.reads) == 1:
            assert (edge in live) == reading.matters.any()
            told += 1
    assert told >= 3


def edge_of(wiring: Wiring, reading: Reading, called: dict[Variable, str]) -> tuple[str, str]:
    """The edge along which a variable is read, by what its kind says of places."""
    reader, child = reading.reader, reading.reader.children[reading.place]
    source = wiring.writers[called.get(child, child.kind)]
    letters = {"fetch": "qv", "count": "qk", "share": "qkv"}.get(reader.kind)
    if letters is None:
        return source, wiring.writers[called[reader]]
    handed = called[reader] + (WIDTH if reader.kind == "count" else "")
    return source, f"{wiring.heads[handed]}.{letters[reading.place]}"


def scored(name: str) -> np.ndarray:
    return np.arange(SHAPES[name].length + 1) > 0


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", ["alike", "deep_alike"])
def test_alike_symbols_change_no_variable_but_the_tokens_on_any_string(name: str, seed: int) -> None:
    root, strings = tree(name, seed), every_string(name)[::5]
    groups = alike(root)
    assert sorted(itertools.chain(*groups)) == list(range(SHAPES[name].symbols))
    swap = np.empty(SHAPES[name].symbols, int)
    for group in groups:
        assert len(group) > 1
        swap[list(group)] = np.roll(group, 1)
    before, after = root.known_on(strings), root.known_on(swap[strings])
    assert all(np.array_equal(before[node], after[node]) for node in before if node.children)


def test_symbols_that_are_moved_whole_or_told_apart_are_not_alike() -> None:
    tokens, places = Variable("tokens", 3), Variable("indices", 4)
    moved = Variable("fetch", 3, (places, tokens), np.array([1, 0, 3, 2]))
    mapped = Variable("map", 2, (tokens,), np.array([0, 1, 0]))
    assert alike(moved) == alike(tokens) == ((0,), (1,), (2,))
    assert alike(mapped) == ((0, 2), (1,))
    both = Variable(
        "count", 5, (tokens, tokens), np.array([[True, False, True], [False, True, True], [True, False, True]])
    )
    assert alike(both) == ((0,), (1,), (2,))


@pytest.mark.parametrize("name", NAMES)
def test_what_is_drawn_keeps_its_shape_on_other_strings(name: str) -> None:
    """Depth and readings are exact; a reading that matters on .05 of 400 pairs does on more than .01 of 2000 others."""
    shape, rng = SHAPES[name], generator("test statistics", name)
    clean, donors = rng.integers(shape.symbols, size=(2, 2000, shape.length))
    for seed in SEEDS:
        root = tree(name, seed)
        used = [reading for reading in readings(root, clean, donors) if reading.varies.any()]
        rarest = min(reading.matters.mean() for reading in used)
        assert root.depth == shape.depth
        assert shape.reads[0] <= len(used) <= shape.reads[1]
        assert 0.01 < rarest < shape.rarest[1] + 0.06
        assert (root.size == 0) == shape.numerical


def test_every_kind_is_drawn_and_seeds_draw_other_programs() -> None:
    roots = [draw(SHAPES["middle"], generator("test kinds", seed)) for seed in range(30)]
    kinds = [tuple(node.kind for node in root.nodes()) for root in roots]
    assert set(itertools.chain(*kinds)) == {"tokens", "indices", "map", "sequence_map", "fetch", "count"}
    assert len(set(kinds)) > 25
