"""Planted circuits: the models compute their formulas, and logic and brute force find the same minimal circuits."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from bench.core import store
from bench.core.catalogue import load_plugin
from bench.core.config import ROOT
from bench.core.contract import Blob, generator
from bench.core.problems import Workspace
from bench.kernels.ranking import auroc
from bench.models.checkpoint import load_arrays
from bench.models.compiled.certificate import Subject, Uncertified
from bench.models.compiled.dressing import Dressed, dress
from bench.models.exhaustive import forward
from bench.models.graph import Graph
from bench.models.planted import Gate
from bench.tracks.circuits.sufficiency import TOLERANCE, Bench, certify, inert_beside, minimal_sufficient
from bench.tracks.circuits.tasks import planted
from bench.tracks.circuits.types import Problem, Truth

TRACK = ROOT / "bench" / "tracks" / "circuits"
LIVE = [name for name, facts in planted.INSTANCES.items() if not facts["null"] and name not in planted.AXES]
FEW = 11  # edges of which all subsets are run within seconds; with six more it takes minutes
LARGE = [name for name in LIVE if len(frozenset().union(*planted.DESIGNS[name].proofs)) > FEW]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return Workspace(tmp_path_factory.mktemp("blobs"), {})


@cache
def disguised(instance: str, seed: int) -> tuple[Subject, Dressed]:
    """A model with pairs of strings as the task makes them."""
    rng = generator("test planted", instance, seed)
    design, compiled = planted.DESIGNS[instance], planted.compiled_of(instance)
    pairs = planted.draw_pairs(design, False, 4, rng)
    dressed = dress(compiled, planted.PLAIN, compiled.encode(pairs[0]), rng)
    return planted.subject_of(compiled, dressed, pairs), dressed


def bench_of(instance: str, seed: int = 0) -> tuple[Bench, np.ndarray]:
    subject, dressed = disguised(instance, seed)
    graph = Graph(subject.config, planted.GRANULARITY)
    return Bench(subject, graph), planted.planted_circuits(planted.DESIGNS[instance], dressed, graph)


@pytest.mark.parametrize("instance", planted.INSTANCES)
def test_the_model_computes_its_formula_on_every_choice_of_bits(instance: str) -> None:
    """Also where bits disagree, which strings of the task never do."""
    design, compiled = planted.DESIGNS[instance], planted.compiled_of(instance)
    rng = np.random.default_rng(0)
    strings, expected = [], []
    for bits in product([False, True], repeat=design.length):
        strings.append([rng.choice(design.true if bit else design.false) for bit in bits])
        expected.append(design.value(dict(enumerate(bits, 1))))
    output = forward(compiled.config, compiled.weights, compiled.encode(strings))
    np.testing.assert_allclose(output[:, :, 0], np.tile(expected, (output.shape[1], 1)).T, atol=1e-12)


@pytest.mark.parametrize(
    "instance", [name if name not in LARGE else pytest.param(name, marks=pytest.mark.full) for name in LIVE]
)
def test_logic_and_brute_force_find_the_same_minimal_circuits(instance: str) -> None:
    """All subsets of the edges along which the design reads anything are run; the others are shown not to matter."""
    bench, circuits = bench_of(instance)
    assert minimal_sufficient(bench, read_by_design(instance, bench, circuits)) == as_sets(circuits)


@pytest.mark.slow
@pytest.mark.parametrize("instance", LARGE)
def test_random_circuits_suffice_where_logic_says_so(instance: str) -> None:
    """Where all subsets take minutes: planted circuits with up to two of their edges missing and others at random."""
    bench, circuits = bench_of(instance)
    candidates, rng = read_by_design(instance, bench, circuits), np.random.default_rng(2)
    drawn = circuits[rng.integers(len(circuits), size=1500)]
    for row, missing in zip(drawn, rng.integers(3, size=len(drawn)), strict=True):
        row[rng.choice(np.flatnonzero(row), missing, replace=False)] = False
        row[candidates] |= rng.random(len(candidates)) < rng.random() / 2
    proven = (drawn[:, None] >= circuits).all(axis=2).any(axis=1)
    assert 0.2 < proven.mean() < 0.8
    np.testing.assert_array_equal(bench.suffices(drawn), proven)


def read_by_design(instance: str, bench: Bench, circuits: np.ndarray) -> np.ndarray:
    """Edges along which the design reads anything, after the others were shown not to matter."""
    candidates = np.flatnonzero(circuits.any(axis=0) | read_edges(instance, bench.graph))
    assert inert_beside(bench, candidates, np.random.default_rng(1)).max() < TOLERANCE
    return candidates


def as_sets(circuits: np.ndarray) -> set[frozenset[int]]:
    found = {frozenset(np.flatnonzero(circuit).tolist()) for circuit in circuits}
    assert len(found) == len(circuits)
    return found


def read_edges(instance: str, graph: Graph) -> np.ndarray:
    """Edges of a backup's query and of what is subtracted: read, but in no proof."""
    design, (_, dressed) = planted.DESIGNS[instance], disguised(instance, 0)
    extra = []
    for node in design.nodes:
        if isinstance(node, Gate) and node.kind == "difference":
            extra.append((design.names[node.children[1]], design.names[node]))
        if hasattr(node, "main"):
            extra.append((design.names[node.main], f"{design.names[node]}.q"))
    return np.isin(graph.edges, [dressed.edge(*edge) for edge in extra])


@pytest.mark.parametrize("instance", LIVE)
@pytest.mark.parametrize("seed", [1, 2])
def test_the_circuits_of_every_seed_are_certified(instance: str, seed: int) -> None:
    certify(*bench_of(instance, seed))


@pytest.mark.parametrize("instance", LIVE)
def test_certification_refuses_an_edge_too_few_and_an_edge_too_many(instance: str) -> None:
    bench, circuits = bench_of(instance)
    lacking, beyond = circuits[:1].copy(), circuits[:1].copy()
    lacking[0, np.flatnonzero(circuits[0])[0]] = False
    beyond[0, np.flatnonzero(~circuits.any(axis=0))[0]] = True
    with pytest.raises(Uncertified, match="not sufficient"):
        certify(bench, lacking)
    with pytest.raises(Uncertified, match="not minimal"):
        certify(bench, beyond)


def test_without_redundancy_the_circuit_is_the_live_edges(workspace: Workspace) -> None:
    for instance in ("all_of_four", "unused_copies", "negative_head"):
        _, truth = made(instance, workspace)
        assert truth.circuits.tolist() == [truth.live.tolist()]


@pytest.mark.parametrize("instance", ["any_of_two", "any_of_pairs", "pairs_of_any", "deep_choice"])
def test_what_is_redundant_is_not_live_alone(instance: str, workspace: Workspace) -> None:
    _, truth = made(instance, workspace)
    assert len(truth.circuits) > 1
    needed, useful = truth.circuits.all(axis=0), truth.circuits.any(axis=0)
    assert truth.live[needed].all()
    assert not truth.live[useful & ~needed].any()


@pytest.mark.parametrize("instance", ["any_of_two", pytest.param("pairs_of_any", marks=pytest.mark.slow)])
@pytest.mark.parametrize("method", ["exact_patching", "eap"])
def test_what_no_single_edge_shows_single_edges_do_not_rank(instance: str, method: str, workspace: Workspace) -> None:
    """Edges that are redundant tie with the inert ones: the area is that of the single-edge verdict, whatever order
    rounding gives them."""
    problem, truth = made(instance, workspace)
    answer = load_plugin(TRACK / "methods" / f"{method}.py").solve(problem, np.random.default_rng(0))
    area = load_plugin(TRACK / "score.py").score(problem, truth, answer)["edge_auroc"]
    others = [~truth.circuits.any(axis=0) | circuit for circuit in truth.circuits]
    expected = [
        auroc(truth.live[kept] * 1.0, circuit[kept]) for circuit, kept in zip(truth.circuits, others, strict=True)
    ]
    assert area == pytest.approx(max(expected))
    assert area < 1


def test_a_backup_hides_the_loss_of_the_main_heads_input_alone(workspace: Workspace) -> None:
    """The main head's edge to the gate is seen: patched there alone, it still keeps the backup asleep."""
    problem, truth = made("backup_head", workspace)
    of_embed = np.array([edge.startswith("embed->") for edge in problem.edges])
    needed, useful = truth.circuits.all(axis=0), truth.circuits.any(axis=0)
    assert (useful & ~needed & of_embed).sum() == 2
    assert not truth.live[useful & ~needed & of_embed].any()
    assert (truth.live & useful & ~needed).sum() == 1


@cache
def _unit(instance: str, seed: int, folder: str) -> tuple[Problem, Truth]:
    rng = generator("test planted units", instance, seed)
    return planted.generate(instance, seed, rng, Workspace(Path(folder), {}))


def made(instance: str, workspace: Workspace, seed: int = 0) -> tuple[Problem, Truth]:
    return _unit(instance, seed, str(workspace.blobs))


@pytest.mark.parametrize("instance", [name for name in planted.INSTANCES if name not in planted.AXES])
def test_units_are_stored_and_certified(instance: str, workspace: Workspace, tmp_path: Path) -> None:
    problem, truth = made(instance, workspace)
    assert truth.gap >= 10
    assert truth.null == planted.INSTANCES[instance]["null"] == (not truth.circuits.any())
    for value in (problem, truth):
        folder = tmp_path / type(value).__name__
        store.write(value, folder)
        again = store.read(type(value), folder)
        for name in store.fields_of(type(value)):
            before, after = getattr(value, name), getattr(again, name)
            assert before.sha256 == after.sha256 if isinstance(before, Blob) else np.array_equal(before, after)


def test_seeds_change_where_the_circuit_is_and_the_unit_of_the_output(workspace: Workspace) -> None:
    units = [made("any_of_two", workspace, seed) for seed in range(4)]
    assert len({tuple(map(tuple, truth.circuits.tolist())) for _, truth in units}) > 1
    sizes = []
    for problem, _ in units:
        config, weights = load_arrays(problem.model.path)
        sizes.append(np.abs(forward(config, weights, problem.clean)).max())
    assert max(sizes) / min(sizes) > 10


def test_a_null_units_strings_differ_only_where_nothing_is_read(workspace: Workspace) -> None:
    problem, truth = made("unread", workspace)
    assert (problem.clean != problem.corrupted).any(axis=0).sum() == 4  # places 3 to 6
    assert not truth.live.any()


def test_a_broken_construction_is_refused() -> None:
    """A gate that asks for one bit too many is never open."""
    subject, dressed = disguised("all_of_four", 0)
    weights = dict(subject.weights)
    name = next(name for name in weights if name.endswith("mlp_in"))
    broken = replace(subject, weights=weights | {name: -weights[name]})
    graph = Graph(subject.config, planted.GRANULARITY)
    circuits = planted.planted_circuits(planted.DESIGNS["all_of_four"], dressed, graph)
    with pytest.raises(Uncertified):
        certify(Bench(broken, graph), circuits)
