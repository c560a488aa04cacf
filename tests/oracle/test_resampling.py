"""Resampling kernels against scipy, explicit surrogates and closed forms."""

import itertools

import numpy as np
import pytest
from scipy import stats

from bench.kernels.rates import is_invalid, power_at_kept_level, rate_bound, rejects_at_own_size
from bench.kernels.resampling import (
    block_permutations,
    correlation_p,
    correlations_under,
    effective_rows,
    monte_carlo_p,
    permutations,
    phase_correlations,
    shifted_correlations,
    sign_flips,
    standardise_rows,
)


def pair(rows=20, count=6, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, rows))
    return x, 0.4 * x + rng.normal(size=(count, rows)) + 7


def test_the_parametric_p_is_that_of_scipy_at_any_scale():
    x, y = pair()
    r = (standardise_rows(1e-13 * x) * standardise_rows(1e9 * y)).sum(axis=1)
    expected = [stats.pearsonr(*both).pvalue for both in zip(x, y, strict=True)]
    np.testing.assert_allclose(correlation_p(r, 20), expected, rtol=1e-9)


def test_a_constant_series_has_no_correlation():
    assert (standardise_rows(np.full((2, 5), 3e-7)) == 0).all()


def test_over_all_orders_the_permutation_p_is_that_of_scipy():
    x, y = pair(rows=5, count=3)
    orders = np.array(list(itertools.permutations(range(5))))[1:]  # the first is what was observed
    one, other = standardise_rows(x), standardise_rows(y)
    found = monte_carlo_p(np.abs((one * other).sum(axis=1)), np.abs(correlations_under(one, other, orders)))
    exact = [
        stats.permutation_test(
            (a,), lambda v, b=b: abs(stats.pearsonr(v, b).statistic), permutation_type="pairings", n_resamples=np.inf,
            alternative="greater",
        ).pvalue
        for a, b in zip(x, y, strict=True)
    ]  # fmt: skip
    np.testing.assert_allclose(found, exact, rtol=1e-12)


def test_correlations_under_orders_come_out_alike_in_chunks(monkeypatch):
    x, y = pair()
    orders = permutations(7, 20, np.random.default_rng(0))
    whole = correlations_under(x, y, orders)
    monkeypatch.setattr("bench.kernels.resampling.NUMBERS", 1)
    np.testing.assert_allclose(correlations_under(x, y, orders), whole, rtol=1e-12)
    assert whole[2, 3] == pytest.approx(x[2][orders[3]] @ y[2])


def test_block_permutations_keep_blocks_and_lose_nothing():
    orders = block_permutations(50, 11, 4, np.random.default_rng(0))
    assert (np.sort(orders, axis=1) == np.arange(11)).all()
    inside = [row for row in range(10) if row % 4 != 3]
    for order in orders:
        place = np.argsort(order)
        assert all(place[row + 1] == place[row] + 1 for row in inside)
    assert len({tuple(order) for order in orders}) == 6
    with pytest.raises(ValueError, match="no two blocks"):
        block_permutations(5, 4, 4, np.random.default_rng(0))


def test_shifted_correlations_are_those_of_rolled_series():
    x, y = pair(rows=15)
    expected = np.stack([(x * np.roll(y, shift, axis=1)).sum(axis=1) for shift in range(15)], axis=1)
    np.testing.assert_allclose(shifted_correlations(x, y), expected, atol=1e-10)


@pytest.mark.parametrize("rows", [12, 13])
def test_phase_correlations_are_those_of_explicit_surrogates(rows):
    """The same phases, put into the spectrum of the first series and transformed back."""
    x, y = pair(rows=rows)
    found = phase_correlations(x, y, 9, np.random.default_rng(3))
    phase = np.random.default_rng(3).uniform(0, 2 * np.pi, size=(rows // 2 + 1, 9))
    phase[0] = 0
    if rows % 2 == 0:
        rng = np.random.default_rng(3)
        rng.uniform(size=(rows // 2 + 1, 9))
        phase[-1] = np.pi * rng.integers(0, 2, 9)
    turned = np.fft.rfft(x, axis=1)[..., None] * np.exp(1j * phase)
    surrogates = np.fft.irfft(turned, n=rows, axis=1)
    np.testing.assert_allclose(found, np.einsum("drb,dr->db", surrogates, y), atol=1e-9)


def test_p_counts_the_observed_value_and_ties():
    null = np.array([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]])
    np.testing.assert_allclose(monte_carlo_p(np.array([3.0, 1.0]), null), [2 / 4, 1 / 4])
    np.testing.assert_allclose(monte_carlo_p(np.array([3e-13 * (1 + 1e-13), 1.0]), 1e-13 * null), [2 / 4, 1 / 4])


@pytest.mark.parametrize("memory", [0.0, 0.5, 0.9])
def test_effective_rows_of_two_autoregressive_series_are_bartletts(memory):
    """n (1 - m^2) / (1 + m^2) for large n (Bartlett 1935), from the population's autocorrelations."""
    rows = 5000
    correlation = memory ** np.arange(rows, dtype=float)[None]
    expected = rows * (1 - memory**2) / (1 + memory**2)
    assert effective_rows(correlation, correlation)[0] == pytest.approx(expected, rel=0.005)


def test_sign_flips_are_all_of_them_where_they_are_few():
    flips = sign_flips(31, 5, np.random.default_rng(0))
    assert len({tuple(flip) for flip in flips}) == len(flips) == 31
    assert not (flips == 1).all(axis=1).any()
    assert sign_flips(30, 5, np.random.default_rng(0)).shape == (30, 5)


@pytest.mark.parametrize(("hits", "trials"), [(0, 50), (3, 50), (170, 2100), (50, 50)])
def test_the_bound_of_a_rate_is_that_of_scipy(hits, trials):
    expected = stats.binomtest(hits, trials, alternative="greater").proportion_ci(0.99, method="exact").low
    assert rate_bound(hits, trials) == pytest.approx(expected, rel=1e-9, abs=1e-15)


def test_a_test_of_size_05_is_hardly_ever_called_invalid_and_one_of_size_10_always():
    """2,100 realisations: P(more than 154 of 2,100 at .05) is 10^-6; at .10 nearly all have more."""
    fewest = next(k for k in range(2100) if rate_bound(k, 2100) > 0.06)
    assert stats.binom.sf(fewest - 1, 2100, 0.05) < 1e-4
    assert stats.binom.sf(fewest - 1, 2100, 0.10) > 0.99
    assert is_invalid(np.r_[np.zeros(fewest), np.ones(2100 - fewest)])
    assert not is_invalid(np.r_[np.zeros(fewest - 1), np.ones(2101 - fewest)])


def test_power_at_a_kept_level_lowers_the_level_and_never_raises_it():
    null, found = np.arange(100) / 1000, np.array([0.001, 0.004, 0.006, 0.2])
    assert rejects_at_own_size(found, null).tolist() == [True, True, False, False]  # below the sixth smallest
    assert power_at_kept_level(found, null) == 0.5
    careful = np.linspace(0.3, 1, 100)
    assert rejects_at_own_size(found, careful).all()
    assert power_at_kept_level(found, careful) == 0.75
