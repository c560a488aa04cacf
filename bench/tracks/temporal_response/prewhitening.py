"""Least squares whose noise is autoregressive and drifts, group by group."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.linalg import solve_toeplitz
from scipy.signal import lfilter

from bench.neuro.haemodynamics import cosine_drifts
from bench.tracks.temporal_response.estimation import windows_of
from bench.tracks.temporal_response.types import Problem

CUTOFF = 128.0  # s


def fit_prewhitened(
    problem: Problem, basis: Float[np.ndarray, "columns parameters"], order: int, in_columns: bool = True
) -> Float[np.ndarray, "any targets"]:
    """Kernels basis @ w of least squares on filtered data (`in_columns`), or the w alone.

    First with white noise; its residuals then give the autoregressive model (Yule-Walker, all groups and targets).
    """
    windows = windows_of(problem)
    cuts = np.flatnonzero(np.diff(windows.groups)) + 1
    design = np.split(windows.design @ basis, cuts)
    responses = np.split(windows.responses, cuts)
    drifts = [cosine_drifts(len(rows), 1 / problem.sampling_rate, CUTOFF) for rows in responses]
    whole = [np.concatenate([x, y], axis=1) for x, y in zip(design, responses, strict=True)]
    clean = [rows - waves @ (waves.T @ rows) for rows, waves in zip(whole, drifts, strict=True)]
    parameters = basis.shape[1]
    first = least_squares(clean, parameters)
    noise = [rows[:, parameters:] - rows[:, :parameters] @ first for rows in clean]
    weights = autoregression(noise, order)
    filtered = []
    for rows, waves in zip(clean, drifts, strict=True):
        both = lfilter(np.append(1.0, -weights), [1.0], np.concatenate([rows, waves], axis=1), axis=0)[order:]
        base, _ = np.linalg.qr(both[:, rows.shape[1] :])
        filtered.append(both[:, : rows.shape[1]] - base @ (base.T @ both[:, : rows.shape[1]]))
    found = least_squares(filtered, parameters)
    return basis @ found if in_columns else found


def least_squares(groups: list[np.ndarray], parameters: int) -> Float[np.ndarray, "parameters targets"]:
    """argmin |Y - X w|^2; the first `parameters` columns are X, the others Y."""
    gram = sum(rows[:, :parameters].T @ rows for rows in groups)
    return np.linalg.pinv(gram[:, :parameters], rcond=1e-12, hermitian=True) @ gram[:, parameters:]


def autoregression(noise: list[np.ndarray], order: int) -> Float[np.ndarray, "order"]:
    """Weights of the last `order` samples (none: white noise): covariances summed over groups and scaled targets."""
    loud = np.sqrt(np.mean([np.square(rows).mean(axis=0) for rows in noise], axis=0))
    loud = np.where(loud > 0, loud, np.inf)
    units = [rows / loud for rows in noise]
    covariance = [sum((rows[lag:] * rows[: len(rows) - lag]).sum() for rows in units) for lag in range(order + 1)]
    if not order or covariance[0] == 0:
        return np.zeros(order)
    return solve_toeplitz(covariance[:-1], covariance[1:])
