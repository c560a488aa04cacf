"""Logistic regression on all channels and samples.

Trials are flattened, standardised by the training trials and decided by multinomial logistic regression with a squared
penalty, whose size has the least log-loss on held-out runs; classes weigh alike. Fitted in the coordinates of the
training trials' principal axes, in which the penalty is the same and there are no more columns than trials.
"""

from __future__ import annotations

import numpy as np
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression

from bench.kernels.discriminant import activation_pattern, linear_attribution
from bench.kernels.regression import Standardisation, group_folds
from bench.tracks.decoding.experiment import DataSet, Decoder, decode
from bench.tracks.decoding.types import Answer, Problem

REFERENCE = "Cox (1958), Journal of the Royal Statistical Society B 20:215-242"
INVARIANT_TO = ("scale",)
DETERMINISTIC = True
PENALTIES = (30.0, 3.0, 0.3)  # times the number of features


def solve(problem: Problem, rng: np.random.Generator, *, folds: int = 3) -> Answer:
    return decode(problem, lambda data: fit(data, folds))


def fit(data: DataSet, folds: int) -> Decoder:
    flat = data.trials.reshape(len(data.trials), -1)
    scaling = Standardisation.of(flat)
    axes = np.linalg.svd(scaling.apply(flat), full_matrices=False)[2].T
    turned = scaling.apply(flat) @ axes
    held = group_folds(data.groups, folds)
    losses = [held_out_loss(turned, data, held, penalty * flat.shape[1]) for penalty in PENALTIES]
    weights, offsets = fit_logistic(turned, data, PENALTIES[int(np.argmin(losses))] * flat.shape[1])
    full = axes @ weights / scaling.scale[:, None]
    shape = data.trials.shape[1:]
    patterns = activation_pattern(flat, full[:, 1] - full[:, 0]).reshape(shape)
    added = patterns * (full[:, 1] - full[:, 0]).reshape(shape)
    return Decoder(
        lambda trials: scaling.apply(trials.reshape(len(trials), -1)) @ axes @ weights + offsets,
        pattern=patterns[:, added.sum(axis=0).argmax()] if data.classes == 2 else None,
        attribution=np.mean([linear_attribution(data.trials, one.reshape(shape)) for one in full.T], axis=0),
    )


def fit_logistic(x: np.ndarray, data: DataSet, penalty: float) -> tuple[np.ndarray, np.ndarray]:
    """Weights [columns, classes] and offsets."""
    model = LogisticRegression(C=1 / penalty, class_weight="balanced", max_iter=500, tol=1e-4).fit(x, data.labels)
    if data.classes > 2:
        return model.coef_.T, model.intercept_
    return np.concatenate([-model.coef_, model.coef_]).T / 2, np.array([-1, 1]) * model.intercept_ / 2


def held_out_loss(x: np.ndarray, data: DataSet, folds: list[np.ndarray], penalty: float) -> float:
    loss = 0.0
    for held in folds:
        kept = np.setdiff1d(np.arange(len(x)), held)
        weights, offsets = fit_logistic(x[kept], data.part(kept), penalty)
        loss -= log_softmax(x[held] @ weights + offsets, axis=1)[np.arange(len(held)), data.labels[held]].sum()
    return float(loss)
