"""Whether heads that play a role more strongly score higher, and whether the heads that are named do play it.

Strengths are measured, so heads are compared only where they differ by a tenth of the strongest:

    agreement = mean over roles of P(score_i > score_j | strength_i - strength_j >= .1 max strength), ties counting half

A constant or random score has 1/2, the order of strengths itself 1.
"""

from __future__ import annotations

import numpy as np

from bench.kernels.ranking import concordance, f1
from bench.tracks.roles.types import Answer, Problem, Truth

METRICS = {
    "agreement": {
        "title": "Agreement with role strengths", "version": 1, "role": "headline", "units": "live", "range": [0, 1],
        "direction": "higher", "floor": 0.5, "ceiling": 1.0,
        "reference": "Harrell et al. (1982), JAMA 247:2543-2546 (concordance)",
        "description": "Chance that of two heads that differ by a tenth of the strongest the stronger scores higher,"
        " averaged over roles.",
    },
    "first": {
        "title": "Strongest head found", "version": 1, "role": "report", "units": "live", "range": [0, 1],
        "direction": "higher", "floor": {"control": "random_scores"}, "ceiling": 1.0,
        "reference": "Olsson et al. (2022), In-context learning and induction heads, arXiv:2209.11895",
        "description": "Share of roles whose highest score belongs to a head of at least nine tenths of the strongest.",
    },
    "role_f1": {
        "title": "F1 of named heads", "version": 1, "role": "report", "units": "live", "range": [0, 1],
        "direction": "higher", "floor": None, "ceiling": 1.0,
        "reference": "van Rijsbergen (1979), Information Retrieval, chapter 7",
        "description": "F1 of the heads named, over roles whose players are certified.",
    },
    "named_in_nulls": {
        "title": "Roles named where none is played", "version": 1, "role": "headline", "units": "null",
        "range": [0, 1], "direction": "lower", "floor": None, "ceiling": None, "gate": {"max": 0.1},
        "reference": "Shi et al. (2024), Hypothesis testing the circuit hypothesis in LLMs, NeurIPS, arXiv:2410.13032",
        "description": "Share of a null unit's roles for which any head is named.",
    },
}  # fmt: skip
RESOLVED = 0.1  # of the largest strength: what differs by less counts as equal
FIRST = 0.9


def score(problem: Problem, truth: Truth, answer: Answer) -> dict[str, float]:
    if truth.null:
        return {"named_in_nulls": float(answer.plays.any(axis=1).mean())}
    largest = truth.strengths.max(axis=1)
    agreement = [
        concordance(scores, strengths, RESOLVED * top)
        for scores, strengths, top in zip(answer.scores, truth.strengths, largest, strict=True)
    ]
    found = {"agreement": float(np.mean(agreement)), "first": float(np.mean(_first(truth, answer)))}
    clear = np.flatnonzero(truth.certified)
    if len(clear):
        found["role_f1"] = float(np.mean([f1(answer.plays[role], truth.plays[role]) for role in clear]))
    return found


def _first(truth: Truth, answer: Answer) -> list[float]:
    """For each role the chance that a head drawn from those with the highest score is one of the strongest."""
    strong = truth.strengths >= FIRST * truth.strengths.max(axis=1, keepdims=True)
    highest = answer.scores == answer.scores.max(axis=1, keepdims=True)
    return [float(good[top].mean()) for good, top in zip(strong, highest, strict=True)]
