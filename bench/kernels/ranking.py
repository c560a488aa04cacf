"""How well scores rank the true items first, and how well a chosen set matches them."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float
from scipy.stats import rankdata

Scores = Float[np.ndarray, "items"]
Labels = Bool[np.ndarray, "items"]

RESOLUTION = 2.0**40  # steps between 0 and the largest score: a thousand times rounding in float64


def auroc(scores: Scores, labels: Labels) -> float:
    """Chance that a true item outscores a false one, a tie counting half (Mann-Whitney U / (P N); Hanley and McNeil
    1982, Radiology 143:29-36). Raises ValueError where there are no true or no false items."""
    positives, negatives = _both(labels)
    ranks = rankdata(scores)[labels].sum()
    return float((ranks - positives * (positives + 1) / 2) / (positives * negatives))


def concordance(scores: Scores, values: Scores, margin: float = 0.0) -> float:
    """Chance that of two items with different values the one with the larger value scores higher, a tie of the scores
    counting half (Harrell et al. 1982, JAMA 247:2543-2546). `auroc` is the case of two values. Values that differ by
    `margin` or less count as equal. Raises ValueError where all values are equal."""
    larger = values[:, None] > values + margin
    if not larger.any():
        raise ValueError(f"all {len(values)} values are equal: there is no order to agree with")
    won = (scores[:, None] > scores) + 0.5 * (scores[:, None] == scores)
    return float(won[larger].mean())


def resolved(scores: Scores) -> Scores:
    """Scores as multiples of 2^-40 (9e-13) of the largest magnitude, rounded: what differs by less is a tie.

    Sums that cancel leave some 1e-16 to 1e-15 of their terms, of either sign and in an order that the weights fix: to
    rank by it is to rank by rounding. Only scores that span more than twelve decades lose an order that they meant.
    """
    largest = np.fmax.reduce(np.abs(scores), initial=0.0)  # what is missing stays missing
    return np.round(scores / largest * RESOLUTION) if largest else scores


def average_precision(scores: Scores, labels: Labels) -> float:
    """Sum over distinct thresholds of precision times the gain in recall; tied items enter together."""
    positives, _ = _both(labels)
    order = np.argsort(-scores, kind="stable")
    last_of_tie = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    found = np.cumsum(labels[order])[last_of_tie]
    return float(np.sum(np.diff(found, prepend=0) * found / (last_of_tie + 1)) / positives)


def average_precision_by_chance(positives: int, items: int) -> float:
    """Mean average precision of a random order without ties: q + (H_n / n)(1 - q) with q = (P - 1) / (n - 1).

    It is above the base rate P / n, by far where n is small (Bestgen 2015, RANLP, exact formula).
    """
    q = (positives - 1) / (items - 1)
    harmonic = float(np.sum(1 / np.arange(1, items + 1)))
    return q + harmonic / items * (1 - q)


def pessimistic_auc(rates: Float[np.ndarray, "points 2"]) -> float:
    """Area of the staircase below ROC points (false, true positive rate): sum of (1 - FPR_i+1)(TPR_i+1 - TPR_i).

    Conmy et al. 2023, NeurIPS, appendix: a circuit between two found ones is assumed to be the worse in both rates.
    (0, 0) and (1, 1) are added. Not comparable with `auroc`: the diagonal scores 0. Raises ValueError where the true
    rate falls as the false rate grows.
    """
    points = np.unique(np.vstack([[0, 0], rates, [1, 1]]), axis=0)
    gains = np.diff(points[:, 1])
    if (gains < 0).any():
        raise ValueError("the true positive rate falls along the points; give one point per false positive rate")
    return float(np.sum((1 - points[1:, 0]) * gains))


def rates(chosen: Labels, labels: Labels) -> tuple[float, float]:
    """False and true positive rate of a chosen set."""
    positives, negatives = _both(labels)
    return float((chosen & ~labels).sum() / negatives), float((chosen & labels).sum() / positives)


def f1(chosen: Labels, labels: Labels) -> float:
    """Harmonic mean of precision and recall, 2 TP / (|chosen| + |true|); 0 where nothing true is chosen."""
    return float(2 * (chosen & labels).sum() / max(1, chosen.sum() + labels.sum()))


def jaccard(chosen: Labels, labels: Labels) -> float:
    """Items in both sets over items in either (Jaccard 1912); 1 for two empty sets."""
    either = (chosen | labels).sum()
    return float((chosen & labels).sum() / either) if either else 1.0


def _both(labels: Labels) -> tuple[int, int]:
    positives = int(labels.sum())
    if not 0 < positives < len(labels):
        raise ValueError(f"{positives} of {len(labels)} items are true: a ranking needs true and false ones")
    return positives, len(labels) - positives
