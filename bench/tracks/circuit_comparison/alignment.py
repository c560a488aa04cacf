"""How well the nodes of two networks pair off, given how alike each two of them are."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float


def best_matches(alike: Float[np.ndarray, "nodes others"]) -> float:
    """Mean over the nodes of both networks of the likeness to the best counterpart; 0 where a network has none."""
    if not alike.size:
        return 0.0
    return float(np.concatenate([alike.max(axis=1), alike.max(axis=0)]).mean())
