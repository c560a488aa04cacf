"""How likely a region's responses are if they are a random mixture of given features: pattern component models."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

RATIOS = np.concatenate([[0.0], np.logspace(-5, 4, 37)])  # signal to noise variance per stimulus, of one site


def spectrum(gram: Float[np.ndarray, "n n"]) -> tuple[Float[np.ndarray, "k"], Float[np.ndarray, "n k"]]:
    """Eigenvalues, scaled to a mean of 1, and eigenvectors on the contrasts that sum to 0 over stimuli."""
    n = len(gram)
    contrasts = np.linalg.qr(np.eye(n)[:, : n - 1] - 1 / n)[0]
    values, inside = np.linalg.eigh(contrasts.T @ gram @ contrasts)
    values = np.maximum(values, 0.0)
    mean = values.mean()
    return values / (mean if mean > 0 else 1.0), contrasts @ inside


def component_log_likelihood(
    values: Float[np.ndarray, "k"],
    vectors: Float[np.ndarray, "stimuli k"],
    responses: Float[np.ndarray, "regions stimuli sites"],
    ratios: Float[np.ndarray, "ratios"] = RATIOS,
) -> Float[np.ndarray, "regions ratios"]:
    """Log likelihood (nats) of independent sites y ~ N(0, v (r G + I)) at the best noise variance v, for each ratio r.

    G has the `spectrum` given. The mean over stimuli is projected out first (restricted likelihood) and v is profiled
    in closed form; a ratio of 0 is no signal. Diedrichsen, Yokoi and Arbuckle (2018), NeuroImage 180:119-133, eq. 5-8.
    """
    power = np.square(np.einsum("nk,rns->rks", vectors, responses, optimize=True)).sum(axis=2)
    variances = ratios[:, None] * values + 1
    count, sites = len(values), responses.shape[2]
    noise = (power[:, None, :] / variances).sum(axis=2) / (count * sites)
    return -0.5 * sites * (count * np.log(2 * np.pi * noise) + np.log(variances).sum(axis=1) + count)
