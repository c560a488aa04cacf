"""Mean squares of repeated responses, some of which may be missing, and reliabilities that follow from them.

Repeats are rows: `responses[r, i, t]` is the response of target t to stimulus i in repeat r where `present[r, i]`; what
stands elsewhere counts for nothing. The estimand is the reliability of the mean over the repeats that are there,
rho = signal variance / (signal variance + noise variance mean_i(1 / R_i)): with R_i = R everywhere, rho_R.
"""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from scipy import special

Responses = Float[np.ndarray, "repeats stimuli targets"]
Present = Bool[np.ndarray, "repeats stimuli"]


class MeanSquares(NamedTuple):
    """Variance of the stimulus means, noise variance of one repeat, their degrees of freedom, mean of 1 / R_i."""

    of_means: Float[np.ndarray, "targets"]
    noise: Float[np.ndarray, "targets"]
    between: float
    within: float
    share: float

    @property
    def reliability(self) -> Float[np.ndarray, "targets"]:
        """1 - noise variance of a mean / variance of the means; negative where the means vary less than noise would.
        Of balanced repeats it is (MSB - MSW) / MSB, the intraclass correlation of the mean."""
        return 1 - self.noise * self.share / self.of_means

    def interval(self, level: float) -> tuple[Float[np.ndarray, "targets"], Float[np.ndarray, "targets"]]:
        """Of the reliability: F (1 - rho), F = 1 / (1 - estimate), has an F distribution for balanced Gaussian repeats.

        McGraw and Wong 1996, Psychological Methods 1:30-46, table 7.
        """
        ratio = 1 - self.reliability
        shares = (1 + level) / 2, (1 - level) / 2
        low, high = (1 - ratio * special.fdtri(self.between, self.within, share) for share in shares)
        return low, high


def mean_squares(responses: Responses, present: Present, *, centred: bool) -> MeanSquares:
    """One-way analysis of variance over stimuli; `centred` takes out the mean of every repeat first (two-way).

    Raises `ValueError` where no stimulus has two repeats: nothing tells signal from noise.
    """
    there = present[..., None].astype(float)
    counts = present.sum(axis=0)
    if counts.max() < 2:
        raise ValueError("no stimulus was repeated")
    values = np.where(there > 0, responses, 0.0)
    if centred:
        values = values - (values.sum(axis=1) / present.sum(axis=1)[:, None])[:, None] * there
    means = values.sum(axis=0) / counts[:, None]
    squares = ((values - means * there) ** 2).sum(axis=(0, 1))
    within = float(present.sum() - len(counts) - (len(present) - 1 if centred else 0))
    return MeanSquares(
        means.var(axis=0, ddof=1), squares / within, len(counts) - 1.0, within, float((1 / counts).mean())
    )


def mean_response(responses: Responses, present: Present) -> Float[np.ndarray, "stimuli targets"]:
    """Mean over the repeats that are there."""
    return np.where(present[..., None], responses, 0.0).sum(axis=0) / present.sum(axis=0)[:, None]


def prophecy(one: Float[np.ndarray, "targets"], share: float) -> Float[np.ndarray, "targets"]:
    """Reliability of the mean from that of one repeat: Spearman-Brown with 1 / share repeats, k r / (1 + (k - 1) r).

    The prophecy has a pole at r = -1 / (k - 1); the denominator is kept above a tenth, so that a target whose r lies
    beyond it is very unreliable and not infinitely so.
    """
    factor = 1 / share
    return factor * one / np.maximum(1 + (factor - 1) * one, 0.1)


def pairwise(responses: Responses, present: Present) -> Float[np.ndarray, "targets"]:
    """Mean correlation over pairs of repeats, each over the stimuli that both have; pairs count by their stimuli."""
    total, weight = np.zeros(responses.shape[2]), 0
    for first in range(len(responses)):
        for second in range(first):
            both = present[first] & present[second]
            if both.sum() > 2:
                total += both.sum() * correlate(responses[first, both], responses[second, both])
                weight += int(both.sum())
    return total / weight


def correlate(
    first: Float[np.ndarray, "stimuli targets"], second: Float[np.ndarray, "stimuli targets"]
) -> Float[np.ndarray, "targets"]:
    """Pearson's r, target by target."""
    one, other = first - first.mean(axis=0), second - second.mean(axis=0)
    return (one * other).sum(axis=0) / np.sqrt((one**2).sum(axis=0) * (other**2).sum(axis=0))


Halves = tuple[Bool[np.ndarray, "repeats stimuli"], Bool[np.ndarray, "repeats stimuli"]]


def halves(present: Present, size: int, most: int, rng: np.random.Generator) -> list[Halves]:
    """`most` ways to cut repeats into two disjoint sets of `size`: all of them where no repeat is missing and there are
    no more, else random ones (`random_halves`)."""
    repeats = range(len(present))
    if present.all() and math.comb(len(present), size) * math.comb(len(present) - size, size) <= 2 * most:
        pairs = [
            (one, other)
            for one in itertools.combinations(repeats, size)
            for other in itertools.combinations(repeats, size)
            if one[0] < other[0] and not set(one) & set(other)
        ]
        chosen = [[np.isin(repeats, half)[:, None] & present for half in pair] for pair in pairs]
        return [(one, other) for one, other in chosen]
    return [random_halves(present, size, rng) for _ in range(most)]


def random_halves(present: Present, size: int, rng: np.random.Generator) -> Halves:
    """Two disjoint sets of `size` repeats for every stimulus that has twice as many; none for the others.

    Where no repeat is missing they are the same for all stimuli, so that offsets of repeats stay out of correlations.
    """
    draws = rng.random((len(present), 1 if present.all() else present.shape[1]))
    order = np.argsort(np.where(present, draws, 2.0), axis=0).argsort(axis=0)
    enough = present.sum(axis=0) >= 2 * size
    return (order < size) & enough, (order >= size) & (order < 2 * size) & enough
