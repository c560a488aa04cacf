"""Which latents fire only where another does: a tree from firings alone."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Int

FEWEST = 5  # firings below which inclusion says nothing


def inclusion_parents(fires: Bool[np.ndarray, "samples latents"], share: float = 0.9) -> Int[np.ndarray, "latents"]:
    """For each latent the rarest more frequent latent that fires on at least `share` of its samples; -1 for none.

    A latent that fires on more than half of all samples includes others by being always on, and is nobody's parent.
    """
    counts = fires.sum(axis=0)
    together = fires.T.astype(np.float64) @ fires.astype(np.float64)
    includes = (together >= share * counts) & (counts[:, None] > counts) & (counts[:, None] <= len(fires) / 2)
    includes[:, counts < FEWEST] = False
    size = np.where(includes, counts[:, None], np.inf)
    if fires.shape[1] == 0:
        return np.zeros(0, int)
    return np.where(includes.any(axis=0), size.argmin(axis=0), -1)
