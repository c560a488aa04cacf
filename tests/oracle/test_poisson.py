"""Poisson regression against scikit-learn, a general optimiser and scipy's distribution."""

import numpy as np
import pytest
from scipy import optimize, stats
from sklearn.linear_model import PoissonRegressor

from bench.kernels.poisson import fit_poisson, poisson_nats, predict_rates

RNG = np.random.default_rng(0)
FEATURES = RNG.normal(size=(200, 5))
COUNTS = RNG.poisson(np.exp(FEATURES @ [0.5, -0.3, 0, 0.8, 0.1] - 0.5)).astype(float)


@pytest.mark.parametrize("penalty", [0.01, 3.0, 500.0])
def test_weights_are_those_of_scikit_learn(penalty):
    model = PoissonRegressor(alpha=penalty / 200, tol=1e-10, max_iter=10_000).fit(FEATURES, COUNTS)
    weights = fit_poisson(FEATURES, COUNTS, penalty)
    np.testing.assert_allclose(weights, np.append(model.coef_, model.intercept_), atol=1e-5)
    np.testing.assert_allclose(predict_rates(FEATURES, weights), model.predict(FEATURES), rtol=1e-5)


def test_weights_minimise_the_objective_and_the_start_does_not_matter():
    def objective(weights):
        eta = FEATURES @ weights[:-1] + weights[-1]
        return (np.exp(eta) - COUNTS * eta).sum() + 2.0 * (weights[:-1] ** 2).sum() / 2

    expected = optimize.minimize(objective, np.zeros(6), method="BFGS", options={"gtol": 1e-4}).x
    for start in (None, np.full(6, 3.0), -expected):
        np.testing.assert_allclose(fit_poisson(FEATURES, COUNTS, 2.0, start), expected, atol=1e-5)


def test_the_intercept_makes_the_mean_rate_that_of_the_counts_whatever_the_penalty():
    for penalty in (0.1, 1e6):
        rates = predict_rates(FEATURES, fit_poisson(FEATURES, COUNTS, penalty))
        np.testing.assert_allclose(rates.mean(), COUNTS.mean(), rtol=1e-6)


def test_nats_are_those_of_scipy_but_for_the_factorials():
    rates = RNG.uniform(0.1, 4, size=200)
    constant = -stats.poisson.logpmf(COUNTS, 1.0) - 1.0
    np.testing.assert_allclose(
        poisson_nats(rates, COUNTS), -stats.poisson.logpmf(COUNTS, rates) - constant, rtol=1e-9, atol=1e-12
    )


def test_a_spike_at_rate_zero_is_infinitely_unlikely_and_silence_at_rate_zero_is_certain():
    assert poisson_nats(np.array([0.0, 0.0]), np.array([0.0, 2.0])).tolist() == [0.0, np.inf]


def test_negative_rates_and_no_spikes_at_all_are_refused():
    with pytest.raises(ValueError, match="1 rates are negative"):
        poisson_nats(np.array([-0.1]), np.array([1.0]))
    with pytest.raises(ValueError, match="no counts at all"):
        fit_poisson(FEATURES, np.zeros(200), 1.0)
