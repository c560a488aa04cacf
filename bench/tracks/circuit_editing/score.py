"""How much of the wanted change is made, on every input, and how much of the rest stays.

The edit is applied in float64 and the model run on all strings. With S the share right of the cells (string and
position) in which the edited program differs from the program, and P that of all other cells,

    edited = S max(0, 2 P - 1)

so that no edit scores 0, an edit that does all and spoils nothing 1, and one that spoils half of the rest 0 again.
"""

from __future__ import annotations

import numpy as np

from bench.models.checkpoint import load_arrays
from bench.tracks.circuit_editing.edit import edited, right_cells, touched
from bench.tracks.circuit_editing.types import Answer, Problem, Truth

METRICS = {
    "edited": {
        "title": "Change made and the rest kept", "version": 1, "role": "headline", "units": "live",
        "range": [0, 1], "direction": "higher", "floor": 0.0, "ceiling": {"control": "oracle"},
        "reference": "Meng et al. (2022), Locating and editing factual associations in GPT, NeurIPS,"
        " arXiv:2202.05262 (efficacy, generalisation and specificity in one number)",
        "description": "Share of changed cells that are right, times twice the share of the others less one.",
    },
    "success": {
        "title": "Change made", "version": 1, "role": "report", "units": "live", "range": [0, 1],
        "direction": "higher", "floor": 0.0, "ceiling": 1.0,
        "reference": "Meng et al. (2022), NeurIPS, arXiv:2202.05262 (generalisation)",
        "description": "Share of all cells that are to change which are right.",
    },
    "preservation": {
        "title": "The rest kept", "version": 1, "role": "report", "units": "live", "range": [0, 1],
        "direction": "higher", "floor": None, "ceiling": 1.0,
        "reference": "Meng et al. (2022), NeurIPS, arXiv:2202.05262 (specificity)",
        "description": "Share of all cells that are to stay which are right.",
    },
    "exact": {
        "title": "Right on every input", "version": 1, "role": "report", "units": "live", "range": [0, 1],
        "direction": "higher", "floor": 0.0, "ceiling": 1.0,
        "reference": "Meng et al. (2022), NeurIPS, arXiv:2202.05262",
        "description": "Whether every cell is right.",
    },
    "located": {
        "title": "Share of the edit at the rule", "version": 1, "role": "report", "units": "live", "range": [0, 1],
        "direction": "higher", "floor": None, "ceiling": 1.0,
        "reference": "Hase et al. (2023), Does localization inform editing?, NeurIPS, arXiv:2301.04213",
        "description": "Of the MLPs touched the share that holds the rule; 0 where none is touched.",
    },
    "damage": {
        "title": "Damage where nothing is to change", "version": 1, "role": "headline", "units": "null",
        "range": [0, 1], "direction": "lower", "floor": None, "ceiling": None, "gate": {"max": 0.02},
        "reference": "Meng et al. (2022), NeurIPS, arXiv:2202.05262 (specificity)",
        "description": "Share of all cells that an edit spoils where the program is to stay as it is.",
    },
}  # fmt: skip


def score(problem: Problem, truth: Truth, answer: Answer) -> dict[str, float]:
    config, weights = load_arrays(problem.model.path)
    after = edited(weights, problem.mlps, answer.changes)
    right = right_cells(config, after, truth.inputs, truth.wanted, problem.tolerance)[:, problem.scored]
    changed = truth.changed[:, problem.scored]
    if truth.null:
        return {"damage": float(np.mean(~right))}
    success, preservation = float(right[changed].mean()), float(right[~changed].mean())
    where = touched(weights, problem.mlps, answer.changes)
    return {
        "edited": together(success, preservation),
        "success": success,
        "preservation": preservation,
        "exact": float(right.all()),
        "located": float(truth.rule[where].mean()) if where.any() else 0.0,
    }


def together(success: float, preservation: float) -> float:
    """The headline: nothing for an edit that spoils half of what is to stay."""
    return success * max(0.0, 2 * preservation - 1)
