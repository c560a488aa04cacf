"""Planted variables are where the truth says: programs in plain Python, and a model run one string at a time, agree."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from bench.core.contract import generator
from bench.core.problems import Workspace
from bench.models.checkpoint import load_arrays
from bench.models.compiled.dressing import Dressed
from bench.tracks.variables import compiled as made
from bench.tracks.variables.tasks import compiled, planted
from bench.tracks.variables.types import Problem, Truth
from tests.interchange_by_hand import interchanged, run

UNITS = [
    pytest.param(task, instance, id=f"{task.__name__.rsplit('.', 1)[1]}/{instance}")
    for task in (compiled, planted)
    for instance in task.INSTANCES
]
LIVE = [unit for unit in UNITS if not unit.values[0].INSTANCES[unit.values[1]]["null"]]
NULL = [unit for unit in UNITS if unit not in LIVE]


@dataclass(frozen=True)
class Made:
    """A unit with few held-out pairs, its model, and how a compiled one was dressed."""

    problem: Problem
    truth: Truth
    config: object
    weights: dict[str, np.ndarray]
    dressed: Dressed | None

    def outputs(self, site: str, basis: np.ndarray) -> np.ndarray:
        p, t = self.problem, self.truth
        return interchanged(self.config, self.weights, t.base, t.source, site, basis, p.intervened)

    def right(self, site: str, basis: np.ndarray) -> np.ndarray:
        """Scored cells [held, scored] whose output is the label by a plain arg-max or a plain difference."""
        return self.same(self.outputs(site, basis), self.truth.labels)

    def same(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        one, other = one[:, self.problem.scored], other[:, self.problem.scored]
        if self.problem.outputs == "number":
            return np.abs(one - other)[..., 0] <= self.problem.tolerance
        return one.argmax(axis=-1) == other.argmax(axis=-1)

    @property
    def agree(self) -> np.ndarray:
        """Scored cells whose base, source and counterfactual answers are one and the same."""
        t = self.truth
        return self.same(t.labels, t.base_outputs) & self.same(t.labels, t.source_outputs)

    @property
    def third(self) -> np.ndarray:
        t = self.truth
        return ~self.same(t.labels, t.base_outputs) & ~self.same(t.labels, t.source_outputs)


@pytest.fixture(scope="module")
def unit(tmp_path_factory):
    """Makes units as the tasks do, remembering how compiled programs were dressed."""
    folder, worn = tmp_path_factory.mktemp("blobs"), []

    def remembered(*arguments):
        worn.append(exact(*arguments))
        return worn[-1]

    exact = made.dress
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(made, "dress", remembered)

        @cache
        def make(task, instance: str, seed: int = 0) -> Made:
            worn.clear()
            rng = generator("test variables", instance, seed)
            problem, truth = task.generate(instance, seed, rng, Workspace(Path(folder), {}))
            some = {name: getattr(truth, name)[:24] for name in PER_PAIR}
            return Made(problem, replace(truth, **some), *load_arrays(problem.model.path), worn[-1] if worn else None)

        yield make


PER_PAIR = ("base", "source", "labels", "base_outputs", "source_outputs")


# -- the programs in plain Python: (base string, values of the variable or None for the string's own) -> outputs ------


def chain(string, pair=None):
    pair = [(string[1] + string[2]) % 5] * 3 if pair is None else pair
    return [(string[0] + one) % 5 for one in pair]


def ranks(string):
    return [sum(other < one for other in string) for one in string]


def sort(string, rank=None):
    rank = ranks(string) if rank is None else rank
    return [string[rank.index(place)] for place in range(len(string))]


def follow(string, first=None):
    first = [string[string[place]] for place in range(len(string))] if first is None else first
    return [string[string[address]] for address in first]


def two_sums(string, left=None):
    left = [(string[0] + string[1]) % 3] * 3 if left is None else left
    right = (string[1] + 2 * string[2]) % 3
    return [one * (right + 1) % 3 for one in left]


def ends(string, sums=None):
    sums = [string[0] + string[1]] * len(string) if sums is None else sums
    return [string[0] == string[1] or one > 4 for one in sums]


def rises(string):
    return [None, *(string[place] > string[place - 1] for place in range(1, len(string)))]


def peaks(string, rise=None):
    rise = rises(string) if rise is None else rise
    falls = [string[place] > string[place + 1] for place in range(len(string) - 1)]
    return [sum(bool(up) and down for up, down in zip(rise, falls, strict=False))] * len(string)


BY_HAND = {
    "chain_pair": (chain, lambda s: [(s[1] + s[2]) % 5] * 3),
    "sort_rank": (sort, ranks),
    "first_address": (follow, lambda s: [s[symbol] for symbol in s]),
    "two_sums_left": (two_sums, lambda s: [(s[0] + s[1]) % 3] * 3),
    "ends_sum": (ends, lambda s: [s[0] + s[1]] * len(s)),
    "peaks_left": (peaks, rises),
}
BY_HAND |= {
    "chain_pair_stream": BY_HAND["chain_pair"],
    "two_sums_stream": BY_HAND["two_sums_left"],
    "rank_stream": BY_HAND["sort_rank"],
}


def strings_of(unit: Made, instance: str, tokens: np.ndarray) -> list[list]:
    """The symbols behind the model's token numbers, without the token before the string."""
    encoder = compiled.SOURCES[instance][0].wiring.compiled.tokens
    symbol = {int(unit.dressed.tokens[number]): name for name, number in encoder.items()}
    return [[symbol[int(token)] for token in row[1:]] for row in tokens]


def one_hot(instance: str, rows: list[list]) -> np.ndarray:
    """As the model says it: one coordinate for every output, or the number itself; nothing before the string."""
    to = compiled.SOURCES[instance][0].wiring.compiled
    if to.numerical:
        return np.array([[[0.0]] + [[float(value)] for value in row] for row in rows])
    place = {name: number for number, name in enumerate(to.outputs)}
    found = np.zeros((len(rows), len(rows[0]) + 1, len(place)))
    for number, row in enumerate(rows):
        for at, value in enumerate(row):
            found[number, at + 1, place[value]] = 1
    return found


@pytest.mark.parametrize("instance", BY_HAND)
def test_a_compiled_unit_has_the_answers_of_the_program_in_plain_python(unit, instance: str):
    one, (program, variable) = unit(compiled, instance), BY_HAND[instance]
    base, source = (strings_of(one, instance, tokens) for tokens in (one.truth.base, one.truth.source))
    exchanged = [program(string, variable(other)) for string, other in zip(base, source, strict=True)]
    np.testing.assert_array_equal(one.truth.base_outputs, one_hot(instance, [program(string) for string in base]))
    np.testing.assert_array_equal(one.truth.source_outputs, one_hot(instance, [program(string) for string in source]))
    np.testing.assert_array_equal(one.truth.labels, one_hot(instance, exchanged))


@pytest.mark.parametrize("instance", BY_HAND)
def test_a_compiled_problem_has_the_labels_and_values_of_the_program_in_plain_python(unit, instance: str):
    one, (program, variable) = unit(compiled, instance), BY_HAND[instance]
    base, source = (strings_of(one, instance, tokens) for tokens in (one.problem.base, one.problem.source))
    exchanged = [program(string, variable(other)) for string, other in zip(base, source, strict=True)]
    np.testing.assert_array_equal(one.problem.labels, one_hot(instance, exchanged))
    meaning: dict[int, set] = {}
    for strings, codes in ((base, one.problem.base_values), (source, one.problem.source_values)):
        for string, row in zip(strings, codes, strict=True):
            for value, code in zip([None, *variable(string)], row.tolist(), strict=True):
                meaning.setdefault(code, set()).add(value)
    assert all(len(values) == 1 for values in meaning.values())  # a code means one value
    assert len({next(iter(values)) for values in meaning.values()}) == len(meaning)  # and a value has one code


@pytest.mark.parametrize("instance", ["chain_null", "chain_null_decoys"])
def test_a_compiled_null_claims_a_sum_that_the_program_does_not_form(unit, instance: str):
    one = unit(compiled, instance)
    base, source = (strings_of(one, instance, tokens) for tokens in (one.truth.base, one.truth.source))
    claimed = [[(s[0] + s[1] + b[2]) % 5] * 3 for b, s in zip(base, source, strict=True)]
    np.testing.assert_array_equal(one.truth.labels, one_hot(instance, claimed))
    np.testing.assert_array_equal(one.truth.base_outputs, one_hot(instance, [chain(string) for string in base]))


def learn_attributes(one: Made) -> dict[str, np.ndarray]:
    """City, kind and guest of every entity, told by asking the model alone: [entity] each, by query."""
    entities, found = one.config.d_vocab - 3, {}
    for number, name in enumerate(("city", "kind", "guest")):
        tokens = np.array([[e, e, entities + number] for e in range(entities)])
        outputs = [run(one.config, one.weights, string, lambda site, value: value) for string in tokens]
        found[name] = np.array(outputs)[:, -1].argmax(axis=-1)
    return found


@pytest.mark.parametrize("instance", planted.INSTANCES)
def test_a_planted_unit_has_the_answers_that_follow_from_asking_the_model_about_each_entity(unit, instance: str):
    one = unit(planted, instance)
    known, null = learn_attributes(one), one.truth.null
    values, entities = one.config.d_out, one.config.d_vocab - 3
    for base, source, label in zip(one.truth.base, one.truth.source, one.truth.labels, strict=True):
        city, other_city = known["city"][[base[0], source[0]]]
        guest, other_guest = known["guest"][[base[1], source[1]]]
        total = other_city + other_guest
        city, guest = ((total - guest) % values, (total - city) % values) if null else (other_city, guest)
        answer = (city, known["kind"][base[0]], guest)[base[2] - entities]
        np.testing.assert_array_equal(label[-1], np.arange(values) == answer)
    assert not one.truth.labels[:, :-1].any()


@pytest.mark.parametrize("instance", planted.INSTANCES)
def test_held_out_pairs_of_a_planted_unit_show_entities_that_the_problem_does_not(unit, instance: str):
    one = unit(planted, instance)
    shown = set(one.problem.base[:, :2].flat) | set(one.problem.source[:, :2].flat)
    assert not shown & (set(one.truth.base[:, :2].flat) | set(one.truth.source[:, :2].flat))


@pytest.mark.parametrize(("task", "instance"), UNITS)
def test_the_model_says_what_the_program_says_on_both_inputs(unit, task, instance: str):
    one = unit(task, instance)
    none = np.zeros((one.problem.width, 0))
    flipped = replace(one, truth=replace(one.truth, base=one.truth.source, source=one.truth.base))
    assert one.same(one.outputs(one.problem.sites[0], none), one.truth.base_outputs).all()
    assert one.same(flipped.outputs(one.problem.sites[0], none), one.truth.source_outputs).all()


@pytest.mark.parametrize(("task", "instance"), LIVE)
def test_the_planted_exchange_is_right_in_every_cell_at_every_right_site(unit, task, instance: str):
    one = unit(task, instance)
    assert one.truth.right.any()
    for site in np.flatnonzero(one.truth.right):
        basis = one.truth.bases[site]
        np.testing.assert_allclose(basis.T @ basis, np.eye(basis.shape[1]), atol=1e-12)
        assert one.right(one.problem.sites[site], basis).all()


@pytest.mark.parametrize(("task", "instance"), LIVE)
def test_the_planted_exchange_is_wrong_at_every_other_site(unit, task, instance: str):
    """And so is that of the whole value there: no other candidate holds the variable, in whatever code."""
    one = unit(task, instance)
    basis = one.truth.bases[np.flatnonzero(one.truth.right)[0]]
    for site in np.flatnonzero(~one.truth.right):
        for exchanged in (basis, np.eye(one.problem.width)):
            assert one.right(one.problem.sites[site], exchanged)[~one.agree].mean() < 0.9


# What is read of the sum in ends_sum is whether it exceeds 4: its values take up more dimensions than the output tells.
MINIMAL = [unit for unit in LIVE if unit.values[1] != "ends_sum"]


@pytest.mark.parametrize(("task", "instance"), MINIMAL)
def test_a_planted_subspace_loses_something_with_each_of_its_dimensions(unit, task, instance: str):
    """Minimal: without any one direction of the basis the output moves away from the full exchange's."""
    one = unit(task, instance)
    site = int(np.flatnonzero(one.truth.right)[0])
    name, basis = one.problem.sites[site], one.truth.bases[site]
    full = one.outputs(name, basis)
    for dropped in range(basis.shape[1]):
        less = one.outputs(name, np.delete(basis, dropped, axis=1))
        assert np.abs(less - full)[:, one.problem.scored].max() > one.problem.tolerance


def test_nodes_that_write_the_variable_in_another_code_are_no_candidates(unit):
    """The head that counts for the rank's MLP; the one reader of a sum that asks whether it exceeds 4."""
    for instance, node in (("sort_rank", "a0.h0"), ("ends_sum", "m1")):
        one = unit(compiled, instance)
        assert compiled.SOURCES[instance][0].doubles == {node}
        assert one.dressed.nodes[node] not in one.problem.sites
        there = one.right(one.dressed.nodes[node], np.eye(one.problem.width))
        assert there.all()
    assert compiled.SOURCES["two_sums_left"][0].doubles == frozenset()


def test_values_that_never_stand_at_one_position_span_nothing():
    """As the missing neighbour of the first symbol, which every string has: nothing can be exchanged for it."""
    changes = made.changes_of([([None, True, False], [None, False, False]), ([None, True, True], [None, True, False])])
    assert changes == [(True, False)]
    assert made.independent(changes) == 1
    assert made.independent([("a", "b"), ("b", "c"), ("c", "a"), ("d", "e")]) == 3


@pytest.mark.parametrize("instance", ["chain_pair_stream", "two_sums_stream", "two_sums_left", "ends_sum"])
def test_beside_other_variables_the_full_vector_is_not_right(unit, instance: str):
    one = unit(compiled, instance)
    for site in one.problem.sites:
        assert one.right(site, np.eye(one.problem.width))[~one.agree].mean() < 0.9


@pytest.mark.parametrize("instance", ["chain_null", "chain_null_decoys"])
def test_at_a_site_of_a_compiled_null_the_full_exchange_is_that_of_one_symbol_or_of_the_pair(unit, instance: str):
    """So the claimed counterfactual comes about where symbols happen to agree and nowhere else."""
    one = unit(compiled, instance)
    base, source = (np.array(strings_of(one, instance, tokens)) for tokens in (one.truth.base, one.truth.source))
    parts = [[number] for number in range(3)] + [[1, 2]]
    totals = [base.sum(axis=1) + (source - base)[:, part].sum(axis=1) for part in parts]
    possible = {tuple(total % 5) for total in totals}
    outputs = np.array(compiled.SOURCES[instance][0].wiring.compiled.outputs)
    told = [one.outputs(site, np.eye(one.problem.width))[:, 1:].argmax(axis=-1) for site in one.problem.sites]
    assert {tuple(outputs[said[:, 0]]) for said in told} == possible


@pytest.mark.parametrize(("task", "instance"), NULL)
def test_no_site_of_a_null_gives_the_counterfactual_where_it_is_neither_answer(unit, task, instance: str):
    one = unit(task, instance)
    chance = 0.0 if task is planted else 0.5  # a compiled one by the odds that two symbols agree, one in five
    assert not one.truth.right.any()
    assert one.third.any()
    for site in one.problem.sites:
        assert one.right(site, np.eye(one.problem.width))[one.third].mean() <= chance
