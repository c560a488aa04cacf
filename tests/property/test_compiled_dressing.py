"""A dressed model computes what the compiled one does; decoys are active, of matched norm, and inert."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.core.contract import generator
from bench.models import exhaustive
from bench.models.compiled.assembly import compile_program
from bench.models.compiled.dressing import Dressed, Outfit, active_nodes, dress, random_rotation
from bench.models.compiled.programs import PROGRAMS
from bench.models.graph import Graph, source_names

NAMES = ("sort_unique", "pair_balance", "follow_addresses", "detect_pattern")
OUTFIT = Outfit(heads=2, layers=1, units=8, axes=12)


@cache
def compiled(name: str):
    program = PROGRAMS[name].build()
    return compile_program(program, PROGRAMS[name].vocabulary, PROGRAMS[name].length)


@cache
def sample(name: str, stream: str = "sample") -> np.ndarray:
    rng = generator("test dressing", name, stream)
    return compiled(name).encode([PROGRAMS[name].string(rng) for _ in range(12)])


@cache
def dressed(name: str, seed: int) -> Dressed:
    return dress(compiled(name), OUTFIT, sample(name), np.random.default_rng(seed))


def decoys(name: str, made: Dressed) -> list[str]:
    return [node for node in source_names(made.config) if node not in made.nodes.values()]


def norms(outputs: np.ndarray) -> np.ndarray:
    return np.sqrt(np.square(outputs).sum(axis=-1).mean(axis=(1, 2)))


@settings(deadline=None, max_examples=15)
@given(
    name=st.sampled_from(NAMES),
    outfit=st.builds(
        Outfit, heads=st.integers(0, 3), layers=st.integers(0, 2), units=st.integers(2, 9), axes=st.integers(1, 9)
    ),
    seed=st.integers(0, 2**32),
)
def test_a_dressed_model_says_what_the_compiled_one_says(name: str, outfit: Outfit, seed: int) -> None:
    made = dress(compiled(name), outfit, sample(name), np.random.default_rng(seed))
    tokens = sample(name, "other")
    before = exhaustive.forward(compiled(name).config, compiled(name).weights, tokens)
    after = exhaustive.forward(made.config, made.weights, made.tokens[tokens])
    np.testing.assert_allclose(after[:, 1:], before[:, 1:], atol=1e-4)  # Tracr's softer attention leaks this much


@pytest.mark.parametrize("name", NAMES)
def test_seeds_differ_in_places_tokens_and_basis(name: str) -> None:
    one, other = dressed(name, 1), dressed(name, 2)
    assert not np.array_equal(one.tokens, other.tokens)
    assert not np.allclose(one.weights["unembed"], other.weights["unembed"])
    assert len({tuple(dressed(name, seed).nodes.values()) for seed in range(6)}) > 1


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_dresses_alike(name: str) -> None:
    again = dress(compiled(name), OUTFIT, sample(name), np.random.default_rng(1))
    assert all(np.array_equal(array, again.weights[key]) for key, array in dressed(name, 1).weights.items())


@pytest.mark.parametrize("name", NAMES)
def test_every_node_that_writes_has_a_place_of_its_own(name: str) -> None:
    made = dressed(name, 1)
    assert set(made.nodes) == {*active_nodes(compiled(name)), "output"}
    assert len(set(made.nodes.values())) == len(made.nodes)
    assert set(made.nodes.values()) <= {*source_names(made.config), "output"}


@pytest.mark.parametrize("name", NAMES)
def test_decoys_write_as_much_as_the_programs_nodes_do(name: str) -> None:
    made, names = dressed(name, 1), source_names(dressed(name, 1).config)
    before = norms(exhaustive.node_outputs(compiled(name).config, compiled(name).weights, sample(name)))
    after = dict(
        zip(names, norms(exhaustive.node_outputs(made.config, made.weights, made.tokens[sample(name)])), strict=True)
    )
    own = [norm for norm in before if norm > 0]
    for decoy in decoys(name, made):
        assert 0.99 * min(own) <= after[decoy] <= 1.01 * max(own)


@pytest.mark.parametrize("name", NAMES)
def test_decoys_answer_to_the_input(name: str) -> None:
    made = dressed(name, 1)
    runs = [
        exhaustive.node_outputs(made.config, made.weights, made.tokens[sample(name, stream)])
        for stream in ("sample", "other")
    ]
    moved = dict(zip(source_names(made.config), norms(runs[1] - runs[0]), strict=True))
    assert all(moved[decoy] > 0.01 for decoy in decoys(name, made))


@pytest.mark.parametrize("name", NAMES)
def test_decoys_are_inert_whatever_replaces_what_they_write(name: str) -> None:
    made, tokens = dressed(name, 1), dressed(name, 1).tokens[sample(name)]
    changed = silenced_and_exchanged(name, made, decoys(name, made))
    assert np.abs(changed - exhaustive.forward(made.config, made.weights, tokens)).max() < 1e-10


@pytest.mark.parametrize("name", NAMES)
def test_the_programs_nodes_are_not_inert(name: str) -> None:
    made, tokens = dressed(name, 1), dressed(name, 1).tokens[sample(name)]
    writer = max((node for node in made.nodes if node != "output"), key=lambda node: node.startswith("a"))
    changed = silenced_and_exchanged(name, made, [made.nodes[writer]])
    assert np.abs(changed - exhaustive.forward(made.config, made.weights, tokens)).max() > 1e-3


def silenced_and_exchanged(name: str, made: Dressed, nodes: list[str]) -> np.ndarray:
    """The output where some nodes write what they would on other strings, in reverse order and five times as much."""
    graph = Graph(made.config, "node")
    donors = 5 * exhaustive.node_outputs(made.config, made.weights, made.tokens[sample(name, "other")])[:, :, ::-1]
    values = np.isin(graph.edges, [f"{node}->*" for node in nodes]).astype(float)
    patch = graph.patch_matrix(values)
    return exhaustive.forward(made.config, made.weights, made.tokens[sample(name)], donors, patch)


@pytest.mark.parametrize("wrong", [{"heads": -1}, {"layers": -1}, {"units": 1}, {"axes": 0}])
def test_an_outfit_that_cannot_be_worn_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="units of 2 or more"):
        Outfit(**wrong)


def test_a_random_rotation_keeps_lengths() -> None:
    turn = random_rotation(17, np.random.default_rng(0))
    np.testing.assert_allclose(turn @ turn.T, np.eye(17), atol=1e-12)
    assert np.linalg.norm(turn - random_rotation(17, np.random.default_rng(1))) > 1
