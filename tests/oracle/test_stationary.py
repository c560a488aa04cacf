"""Stationary series: draws against their covariance, filters against recursions and scipy."""

import numpy as np
import pytest
from scipy.linalg import solve_toeplitz, toeplitz
from scipy.signal import lfilter

from bench.kernels.stationary import (
    autocorrelation,
    autoregressive_covariance,
    draw_stationary,
    fractional_covariance,
    prewhiten,
    whiten,
    yule_walker,
)

COVARIANCES = pytest.mark.parametrize(
    "covariance", [autoregressive_covariance(0.9, 12), fractional_covariance(0.95, 12)], ids=["memory", "fractional"]
)


@COVARIANCES
def test_draws_have_the_covariance_that_was_asked_for(covariance):
    """Each entry within 5 standard errors, sqrt(2 / n) at most, of 40,000 draws; odd counts are drawn too."""
    series = draw_stationary(covariance, 40_001, np.random.default_rng(0))
    assert series.shape == (40_001, 12)
    np.testing.assert_allclose(series.T @ series / len(series), toeplitz(covariance), atol=5 * np.sqrt(2 / len(series)))
    assert np.abs(series.mean(axis=0)).max() < 5 / np.sqrt(len(series))


def test_the_two_halves_of_a_complex_draw_are_independent():
    series = draw_stationary(autoregressive_covariance(0.9, 6), 40_000, np.random.default_rng(1))
    assert np.abs(series[:20_000].T @ series[20_000:] / 20_000).max() < 5 / np.sqrt(20_000)


def test_an_autoregressive_draw_has_white_innovations():
    series = draw_stationary(autoregressive_covariance(0.8, 200), 500, np.random.default_rng(2))
    innovations = series[:, 1:] - 0.8 * series[:, :-1]
    assert innovations.var() == pytest.approx(1 - 0.8**2, rel=0.03)
    assert abs((innovations[:, 1:] * innovations[:, :-1]).mean()) < 0.01


def test_sums_of_fractional_noise_grow_as_the_power_of_the_hurst_exponent():
    """Var(sum of n) = n^2H exactly: self-similarity, which the covariance formula does not mention."""
    for rows in (5, 50):
        assert toeplitz(fractional_covariance(0.8, rows)).sum() == pytest.approx(rows**1.6, rel=1e-9)


def test_a_covariance_that_is_none_is_refused():
    with pytest.raises(ValueError, match="no circulant embedding"):
        draw_stationary(np.array([1.0, 0.9, -0.9]), 2, np.random.default_rng(0))


@COVARIANCES
def test_whitening_undoes_the_covariance(covariance):
    white = whiten(np.eye(12), covariance)
    np.testing.assert_allclose(white.T @ toeplitz(covariance) @ white, np.eye(12), atol=1e-9)


def test_autocorrelation_is_the_sum_over_pairs():
    series = np.random.default_rng(3).normal(size=(2, 9)).cumsum(axis=1) + 5
    centred = series - series.mean(axis=1, keepdims=True)
    direct = [[(row[lag:] * row[: 9 - lag]).sum() / (row @ row) for lag in range(9)] for row in centred]
    np.testing.assert_allclose(autocorrelation(series), direct, atol=1e-12)


@pytest.mark.parametrize("order", [1, 4])
def test_yule_walker_solves_the_toeplitz_system(order):
    correlation = autocorrelation(np.random.default_rng(4).normal(size=(3, 30)).cumsum(axis=1))
    expected = [solve_toeplitz(row[:order], row[1 : order + 1]) for row in correlation]
    np.testing.assert_allclose(yule_walker(correlation, order), expected, rtol=1e-9)


def test_prewhitening_is_the_filter_without_its_first_rows():
    rng = np.random.default_rng(5)
    series, filters = rng.normal(size=(2, 15)), rng.normal(size=(2, 3))
    expected = [lfilter([1, *-one], [1], row)[3:] for one, row in zip(filters, series, strict=True)]
    np.testing.assert_allclose(prewhiten(series, filters), expected, atol=1e-12)
