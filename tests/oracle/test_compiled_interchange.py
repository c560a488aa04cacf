"""The two routes to the truth of a compiled program agree: interchange or the named basis, and exhaustive patching."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch

from bench.core.contract import generator
from bench.models import patching
from bench.models.compiled.assembly import compile_program
from bench.models.compiled.certificate import Subject
from bench.models.compiled.dressing import COLDNESS, Dressed, Outfit, dress
from bench.models.compiled.interchange import Wiring
from bench.models.compiled.programs import PROGRAMS
from bench.models.graph import Graph
from bench.models.transformer import Transformer

PAIRS = 6
WIDE = ("shuffle_dyck", "majority", "nearly_or", "repeated_and_rising", "panel")
WIDEST = ("jury", "shuffle_dyck2")
MARKS = dict.fromkeys(WIDE, pytest.mark.slow) | dict.fromkeys(WIDEST, pytest.mark.full)
NAMES = [pytest.param(name, marks=MARKS.get(name, ())) for name in PROGRAMS]


@cache
def wired(name: str) -> Wiring:
    program = PROGRAMS[name].build()
    return Wiring(program, compile_program(program, PROGRAMS[name].vocabulary, PROGRAMS[name].length))


@cache
def strings_of(name: str) -> tuple[list, list]:
    rng = generator("test interchange", name)
    clean, donors = ([PROGRAMS[name].string(rng) for _ in range(PAIRS)] for _ in range(2))
    return clean, donors


def scored_of(name: str) -> np.ndarray:
    return np.arange(PROGRAMS[name].length + 1) > 0


@cache
def dressed_subject(name: str) -> tuple[Dressed, Subject]:
    """A lightly dressed model with the strings' tokens."""
    compiled = wired(name).compiled
    clean, donors = (compiled.encode(strings) for strings in strings_of(name))
    dressed = dress(compiled, Outfit(heads=1, layers=1, units=4, axes=6), clean, generator("test dress", name))
    tokens = dressed.tokens
    return dressed, Subject(dressed.config, dressed.weights, tokens[clean], tokens[donors], scored_of(name))


def by_edge(dressed: Dressed, effects: dict) -> np.ndarray:
    """Effects by edge of the compiled model as an array over the dressed model's edges, zero elsewhere."""
    graph = Graph(dressed.config, "qkv")
    expected = np.zeros(len(graph.edges))
    for (source, slot), effect in effects.items():
        expected[graph.index[dressed.edge(source, slot)]] = effect
    return expected


@pytest.mark.parametrize("name", PROGRAMS)
def test_without_interchange_the_interpretation_is_rasps_own(name: str) -> None:
    wiring = wired(name)
    for string in (*strings_of(name)[0], *strings_of(name)[1]):
        assert wiring.output(string, {}, None) == wiring.program(string)


@pytest.mark.parametrize("name", PROGRAMS)
def test_interchange_of_everything_the_output_reads_gives_the_donors_output(name: str) -> None:
    wiring, (clean, donors) = wired(name), strings_of(name)
    last = next(read for read in wiring.reads if read.slot == "output")
    for string, donor in zip(clean, donors, strict=True):
        assert wiring.output(string, wiring.values(donor), (last.source, "output")) == wiring.program(donor)


@pytest.mark.parametrize("name", NAMES)
def test_interchange_and_exhaustive_patching_agree_under_resample(name: str) -> None:
    dressed, subject = dressed_subject(name)
    expected = by_edge(dressed, wired(name).effects(*strings_of(name), scored_of(name)))
    measured = subject.effects("resample", "qkv")
    np.testing.assert_allclose(measured, expected, atol=1e-6)
    assert ((measured > 1e-9) == (expected > 0)).all()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("intervention", ["zero", "mean"])
def test_the_named_basis_and_exhaustive_patching_agree(name: str, intervention: str) -> None:
    dressed, subject = dressed_subject(name)
    named = effects_in_the_named_basis(name, intervention)
    np.testing.assert_allclose(subject.effects(intervention, "qkv"), by_edge(dressed, named), atol=1e-6)


def effects_in_the_named_basis(name: str, intervention: str) -> dict:
    """By the torch model in double precision, on the compiled model as it was before dressing."""
    compiled = wired(name).compiled
    clean, donors = (compiled.encode(strings) for strings in strings_of(name))
    model = Transformer(replace(compiled.config, attention_scale=COLDNESS), compiled.weights, torch.float64)
    graph, measure = model.graph("qkv"), patching.output_change(scored_of(name))
    values = patching.donors_for(model, intervention, clean, donors)
    effects = patching.edge_effects(model, graph, clean, values, measure).numpy()
    live = [(tuple(edge.split("->")), float(effect)) for edge, effect in zip(graph.edges, effects, strict=True)]
    return {edge: effect for edge, effect in live if effect > 1e-9}


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_edge_that_carries_a_variable_joins_a_source_to_a_slot_that_reads_it(name: str) -> None:
    wiring = wired(name)
    graph = Graph(wiring.compiled.config, "qkv")
    assert {f"{source}->{slot}" for source, slot in wiring.edges} <= set(graph.edges)
