"""Shape metrics: how alike two sets of activations are after the best rotation, not whitened, partly or fully."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

ROUNDING = 1e-10  # directions below this share of the largest singular value are rounding: they are not there
Activations = Float[np.ndarray, "*batch stimuli units"]


def partly_whitened(activations: Activations, alpha: float) -> Activations:
    """X (alpha I + (1 - alpha) (X'X)^(-1/2)) of centred columns, brought to Frobenius norm 1 (Williams et al. 2021).

    X is first brought to a mean squared singular value of 1, so that alpha means the same in every unit. At 1 nothing
    is whitened (Procrustes), at 0 everything (canonical correlation); what does not vary stays 0.
    """
    centred = activations - activations.mean(axis=-2, keepdims=True)
    left, sizes, right = np.linalg.svd(centred, full_matrices=False)
    largest = sizes.max(axis=-1, keepdims=True)
    present = sizes > ROUNDING * largest
    mean = np.sqrt(np.square(sizes).sum(axis=-1, keepdims=True) / np.maximum(present.sum(axis=-1, keepdims=True), 1))
    blended = np.where(present, alpha * sizes / np.where(mean > 0, mean, 1.0) + (1 - alpha), 0.0)
    total = np.linalg.norm(blended, axis=-1, keepdims=True)
    return (left * (blended / np.where(total > 0, total, 1.0))[..., None, :]) @ right


def nuclear_norm(matrices: Float[np.ndarray, "*batch rows columns"]) -> Float[np.ndarray, "*batch"]:
    """Sum of singular values, from the eigenvalues of the smaller Gram matrix (exact to about 1e-8 of the largest)."""
    flipped = np.swapaxes(matrices, -1, -2)
    gram = matrices @ flipped if matrices.shape[-2] <= matrices.shape[-1] else flipped @ matrices
    return np.sqrt(np.maximum(np.linalg.eigvalsh(gram), 0.0)).sum(axis=-1)


def rotation_similarity(
    one: Float[np.ndarray, "stimuli units"], others: Float[np.ndarray, "others stimuli sites"]
) -> Float[np.ndarray, "others"]:
    """max over rotations Q of <X Q, Y> = |X'Y|_*: for matrices of norm 1 the cosine of the angular shape distance.

    The same number is the normalised Bures similarity (fidelity) of the Gram matrices XX' and YY', and 1 - half the
    squared Procrustes distance (Harvey, Larsen and Williams 2024, arXiv:2311.11436).
    """
    return nuclear_norm(np.swapaxes(others, -1, -2) @ one)
