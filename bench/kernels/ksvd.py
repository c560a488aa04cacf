"""K-SVD: a dictionary whose atoms are fitted one by one, each with the codes of the samples that use it.

Alternates sparse codes (orthogonal matching pursuit) with, for every atom, the best rank-one approximation of what the
other atoms leave of the samples that use it (Aharon, Elad and Bruckstein 2006, IEEE Transactions on Signal Processing
54:4311-4322, figure 2). An atom that no sample uses becomes the sample that is explained worst.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from bench.kernels.pursuit import orthogonal_matching_pursuit

Values = Float[np.ndarray, "samples width"]
Atoms = Float[np.ndarray, "atoms width"]
Codes = Float[np.ndarray, "samples atoms"]


def ksvd(
    values: Values, atoms: int, active: int, rng: np.random.Generator, *, rounds: int = 15, tolerance: float = 0.0
) -> Atoms:
    """Atoms of length 1, started at samples; `active` and `tolerance` are those of the pursuit."""
    long_enough = np.flatnonzero(np.square(values).sum(axis=1) > 0)
    started = values[rng.choice(long_enough, atoms, replace=len(long_enough) < atoms)]
    directions = started / np.linalg.norm(started, axis=1, keepdims=True)
    for _ in range(rounds):
        codes = orthogonal_matching_pursuit(values, directions, active, tolerance)
        directions = update_atoms(values, directions, codes)
    return directions


def update_atoms(values: Values, directions: Atoms, codes: Codes) -> Atoms:
    """One sweep over the atoms; each sees the new atoms and codes of those before it."""
    directions, codes = directions.copy(), codes.copy()
    left = values - codes @ directions
    for atom in range(len(directions)):
        users = np.flatnonzero(codes[:, atom])
        if len(users) == 0:
            worst = left[np.square(left).sum(axis=1).argmax()]
            directions[atom] = worst / (np.linalg.norm(worst) or 1.0) if worst.any() else directions[atom]
            continue
        own = left[users] + np.outer(codes[users, atom], directions[atom])
        directions[atom], codes[users, atom] = rank_one(own)
        left[users] = own - np.outer(codes[users, atom], directions[atom])
    return directions


def rank_one(values: Values) -> tuple[Float[np.ndarray, "width"], Float[np.ndarray, "samples"]]:
    """The direction and the codes whose product is nearest to the values in squared error; codes are mostly positive.

    By the eigenvectors of the smaller moment matrix, which are the right singular vectors.
    """
    direction = np.linalg.eigh(values.T @ values)[1][:, -1]
    codes = values @ direction
    sign = 1.0 if codes.sum() >= 0 else -1.0
    return sign * direction, sign * codes
