"""Likeness through correspondences: of units one to one or by transport, and of stimuli by their neighbours."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float
from scipy.optimize import linear_sum_assignment

Activations = Float[np.ndarray, "stimuli units"]


def unit_correlations(one: Activations, other: Float[np.ndarray, "stimuli sites"]) -> Float[np.ndarray, "units sites"]:
    """Pearson's r of every unit with every site; 0 with a constant one."""
    return _unit_columns(one).T @ _unit_columns(other)


def one_to_one(correlations: Float[np.ndarray, "units sites"]) -> float:
    """Mean r over the pairs of the best one-to-one matching, as many as the smaller side has (Li et al. 2015)."""
    return float(correlations[linear_sum_assignment(correlations, maximize=True)].mean())


def soft_matching(correlations: Float[np.ndarray, "units sites"]) -> float:
    """Sum of T r under the best transport T with uniform marginals (Khosla and Williams 2024, eq. 3).

    For equally many units and sites it is the one-to-one matching. Solved exactly, as a linear program.
    """
    import ot

    return -float(ot.emd2([], [], -correlations))


def neighbours(squared_distances: Float[np.ndarray, "*batch n n"], count: int) -> Bool[np.ndarray, "*batch n n"]:
    """The `count` nearest rows of each row, itself left out."""
    distances = squared_distances + np.where(np.eye(squared_distances.shape[-1], dtype=bool), np.inf, 0.0)
    nearest = np.argpartition(distances, count - 1, axis=-1)[..., :count]
    found = np.zeros(distances.shape, bool)
    np.put_along_axis(found, nearest, True, axis=-1)
    return found


def shared_neighbours(
    ones: Bool[np.ndarray, "ones n n"], others: Bool[np.ndarray, "others n n"]
) -> Float[np.ndarray, "ones others"]:
    """Mean share of nearest neighbours that two geometries have in common (Huh et al. 2024, eq. 11).

    For unrelated ones it is count / (n - 1) on average.
    """
    first, second = (some.reshape(len(some), -1).astype(float) for some in (ones, others))
    return first @ second.T / first[0].sum()


def gromov_wasserstein(one: Float[np.ndarray, "n n"], other: Float[np.ndarray, "m m"]) -> float:
    """Distortion sum |D_ij - E_kl|^2 T_ik T_jl at a local optimum of the transport T, uniform marginals (Memoli 2011).

    The search (conditional gradient) starts from the uniform plan, which knows no correspondence of stimuli.
    """
    import ot

    return float(ot.gromov.gromov_wasserstein2(one, other, max_iter=100))


def _unit_columns(columns: Activations) -> Activations:
    centred = columns - columns.mean(axis=0)
    size = np.linalg.norm(centred, axis=0)
    return centred / np.where(size > 0, size, 1.0)
