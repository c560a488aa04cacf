"""Correlation kernels against numpy, scipy, scikit-learn and plain loops."""

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import r2_score

from bench.kernels.correlation import correlate_columns, correlate_folds, determination, identity_correlation

RNG = np.random.default_rng(0)
PREDICTED, OBSERVED = RNG.normal(size=(60, 4)), RNG.normal(size=(60, 4)) + 3
FOLDS = np.repeat([3, 1, 7], [10, 20, 30])


def test_columns_have_the_r_of_scipy():
    expected = [stats.pearsonr(a, b).statistic for a, b in zip(PREDICTED.T, OBSERVED.T, strict=True)]
    np.testing.assert_allclose(correlate_columns(PREDICTED, OBSERVED), expected, rtol=1e-12)


@pytest.mark.parametrize("unit", [1e-13, 1e-6, 1e200])
def test_units_and_offsets_do_not_change_r(unit):
    expected = correlate_columns(PREDICTED, OBSERVED)
    np.testing.assert_allclose(correlate_columns(unit * (PREDICTED + 2), -unit * OBSERVED), -expected, rtol=1e-9)


def test_folds_are_correlated_one_by_one_and_then_averaged():
    loop = [
        np.mean([np.corrcoef(a[fold == FOLDS], b[fold == FOLDS])[0, 1] for fold in (1, 3, 7)])
        for a, b in zip(PREDICTED.T, OBSERVED.T, strict=True)
    ]
    np.testing.assert_allclose(correlate_folds(PREDICTED, OBSERVED, FOLDS), loop, rtol=1e-12)


def test_differences_between_fold_means_count_for_nothing():
    offset = 100.0 * FOLDS[:, None]
    expected = correlate_folds(PREDICTED, OBSERVED, FOLDS)
    np.testing.assert_allclose(correlate_folds(PREDICTED + offset, OBSERVED + offset, FOLDS), expected, atol=1e-9)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e-13, -7e9])
def test_a_constant_prediction_has_r_zero(value):
    assert (correlate_columns(np.full_like(OBSERVED, value), OBSERVED) == 0).all()
    assert (correlate_folds(np.full_like(OBSERVED, value), OBSERVED, FOLDS) == 0).all()


def test_a_prediction_that_is_constant_in_one_fold_has_r_zero_there_and_the_fold_counts():
    held = FOLDS == 3
    constant = np.where(held[:, None], 0.7, PREDICTED)
    rest = correlate_folds(PREDICTED[~held], OBSERVED[~held], FOLDS[~held])
    np.testing.assert_allclose(correlate_folds(constant, OBSERVED, FOLDS), rest * 2 / 3, rtol=1e-12)


def test_a_fold_with_constant_responses_is_left_out_of_that_target_alone():
    observed = OBSERVED.copy()
    observed[FOLDS == 3, 0] = 0.3
    r, rest = correlate_folds(PREDICTED, observed, FOLDS), FOLDS != 3
    expected = correlate_folds(PREDICTED[rest], OBSERVED[rest], FOLDS[rest])
    np.testing.assert_allclose(r[0], expected[0], rtol=1e-12)
    np.testing.assert_allclose(r[1:], correlate_folds(PREDICTED, OBSERVED, FOLDS)[1:], rtol=1e-12)


@pytest.mark.parametrize("unit", [1.0, 1e-13, 1e-200])
def test_determination_is_that_of_scikit_learn_with_the_test_mean_as_reference(unit):
    expected = r2_score(OBSERVED, PREDICTED, multioutput="raw_values")
    found = determination(unit * PREDICTED, unit * OBSERVED, unit * OBSERVED.mean(axis=0))
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_predicting_the_reference_explains_nothing_and_a_column_equal_to_it_is_refused():
    reference = np.array([1.0, 2.0, 3.0, 4.0])
    assert determination(np.tile(reference, (60, 1)), OBSERVED, reference).tolist() == [0.0] * 4
    with pytest.raises(ValueError, match="column 2 equals its reference"):
        determination(PREDICTED, np.where(np.arange(4) == 2, reference, OBSERVED), reference)


def test_identity_correlation_is_one_less_the_mean_square_over_that_of_independent_lists():
    """Lin's definition: 1 - E(a - b)^2 / E(a - b)^2 where a and b are independent, over all pairs of items."""
    one, other = PREDICTED[:, 0], PREDICTED[:, 0] + 0.5 * OBSERVED[:, 0]
    together, apart = np.mean((one - other) ** 2), np.mean((one[:, None] - other) ** 2)
    assert identity_correlation(one, other) == pytest.approx(1 - together / apart)
    assert identity_correlation(one, other) < stats.pearsonr(one, other).statistic
    assert identity_correlation(1e-13 * one, 1e-13 * other) == pytest.approx(identity_correlation(one, other))


def test_identity_correlation_of_equal_lists_is_one_and_of_constants_nothing():
    one = PREDICTED[:, 0]
    assert identity_correlation(one, one) == pytest.approx(1)
    assert identity_correlation(one, -one) == pytest.approx(-1, abs=0.1)
    assert identity_correlation(np.ones(5), np.ones(5)) == identity_correlation(np.zeros(5), np.zeros(5)) == 0
