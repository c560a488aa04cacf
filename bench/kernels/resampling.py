"""Resampled orders of rows, correlations under them, and p-values from what they give. All batched over data sets."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int
from scipy import special

SLACK = 1e-10  # a share of a statistic: resampled values this near the observed one are equal to it
NUMBERS = 4_000_000  # in one [data sets, draws, rows] array


def monte_carlo_p(
    observed: Float[np.ndarray, "*batch"], null: Float[np.ndarray, "*batch draws"]
) -> Float[np.ndarray, "*batch"]:
    """(1 + number of draws at least as large) / (1 + draws): what was observed is one of its own null's values.

    Without the two ones the test rejects too often, and p can be 0. Phipson and Smyth 2010, Statistical Applications in
    Genetics and Molecular Biology 9:39.
    """
    level = observed - SLACK * np.abs(observed)
    return (1 + (null >= level[..., None]).sum(axis=-1)) / (1 + null.shape[-1])


def standardise_rows(series: Float[np.ndarray, "count rows"]) -> Float[np.ndarray, "count rows"]:
    """Each series with mean 0 and norm 1, so that a product of two is Pearson's r. A constant one becomes zeros."""
    scale = np.abs(series).max(axis=1, keepdims=True)
    centred = series / np.where(scale > 0, scale, 1.0)
    centred = centred - centred.mean(axis=1, keepdims=True)
    norm = np.linalg.norm(centred, axis=1, keepdims=True)
    return centred / np.where(norm > SLACK, norm, np.inf)


def correlation_p(r: Float[np.ndarray, "*any"], rows: Float[np.ndarray, "*any"] | float) -> Float[np.ndarray, "*any"]:
    """Two-sided p of Pearson's r over `rows` independent rows, t = r sqrt((n - 2) / (1 - r^2)) with n - 2 degrees."""
    degrees = np.maximum(np.asarray(rows, dtype=float) - 2, SLACK)
    return student_p(r * np.sqrt(degrees / np.maximum(1 - r**2, SLACK)), degrees)


def student_p(t: Float[np.ndarray, "*any"], degrees: Float[np.ndarray, "*any"] | float) -> Float[np.ndarray, "*any"]:
    """Two-sided p of Student's t."""
    return 2 * special.stdtr(degrees, -np.abs(t))


def permutations(draws: int, rows: int, rng: np.random.Generator) -> Int[np.ndarray, "draws rows"]:
    """Orders of all rows, each equally likely."""
    return rng.permuted(np.tile(np.arange(rows), (draws, 1)), axis=1)


def block_permutations(draws: int, rows: int, length: int, rng: np.random.Generator) -> Int[np.ndarray, "draws rows"]:
    """Orders of contiguous blocks of `length` rows (the last one shorter where they do not divide); inside a block the
    order stays. Raises `ValueError` where there are fewer than two blocks."""
    blocks = [np.arange(start, min(start + length, rows)) for start in range(0, rows, length)]
    if len(blocks) < 2:
        raise ValueError(f"{rows} rows hold no two blocks of {length}")
    orders = permutations(draws, len(blocks), rng)
    return np.stack([np.concatenate([blocks[block] for block in order]) for order in orders])


def correlations_under(
    first: Float[np.ndarray, "count rows"],
    second: Float[np.ndarray, "count rows"],
    orders: Int[np.ndarray, "draws rows"],
) -> Float[np.ndarray, "count draws"]:
    """Sum over rows of first[order] x second for each data set and order; r where both are standardised."""
    return in_chunks(lambda one, two: np.matmul(one[:, orders], two[:, :, None])[..., 0], orders.size, first, second)


def in_chunks(of: Callable[..., np.ndarray], each: int, *arrays: np.ndarray) -> np.ndarray:
    """`of` applied to a few data sets (first axis) at a time, where each makes `each` numbers."""
    step = max(1, NUMBERS // each)
    starts = range(0, len(arrays[0]), step)
    return np.concatenate([of(*(array[start : start + step] for array in arrays)) for start in starts])


def shifted_correlations(
    first: Float[np.ndarray, "count rows"], second: Float[np.ndarray, "count rows"]
) -> Float[np.ndarray, "count rows"]:
    """Column s: sum over rows of first x second moved s rows later, the end put before the beginning."""
    product = np.fft.rfft(first, axis=1) * np.conj(np.fft.rfft(second, axis=1))
    return np.fft.irfft(product, n=first.shape[1], axis=1)


def phase_correlations(
    first: Float[np.ndarray, "count rows"],
    second: Float[np.ndarray, "count rows"],
    draws: int,
    rng: np.random.Generator,
) -> Float[np.ndarray, "count draws"]:
    """Sum over rows of first x second when the Fourier phases of one are uniform at random and its amplitudes stay.

    By Parseval no surrogate is made: the sum is (1/n) sum_k m_k |X_k Y_k| cos(phase), m_k = 2 but at the ends.
    Theiler et al. 1992, Physica D 58:77-94.
    """
    rows = first.shape[1]
    product = np.fft.rfft(first, axis=1) * np.conj(np.fft.rfft(second, axis=1))
    weight = np.full(product.shape[1], 2.0)
    weight[0] = 1.0
    phase = rng.uniform(0, 2 * np.pi, size=(product.shape[1], draws))
    phase[0] = 0.0  # the mean has no phase
    if rows % 2 == 0:
        weight[-1] = 1.0
        phase[-1] = np.pi * rng.integers(0, 2, draws)  # nor has the highest frequency, only a sign
    return (product.real * weight) @ np.cos(phase) / rows - (product.imag * weight) @ np.sin(phase) / rows


def effective_rows(
    first: Float[np.ndarray, "count lags"], second: Float[np.ndarray, "count lags"]
) -> Float[np.ndarray, "count"]:
    """How many independent rows have the variance of r that two autocorrelations give: n / v with
    v = 1 + 2 sum_k (1 - k/n) rho_k rho'_k, k up to n/5; at most n, at least 3.

    Bartlett 1946, Supplement to the Journal of the Royal Statistical Society 8:27-41; Pyper and Peterman 1998, Canadian
    Journal of Fisheries and Aquatic Sciences 55:2127-2140, eq. 1 (sums to n/5).
    """
    rows = first.shape[1]
    lag = np.arange(1, rows // 5 + 1)
    inflation = 1 + 2 * ((1 - lag / rows) * first[:, lag] * second[:, lag]).sum(axis=1)
    return np.clip(rows / np.maximum(inflation, SLACK), 3, rows)


def sign_flips(draws: int, rows: int, rng: np.random.Generator) -> Float[np.ndarray, "draws rows"]:
    """Random signs; all 2^rows - 1 that change anything, each once, where there are no more than `draws`."""
    if rows < 31 and 2**rows - 1 <= draws:
        bits = (np.arange(1, 2**rows)[:, None] >> np.arange(rows)) & 1
        return 1.0 - 2.0 * bits
    return rng.choice([-1.0, 1.0], size=(draws, rows))
