"""How good stated probabilities of yes and no are."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

Probabilities = Float[np.ndarray, "items"]
Labels = Bool[np.ndarray, "items"]


def brier(stated: Probabilities, labels: Labels) -> float:
    """Mean squared distance of probabilities to what is true, in [0, 1] (Brier 1950): best in expectation where each
    probability is the true one."""
    return float(np.square(stated - labels).mean())


def false_discovery_rate(stated: Probabilities, labels: Labels, promised: float) -> float:
    """Share of false items among the likeliest whose probabilities promise at most `promised` of it on average.

    The largest set of the likeliest items, equal ones all together, with mean(1 - p) <= promised is taken; where there
    is none nothing is discovered and the rate is 0 (Benjamini and Hochberg 1995).
    """
    order = np.argsort(-stated, kind="stable")
    ordered = stated[order]
    expected = np.cumsum(1 - ordered) / np.arange(1, len(ordered) + 1)
    ends = np.append(ordered[1:] != ordered[:-1], True)
    taken = np.flatnonzero(ends & (expected <= promised))
    return float((~labels[order][: taken[-1] + 1]).mean()) if len(taken) else 0.0
