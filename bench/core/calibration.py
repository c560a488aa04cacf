"""The unit of cost: CPU seconds of a fixed numpy kernel, timed in the same run and on the same machine as a method."""

from __future__ import annotations

import statistics
import time
from functools import cache

import numpy as np
import threadpoolctl

MATRIX, SIGNALS, LENGTH, REPEATS = 640, 96, 2**14, 3


def kernel(matrix: np.ndarray, signals: np.ndarray) -> float:
    """Matrix products and Fourier transforms in float64: some 0.05 to 0.1 s on one core."""
    product = matrix
    for _ in range(4):
        product = matrix @ product
        product /= np.abs(product).max()
    spectrum = np.fft.rfft(signals, axis=1)
    return float(product.sum() + np.abs(np.fft.irfft(spectrum * np.conj(spectrum), axis=1)).sum())


@cache
def calibrate(threads: int = 1) -> float:
    """CPU seconds of `kernel` on `threads` BLAS threads: the median of three runs after one that warms up, once a
    process (a job of the workflow is one)."""
    rng = np.random.default_rng(0)
    matrix, signals = rng.standard_normal((MATRIX, MATRIX)), rng.standard_normal((SIGNALS, LENGTH))
    with threadpoolctl.threadpool_limits(threads):
        kernel(matrix, signals)
        return statistics.median(_timed(matrix, signals) for _ in range(REPEATS))


def _timed(matrix: np.ndarray, signals: np.ndarray) -> float:
    began = time.process_time()
    kernel(matrix, signals)
    return time.process_time() - began
