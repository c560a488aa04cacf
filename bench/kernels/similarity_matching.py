"""Likeness through correspondences: of units one to one or by transport, and of stimuli by their neighbours."""

from __future__ import annotations

import math

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

    Exact: with every unit and site split into equal copies, as many on both sides, some best transport is an
    assignment of copies. For equally many units and sites it is the one-to-one matching.
    """
    units, sites = correlations.shape
    copies = math.lcm(units, sites)
    split = np.repeat(np.repeat(correlations, copies // units, axis=0), copies // sites, axis=1)
    return float(split[linear_sum_assignment(split, maximize=True)].mean())


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


def gromov_wasserstein(
    one: Float[np.ndarray, "n n"], other: Float[np.ndarray, "n n"], *, steps: int = 100, tolerance: float = 1e-9
) -> float:
    """Distortion sum (D_ij - E_kl)^2 T_ik T_jl at a local optimum of the transport T, uniform marginals (Memoli 2011).

    Conditional gradient with exact line search (Vayer et al. 2019, algorithm 2) from the uniform plan, which knows no
    correspondence of stimuli; the linear step is an assignment, as both sides have equally many points. It stops when a
    step gains less than `tolerance` of the distortion.
    """
    n = len(one)
    fixed = np.square(one).mean() + np.square(other).mean()
    plan = np.full((n, n), 1 / n**2)
    distortion = fixed - 2 * np.sum(plan * (one @ plan @ other))
    for _ in range(steps):
        towards = np.zeros((n, n))
        towards[linear_sum_assignment(one @ plan @ other, maximize=True)] = 1 / n
        move = towards - plan
        linear, quadratic = -4 * np.sum(move * (one @ plan @ other)), -2 * np.sum(move * (one @ move @ other))
        length = min(1.0, -linear / (2 * quadratic)) if quadratic > 0 else 1.0
        gain = -(linear * length + quadratic * length**2)
        if gain <= tolerance * fixed:
            break
        plan, distortion = plan + length * move, distortion - gain
    return float(distortion)


def _unit_columns(columns: Activations) -> Activations:
    centred = columns - columns.mean(axis=0)
    size = np.linalg.norm(centred, axis=0)
    return centred / np.where(size > 0, size, 1.0)
