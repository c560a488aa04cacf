"""Every instance of circuits/tracr makes a unit whose truth is certified and can be found from what is shown."""

from __future__ import annotations

import itertools
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.core import store
from bench.core.contract import Blob, generator
from bench.core.problems import Workspace
from bench.models import patching
from bench.models.checkpoint import load_arrays
from bench.models.compiled.programs import PROGRAMS
from bench.models.graph import Graph
from bench.models.transformer import Transformer
from bench.tracks.circuits.compiled import TRUTH_PAIRS, Source
from bench.tracks.circuits.tasks import tracr
from bench.tracks.circuits.types import Problem, Truth

COSTLY = ("shuffle_dyck", "shuffle_dyck2", "majority", "nearly_or", "repeated_and_rising", "panel")
COSTLIEST = ("jury",)


def mark_of(name: str) -> tuple:
    """Costly units are made where there is time for them."""
    if name in COSTLIEST:
        return (pytest.mark.full,)
    return (pytest.mark.slow,) if name in COSTLY else ()


ALL = [pytest.param(name, marks=mark_of(name)) for name in tracr.INSTANCES]
LIVE = [name for name, facts in tracr.INSTANCES.items() if not facts["null"] and not mark_of(name)]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return Workspace(tmp_path_factory.mktemp("blobs"), {})


@cache
def unit(instance: str, seed: int, workspace_of: tuple) -> tuple[Problem, Truth]:
    rng = generator("test units", instance, seed)
    return tracr.generate(instance, seed, rng, Workspace(Path(workspace_of[0]), {}))


def made(instance: str, workspace: Workspace, seed: int = 0) -> tuple[Problem, Truth]:
    return unit(instance, seed, (str(workspace.blobs),))


@pytest.mark.parametrize("instance", ALL)
def test_a_unit_is_certified_and_has_at_least_five_live_edges_or_none(instance: str, workspace: Workspace) -> None:
    _, truth = made(instance, workspace)
    null = tracr.INSTANCES[instance]["null"]
    assert truth.null == null
    assert truth.live.sum() == 0 if null else truth.live.sum() >= 5
    assert truth.gap >= 10
    assert truth.threshold == pytest.approx(10 * truth.placebo)
    assert (truth.effects[~truth.live] <= truth.threshold).all()
    assert truth.live.sum() == len(tracr.source(instance).all_live_edges)


@pytest.mark.parametrize("instance", ALL)
def test_problem_and_truth_survive_the_store(instance: str, workspace: Workspace, tmp_path: Path) -> None:
    for value in made(instance, workspace):
        folder = tmp_path / type(value).__name__
        store.write(value, folder)
        again = store.read(type(value), folder)
        for name in store.fields_of(type(value)):
            before, after = getattr(value, name), getattr(again, name)
            assert before.sha256 == after.sha256 if isinstance(before, Blob) else np.array_equal(before, after)


@pytest.mark.parametrize("instance", ALL)
def test_names_are_those_of_the_models_graph(instance: str, workspace: Workspace) -> None:
    problem, truth = made(instance, workspace)
    graph = Graph(load_arrays(problem.model.path)[0], problem.granularity)
    assert (problem.nodes, problem.edges) == (list(graph.nodes), list(graph.edges))
    assert (len(truth.live), len(truth.node_live)) == (len(problem.edges), len(problem.nodes))
    assert problem.budget >= len(problem.edges) * len(problem.clean)


@pytest.mark.parametrize("instance", ALL)
def test_patching_the_shown_pairs_in_single_precision_finds_the_live_edges(instance: str, workspace: Workspace) -> None:
    problem, truth = made(instance, workspace)
    model = Transformer.load(problem.model.path)
    donors = patching.donors_for(model, problem.intervention, problem.clean, problem.corrupted)
    measure = patching.output_change(problem.scored)
    effects = patching.edge_effects(model, model.graph(problem.granularity), problem.clean, donors, measure).numpy()
    dead = effects[~truth.live].max()
    assert dead < 1e-2
    assert truth.null or effects[truth.live].min() > 10 * dead


@pytest.mark.parametrize("instance", LIVE)
def test_a_node_is_live_where_an_edge_of_it_is(instance: str, workspace: Workspace) -> None:
    problem, truth = made(instance, workspace)
    sources = {edge.split("->")[0] for edge, live in zip(problem.edges, truth.live, strict=True) if live}
    live_nodes = {node for node, live in zip(problem.nodes, truth.node_live, strict=True) if live}
    assert live_nodes == sources | {"output"}


@pytest.mark.parametrize("instance", LIVE)
def test_the_direction_leads_from_the_corrupted_output_to_the_clean_one(instance: str, workspace: Workspace) -> None:
    problem, _ = made(instance, workspace)
    model = Transformer.load(problem.model.path, torch.float64)
    clean, corrupted = (model.run(tokens).numpy() for tokens in (problem.clean, problem.corrupted))
    assert (problem.direction != 0).any(axis=(1, 2)).all()
    assert not problem.direction[:, ~problem.scored].any()
    assert (((clean - corrupted) * problem.direction).sum(axis=(1, 2)) > 0.01).all()


@pytest.mark.parametrize("instance", ["sort_unique", "vowel_balance_alike"])
def test_seeds_change_what_is_live_where(instance: str, workspace: Workspace) -> None:
    units = [made(instance, workspace, seed) for seed in range(5)]
    live = {tuple(np.flatnonzero(truth.live_zero)) for _, truth in units}
    assert len(live) > 1


@pytest.mark.parametrize("instance", [name for name in LIVE if not PROGRAMS[name].repeats])
def test_the_truths_strings_are_not_shown(instance: str) -> None:
    rng = np.random.default_rng(0)
    hidden = tracr.source(instance).draw_pairs(TRUTH_PAIRS, rng, set())
    taken = {*hidden[0], *hidden[1]}
    shown = tracr.source(instance).draw_pairs(tracr.DIFFICULTY[instance].pairs, rng, taken)
    assert not taken & {*shown[0], *shown[1]}


@pytest.mark.parametrize("instance", [name for name, facts in tracr.INSTANCES.items() if facts["null"]])
def test_a_nulls_pairs_differ_wherever_they_may_and_in_no_answer(instance: str) -> None:
    source = tracr.source(instance)
    clean, corrupted = source.draw_pairs(20, np.random.default_rng(0), set())
    ignored = source.program.ignored or range(source.program.length)
    for string, other in zip(clean, corrupted, strict=True):
        assert [i for i, (a, b) in enumerate(zip(string, other, strict=True)) if a != b] == list(ignored)
        assert source.wiring.program(string) == source.wiring.program(other)


@pytest.mark.parametrize("name", [name for name, program in PROGRAMS.items() if program.ignored])
def test_a_program_never_looks_where_it_says_so_but_everywhere_else(name: str) -> None:
    program, rng = PROGRAMS[name], np.random.default_rng(0)
    answer = program.build()
    strings = [program.string(rng) for _ in range(40)]
    for place in range(program.length):
        moved = [
            (*s[:place], program.vocabulary[rng.integers(len(program.vocabulary))], *s[place + 1 :]) for s in strings
        ]
        changed = any(answer(s) != answer(other) for s, other in zip(strings, moved, strict=True))
        assert changed == (place not in program.ignored)


@pytest.mark.parametrize("instance", ["detect_pattern", "count_rare"])
def test_the_shown_pairs_show_every_live_edge_however_few_they_are(instance: str) -> None:
    for seed in range(10):
        pairs = tracr.source(instance).draw_pairs(2, np.random.default_rng(seed), set())
        assert tracr.source(instance).live_edges(pairs) == tracr.source(instance).all_live_edges


def test_pairs_that_cannot_show_every_live_edge_are_refused() -> None:
    source = Source("test", PROGRAMS["sort_unique"])
    vars(source)["all_live_edges"] = frozenset({("embed", "nowhere")})
    with pytest.raises(ValueError, match="raise the count"):
        source.draw_pairs(8, np.random.default_rng(0), set())


def test_strings_that_are_all_taken_are_refused() -> None:
    every = set(itertools.permutations(range(1, 7), 5))
    with pytest.raises(ValueError, match="raise the count"):
        tracr.source("sort_unique").draw_pairs(8, np.random.default_rng(0), every)
