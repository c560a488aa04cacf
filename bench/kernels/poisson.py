"""Poisson regression with a log link, and what spikes say about a predicted rate."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy import linalg

STEPS = 50
TOLERANCE = 1e-10  # of the objective, relative


def poisson_nats(rates: Float[np.ndarray, "*any"], counts: Float[np.ndarray, "*any"]) -> Float[np.ndarray, "*any"]:
    """Negative log-likelihood rate - count log rate in nats a bin, without log(count!); infinite for spikes at rate 0.

    Raises `ValueError` for a negative rate.
    """
    if (rates < 0).any():
        raise ValueError(f"{int((rates < 0).sum())} rates are negative")
    silent = counts == 0
    with np.errstate(divide="ignore"):
        return rates - np.where(silent, 0.0, counts * np.log(np.where(silent, 1.0, rates)))


def fit_poisson(
    features: Float[np.ndarray, "rows features"],
    counts: Float[np.ndarray, "rows"],
    penalty: float,
    start: Float[np.ndarray, "weights"] | None = None,
) -> Float[np.ndarray, "weights"]:
    """Weights and, last, the intercept: argmin sum_i (e^eta_i - y_i eta_i) + penalty |w|^2 / 2, eta = X w + b.

    Newton's method with halved steps (the objective is convex); the intercept is not penalised. `start` is a solution
    nearby. Raises `ValueError` where no spike was counted, since the intercept is then minus infinity.
    McCullagh and Nelder 1989, section 2.5.
    """
    if not counts.any():
        raise ValueError("no counts at all: the rate is 0 and its logarithm has no finite value")
    design = np.column_stack([features, np.ones(len(features))])
    ridge = np.append(np.full(features.shape[1], penalty), 0.0)
    weights = np.append(np.zeros(features.shape[1]), np.log(counts.mean())) if start is None else start

    def objective(candidate: np.ndarray) -> float:
        eta = design @ candidate
        with np.errstate(over="ignore"):  # too long a step: the objective is infinite and the step is halved
            return float((np.exp(eta) - counts * eta).sum() + ridge @ candidate**2 / 2)

    value = objective(weights)
    for _ in range(STEPS):
        rate = np.exp(design @ weights)
        gradient = design.T @ (rate - counts) + ridge * weights
        curvature = design.T @ (design * rate[:, None]) + np.diag(ridge)
        step = linalg.solve(curvature, gradient, assume_a="pos")
        size, new = 1.0, objective(weights - step)
        while new > value and size > TOLERANCE:
            size /= 2
            new = objective(weights - size * step)
        if new > value:
            break
        gained, weights, value = value - new, weights - size * step, new
        if gained <= TOLERANCE * abs(value):
            break
    return weights


def predict_rates(
    features: Float[np.ndarray, "rows features"], weights: Float[np.ndarray, "weights"]
) -> Float[np.ndarray, "rows"]:
    """exp(X w + b) in counts a bin."""
    return np.exp(features @ weights[:-1] + weights[-1])
