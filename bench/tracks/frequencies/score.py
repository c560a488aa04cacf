"""Whether the frequencies that the network adds with score highest, and whether those that are named are used.

Where the used set is certified, agreement is the area under the ROC curve of the scores against it. Where no gap allows
a set, frequencies are compared by what the margin loses without them, and those count as equal that differ by less than
a tenth of the largest loss: P(score_i > score_j | falls_i - falls_j >= .1 max falls), ties counting half.
"""

from __future__ import annotations

import numpy as np

from bench.kernels.ranking import concordance, f1
from bench.tracks.frequencies.types import Answer, Problem, Truth

METRICS = {
    "agreement": {
        "title": "Used frequencies first", "version": 1, "role": "headline", "units": "live", "range": [0, 1],
        "direction": "higher", "floor": 0.5, "ceiling": 1.0,
        "reference": "Harrell et al. (1982), JAMA 247:2543-2546 (concordance; of two values it is the area under ROC)",
        "description": "Chance that a frequency that is used outscores one that is not; or the more used one.",
    },
    "set_f1": {
        "title": "F1 of named frequencies", "version": 1, "role": "report", "units": "live", "range": [0, 1],
        "direction": "higher", "floor": None, "ceiling": 1.0,
        "reference": "van Rijsbergen (1979), Information Retrieval, chapter 7",
        "description": "F1 of the frequencies named, where the used set is certified.",
    },
    "exact_set": {
        "title": "Used set named exactly", "version": 1, "role": "report", "units": "live", "range": [0, 1],
        "direction": "higher", "floor": None, "ceiling": 1.0,
        "reference": "Nanda et al. (2023), Progress measures for grokking via mechanistic interpretability, ICLR",
        "description": "Whether the frequencies named are the used ones, where that set is certified.",
    },
    "named_in_nulls": {
        "title": "Frequencies named where none is used", "version": 1, "role": "headline", "units": "null",
        "range": [0, 1], "direction": "lower", "floor": None, "ceiling": None, "gate": {"max": 0.1},
        "reference": "Shi et al. (2024), Hypothesis testing the circuit hypothesis in LLMs, NeurIPS, arXiv:2410.13032",
        "description": "Share of null units on which any frequency is named.",
    },
}  # fmt: skip
RESOLVED = 0.1


def score(problem: Problem, truth: Truth, answer: Answer) -> dict[str, float]:
    if truth.null:
        return {"named_in_nulls": float(answer.uses.any())}
    if not truth.certified:
        return {"agreement": concordance(answer.scores, truth.falls, RESOLVED * float(truth.falls.max()))}
    return {
        "agreement": concordance(answer.scores, truth.uses.astype(float)),
        "set_f1": f1(answer.uses, truth.uses),
        "exact_set": float(np.array_equal(answer.uses, truth.uses)),
    }
