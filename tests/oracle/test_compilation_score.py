"""The score of circuit compilation by hand, and broken scorers that the same cases tell apart."""

from __future__ import annotations

import numpy as np
import pytest

from bench.core.catalogue import load_plugin
from bench.core.config import ROOT
from bench.core.contract import InvalidAnswer, generator
from bench.core.problems import Workspace
from bench.models.checkpoint import load_arrays
from bench.models.exhaustive import forward
from bench.tracks.circuit_compilation import score as scorer
from bench.tracks.circuit_compilation.network import every_input, subnetwork
from bench.tracks.circuit_compilation.types import Answer, check

TASK = load_plugin(ROOT / "bench/tracks/circuit_compilation/tasks/planted.py")


@pytest.fixture(scope="module")
def unit(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compilation")
    return lambda name: TASK.generate(name, 0, generator("compilation-score", name), Workspace(folder, {}))


def test_everything_kept_scores_zero_and_every_smallest_circuit_one(unit):
    problem, truth = unit("copies")
    everything = scorer.score(problem, truth, Answer(np.ones(len(problem.parts), bool)))
    assert (everything["compression"], everything["exact"], everything["minimal"]) == (0, 1, 0)
    assert len(truth.circuits) == 2
    for circuit in truth.circuits:
        found = scorer.score(problem, truth, Answer(circuit))
        names = ("compression", "exact", "minimal", "equal_inputs", "needed_kept", "spared_dropped")
        assert {found[name] for name in names} == {1.0}


def test_compression_counts_parameters_and_not_parts(unit):
    problem, truth = unit("gates")
    spare = np.flatnonzero(~truth.circuits[0])
    heads = [part for part in spare if problem.parts[part].startswith("a")]
    units = [part for part in spare if problem.parts[part].startswith("m")]
    total = sum(problem.parameters[part] for part in spare)
    for gone in (heads[:1], units[:1], heads + units[:2]):
        keep = ~np.isin(np.arange(len(problem.parts)), gone)
        expected = sum(problem.parameters[part] for part in gone) / total
        assert scorer.score(problem, truth, Answer(keep))["compression"] == pytest.approx(expected)


def test_one_input_that_comes_out_otherwise_costs_everything(unit):
    problem, truth = unit("seldom")
    circuit = truth.circuits[0]
    config, weights = load_arrays(problem.model.path)
    inputs, whole = every_input(problem.allowed), forward(config, weights, every_input(problem.allowed))
    for part in np.flatnonzero(circuit):
        keep = circuit.copy()
        keep[part] = False
        left = forward(config, subnetwork(weights, problem.parts, keep), inputs)
        same = [np.allclose(one, other, atol=1e-6) for one, other in zip(left, whole, strict=True)]
        found = scorer.score(problem, truth, Answer(keep))
        assert (found["compression"], found["exact"]) == (0, 0)
        assert found["equal_inputs"] == pytest.approx(np.mean(same))
        assert found["equal_inputs"] < 1


def test_on_a_null_any_change_is_damage(unit):
    problem, truth = unit("nothing_to_drop_seldom")
    everything = np.ones(len(problem.parts), bool)
    assert scorer.score(problem, truth, Answer(everything)) == {"damage": 0.0, "damaged_inputs": 0.0}
    found = scorer.score(problem, truth, Answer(~everything))
    assert found["damage"] == 1
    assert 0 < found["damaged_inputs"] < 1


def on_the_sample(problem, keep):
    config, weights = load_arrays(problem.model.path)
    left = subnetwork(weights, problem.parts, keep)
    change = forward(config, weights, problem.inputs) - forward(config, left, problem.inputs)
    return np.abs(change).max(axis=(1, 2)) <= problem.tolerance


def by_the_largest_output(problem, keep):
    config, weights = load_arrays(problem.model.path)
    inputs, left = every_input(problem.allowed), subnetwork(weights, problem.parts, keep)
    both = [forward(config, some, inputs).argmax(axis=-1) for some in (weights, left)]
    return (both[0] == both[1]).all(axis=1)


def of_the_intact_network(problem, keep):
    return np.ones(len(every_input(problem.allowed)), bool)


@pytest.mark.parametrize("broken", [on_the_sample, by_the_largest_output, of_the_intact_network])
def test_a_scorer_that_compares_less_than_all_outputs_is_told_from_ours(unit, broken, monkeypatch):
    problem, truth = unit("rare")
    gate = [part for part in np.flatnonzero(truth.circuits[0]) if problem.parts[part].startswith("m")]
    answer = Answer(truth.circuits[0] & ~np.isin(np.arange(len(problem.parts)), gate))
    assert scorer.score(problem, truth, answer)["compression"] == 0
    monkeypatch.setattr(scorer, "equal_inputs", broken)
    assert scorer.score(problem, truth, answer)["compression"] > 0.9


def test_an_answer_decides_on_every_part(unit):
    problem, _ = unit("gates")
    with pytest.raises(InvalidAnswer, match=r"keep has shape \(1,\), the problem has \d+ parts"):
        check(problem, Answer(np.ones(1, bool)))
