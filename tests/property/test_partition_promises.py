"""What every method of variance partitioning promises: no units, no order of spaces or features."""

import dataclasses

import numpy as np
import pytest

from bench.core.catalogue import load_plugin
from bench.core.config import ROOT
from bench.core.contract import generator

TRACK = ROOT / "bench" / "tracks" / "partition"
TASK = load_plugin(TRACK / "tasks" / "mixtures.py")
METHODS = {path.stem: load_plugin(path) for path in sorted((TRACK / "methods").glob("*.py"))}
every = pytest.mark.parametrize("method", METHODS)


def problem_for(instance="few_samples"):
    problem = TASK.generate(instance, 0, generator("promise", instance), None)[0]
    return dataclasses.replace(problem, responses=problem.responses[:, :4])


def solve(method, problem):
    return METHODS[method].solve(problem, np.random.default_rng(0))


@every
def test_shares_have_no_unit_and_predictions_that_of_the_responses(method):
    problem = problem_for()
    units = np.array([1e-13, 1.0, 1e6])[problem.spaces]
    changed = dataclasses.replace(
        problem, features=problem.features * units, test_features=problem.test_features * units,
        responses=1e-13 * problem.responses,
    )  # fmt: skip
    first, second = solve(method, problem), solve(method, changed)
    np.testing.assert_allclose(second.shares, first.shares, atol=1e-6)
    np.testing.assert_allclose(second.predictions / 1e-13, first.predictions, atol=1e-5)


@every
def test_the_order_of_spaces_and_of_features_changes_nothing(method):
    problem = problem_for("correlated")
    renamed = np.array([2, 0, 1])[problem.spaces]
    order = np.random.default_rng(0).permutation(len(renamed))
    changed = dataclasses.replace(
        problem, features=problem.features[:, order], test_features=problem.test_features[:, order],
        spaces=renamed[order],
    )  # fmt: skip
    first, second = solve(method, problem), solve(method, changed)
    np.testing.assert_allclose(second.shares[[2, 0, 1]], first.shares, atol=1e-6)
    np.testing.assert_allclose(second.predictions, first.predictions, atol=1e-5)


@every
def test_a_space_of_constants_explains_nothing(method):
    problem = problem_for("correlated")
    features, test = problem.features.copy(), problem.test_features.copy()
    features[:, problem.spaces == 1] = test[:, problem.spaces == 1] = 0.3
    answer = solve(method, dataclasses.replace(problem, features=features, test_features=test))
    np.testing.assert_allclose(answer.shares[1], 0, atol=0.02)
