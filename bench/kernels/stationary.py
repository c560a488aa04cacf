"""Stationary Gaussian series of a known autocovariance: exact draws, exact whitening, and what a series shows of it."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.linalg import cholesky, solve_triangular, toeplitz

ROUNDING = 1e-9  # a share of the largest eigenvalue: less than minus this is no covariance


def autoregressive_covariance(memory: float, rows: int) -> Float[np.ndarray, "lags"]:
    """memory^k for lags k = 0 to rows - 1: x_i = memory x_(i-1) + e_i with variance 1."""
    return memory ** np.arange(rows, dtype=float)


def fractional_covariance(exponent: float, rows: int) -> Float[np.ndarray, "lags"]:
    """(|k + 1|^2H - 2 |k|^2H + |k - 1|^2H) / 2: fractional Gaussian noise of Hurst exponent H and variance 1.

    Its spectrum falls as 1/f^(2H - 1) at low frequencies. Mandelbrot and Van Ness 1968, SIAM Review 10:422-437.
    """
    lag, power = np.arange(rows, dtype=float), 2 * exponent
    return (np.abs(lag + 1) ** power - 2 * lag**power + np.abs(lag - 1) ** power) / 2


def draw_stationary(
    covariance: Float[np.ndarray, "rows"], count: int, rng: np.random.Generator
) -> Float[np.ndarray, "count rows"]:
    """Independent series of mean 0 with this autocovariance, exactly, by circulant embedding.

    Dietrich and Newsam 1997, SIAM Journal on Scientific Computing 18:1088-1107. Raises `ValueError` where the embedding
    is no covariance (its eigenvalues are not all positive).
    """
    rows = len(covariance)
    eigenvalues = np.fft.fft(np.concatenate([covariance, covariance[-2:0:-1]])).real
    if eigenvalues.min() < -ROUNDING * eigenvalues.max():
        raise ValueError(f"the autocovariance of {rows} lags has no circulant embedding")
    size = len(eigenvalues)
    noise = rng.normal(size=((count + 1) // 2, size)) + 1j * rng.normal(size=((count + 1) // 2, size))
    series = np.fft.fft(np.sqrt(np.maximum(eigenvalues, 0) / size) * noise, axis=1)[:, :rows]
    return np.concatenate([series.real, series.imag])[:count]


def whiten(series: Float[np.ndarray, "count rows"], covariance: Float[np.ndarray, "rows"]) -> np.ndarray:
    """L^-1 s for the Cholesky factor L of the covariance: white of variance 1 if the series has that covariance."""
    return solve_triangular(cholesky(toeplitz(covariance), lower=True), series.T, lower=True).T


def autocorrelation(series: Float[np.ndarray, "count rows"]) -> Float[np.ndarray, "count rows"]:
    """Sample autocorrelation at lags 0 to rows - 1, sums over all pairs divided by that of lag 0 (Box and Jenkins)."""
    centred = series - series.mean(axis=1, keepdims=True)
    spectrum = np.fft.rfft(centred, n=2 * centred.shape[1], axis=1)
    sums = np.fft.irfft(np.abs(spectrum) ** 2, axis=1)[:, : centred.shape[1]]
    return sums / sums[:, :1]


def yule_walker(correlation: Float[np.ndarray, "count lags"], order: int) -> Float[np.ndarray, "count order"]:
    """Coefficients a of x_i = sum_k a_k x_(i-k) + e_i that have the first `order` autocorrelations."""
    lags = np.abs(np.subtract.outer(np.arange(order), np.arange(order)))
    return np.linalg.solve(correlation[:, lags], correlation[:, 1 : order + 1, None])[..., 0]


def prewhiten(series: Float[np.ndarray, "count rows"], coefficients: Float[np.ndarray, "count order"]) -> np.ndarray:
    """x_i - sum_k a_k x_(i-k) for the rows that have a whole past: `order` rows fewer."""
    order = coefficients.shape[1]
    rows = series.shape[1]
    past = sum(coefficients[:, k - 1, None] * series[:, order - k : rows - k] for k in range(1, order + 1))
    return series[:, order:] - past
