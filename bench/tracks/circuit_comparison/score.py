"""How well scores put the candidates with the reference's algorithm first, and which were said to have it.

All networks behave alike, so that an answer which knows behaviour alone is chance: a random order of any number of
candidates has an area under the curve of one half.
"""

from __future__ import annotations

import numpy as np

from bench.kernels.proper import brier
from bench.kernels.ranking import auroc, f1, resolved
from bench.tracks.circuit_comparison.types import Answer, Problem, Truth

METRICS = {
    "same_auroc": {
        "title": "Same-algorithm AUROC", "version": 1, "role": "headline", "units": "live", "range": [0, 1],
        "direction": "higher", "floor": 0.5, "ceiling": {"control": "oracle"},
        "reference": "Hanley and McNeil (1982), Radiology 143:29-36",
        "description": "Chance that a candidate with the reference's algorithm outscores one with another, ties"
        " counting half.",
    },
    "same_f1": {
        "title": "F1 of those called the same", "version": 1, "role": "report", "units": "live", "range": [0, 1],
        "direction": "higher", "floor": {"control": "random_scores"}, "ceiling": {"control": "oracle"},
        "reference": "van Rijsbergen (1979), Information Retrieval, chapter 7",
        "description": "Of the candidates that the answer says implement the reference's algorithm; to call none is 0.",
    },
    "all_right": {
        "title": "Every candidate right", "version": 1, "role": "report", "units": "live", "range": [0, 1],
        "direction": "higher", "floor": {"control": "random_scores"}, "ceiling": {"control": "oracle"},
        "reference": "Geiger et al. (2021), Causal abstractions of neural networks, NeurIPS, arXiv:2106.02997",
        "description": "Whether the candidates called the same are exactly those that are.",
    },
    "brier": {
        "title": "Brier score", "version": 1, "role": "report", "units": "live", "range": [0, 1],
        "direction": "lower", "floor": None, "ceiling": 0.0,
        "reference": "Brier (1950), Monthly Weather Review 78:1-3",
        "description": "Mean squared error of the probabilities that a candidate is the same, where they are given.",
    },
    "false_same": {
        "title": "Called the same where none is", "version": 1, "role": "headline", "units": "null", "range": [0, 1],
        "direction": "lower", "floor": None, "ceiling": None, "gate": {"max": 0.1},
        "reference": "Geiger et al. (2021), Causal abstractions of neural networks, NeurIPS, arXiv:2106.02997",
        "description": "Share of the candidates called the same on units where no candidate is; read it beside F1.",
    },
}  # fmt: skip


def score(problem: Problem, truth: Truth, answer: Answer) -> dict[str, float]:
    if truth.null:
        return {"false_same": float(answer.same.mean())}
    found = {
        "same_auroc": auroc(resolved(answer.scores), truth.same),
        "same_f1": f1(answer.same, truth.same),
        "all_right": float(np.array_equal(answer.same, truth.same)),
    }
    if answer.probabilities is not None:
        found["brier"] = brier(answer.probabilities, truth.same)
    return found
