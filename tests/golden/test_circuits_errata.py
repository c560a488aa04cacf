"""docs/circuits-errata.md is what the command writes, and the static circuit of reversal is the one by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from tracr.rasp import rasp

from bench.models.compiled import errata
from bench.models.compiled.acdc import FRACTION
from bench.models.compiled.assembly import compile_program
from bench.models.compiled.programs.public import PUBLIC

PAGE = Path(__file__).resolve().parents[2] / "docs" / "circuits-errata.md"
LENGTH = {"embed->a0.h0", "a0.h0->m0"}  # how long the string is: a head and its MLP
ADDRESS = {"m0->m1", "embed->m1", "m1->m2"}  # length - position, - 1
MOVE = {"m2->a3.h0", "embed->a3.h0", "a3.h0->output"}


def test_the_page_is_what_the_command_writes() -> None:
    assert PAGE.read_text() == errata.page()


def test_reversal_is_wired_as_by_hand_and_two_edges_of_it_are_live() -> None:
    found = errata.compare("reverse")
    assert found.static == LENGTH | ADDRESS | MOVE
    assert found.live == {"embed->a3.h0", "a3.h0->output"}
    assert found.missed == []


def test_a_mlp_that_clears_what_it_reads_is_not_its_own_source() -> None:
    width = rasp.SelectorWidth(rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.EQ))
    assert errata.static_edges(compile_program(width, {1, 2, 3}, 4)) == {"embed->a0.h0", "a0.h0->m0", "m0->output"}


@pytest.mark.parametrize(("edges", "program", "vocabulary"), [
    (44, PUBLIC["reverse"].program.build(), {1, 2, 3}), (14, FRACTION, set("wxyz")),
])  # fmt: skip
def test_graphs_have_as_many_edges_as_the_public_suite_counts(edges: int, program: rasp.SOp, vocabulary: set) -> None:
    assert errata.count_edges(compile_program(program, vocabulary, 5)) == edges
