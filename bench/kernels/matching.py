"""Two sets of directions beside each other: cosines, the best one-to-one matching, near copies."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import linear_sum_assignment


def cosines(
    first: Float[np.ndarray, "first width"], second: Float[np.ndarray, "second width"]
) -> Float[np.ndarray, "first second"]:
    """Cosines of all pairs of rows; a row of zeros has cosine 0 with everything. Scale of rows does not matter."""
    return _unit(first) @ _unit(second).T


def assign(
    similarity: Float[np.ndarray, "rows columns"],
) -> tuple[Int[np.ndarray, "pairs"], Int[np.ndarray, "pairs"]]:
    """Rows and columns of the one-to-one matching with the largest sum of similarities (Kuhn 1955, Naval Research
    Logistics Quarterly 2:83-97); min(rows, columns) pairs."""
    rows, columns = linear_sum_assignment(similarity, maximize=True)
    return rows, columns


def matched_cosine(truth: Float[np.ndarray, "features width"], found: Float[np.ndarray, "latents width"]) -> float:
    """Sum of |cosine| over the best matching, divided by the number of true directions.

    Not by the number of pairs: then one good latent and no other would score 1 (mean max-cosine and the MCC of
    Khemakhem et al. 2020 have this fault where the sizes differ).
    """
    similarity = np.abs(cosines(truth, found))
    return float(similarity[assign(similarity)].sum() / len(truth))


def copied(directions: Float[np.ndarray, "latents width"], cosine: float) -> float:
    """Share of rows that have another row at this cosine or above; 0 where there are none. Opposites are no copies."""
    if len(directions) == 0:
        return 0.0
    similarity = cosines(directions, directions)
    np.fill_diagonal(similarity, 0.0)
    return float((similarity.max(axis=1) >= cosine).mean())


def _unit(rows: Float[np.ndarray, "rows width"]) -> Float[np.ndarray, "rows width"]:
    rows = np.asarray(rows, np.float64)
    largest = np.abs(rows).max(axis=1, initial=0.0, keepdims=True)  # squares of small units would underflow
    rows = rows / np.where(largest > 0, largest, 1.0)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(length > 0, length, 1.0)
