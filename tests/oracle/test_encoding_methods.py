"""Encoding methods against what they must equal in special cases."""

import dataclasses

import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import PoissonRegressor
from sklearn.model_selection import PredefinedSplit

from bench.core.catalogue import load_plugin
from bench.core.config import ROOT
from bench.core.contract import generator
from bench.kernels.regression import PENALTIES, Standardisation, group_folds, lagged_design, ridge_path

TRACK = ROOT / "bench" / "tracks" / "encoding"
PLANTED = load_plugin(TRACK / "tasks" / "planted.py")
RIDGE, LAGGED, BANDED, PLS, POISSON = (
    load_plugin(TRACK / "methods" / f"{name}.py")
    for name in ("ridge", "lagged_ridge", "banded_ridge", "pls", "poisson_glm")
)


def problem_of(instance, **changes):
    problem, _ = PLANTED.generate(instance, 0, generator("oracle", instance), None)
    return dataclasses.replace(problem, **changes)


@pytest.mark.parametrize(("rows", "columns"), [(360, 150), (90, 150), (360, 12)])
def test_banded_ridge_with_one_band_is_ridge_in_features_and_in_samples(rows, columns):
    problem = problem_of("collinear")
    problem = dataclasses.replace(
        problem, train_features=problem.train_features[:rows, :columns], train_groups=np.arange(rows) // 15,
        train_responses=problem.train_responses[:rows], test_features=problem.test_features[:, :columns],
        bands=problem.bands[:columns],
    )  # fmt: skip
    x, y = Standardisation.of(problem.train_features), Standardisation.of(problem.train_responses)
    train, responses = x.apply(problem.train_features), y.apply(problem.train_responses)
    # himalaya keeps penalty and centre as they are in the folds; `select_ridge` adapts both to the fitted rows.
    grid, error = PENALTIES[::2] * rows, 0.0
    for held in group_folds(problem.train_groups, 3):
        kept = np.setdiff1d(np.arange(rows), held)
        path = np.stack(list(ridge_path(train[kept], responses[kept], train[held], grid)))
        error = error + np.square(path - responses[held]).sum(axis=1)
    path = np.stack(list(ridge_path(train, responses, x.apply(problem.test_features), grid)))
    ridge = path[error.argmin(axis=0), :, np.arange(8)].T
    found = BANDED.solve(problem, generator(0), folds=3).predictions
    np.testing.assert_allclose(found, y.undo(ridge), rtol=0, atol=1e-6)


@pytest.mark.parametrize("instance", ["banded", "lagged_volts"])
def test_banded_ridge_is_the_same_in_features_and_in_samples_and_with_rotated_rows(instance):
    problem = problem_of(instance)
    scaling = Standardisation.of(problem.train_features)
    train, test = scaling.apply(problem.train_features), scaling.apply(problem.test_features)
    y = Standardisation.of(problem.train_responses).apply(problem.train_responses)
    held = group_folds(problem.train_groups, 3)
    fold = np.concatenate([np.full(len(rows), number) for number, rows in enumerate(held)])
    bands = np.arange(train.shape[1]) % 2
    others = BANDED.split_bands(test, bands)
    found = []
    for predict, (x, responses, split) in [
        (BANDED.in_features, (train, y, fold)),
        (BANDED.in_samples, (train, y, fold)),
        (BANDED.in_features, BANDED.rotate_folds(train, y, held)),
    ]:
        settings = {
            "n_iter": BANDED.draw_weights(2, 5, generator(0)), "alphas": np.array([0.1, 1.0, 10.0]),
            "cv": PredefinedSplit(split), "progress_bar": False,
        }  # fmt: skip
        found.append(predict(BANDED.split_bands(x, bands), responses, others, settings))
    np.testing.assert_allclose(found[1], found[0], rtol=0, atol=1e-6)
    np.testing.assert_allclose(found[2], found[0], rtol=0, atol=1e-6)


def test_rotated_rows_keep_products_and_errors_up_to_a_constant():
    rng = np.random.default_rng(0)
    x, y, folds = (
        rng.normal(size=(50, 4)),
        rng.normal(size=(50, 3)),
        [np.arange(30), np.arange(30, 33), np.arange(33, 50)],
    )
    small, responses, fold = BANDED.rotate_folds(x, y, folds)
    assert np.bincount(fold).tolist() == [4, 3, 4]
    losses = []
    for weights in rng.normal(size=(2, 4, 3)):
        for number, rows in enumerate(folds):
            part = fold == number
            np.testing.assert_allclose(small[part].T @ small[part], x[rows].T @ x[rows], rtol=1e-9)
            np.testing.assert_allclose(small[part].T @ responses[part], x[rows].T @ y[rows], rtol=1e-9)
            before, after = (
                np.square(b - a @ weights).sum() for a, b in ((x[rows], y[rows]), (small[part], responses[part]))
            )
            losses.append(before - after)
    np.testing.assert_allclose(losses[:3], losses[3:], rtol=1e-9)


def test_band_weights_are_on_the_simplex_with_equal_ones_and_single_bands_among_them():
    weights = BANDED.draw_weights(4, 12, generator(0))
    assert weights.shape == (12, 4)
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    assert (weights > 0).all()
    np.testing.assert_allclose(weights[:5], np.vstack([np.full(4, 0.25), np.eye(4)]), atol=1e-5)


def test_lagged_ridge_without_lags_is_ridge():
    problem = problem_of("linear_graded")
    expected = RIDGE.solve(problem, generator(0)).predictions
    found = LAGGED.solve(problem, generator(0)).predictions
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9 * np.ptp(expected))


def test_lagged_ridge_is_ridge_on_the_delayed_features():
    problem = problem_of("lagged_volts")
    lags, mean = np.arange(problem.max_lag + 1), problem.train_features.mean(axis=0)
    delayed = dataclasses.replace(
        problem,
        train_features=lagged_design(problem.train_features - mean, problem.train_groups, lags),
        test_features=lagged_design(problem.test_features - mean, problem.test_groups, lags),
    )
    expected = RIDGE.solve(delayed, generator(0)).predictions
    found = LAGGED.solve(problem, generator(0)).predictions
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9 * np.ptp(expected))


def test_poisson_regression_takes_the_penalty_of_highest_likelihood_on_held_out_groups():
    problem = problem_of("counts")
    features, counts, new = problem.train_features[:160], problem.train_responses[:160, 0], problem.test_features
    folds, likelihood = group_folds(problem.train_groups[:160] * 2 + np.arange(160) // 40 % 2, 4), []
    for penalty in POISSON.PENALTIES:
        parts = []
        for held in folds:
            kept = np.setdiff1d(np.arange(160), held)
            model = PoissonRegressor(alpha=penalty * counts[kept].mean(), tol=1e-8, max_iter=5000)
            rates = model.fit(features[kept], counts[kept]).predict(features[held])
            rates = np.minimum(rates, model.predict(features[kept]).max())
            parts.append(stats.poisson.logpmf(counts[held], rates).sum())
        likelihood.append(sum(parts))
    assert 0 < np.argmax(likelihood) < len(likelihood) - 1  # neither end of the grid: the choice matters
    expected = PoissonRegressor(alpha=POISSON.PENALTIES[np.argmax(likelihood)] * counts.mean(), tol=1e-8, max_iter=5000)
    expected.fit(features, counts)
    found = POISSON.predict_target(features, counts, new, folds)
    limit = expected.predict(features).max()
    np.testing.assert_allclose(found, np.minimum(expected.predict(new), limit), rtol=1e-3)


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
