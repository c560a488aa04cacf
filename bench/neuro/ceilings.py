"""Noise ceilings: how much of a response repeats, and so the most that any model can reach.

With s the ratio of signal to noise variance in one repeat, the mean of R repeats has reliability
rho_R = s / (s + 1/R): the share of its variance that is signal. The most that corr(model, mean of R repeats) can reach
is sqrt(rho_R), the most that R^2 can reach is rho_R. So a normalised correlation is r / sqrt(rho_R), never r / rho_R,
and it is not clipped: an estimate may exceed 1.

The estimands differ and are not to be mixed: `corrected_explained_variance` estimates rho_1, `split_half` rho_R.
"""

from __future__ import annotations

import itertools

import numpy as np
from jaxtyping import Float

from bench.kernels.correlation import correlate_columns


def reliability(signal_to_noise: Float[np.ndarray, "*any"], repeats: int = 1) -> Float[np.ndarray, "*any"]:
    """rho_R = s / (s + 1/R) from the variance ratio s of one repeat."""
    return signal_to_noise / (signal_to_noise + 1 / repeats)


def spearman_brown(r: Float[np.ndarray, "*any"], factor: float = 2.0) -> Float[np.ndarray, "*any"]:
    """Reliability of `factor` times as many repeats: k r / (1 + (k - 1) r); k = 2 takes a half to the whole.

    Apply it to the *mean* r over splits: it is concave for k > 1, so that the mean of prophecies lies lower. Raises
    `ValueError` where 1 + (k - 1) r is not positive: the prophecy is not defined there. Spearman 1910; Brown 1910.
    """
    below = 1 + (factor - 1) * np.asarray(r)
    if (below <= 0).any():
        raise ValueError(
            f"a correlation of {np.min(r):.3g} between halves has no reliability of {factor} times as many"
        )
    return factor * np.asarray(r) / below


def split_half(
    repeats: Float[np.ndarray, "repeats time targets"], rng: np.random.Generator, *, splits: int = 100
) -> Float[np.ndarray, "targets"]:
    """Estimate of rho_R: Spearman-Brown of the mean correlation between the means of random halves, per target.

    All splits are used where there are no more than `splits` of them. Raises `ValueError` for fewer than 2 repeats and
    for an odd number of them: the halves would not be alike.
    """
    count = len(repeats)
    if count < 2 or count % 2:
        raise ValueError(f"{count} repeats cannot be cut into two equal halves")
    r = np.mean([_between(repeats, np.array(half)) for half in _halves(count, rng, splits)], axis=0)
    return spearman_brown(r)


def explained_variance(repeats: Float[np.ndarray, "repeats time targets"]) -> Float[np.ndarray, "targets"]:
    """Variance of the mean over standardised repeats: (1 + (R - 1) r) / R with r the mean correlation of pairs.

    It is above 0 for pure noise (1/R); `corrected_explained_variance` is not.
    """
    centred = repeats - repeats.mean(axis=1, keepdims=True)
    standard = centred / centred.std(axis=1, keepdims=True)
    return standard.mean(axis=0).var(axis=0)


def corrected_explained_variance(repeats: Float[np.ndarray, "repeats time targets"]) -> Float[np.ndarray, "targets"]:
    """Estimate of rho_1: EV - (1 - EV) / (R - 1), which equals the mean correlation over pairs of repeats.

    Sahani and Linden 2003; Hsu, Borst and Theunissen 2004.
    """
    share = explained_variance(repeats)
    return share - (1 - share) / (len(repeats) - 1)


def _halves(count: int, rng: np.random.Generator, splits: int) -> list[tuple[int, ...]]:
    """First halves that hold repeat 0, so that no split comes twice; a random choice where there are too many."""
    rest = list(itertools.combinations(range(1, count), count // 2 - 1)) if count <= 16 else []
    if rest and len(rest) <= splits:
        return [(0, *half) for half in rest]
    return [tuple(rng.permutation(count)[: count // 2]) for _ in range(splits)]


def _between(repeats: Float[np.ndarray, "repeats time targets"], half: np.ndarray) -> Float[np.ndarray, "targets"]:
    chosen = np.isin(np.arange(len(repeats)), half)
    return correlate_columns(repeats[chosen].mean(axis=0), repeats[~chosen].mean(axis=0))
