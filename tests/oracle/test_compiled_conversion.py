"""Compiled programs as checkpoints, against Tracr's own model and the RASP interpreter."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from tracr.compiler import lib
from tracr.rasp import rasp

from bench.core.contract import generator
from bench.models import exhaustive
from bench.models.compiled.assembly import compile_program
from bench.models.compiled.conversion import BOS, assemble, convert, output_axes
from bench.models.compiled.programs import PROGRAMS
from bench.models.compiled.programs.library import LIBRARY
from bench.models.transformer import Transformer

QUICK = ("pair_balance", "next_larger")  # a number as output; a category


@cache
def compiled(name: str):
    program = PROGRAMS[name].build()
    return program, compile_program(program, PROGRAMS[name].vocabulary, PROGRAMS[name].length)


def strings_of(name: str, count: int) -> list[tuple]:
    rng = generator("test", name)
    return [PROGRAMS[name].string(rng) for _ in range(count)]


def names(quick: tuple[str, ...] = QUICK) -> list:
    marks = (
        dict.fromkeys(PROGRAMS, pytest.mark.full) | dict.fromkeys(LIBRARY, pytest.mark.slow) | dict.fromkeys(quick, ())
    )
    return [pytest.param(name, marks=marks[name]) for name in PROGRAMS]


@pytest.mark.parametrize("name", names())
def test_the_checkpoint_is_the_model_that_tracr_assembles(name: str) -> None:
    program, ours = compiled(name)
    theirs = convert(assemble(program, set(PROGRAMS[name].vocabulary), PROGRAMS[name].length), program)
    assert (ours.config, ours.labels, ours.tokens, ours.outputs) == (
        theirs.config, theirs.labels, theirs.tokens, theirs.outputs,
    )  # fmt: skip
    for tensor, array in theirs.weights.items():
        np.testing.assert_allclose(ours.weights[tensor], array, rtol=1e-6, atol=1e-6, err_msg=tensor)


@pytest.mark.parametrize("name", names())
def test_residual_streams_and_outputs_are_those_of_tracr(name: str) -> None:
    program, ours = compiled(name)
    assembled = assemble(program, set(PROGRAMS[name].vocabulary), PROGRAMS[name].length)
    torch_model = Transformer(ours.config, ours.weights, torch.float64)
    axes = output_axes(ours.labels, program)
    for string in strings_of(name, 3):
        tokens = ours.encode([string])
        expected = np.asarray(assembled.apply([BOS, *string]).transformer_output)[0]
        np.testing.assert_allclose(
            exhaustive.node_outputs(ours.config, ours.weights, tokens).sum(axis=0)[0], expected, atol=1e-5
        )
        for output in (exhaustive.forward(ours.config, ours.weights, tokens), torch_model.run(tokens).numpy()):
            np.testing.assert_allclose(output[0], expected[:, axes], atol=1e-5)


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_model_says_what_the_program_says(name: str) -> None:
    program, ours = compiled(name)
    strings = strings_of(name, 40)
    exact = replace(ours.config, attention_scale=1.0)
    output = exhaustive.forward(exact, ours.weights, ours.encode(strings))[:, 1:]
    np.testing.assert_allclose(output, ours.targets([program(string) for string in strings]), atol=1e-6)
    torch_output = Transformer(exact, ours.weights, torch.float64).run(ours.encode(strings)).numpy()[:, 1:]
    np.testing.assert_allclose(torch_output, output, atol=1e-9)


def test_the_output_is_found_by_name_and_is_not_the_first_axes() -> None:
    program, ours = compiled("sort")
    axes = output_axes(ours.labels, program)
    assert len(axes) == ours.config.d_out == len(ours.outputs)
    assert not set(axes) & set(range(len(axes)))
    assert [ours.labels[axis] for axis in axes] == [f"{program.label}:{value}" for value in ours.outputs]


def test_a_program_that_looks_ahead_is_wrong_when_it_is_compiled_causally() -> None:
    program, string = lib.make_reverse(rasp.tokens), (1, 2, 3, 1)
    for causal in (False, True):
        ours = compile_program(program, {1, 2, 3}, 4, causal=causal)
        output = exhaustive.forward(ours.config, ours.weights, ours.encode([string]))[:, 1:]
        assert np.allclose(output, ours.targets([program(string)]), atol=1e-4) is not causal


def test_a_program_that_looks_back_is_the_same_either_way() -> None:
    program, string = lib.make_frac_prevs(rasp.tokens == "x"), ("x", "y", "x", "x")
    outputs = [
        exhaustive.forward(ours.config, ours.weights, ours.encode([string]))
        for ours in (compile_program(program, {"x", "y"}, 4, causal=causal) for causal in (False, True))
    ]
    np.testing.assert_allclose(*outputs, atol=1e-6)
