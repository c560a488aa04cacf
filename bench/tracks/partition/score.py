"""How far the shares are from those of the population, in the sense that the answer itself names.

Senses differ in size: where spaces are correlated little is unique, and an answer of zeros is nearly right. The
headline therefore divides the error by that of the best equal shares in the same sense,

    sum over spaces b and targets t of |share - truth| / sum of |mean over spaces of truth - truth|,

which is 0 for the truth and 1 for whoever knows all but which space is which. Where spaces hardly differ in a sense
(unrelated spaces have nothing in common), the divisor is no less than a quarter of that of the product measure.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from bench.kernels.correlation import determination
from bench.kernels.shares import ESTIMANDS
from bench.tracks.partition.types import Answer, Problem, Truth

METRICS = {
    "share_error": {
        "title": "Error of shares", "version": 1, "role": "headline", "units": "live", "range": [0, None],
        "direction": "lower", "floor": {"control": "equal_shares"}, "ceiling": {"control": "oracle"},
        "reference": "Groemping (2007), The American Statistician 61:139-147; Dupre la Tour et al. (2022), NeuroImage"
        " 264:119728",
        "description": "Sum of absolute errors over that of the best equal shares, in the sense that is answered:"
        " 0 for the truth, 1 for equal shares of the right total.",
    },
    "absolute_error": {
        "title": "Absolute error of shares", "version": 1, "role": "report", "units": "live", "range": [0, None],
        "direction": "lower", "floor": {"control": "equal_shares"}, "ceiling": {"control": "oracle"},
        "reference": "Dupre la Tour et al. (2022), NeuroImage 264:119728",
        "description": "Mean absolute error over spaces, as a fraction of what all spaces explain, mean over targets."
        " Not comparable between senses.",
    },
    "top_space": {
        "title": "Largest share found", "version": 1, "role": "report", "units": "live", "range": [0, 1],
        "direction": "higher", "floor": {"control": "equal_shares"}, "ceiling": {"control": "oracle"},
        "reference": "Groemping (2007), The American Statistician 61:139-147",
        "description": "Share of targets whose space of largest share is the right one, in the sense that is answered.",
    },
    "joint_r2": {
        "title": "Joint R^2 over the oracle's", "version": 1, "role": "report", "units": "live", "range": [None, 1],
        "direction": "higher", "floor": 0.0, "ceiling": {"control": "oracle"},
        "reference": "Campbell and Thompson (2008), Review of Financial Studies 21:1509-1531, eq. 1",
        "description": "R^2 of the predictions from all spaces against the test responses without noise, mean over"
        " targets.",
    },
    "irrelevant_share": {
        "title": "Share of a space without a part", "version": 1, "role": "report", "units": "live",
        "range": [0, None], "direction": "lower", "floor": {"control": "equal_shares"},
        "ceiling": {"control": "oracle"},
        "reference": "Nunez-Elizalde, Huth and Gallant (2019), NeuroImage 197:482-492",
        "description": "What is given above 0 to spaces whose share is 0 in the sense that is answered, as a fraction"
        " of what all explain; left out where there is none.",
    },
    "false_share": {
        "title": "Variance explained by nothing", "version": 1, "role": "headline", "units": "null",
        "range": [0, None], "direction": "lower", "floor": None, "ceiling": None, "gate": {"max": 0.05},
        "reference": "Campbell and Thompson (2008), Review of Financial Studies 21:1509-1531, eq. 1",
        "description": "Sum over spaces of the shares above 0, mean over targets, where no space explains anything.",
    },
}  # fmt: skip

LEAST = 0.25  # of the product measure's divisor: the least one of any sense
ROUNDING = 1e-9  # of a share, which has no unit: truths below it are 0


def score(problem: Problem, truth: Truth, answer: Answer) -> dict[str, float]:
    if truth.null:
        return {"false_share": float(np.maximum(answer.shares, 0).sum(axis=0).mean())}
    right, product = (truth.shares[ESTIMANDS.index(name)] for name in (answer.estimand, "product"))
    wrong = np.abs(answer.shares - right)
    fit = determination(answer.predictions, truth.test_signal, problem.responses.mean(axis=0))
    values = {
        "share_error": float(wrong.sum() / max(equal_error(right), LEAST * equal_error(product))),
        "absolute_error": float((wrong.mean(axis=0) / truth.explained).mean()),
        "top_space": float((answer.shares.argmax(axis=0) == right.argmax(axis=0)).mean()),
        "joint_r2": float(fit.mean()),
    }
    idle = np.abs(right) < ROUNDING
    if idle.any():
        given = np.where(idle, np.maximum(answer.shares, 0), 0.0).sum(axis=0)[idle.any(axis=0)]
        values["irrelevant_share"] = float((given / truth.explained[idle.any(axis=0)]).mean())
    return values


def equal_error(right: Float[np.ndarray, "spaces targets"]) -> float:
    """Absolute error of giving every space the mean share of its target."""
    return float(np.abs(right - right.mean(axis=0)).sum())
