"""What subjects who had the same stimulus share."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float


def pairwise_correlation(responses: Float[np.ndarray, "subjects time targets"]) -> Float[np.ndarray, "targets"]:
    """Mean correlation over all pairs of subjects, per target: the reliability rho_1 of one subject's response.

    The most that a model of the shared signal can reach in one subject is its root; r / sqrt(rho_1) is
    *shared-signal normalised*, since what is reproducible in one subject alone is not counted.
    """
    standard = _standardised(responses)
    subjects, time = standard.shape[:2]
    of_sum = np.square(standard.sum(axis=0)).sum(axis=0) / time  # sum over all pairs, each subject with itself too
    return (of_sum - subjects) / (subjects * (subjects - 1))


def leave_one_out_correlation(responses: Float[np.ndarray, "subjects time targets"]) -> Float[np.ndarray, "targets"]:
    """Mean correlation of each subject with the mean of all others, per target: about sqrt(rho_1 rho_(n-1)).

    The mean of the others weighs each by its scale: bring subjects to one unit first.
    """
    total = responses.sum(axis=0)
    others = _standardised((total - responses) / (len(responses) - 1))
    return (_standardised(responses) * others).mean(axis=(0, 1))


def _standardised(responses: Float[np.ndarray, "subjects time targets"]) -> Float[np.ndarray, "subjects time targets"]:
    centred = responses - responses.mean(axis=1, keepdims=True)
    return centred / centred.std(axis=1, keepdims=True)
