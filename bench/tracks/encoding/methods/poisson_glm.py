"""Poisson regression with a log link and a squared penalty, for spike counts.

The rate is exp(b + w x) with every feature at every lag from 0 to `max_lag`; each target's penalty has the highest
likelihood on held-out groups. A target without a single training spike is predicted as silent.

Departs from the paper in the penalty and in that no rate is extrapolated: b + w x is held at the highest value that it
takes in the training rows, beyond which the exponential has no support in the data.
"""

from __future__ import annotations

import numpy as np

from bench.core.contract import Unsupported
from bench.kernels.poisson import fit_poisson, poisson_nats, predict_rates
from bench.kernels.regression import Standardisation, group_folds, lagged_design
from bench.tracks.encoding.types import Answer, Problem

REFERENCE = "Truccolo et al. (2005), Journal of Neurophysiology 93:1074-1089, doi:10.1152/jn.00697.2004"
DETERMINISTIC = True
PENALTIES = np.logspace(1, -4, 6)  # times the number of spikes; from smooth to free, each start near the next


def solve(problem: Problem, rng: np.random.Generator, *, folds: int = 5) -> Answer:
    if problem.response_kind != "counts":
        raise Unsupported(f"Poisson regression needs counts, these responses are {problem.response_kind}")
    lags = np.arange(problem.max_lag + 1)
    scaling = Standardisation.of(problem.train_features)
    train = lagged_design(scaling.apply(problem.train_features), problem.train_groups, lags)
    test = lagged_design(scaling.apply(problem.test_features), problem.test_groups, lags)
    held = group_folds(problem.train_groups, folds)
    columns = [predict_target(train, counts, test, held) for counts in problem.train_responses.T]
    return Answer(np.stack(columns, axis=1))


def predict_target(features: np.ndarray, counts: np.ndarray, others: np.ndarray, folds: list[np.ndarray]) -> np.ndarray:
    """Rates at `others` of one target."""
    if not counts.any():
        return np.zeros(len(others))
    loss = np.zeros(len(PENALTIES))
    for held in folds:
        kept = np.setdiff1d(np.arange(len(counts)), held)
        loss += [
            poisson_nats(rates, counts[held]).sum() for rates in path(features[kept], counts[kept], features[held])
        ]
    return path(features, counts, others)[int(loss.argmin())]


def path(features: np.ndarray, counts: np.ndarray, others: np.ndarray) -> list[np.ndarray]:
    """Rates at `others` for every penalty; rows without a spike predict none."""
    if not counts.any():
        return [np.zeros(len(others))] * len(PENALTIES)
    rates, weights = [], None
    for penalty in PENALTIES * counts.sum():
        weights = fit_poisson(features, counts, penalty, weights)
        rates.append(np.minimum(predict_rates(others, weights), predict_rates(features, weights).max()))
    return rates
