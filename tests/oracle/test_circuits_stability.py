"""Stability: one model in every seed, and the Jaccard index of circuits by hand."""

from __future__ import annotations

import numpy as np
import pytest

from bench.core.contract import generator
from bench.core.problems import Workspace
from bench.tracks.circuits import score
from bench.tracks.circuits.tasks import resampled, tracr
from bench.tracks.circuits.types import Answer


@pytest.fixture(scope="module")
def units(tmp_path_factory):
    workspace = Workspace(tmp_path_factory.mktemp("blobs"), {})
    return {
        name: [resampled.generate(name, seed, generator("test resampled", name, seed), workspace) for seed in range(3)]
        for name in resampled.INSTANCES
    }


@pytest.mark.parametrize("instance", resampled.INSTANCES)
def test_seeds_show_other_pairs_of_the_same_model_and_the_same_truth(units, instance):
    problems, truths = zip(*units[instance], strict=True)
    assert len({problem.model.sha256 for problem in problems}) == 1
    assert len({tuple(map(tuple, truth.circuits.tolist())) for truth in truths}) == 1
    assert truths[0].null == resampled.INSTANCES[instance]["null"]
    assert len({problem.clean.tobytes() for problem in problems}) == 3


@pytest.mark.parametrize("instance", [name for name in resampled.INSTANCES if name in tracr.INSTANCES])
def test_the_programs_are_those_of_the_other_task_in_another_disguise(instance):
    assert resampled.source(instance).program == tracr.source(instance).program
    assert resampled.source(instance).identity != tracr.source(instance).identity


def test_stability_is_the_mean_jaccard_index_with_the_other_seeds(units):
    problem, truth = units["next_larger"][0]
    circuits = np.zeros((3, len(problem.edges)), bool)
    circuits[0, :4], circuits[1, 2:6], circuits[2, :2] = True, True, True
    answers = [Answer(np.zeros(len(problem.edges)), circuit) for circuit in circuits]
    found = score.score_beside(problem, truth, answers[0], answers[1:])
    assert found == {"stability": pytest.approx((2 / 6 + 2 / 4) / 2)}


def test_the_same_circuit_is_stable_and_disjoint_ones_are_not(units):
    problem, truth = units["next_larger"][0]
    one, other = (Answer(np.zeros(len(problem.edges)), np.arange(len(problem.edges)) % 2 == k) for k in range(2))
    assert score.score_beside(problem, truth, one, [one, one]) == {"stability": 1.0}
    assert score.score_beside(problem, truth, one, [other]) == {"stability": 0.0}


def test_a_null_has_no_stability(units):
    problem, truth = units["kind_count_alike"][0]
    answer = Answer(np.zeros(len(problem.edges)), np.zeros(len(problem.edges), bool))
    assert score.score_beside(problem, truth, answer, [answer]) == {}
