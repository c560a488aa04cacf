"""How far the true features stand above the best of the sets that cannot predict anything.

margin = min(score of the true set, what it can reach) - max(0, best score of the other sets): 0 for a protocol that
reports nothing, the root of the reliability for one that reports what is there, below 0 where an unrelated set wins. On
null units every set is unrelated, and the best score of all of them is inflation.
"""

from __future__ import annotations

import numpy as np

from bench.tracks.leakage.types import Answer, Problem, Truth

METRICS = {
    "margin": {
        "title": "True features above the best unrelated set", "version": 1, "role": "headline", "units": "live",
        "range": [-1, 1], "direction": "higher", "floor": 0.0, "ceiling": "closed_form",
        "reference": "Hadidi et al. (2025), Illusions of alignment between large language models and brains emerge from"
        " fragile methods and overlooked confounds (autocorrelated features under shuffled folds)",
        "description": "Score of the true set, at most what can be reached, less the best score above 0 of the others.",
    },
    "true_score": {
        "title": "Score of the true features", "version": 1, "role": "report", "units": "live", "range": [-1, 1],
        "direction": "higher", "floor": 0.0, "ceiling": "closed_form",
        "reference": "Hsu, Borst and Theunissen (2004), Network 15:91-109",
        "description": "What the protocol reports for the set that the responses were made from.",
    },
    "inflation_beside": {
        "title": "Best score of an unrelated set beside true ones", "version": 1, "role": "report", "units": "live",
        "range": [0, 1], "direction": "lower", "floor": None, "ceiling": None,
        "reference": "Kaufman et al. (2012), ACM TKDD 6:15 (leakage)",
        "description": "Best score above 0 of the sets that have no part in the responses.",
    },
    "inflation": {
        "title": "Best score where nothing can be predicted", "version": 1, "role": "headline", "units": "null",
        "range": [0, 1], "direction": "lower", "floor": None, "ceiling": None, "gate": {"max": 0.1},
        "reference": "Kaufman et al. (2012), ACM TKDD 6:15 (leakage)",
        "description": "Best score above 0 of all sets, none of which has a part in the responses.",
    },
}  # fmt: skip


def score(problem: Problem, truth: Truth, answer: Answer) -> dict[str, float]:
    if truth.null:
        return {"inflation": max(0.0, float(answer.scores.max()))}
    true = truth.attainable > 0
    reached, others = float(answer.scores[true][0]), max(0.0, float(answer.scores[~true].max()))
    return {
        "margin": min(reached, float(truth.attainable.max())) - others,
        "true_score": reached,
        "inflation_beside": others,
    }


def closed_form(problem: Problem, truth: Truth) -> dict[str, dict[str, float]]:
    """The root of the reliability, which the planted signal reaches."""
    best = float(np.max(truth.attainable))
    return {} if truth.null else {name: {"ceiling": best} for name in ("margin", "true_score")}
