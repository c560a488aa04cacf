"""Sparse codes over a given dictionary of unit directions: largest projections, and orthogonal matching pursuit."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

Codes = Float[np.ndarray, "samples latents"]

RIDGE = 1e-10  # of directions of length 1: two copies that both joined share a code instead of having none


def keep_largest(codes: Codes, active: int) -> Codes:
    """Each sample's `active` largest codes, all others 0; never more than there are."""
    active = min(max(active, 1), codes.shape[1])
    kept = np.argpartition(-codes, active - 1, axis=1)[:, :active]
    left = np.zeros_like(codes)
    np.put_along_axis(left, kept, np.take_along_axis(codes, kept, axis=1), axis=1)
    return left


def orthogonal_matching_pursuit(
    values: Float[np.ndarray, "samples width"],
    directions: Float[np.ndarray, "latents width"],
    active: int,
    tolerance: float = 0.0,
) -> Codes:
    """Codes with at most `active` entries a sample: the direction with the largest |projection| of what is left joins,
    then all that have joined are fitted by least squares (Pati et al. 1993, Asilomar; Tropp 2004, IEEE Transactions on
    Information Theory 50:2231-2242). A sample of whose square length no more than the share `tolerance` is left takes
    no further direction. All samples at once; directions have length 1.
    """
    gram, projections = directions @ directions.T, values @ directions.T
    length = np.square(values).sum(axis=1)
    codes, going = np.zeros(projections.shape), np.flatnonzero(length > 0)
    joined = np.zeros((len(going), 0), int)
    for _ in range(min(active, len(directions), values.shape[1])):
        left = np.abs(projections[going] - codes[going] @ gram)
        np.put_along_axis(left, joined, -1.0, axis=1)
        joined = np.hstack([joined, left.argmax(axis=1)[:, None]])
        fitted = _least_squares(gram, projections[going], joined)
        codes[going[:, None], joined] = fitted
        explained = (fitted * np.take_along_axis(projections[going], joined, axis=1)).sum(axis=1)
        unfinished = length[going] - explained > tolerance * length[going]
        going, joined = going[unfinished], joined[unfinished]
    return codes


def _least_squares(
    gram: Float[np.ndarray, "latents latents"], projections: Codes, joined: np.ndarray
) -> Float[np.ndarray, "samples joined"]:
    normal = gram[joined[:, :, None], joined[:, None, :]] + RIDGE * np.eye(joined.shape[1])
    return np.linalg.solve(normal, np.take_along_axis(projections, joined, axis=1)[:, :, None])[:, :, 0]
