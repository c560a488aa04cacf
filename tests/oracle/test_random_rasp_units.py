"""Units of random programs: both routes to their truth agree, counterparts in twins do the same, cuts silence."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.core import store
from bench.core.catalogue import load_plugin
from bench.core.config import ROOT
from bench.core.contract import Blob, generator
from bench.core.problems import Workspace
from bench.models import patching
from bench.models.checkpoint import load_arrays
from bench.models.compiled.certificate import Subject
from bench.models.compiled.conversion import Compiled
from bench.models.compiled.dressing import COLDNESS, Dressed, Outfit, dress
from bench.models.compiled.interchange import Wiring
from bench.models.compiled.twins import Twins
from bench.models.exhaustive import forward
from bench.models.graph import Graph
from bench.models.transformer import Transformer
from bench.tracks.circuits.compiled import Pairs, Source
from bench.tracks.circuits.tasks import random_rasp
from bench.tracks.circuits.twins import TwinSource, counterparts
from bench.tracks.circuits.types import Answer, Problem, Truth

SCORE = load_plugin(ROOT / "bench" / "tracks" / "circuits" / "score.py")
MARKS = dict.fromkeys(("twin_cut", "deep_alike", "crowded", "frugal", "deep"), pytest.mark.slow)
MARKS |= {"wide": pytest.mark.full}
ALL = [pytest.param(name, marks=MARKS.get(name, ())) for name in random_rasp.INSTANCES]
PAIRS, SEEDS = 4, range(3)
LIGHT = Outfit(heads=1, layers=1, units=4, axes=6)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("blobs")


@cache
def unit(instance: str, folder: Path) -> tuple[Problem, Truth]:
    return random_rasp.generate(instance, 0, generator("test random", instance), Workspace(folder, {}))


@cache
def drawn(instance: str, seed: int) -> Source:
    """The first drawn program that is not too large and, where it is to be cut, can be."""
    rng = generator("test random source", instance, seed)
    for _ in range(random_rasp.TRIES):
        with suppress(random_rasp.Undrawable):
            found = random_rasp.source(instance, rng)
            if not isinstance(found, TwinSource) or found.second:
                return found
    raise AssertionError(f"no program of {instance} makes a unit")


def some_pairs(source: Source) -> Pairs:
    pairs = [source.draw_pair(rng) for rng in [generator("test random pairs", source.identity)] for _ in range(PAIRS)]
    return [clean for clean, _ in pairs], [other for _, other in pairs]


def subject_of(compiled: Compiled, dressed: Dressed, source: Source, pairs: Pairs) -> Subject:
    clean, donors = (dressed.tokens[compiled.encode(strings)] for strings in pairs)
    return Subject(dressed.config, dressed.weights, clean, donors, source.scored)


# -- units ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("instance", ALL)
def test_a_unit_is_certified_and_has_at_least_five_live_edges_or_none(instance: str, folder: Path) -> None:
    _, truth = unit(instance, folder)
    assert truth.null == random_rasp.INSTANCES[instance]["null"]
    assert truth.live.sum() == 0 if truth.null else truth.live.sum() >= 5
    assert truth.gap >= 10
    assert (truth.effects[~truth.live] <= truth.threshold).all()
    assert (truth.twin is not None) == (instance == "twin")
    assert (truth.changed is not None) == (instance == "twin_cut")


@pytest.mark.parametrize("instance", ALL)
def test_problem_and_truth_survive_the_store_with_the_names_of_the_graph(
    instance: str, folder: Path, tmp_path: Path
) -> None:
    problem, truth = unit(instance, folder)
    graph = Graph(load_arrays(problem.model.path)[0], problem.granularity)
    assert (problem.nodes, problem.edges) == (list(graph.nodes), list(graph.edges))
    for value in (problem, truth):
        store.write(value, tmp_path / type(value).__name__)
        again = store.read(type(value), tmp_path / type(value).__name__)
        for name in store.fields_of(type(value)):
            before, after = getattr(value, name), getattr(again, name)
            assert before.sha256 == after.sha256 if isinstance(before, Blob) else np.array_equal(before, after)


@pytest.mark.parametrize("instance", ["shallow", "numbers", "alike"])
def test_patching_the_shown_pairs_in_the_torch_model_finds_the_live_edges(instance: str, folder: Path) -> None:
    problem, truth = unit(instance, folder)
    model = Transformer.load(problem.model.path, torch.float64)
    donors = patching.donors_for(model, problem.intervention, problem.clean, problem.corrupted)
    measure = patching.output_change(problem.scored)
    effects = patching.edge_effects(model, model.graph(problem.granularity), problem.clean, donors, measure).numpy()
    assert ((effects > 1e-9) == truth.live).all()


def test_seeds_are_other_programs(folder: Path) -> None:
    units = [
        random_rasp.generate("shallow", seed, generator("test seeds", seed), Workspace(folder, {})) for seed in range(4)
    ]
    assert len({tuple(sorted(truth.effects[truth.live].round(6))) for _, truth in units}) == 4


def test_the_same_seed_is_the_same_unit(folder: Path) -> None:
    again = random_rasp.generate("shallow", 0, generator("test random", "shallow"), Workspace(folder, {}))
    problem, truth = unit("shallow", folder)
    assert again[0].model.sha256 == problem.model.sha256
    np.testing.assert_array_equal(again[1].effects, truth.effects)


def test_a_frugal_unit_does_not_pay_for_patching_every_edge(folder: Path) -> None:
    problem, _ = unit("shallow", folder)
    assert problem.budget == 4 * len(problem.edges) * len(problem.clean)
    assert random_rasp.BUDGETS["frugal"] < 1


# -- two routes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("instance", ["moves", "shallow", "middle", "rare", "numbers", "alike"])
def test_interchange_and_exhaustive_patching_agree_under_resample(instance: str, seed: int) -> None:
    source = drawn(instance, seed)
    pairs, wiring = some_pairs(source), source.wiring
    dressed = dress(wiring.compiled, LIGHT, wiring.compiled.encode(pairs[0]), generator("test dress", instance, seed))
    measured = subject_of(wiring.compiled, dressed, source, pairs).effects("resample", "qkv")
    expected = by_edge(dressed, wiring.effects(*pairs, source.scored))
    np.testing.assert_allclose(measured, expected, atol=1e-6)
    assert ((measured > 1e-9) == (expected > 0)).all()
    assert source.null == (not expected.any())


def by_edge(dressed: Dressed, effects: dict) -> np.ndarray:
    graph = Graph(dressed.config, "qkv")
    expected = np.zeros(len(graph.edges))
    for edge, effect in effects.items():
        expected[graph.index[dressed.edge(*edge)]] = effect
    return expected


@pytest.mark.parametrize("instance", ["moves", "shallow", "numbers"])
@pytest.mark.parametrize("intervention", ["zero", "mean"])
def test_the_named_basis_and_exhaustive_patching_agree(instance: str, intervention: str) -> None:
    source = drawn(instance, 0)
    pairs, compiled = some_pairs(source), source.wiring.compiled
    dressed = dress(compiled, LIGHT, compiled.encode(pairs[0]), generator("test dress", instance))
    model = Transformer(replace_scale(compiled), compiled.weights, torch.float64)
    clean, donors = (compiled.encode(strings) for strings in pairs)
    graph, values = model.graph("qkv"), patching.donors_for(model, intervention, clean, donors)
    named = patching.edge_effects(model, graph, clean, values, patching.output_change(source.scored)).numpy()
    live = {tuple(edge.split("->")): float(effect) for edge, effect in zip(graph.edges, named, strict=True)}
    expected = by_edge(dressed, {edge: effect for edge, effect in live.items() if effect > 1e-9})
    measured = subject_of(compiled, dressed, source, pairs).effects(intervention, "qkv")
    np.testing.assert_allclose(measured, expected, atol=1e-6)


def replace_scale(compiled: Compiled):
    return replace(compiled.config, attention_scale=COLDNESS)


# -- twins ----------------------------------------------------------------------------------------------------------


def test_the_sum_of_two_models_says_what_both_say() -> None:
    first, second = drawn("shallow", 0).wiring.compiled, drawn("moves", 1).wiring.compiled
    twins = Twins.shuffled(first, second, generator("test sum"))
    tokens = first.encode([drawn("shallow", 0).program.string(generator("test sum", n)) for n in range(20)])
    apart = [forward(replace_scale(member), member.weights, tokens) for member in (first, second)]
    together = forward(replace_scale(twins.sum), twins.sum.weights, tokens)
    np.testing.assert_allclose(together, np.concatenate(apart, axis=2), atol=1e-12)


def test_counterparts_have_the_same_effect_and_are_all_that_has_any(folder: Path) -> None:
    _, truth = unit("twin", folder)
    paired = truth.twin >= 0
    np.testing.assert_array_equal(truth.twin[truth.twin[paired]], np.flatnonzero(paired))
    np.testing.assert_allclose(truth.effects[truth.twin[paired]], truth.effects[paired], atol=1e-9)
    assert paired[truth.live].all()
    assert (truth.twin[paired] != np.flatnonzero(paired)).all()


@cache
def cut_unit(seed: int, folder: Path) -> tuple[TwinSource, Pairs, Dressed, Twins, Subject, Wiring]:
    source = drawn("twin_cut", seed)
    assert isinstance(source, TwinSource)
    pairs, rng = some_pairs(source), generator("test cut", seed)
    twins = Twins.shuffled(source.wiring.compiled, source.wiring.compiled, rng)
    dressed = source._cut(twins, dress(twins.sum, LIGHT, twins.sum.encode(pairs[0]), rng))
    return source, pairs, dressed, twins, subject_of(twins.sum, dressed, source, pairs), source.second


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_in_the_cut_twin_interchange_with_the_cut_and_patching_agree(seed: int, folder: Path) -> None:
    source, pairs, dressed, twins, subject, second = cut_unit(seed, folder)
    measured = subject.effects("resample", "qkv")
    expected = np.zeros_like(measured)
    for twin, wiring in enumerate((source.wiring, second)):
        effects = wiring.effects(*pairs, source.scored)
        expected += by_edge(dressed, {twins.edge(twin, edge): effect for edge, effect in effects.items()})
    np.testing.assert_allclose(measured, expected, atol=1e-6)
    first, other = counterparts(twins, dressed)
    silenced = (measured[first] > 1e-9) & (measured[other] < 1e-9)
    assert silenced.any()
    assert not ((measured[other] > 1e-9) & (measured[first] < 1e-9)).any()


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_a_cut_model_computes_the_cut_program(seed: int, folder: Path) -> None:
    source, pairs, dressed, _, subject, second = cut_unit(seed, folder)
    outputs = source.wiring.compiled.config.d_out
    said = forward(dressed.config, dressed.weights, subject.clean)[:, 1:]
    for twin, wiring in ((slice(0, outputs), source.wiring), (slice(outputs, None), second)):
        expected = wiring.compiled.targets([wiring.output(string, {}, None) for string in pairs[0]])
        np.testing.assert_allclose(said[..., twin], expected, atol=1e-9)
    alone = forward(replace_scale(second.compiled), second.compiled.weights, second.compiled.encode(pairs[0]))[:, 1:]
    np.testing.assert_allclose(alone, said[..., outputs:], atol=1e-9)


@pytest.mark.slow
def test_what_a_cut_silences_is_dead_and_has_a_live_counterpart(folder: Path) -> None:
    _, truth = unit("twin_cut", folder)
    assert truth.changed.sum() >= 2
    assert not (truth.changed & truth.live).any()


def test_the_truth_scores_full_marks_and_equal_scores_nothing_on_twins(folder: Path) -> None:
    _, truth = unit("twin", folder)
    scores = {
        "truth": truth.effects,
        "equal": np.ones(len(truth.effects)),
        "noise": np.random.default_rng(0).random(len(truth.effects)),
    }
    found = {
        name: SCORE._against_effects(truth, SCORE.in_steps(Answer(values, truth.live)))["equivariance"]
        for name, values in scores.items()
    }
    assert found["truth"] == pytest.approx(1)
    assert found["equal"] == 0
    assert abs(found["noise"]) < 0.3
