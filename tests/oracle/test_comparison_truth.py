"""When two programs are the same algorithm: by their codes, by interchange in weights, and by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tracr.rasp import rasp

from bench.core.catalogue import load_plugin
from bench.core.config import ROOT
from bench.core.contract import generator
from bench.core.problems import Workspace
from bench.models.compiled.programs.public import both, none_true
from bench.models.exhaustive import forward, node_outputs
from bench.tracks.circuit_comparison import algorithms, pairing
from bench.tracks.circuit_comparison.algorithms import FAMILIES, Family
from bench.tracks.circuit_comparison.canonical import algorithm
from bench.tracks.circuit_comparison.certificate import Uncertified, distance, same
from bench.tracks.circuit_comparison.networks import load
from bench.tracks.circuit_comparison.symmetries import sheared, shifted
from bench.tracks.circuit_comparison.variants import inner, recoded, with_idle

TASK = load_plugin(ROOT / "bench/tracks/circuit_comparison/tasks/compiled.py")


def codes(family: Family) -> list[str]:
    return [algorithm(build(), family.strings()) for build in family.algorithms.values()]


@pytest.mark.parametrize("name", FAMILIES)
def test_programs_of_a_family_agree_on_every_string_and_are_different_algorithms(name):
    family = FAMILIES[name]
    said = {tuple(tuple(program(string)) for string in family.strings()[:: 1 + len(family.strings()) // 200])
            for program in (build() for build in family.algorithms.values())}  # fmt: skip
    assert len(said) == 1
    assert len(set(codes(family))) == len(family.algorithms)


@pytest.mark.parametrize(("leaves", "count"), [(1, 1), (2, 1), (3, 3), (4, 15), (5, 105)])
def test_orders_of_combining_n_symbols_number_the_odd_factorial(leaves, count):
    found = list(algorithms.trees(tuple(range(leaves))))
    assert len(set(map(str, found))) == len(found) == count


def small_sum(relabel=lambda value: value, unlabel=lambda value: value, swapped=False) -> rasp.SOp:
    a, b, c = algorithms.symbols(3)
    first, second = (b, a) if swapped else (a, b)
    pair = both(lambda one, other: relabel((one + other) % 3), first, second, "pair")
    return both(lambda one, other: (unlabel(one) + other) % 3, pair, c, "total")


STRINGS = algorithms.sums(3, 3).strings()


def test_names_of_values_and_the_order_of_arguments_are_no_part_of_an_algorithm():
    plain = algorithm(small_sum(), STRINGS)
    assert algorithm(small_sum(lambda v: "xyz"[v], "xyz".index), STRINGS) == plain
    assert algorithm(small_sum(swapped=True), STRINGS) == plain


def test_dead_arguments_and_recoded_variables_are_no_part_of_an_algorithm():
    program = small_sum()
    plain = algorithm(program, STRINGS)
    for target in inner(program):
        assert algorithm(recoded(program, target), STRINGS) == plain
    other = algorithms.in_order((0, (1, 2)), algorithms.symbols(3), lambda one, other: (one + other) % 3)
    assert algorithm(other, STRINGS) != plain
    assert algorithm(with_idle(program, inner(other)[-1:]), STRINGS) == plain
    assert algorithm(with_idle(other, inner(program)[-1:]), STRINGS) == algorithm(other, STRINGS)


def test_a_variable_that_keeps_more_than_is_read_is_another_variable():
    a, b, c = algorithms.symbols(3)
    whole = both(lambda one, other: (one, other), a, b, "whole")
    detailed = both(lambda two, other: (sum(two) + other) % 3, whole, c, "total")
    assert algorithm(detailed, STRINGS) != algorithm(small_sum(), STRINGS)


def networks_of(programs: list[rasp.SOp], family: Family, seed: int = 0) -> list[pairing.Disguised]:
    models = [pairing.Model(program, family) for program in programs]
    return pairing.disguised(models, pairing.Spare(), np.random.default_rng(seed))


def signatures(models: list[pairing.Disguised], family: Family, pairs: int = 64) -> list[np.ndarray]:
    rng, strings = np.random.default_rng(1), family.strings()
    base, source = ([strings[at] for at in rng.integers(len(strings), size=pairs)] for _ in range(2))
    return [model.located.signatures(model.encode(base), model.encode(source)) for model in models]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sums_three", "sums_balanced", "ascending", "palindrome", "recurs"])
def test_interchange_in_the_weights_tells_apart_what_the_codes_tell_apart(name):
    family = FAMILIES[name]
    programs = [build() for build in family.algorithms.values()]
    found = signatures(networks_of(programs, family), family)
    apart = np.array([[same(one, other) for other in found] for one in found])
    assert np.array_equal(apart, np.eye(len(found), dtype=bool))


def test_interchange_in_the_weights_sees_through_recoding_and_idle_variables():
    family = FAMILIES["sums_three"]
    program, other = (family.algorithms[f"tree {tree}"]() for tree in (((0, 1), 2), ((0, 2), 1)))
    varied = [recoded(program, inner(program)[-1]), with_idle(program, inner(other)[-1:])]
    found = signatures(networks_of([program, *varied, with_idle(other, inner(program)[-1:])], family), family)
    assert [same(found[0], one) for one in found[1:]] == [True, True, False]


def test_the_signature_of_the_sum_of_two_symbols_is_arithmetic():
    """do(first + second = its value on the donor) moves the total by the difference of the two."""
    family = FAMILIES["sums_three"]
    (model,) = networks_of([family.algorithms["tree ((0, 1), 2)"]()], family)
    rng = np.random.default_rng(2)
    base, source = ([tuple(map(int, row)) for row in rng.integers(5, size=(20, 3))] for _ in range(2))
    totals = np.array([[(sum(one[:2]) + one[2]) % 5, (sum(two[:2]) + one[2]) % 5]
                       for one, two in zip(base, source, strict=True)])  # fmt: skip
    expected = np.repeat((np.eye(5)[totals[:, 1]] - np.eye(5)[totals[:, 0]])[:, None], 3, axis=1).ravel()
    found = model.located.signatures(model.encode(base), model.encode(source))
    named = dict(zip(model.located.variables, found, strict=True))
    (step,) = [name for name in named if name.startswith("step01_")]
    np.testing.assert_allclose(named[step], expected, atol=1e-9)


def by_rank() -> rasp.SOp:
    place = both(lambda symbol, at: (symbol, at), rasp.tokens, rasp.indices, "place")
    rank = rasp.SelectorWidth(rasp.Select(place, place, lambda key, query: key < query)).named("rank")
    return none_true(both(lambda found, at: found != at, rank, rasp.indices, "moved"), "none_moved")


def test_algorithms_that_no_interchange_tells_apart_make_no_unit():
    """Ranks and inversions are different variables, but to exchange either everywhere is to exchange the string."""
    ascending = FAMILIES["ascending"]
    family = Family("", ascending.vocabulary, ascending.length, {
        "inversions": algorithms.ascending_by_inversions, "rank": by_rank})  # fmt: skip
    assert len(set(codes(family))) == 2
    models = networks_of([build() for build in family.algorithms.values()], family)
    with pytest.raises(Uncertified, match=r"interchange says \[True\], programs say \[False\]"):
        pairing.certify(models, family, np.array([False]), np.random.default_rng(0))


def test_networks_that_answer_differently_make_no_unit():
    one, other = FAMILIES["ascending"], FAMILIES["palindrome"]
    models = networks_of([one.algorithms["pairs"](), other.algorithms["pairs"]()], one)
    with pytest.raises(Uncertified, match="answer differently"):
        pairing.certify(models, one, np.array([False]), np.random.default_rng(0))


def test_distances_of_signatures_are_hausdorff_and_nothing_belongs_to_both():
    one, other = np.array([[1.0, 0], [0, 1]]), np.array([[1.0, 0], [0, 0]])
    assert distance(one, one[::-1]) == 0
    assert distance(one, other) == distance(other, one) == 1
    assert distance(other, other[:1]) == 0
    with pytest.raises(Uncertified, match="neither equal nor different"):
        same(one, one + np.array([[0, 1e-4], [0, 0]]))


@pytest.fixture(scope="module")
def unit(tmp_path_factory):
    folder = tmp_path_factory.mktemp("comparison")
    return lambda name, seed=0: TASK.generate(name, seed, generator("comparison", name, seed), Workspace(folder, {}))


def test_a_units_networks_answer_alike_on_strings_in_each_networks_own_tokens(unit):
    problem, truth = unit("sums_three")
    assert truth.same.sum() == 2
    assert not truth.null
    strings = problem.strings
    for number, (config, weights) in enumerate(load(problem.networks.path)):
        start = np.full((len(strings), 1), problem.start[number])
        tokens = np.concatenate([start, problem.alphabet[number][strings]], axis=1)
        said = forward(config, weights, tokens)[:, 1:].argmax(axis=-1)
        assert np.array_equal(said, np.repeat(strings.sum(axis=1, keepdims=True) % 5, 3, axis=1))


def test_a_null_unit_holds_no_candidate_with_the_references_algorithm(unit):
    _, truth = unit("sums_three_null")
    assert truth.null
    assert not truth.same.any()


def test_symmetries_leave_the_function_and_not_the_singular_values():
    family = FAMILIES["sums_three"]
    model = pairing.Model(next(iter(family.algorithms.values()))(), family)
    rng = np.random.default_rng(0)
    dressed = pairing.dress(model.compiled, pairing.Outfit(), model.compiled.encode(family.strings()[:8]), rng)
    tokens = dressed.tokens[model.compiled.encode(family.strings()[:20])]
    said = forward(dressed.config, dressed.weights, tokens)
    for name, moved in (("o", sheared(dressed, rng)), ("k", shifted(dressed, model.compiled, rng))):
        np.testing.assert_allclose(forward(moved.config, moved.weights, tokens), said, atol=1e-9)
        one, other = (np.linalg.svd(n.weights[f"layers.0.{name}"][0], compute_uv=False) for n in (dressed, moved))
        assert np.abs(one / one.max() - other / other.max()).max() > 0.05


def test_constants_move_what_nodes_write_by_constants_alone():
    family = FAMILIES["sums_three"]
    model = pairing.Model(next(iter(family.algorithms.values()))(), family)
    rng = np.random.default_rng(0)
    dressed = pairing.dress(model.compiled, pairing.Outfit(), model.compiled.encode(family.strings()[:8]), rng)
    moved = shifted(dressed, model.compiled, rng)
    tokens = dressed.tokens[model.compiled.encode(family.strings()[:20])]
    change = node_outputs(moved.config, moved.weights, tokens) - node_outputs(dressed.config, dressed.weights, tokens)
    assert np.abs(change).max() > 0.1
    np.testing.assert_allclose(change, np.broadcast_to(change[:, :1, :1], change.shape), atol=1e-9)


def test_sizes_of_networks_do_not_depend_on_their_programs(tmp_path: Path):
    family = FAMILIES["recurs"]
    models = [pairing.Model(build(), family) for build in family.algorithms.values()]
    spare = pairing.Spare(heads=0, layers=0, units=0, axes=0)
    sizes = {tuple(getattr(found.dressed.config, name) for name in pairing.SIZES)
             for found in pairing.disguised(models, spare, np.random.default_rng(0))}  # fmt: skip
    assert len(sizes) == 1
