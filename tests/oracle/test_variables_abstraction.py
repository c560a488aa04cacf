"""A whole program against a model: true claims withstand, false ones are refuted by an example that can be replayed."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from tracr.rasp import rasp

from bench.models.compiled.assembly import compile_program
from bench.models.compiled.dressing import Outfit, dress
from bench.models.compiled.interchange import Wiring
from bench.models.compiled.programs.public import both, from_start
from bench.tracks.variables.abstraction import Claim, Trial, model_output, planted_claim, verify
from bench.tracks.variables.programs import ALL, LINKS
from tests.interchange_by_hand import run, value_at


@cache
def truth_of(name: str) -> Claim:
    """What is so of a dressed program."""
    program, rng = ALL[name], np.random.default_rng(0)
    expression = program.build()
    wiring = Wiring(expression, compile_program(expression, program.vocabulary, program.length))
    seen = wiring.compiled.encode([program.string(rng) for _ in range(16)])
    return planted_claim(wiring, program, dress(wiring.compiled, Outfit(heads=1, layers=1, units=4, axes=8), seen, rng))


def variable(claim: Claim, name: str) -> str:
    return next(full for full in claim.places if full.rpartition("_")[0] == name)


def other_way_round() -> rasp.SOp:
    """(first + second) + third: what the sum chain computes, added in another order."""
    first, second, third = (from_start(rasp.tokens, place, f"symbol{place}") for place in range(3))
    start = both(lambda a, b: (a + b) % LINKS, first, second, "start")
    return both(lambda a, b: (a + b) % LINKS, start, third, "total")


def by_hand(claim: Claim, trial: Trial) -> np.ndarray:
    """The model's output where every site, as it is reached, gets the sources' coordinates one by one."""
    config, weights = claim.dressed.config, claim.dressed.weights
    tokens = {string: claim.dressed.tokens[claim.program.compiled.encode([string])[0]] for string in
              (trial.base, *trial.sources.values())}  # fmt: skip

    def edit(site: str, value: np.ndarray) -> np.ndarray:
        value = value.copy()
        for name, source in trial.sources.items():
            node, basis = claim.places[name]
            if node == site:
                donor = value_at(config, weights, tokens[source], site)
                for direction in basis.T:
                    value[1:] += np.outer((donor - value)[1:] @ direction, direction)
        return value

    return run(config, weights, tokens[trial.base], edit)[1:]


@pytest.mark.parametrize(
    "name", ["sum_chain", "two_sums", "sort_unique", "follow_addresses", "ends_agree", "local_peaks"]
)
def test_what_the_compiler_says_of_its_own_program_withstands(name: str):
    verdict = verify(truth_of(name), 40, 3, np.random.default_rng(1))
    assert verdict.refuted_by is None
    assert verdict.trials == 40


def test_several_variables_are_exchanged_as_in_a_loop_over_sites():
    """Also two of one node, and one whose own inputs are exchanged as well."""
    claim, rng = truth_of("two_sums"), np.random.default_rng(2)
    names = [variable(claim, name) for name in ("symbol1", "left", "right", "product")]
    for held in (names[:1], names[1:3], names[:3], names):
        draw = claim.vocabulary.string
        trial = Trial(draw(rng), {name: draw(rng) for name in held})
        np.testing.assert_allclose(model_output(claim, trial), by_hand(claim, trial), atol=1e-10)


def test_another_program_with_the_same_answers_is_refuted_and_the_example_shows_it():
    """The sum chain adds the last two symbols first; one that adds the first two says the same on every string."""
    model = truth_of("sum_chain")
    expression = other_way_round()
    claimed = Wiring(expression, compile_program(expression, range(LINKS), 3))
    symbols = {
        label: model.places[variable(model, label.rpartition("_")[0])]
        for label in claimed.expressions
        if label.startswith("symbol")
    }
    start = next(label for label in claimed.expressions if label.startswith("start"))
    places = {**symbols, start: model.places[variable(model, "pair")]}
    claim = replace(model, program=claimed, places=places)
    found = verify(claim, 40, 1, np.random.default_rng(3)).refuted_by
    assert found is not None
    (held, source), base = next(iter(found.trial.sources.items())), found.trial.base
    assert held.startswith("start")
    np.testing.assert_allclose(found.model, by_hand(claim, found.trial), atol=1e-10)
    np.testing.assert_array_equal(found.program.argmax(axis=1), 3 * [(source[0] + source[1] + base[2]) % LINKS])
    np.testing.assert_array_equal(found.model.argmax(axis=1), 3 * [(base[0] + source[1] + source[2]) % LINKS])
    assert verify(replace(claim, places=symbols), 40, 3, np.random.default_rng(3)).refuted_by is None


def changed(claim: Claim, **places) -> Claim:
    return replace(claim, places={**claim.places, **{variable(claim, name): place for name, place in places.items()}})


def test_wrong_places_are_refuted():
    claim = truth_of("two_sums")
    places = {name: claim.places[variable(claim, name)] for name in ("left", "right", "symbol0")}
    node, basis = places["left"]
    wrong = {
        "at another node": ("left", (places["symbol0"][0], basis)),
        "along another variable": ("left", places["right"]),
        "the whole node": ("left", (node, np.eye(len(basis)))),
        "a dimension short": ("left", (node, basis[:, :1])),
    }
    for what, (name, place) in wrong.items():
        verdict = verify(changed(claim, **{name: place}), 200, 2, np.random.default_rng(4))
        assert verdict.refuted_by is not None, what
        assert variable(claim, name) in verdict.refuted_by.trial.sources


def test_a_program_that_says_nothing_definite_is_no_evidence():
    claim = truth_of("sort_unique")
    ranks_alone = {name: place for name, place in claim.places.items() if name.startswith("target_pos")}
    clash = replace(claim.vocabulary, draw=lambda program, rng: (1, 1, 1, 1, 1))
    with pytest.raises(ValueError, match="definite on only 0 of"):
        verify(replace(claim, places=ranks_alone, vocabulary=clash), 5, 1, np.random.default_rng(0))
