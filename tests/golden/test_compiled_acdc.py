"""Edge counts of the two programs of ACDC's paper, and how many edges are live under each intervention.

The counts of edges are those of Conmy et al. 2023 (arXiv:2304.14997), Tracr row. Live counts at head granularity
without position edges are those that an independent exhaustive patching of `reverse` found: 9 under zero, 2 under
resample and under the mean at each position.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from bench.models import exhaustive
from bench.models.compiled.acdc import SETUPS, Setup, derangement, xproportion_after_bos
from bench.models.compiled.certificate import Subject
from bench.models.graph import Graph

EDGES = {("reverse", "acdc"): 106, ("xproportion", "acdc"): 38}
EDGES_WITH_POSITIONS_MERGED = {("reverse", "qkv"): 77}
LEAK = 1e-5  # Tracr's attention is not quite hard: below this an effect is what leaks through
LIVE = {
    ("reverse", "head", True, "zero"): 9,
    ("reverse", "head", True, "resample"): 2,
    ("reverse", "head", True, "mean at each position"): 2,
    ("reverse", "acdc", False, "resample"): 3,
    ("reverse", "acdc", False, "zero"): 15,
    ("xproportion", "head", True, "resample"): 4,
    ("xproportion", "acdc", False, "resample"): 6,
    ("xproportion", "acdc", False, "zero"): 10,
    ("xproportion after bos", "acdc", False, "resample"): 4,
    ("xproportion after bos", "acdc", False, "zero"): 8,
}


@cache
def setup_of(name: str) -> Setup:
    return {**SETUPS, "xproportion after bos": xproportion_after_bos}[name]()


@pytest.mark.parametrize(("case", "count"), EDGES.items())
def test_number_of_edges_is_the_papers(case: tuple[str, str], count: int) -> None:
    assert len(Graph(setup_of(case[0]).config, case[1]).edges) == count


@pytest.mark.parametrize(("case", "count"), EDGES_WITH_POSITIONS_MERGED.items())
def test_number_of_edges_without_position_edges(case: tuple[str, str], count: int) -> None:
    assert len(Graph(setup_of(case[0]).config, case[1], merge_pos=True).edges) == count


@pytest.mark.parametrize(("case", "count"), LIVE.items())
def test_number_of_live_edges(case: tuple[str, str, bool, str], count: int) -> None:
    name, granularity, merged, intervention = case
    setup = setup_of(name)
    graph = Graph(setup.config, granularity, merge_pos=merged)
    effects = exhaustive.edge_effects(
        setup.config, setup.weights, graph, setup.clean, donors(setup, intervention), setup.scored
    )
    assert (effects > LEAK).sum() == count


def donors(setup: Setup, intervention: str) -> np.ndarray:
    if intervention == "mean at each position":
        return exhaustive.node_outputs(setup.config, setup.weights, setup.clean).mean(axis=1, keepdims=True)
    return Subject(setup.config, setup.weights, setup.clean, setup.corrupted, setup.scored).donors(intervention)


def test_reverse_reads_the_six_permutations_each_corrupted_by_another() -> None:
    setup = setup_of("reverse")
    assert setup.clean.shape == (6, 4)
    assert len({tuple(row) for row in setup.clean}) == 6
    assert sorted(map(tuple, setup.corrupted)) == sorted(map(tuple, setup.clean))
    assert (setup.clean != setup.corrupted).any(axis=1).all()


def test_xproportion_reads_fifty_strings_of_four_tokens_of_which_one_begins_strings() -> None:
    setup = setup_of("xproportion")
    assert setup.clean.shape == (50, 4)
    assert set(setup.clean.ravel()) == {setup.compiled.tokens[name] for name in ("compiler_bos", *"wxyz")}
    assert setup.scored.tolist() == [False, True, True, True]


def test_a_derangement_leaves_nothing_in_place() -> None:
    for seed in range(50):
        order = derangement(4, np.random.default_rng(seed))
        assert sorted(order) == [0, 1, 2, 3]
        assert (order != np.arange(4)).all()
