"""Encoding methods against what they must equal in special cases."""

import dataclasses

import numpy as np
import pytest

from bench.core.catalogue import load_plugin
from bench.core.config import ROOT
from bench.core.contract import generator
from bench.kernels.regression import PENALTIES, Standardisation, group_folds, held_out_error, lagged_design, ridge_path

TRACK = ROOT / "bench" / "tracks" / "encoding"
PLANTED = load_plugin(TRACK / "tasks" / "planted.py")
RIDGE, LAGGED, BANDED, PLS = (
    load_plugin(TRACK / "methods" / f"{name}.py") for name in ("ridge", "lagged_ridge", "banded_ridge", "pls")
)


def problem_of(instance, **changes):
    problem, _ = PLANTED.generate(instance, 0, generator("oracle", instance), None)
    return dataclasses.replace(problem, **changes)


@pytest.mark.parametrize("rows", [360, 90])
def test_banded_ridge_with_one_band_is_ridge_in_features_and_in_samples(rows):
    problem = problem_of("collinear")
    problem = dataclasses.replace(
        problem, train_features=problem.train_features[:rows], train_responses=problem.train_responses[:rows],
        train_groups=np.arange(rows) // 15,
    )  # fmt: skip
    x, y = Standardisation.of(problem.train_features), Standardisation.of(problem.train_responses)
    train, responses = x.apply(problem.train_features), y.apply(problem.train_responses)
    # himalaya keeps a penalty as it is in the folds; `select_ridge` makes it proportional to the rows that are fitted.
    grid = PENALTIES[::2] * rows
    folds = group_folds(problem.train_groups, 3)
    best = held_out_error(train, responses, folds, lambda a, b, new: ridge_path(a, b, new, grid)).argmin(axis=0)
    path = np.stack(list(ridge_path(train, responses, x.apply(problem.test_features), grid)))
    ridge = path[best, :, np.arange(8)].T
    found = BANDED.solve(problem, generator(0), folds=3).predictions
    np.testing.assert_allclose(found, y.undo(ridge), rtol=0, atol=1e-6)


@pytest.mark.parametrize("instance", ["banded", "lagged_volts"])
def test_banded_ridge_is_the_same_solved_in_features_and_in_samples(instance):
    problem = problem_of(instance)
    train, test = problem.train_features / problem.train_features.std(axis=0), problem.test_features
    test = test / problem.train_features.std(axis=0)
    parts = [BANDED.split_bands(one, problem.bands) for one in (train, test)]
    weights = BANDED.draw_weights(len(parts[0]), 5, generator(0))
    y = Standardisation.of(problem.train_responses).apply(problem.train_responses)
    split = BANDED.split(problem, 3)
    primal = BANDED.in_features(parts[0], y, parts[1], weights, split)
    np.testing.assert_allclose(BANDED.in_samples(parts[0], y, parts[1], weights, split), primal, rtol=0, atol=1e-6)


def test_band_weights_are_on_the_simplex_with_equal_ones_and_single_bands_among_them():
    weights = BANDED.draw_weights(4, 12, generator(0))
    assert weights.shape == (12, 4)
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    assert (weights > 0).all()
    np.testing.assert_allclose(weights[:5], np.vstack([np.full(4, 0.25), np.eye(4)]), atol=1e-5)


def test_lagged_ridge_without_lags_is_ridge():
    problem = problem_of("linear_graded")
    expected = RIDGE.solve(problem, generator(0)).predictions
    np.testing.assert_array_equal(LAGGED.solve(problem, generator(0)).predictions, expected)


def test_lagged_ridge_is_ridge_on_the_delayed_features():
    problem = problem_of("lagged_volts")
    lags = np.arange(problem.max_lag + 1)
    delayed = dataclasses.replace(
        problem,
        train_features=lagged_design(problem.train_features, problem.train_groups, lags),
        test_features=lagged_design(problem.test_features, problem.test_groups, lags),
    )
    expected = RIDGE.solve(delayed, generator(0)).predictions
    np.testing.assert_array_equal(LAGGED.solve(problem, generator(0)).predictions, expected)


def test_partial_least_squares_with_all_components_is_ordinary_least_squares():
    rng = np.random.default_rng(0)
    x, new = rng.normal(size=(50, 6)), rng.normal(size=(9, 6))
    y = x @ rng.normal(size=(6, 3)) + rng.normal(size=(50, 3))
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    *_, last = PLS.pls_path(x, y, new, 6)
    np.testing.assert_allclose(last, new @ np.linalg.lstsq(x, y, rcond=None)[0], rtol=1e-6)


def test_the_first_component_of_one_target_is_the_covariance_with_it():
    """PLS with one target: the first weight is X'y up to scale, the prediction t (t'y / t't) with t = X X'y."""
    rng = np.random.default_rng(0)
    x, new, y = rng.normal(size=(50, 6)), rng.normal(size=(9, 6)), rng.normal(size=(50, 1))
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    weight = x.T @ y
    scores = x @ weight
    expected = new @ weight * (scores.T @ y) / (scores.T @ scores)
    np.testing.assert_allclose(next(PLS.pls_path(x, y, new, 3)), expected, rtol=1e-9)
