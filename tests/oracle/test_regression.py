"""Ridge and lagged designs against scikit-learn, closed forms and plain loops."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from bench.kernels.regression import (
    PENALTIES,
    Standardisation,
    group_folds,
    held_out_error,
    lagged_design,
    predict_ridge,
    ridge_path,
    select_ridge,
)

RNG = np.random.default_rng(0)
GROUPS = np.repeat([4, 5, 9], [7, 6, 8])
SHAPES = pytest.mark.parametrize(("rows", "columns"), [(40, 6), (12, 30), (15, 15)])


def data(rows, columns, targets=3):
    x = RNG.normal(size=(rows, columns))
    return x, x @ RNG.normal(size=(columns, targets)) + RNG.normal(size=(rows, targets)), RNG.normal(size=(9, columns))


@SHAPES
def test_the_path_is_that_of_scikit_learn(rows, columns):
    x, y, new = data(rows, columns)
    for penalty, found in zip([0.1, 3.0, 1e4], ridge_path(x, y, new, np.array([0.1, 3.0, 1e4])), strict=True):
        expected = Ridge(penalty, fit_intercept=False, solver="svd").fit(x, y).predict(new)
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


@SHAPES
def test_primal_and_dual_solutions_are_equal_and_both_are_the_path(rows, columns):
    x, y, new = data(rows, columns)
    primal = new @ np.linalg.solve(x.T @ x + 2.0 * np.eye(columns), x.T @ y)
    dual = new @ x.T @ np.linalg.solve(x @ x.T + 2.0 * np.eye(rows), y)
    np.testing.assert_allclose(primal, dual, rtol=1e-9)
    np.testing.assert_allclose(next(ridge_path(x, y, new, np.array([2.0]))), primal, rtol=1e-9)


def test_each_target_takes_the_penalty_of_least_held_out_error():
    x, y, new = data(60, 20)
    y[:, 1] = RNG.normal(size=60)  # nothing to be found: wants a larger penalty than the others
    folds = group_folds(np.repeat(np.arange(6), 10), 3)
    expected = np.empty((len(new), 3))
    for target in range(3):
        errors = []
        for penalty in PENALTIES:
            parts = []
            for held in folds:
                kept = np.setdiff1d(np.arange(60), held)
                model = Ridge(penalty * len(kept), solver="svd").fit(x[kept], y[kept, target])
                parts.append(np.square(model.predict(x[held]) - y[held, target]).sum())
            errors.append(sum(parts))
        best = PENALTIES[int(np.argmin(errors))] * 60
        expected[:, target] = Ridge(best, fit_intercept=False, solver="svd").fit(x, y[:, target]).predict(new)
    np.testing.assert_allclose(select_ridge(x, y, new, folds), expected, rtol=1e-8)


def test_predictions_with_an_intercept_are_those_of_scikit_learn_on_standardised_features():
    x, y, new = data(40, 6)
    x, new = x * 1e-6 + 1, new * 1e-6 + 1
    found = predict_ridge(x, 1e-13 * (y + 50), new, group_folds(np.arange(40) // 10))
    z, z_new = (x - x.mean(0)) / x.std(0), (new - x.mean(0)) / x.std(0)
    candidates = np.stack([Ridge(penalty * 40, solver="svd").fit(z, y + 50).predict(z_new) for penalty in PENALTIES])
    nearest = np.abs(candidates * 1e-13 - found).max(axis=1).min(axis=0)
    assert (nearest < 1e-13 * 1e-6).all()


def test_held_out_error_centres_by_the_fitted_rows_alone():
    x, y, _ = data(20, 2)
    held = [np.arange(5), np.arange(5, 20)]
    found = held_out_error(x, y, held, lambda a, b, new: [np.zeros((len(new), 3))])
    expected = sum(np.square(y[h] - np.delete(y, h, axis=0).mean(axis=0)).sum(axis=0) for h in held)
    np.testing.assert_allclose(found, expected[None], rtol=1e-12)


def test_no_group_is_cut_by_a_fold_and_every_row_is_held_out_once():
    groups = np.repeat([2, 3, 5, 7, 11, 13, 17], [4, 2, 6, 3, 5, 1, 4])
    for largest in (2, 3, 5, 20):
        folds = group_folds(groups, largest)
        assert len(folds) == min(largest, 7)
        assert sorted(np.concatenate(folds)) == list(range(25))
        for one in range(len(folds)):
            for other in range(one):
                assert not set(groups[folds[one]]) & set(groups[folds[other]])


def test_a_single_group_is_cut_into_contiguous_blocks():
    folds = group_folds(np.zeros(23, dtype=int), 5)
    assert len(folds) == 5
    assert all((np.diff(fold) == 1).all() for fold in folds)
    assert np.concatenate(folds).tolist() == list(range(23))


def test_a_lagged_design_holds_what_a_loop_puts_there():
    x, lags = RNG.normal(size=(21, 3)), np.array([0, 2, 6, 9])
    expected = np.zeros((21, 12))
    for row in range(21):
        for position, lag in enumerate(lags):
            if row - lag >= 0 and GROUPS[row - lag] == GROUPS[row]:
                expected[row, 3 * position : 3 * position + 3] = x[row - lag]
    np.testing.assert_array_equal(lagged_design(x, GROUPS, lags), expected)


def test_a_lagged_design_times_a_kernel_is_a_convolution_in_each_group():
    x, kernel = RNG.normal(size=(21, 1)), RNG.normal(size=5)
    found = lagged_design(x, GROUPS, np.arange(5)) @ kernel
    for group in np.unique(GROUPS):
        rows = group == GROUPS
        np.testing.assert_allclose(found[rows], np.convolve(x[rows, 0], kernel)[: rows.sum()], atol=1e-14)


def test_a_lagged_fit_is_the_temporal_response_function_in_closed_form():
    """Weights of a temporal response function at sampling rate fs: fs (X'X / n + lambda fs I)^-1 X'y / n, in 1/s."""
    x, rate, strength = RNG.normal(size=(21, 2)), 128.0, 0.3
    design = lagged_design(x, GROUPS, np.arange(4))
    y = design @ RNG.normal(size=(8, 1))
    weights = rate * np.linalg.solve(design.T @ design / 21 + strength * rate * np.eye(8), design.T @ y / 21)
    found = next(ridge_path(design, y, design, np.array([strength * rate * 21])))
    np.testing.assert_allclose(found, design @ weights / rate, rtol=1e-10)


def test_standardised_columns_have_mean_0_and_deviation_1_in_any_unit_and_constant_ones_are_0():
    x = RNG.normal(size=(50, 4)) * [1e-13, 1e-6, 1.0, 0.0] + [0, 1e-5, 7, 0.3]
    scaling = Standardisation.of(x)
    z = scaling.apply(x)
    np.testing.assert_allclose(z.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(z.std(axis=0), [1, 1, 1, 0], atol=1e-9)
    np.testing.assert_allclose(scaling.undo(z), x, rtol=1e-12)
    assert (scaling.apply(x + 5)[:, 3] == 0).all()
    np.testing.assert_allclose(scaling.undo(np.ones((1, 4)))[0, 3], 0.3)
