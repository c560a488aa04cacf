"""Which share of a variance each of several feature spaces explains, in the four senses that go by that name.

The explained variance of every subset of spaces says three of them. Subsets are numbered by their members' bits: space
b is in subset i where i >> b & 1, so that row 0 is no space and the last row all of them.

- *unique*: what is lost without the space, R2(all) - R2(all but b);
- *common*: what the space explains alone and others explain too, R2(b) - unique; negative under suppression;
- *lmg*: what the space adds, averaged over all orders in which spaces can enter (Shapley's value); sums to R2(all);
- *product*: the space's part of the full prediction times the response; sums to R2(all), may be negative.
"""

from __future__ import annotations

from collections.abc import Callable
from math import comb

import numpy as np
from jaxtyping import Bool, Float

ESTIMANDS = ("unique", "common", "product", "lmg")


def members(spaces: int) -> Bool[np.ndarray, "subsets spaces"]:
    """Who is in each subset."""
    return (np.arange(2**spaces)[:, None] >> np.arange(spaces) & 1).astype(bool)


def unique_shares(explained: Float[np.ndarray, "subsets targets"]) -> Float[np.ndarray, "spaces targets"]:
    """R2(all) - R2(all but b)."""
    spaces = int(np.log2(len(explained)))
    return explained[-1] - explained[len(explained) - 1 - 2 ** np.arange(spaces)]


def common_shares(explained: Float[np.ndarray, "subsets targets"]) -> Float[np.ndarray, "spaces targets"]:
    """R2(b) less what is unique to b. Nimon and Reio 2011, Human Resource Development Review 10:329-340."""
    spaces = int(np.log2(len(explained)))
    return explained[2 ** np.arange(spaces)] - unique_shares(explained)


def lmg_shares(explained: Float[np.ndarray, "subsets targets"]) -> Float[np.ndarray, "spaces targets"]:
    """sum over subsets S without b of |S|! (m - |S| - 1)! / m! (R2(S and b) - R2(S)). Lindeman et al. 1980."""
    inside = members(int(np.log2(len(explained))))
    spaces, sizes = inside.shape[1], inside.sum(axis=1)
    shares = []
    for space in range(spaces):
        without = np.flatnonzero(~inside[:, space])
        weights = np.array([1 / (spaces * comb(spaces - 1, size)) for size in sizes[without]])
        shares.append(weights @ (explained[without + 2**space] - explained[without]))
    return np.stack(shares)


FROM_SUBSETS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "unique": unique_shares,
    "common": common_shares,
    "lmg": lmg_shares,
}


def product_shares(
    parts: Float[np.ndarray, "spaces rows targets"], observed: Float[np.ndarray, "rows targets"]
) -> Float[np.ndarray, "spaces targets"]:
    """sum_i p_b (2 y - p) / sum_i y^2, p the sum of the parts p_b: the parts of 1 - sum (y - p)^2 / sum y^2.

    Centre the responses first, by the mean that the parts were fitted to. Dupre la Tour et al. 2022, NeuroImage
    264:119728 (product measure).
    """
    unit = np.abs(observed).max(axis=0)
    parts, observed = parts / unit, observed / unit
    return np.einsum("srt,rt->st", parts, 2 * observed - parts.sum(axis=0)) / np.square(observed).sum(axis=0)
