"""Whether interchange interventions on the answer's subspace do what the high-level program says they should.

For every held-out pair the site's value in the subspace is exchanged for the source input's, in float64, and the output
compared with the program's under do(variable = its value on the source input). A cell is a scored position of a pair.

    cause      share of right cells among those where the program's answer changes to the counterfactual one
    isolation  share of right cells among those where it must stay although the source input's own answer differs:
               other variables have other values there, and their effects must not come along
    iia        share of right cells among both
    disentangle  (cause + isolation) / 2

An answer that says that the variable is at none of the sites makes no intervention: cause 0, isolation 1.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool

from bench.models.checkpoint import load_arrays
from bench.tracks.variables.interchange import Subject, says
from bench.tracks.variables.subspace import chance_overlap, overlap
from bench.tracks.variables.types import Answer, Problem, Truth

METRICS = {
    "iia": {
        "title": "Interchange accuracy", "version": 1, "role": "headline", "units": "live",
        "range": [0, 1], "direction": "higher",
        "floor": {"control": "random_subspace"}, "ceiling": {"control": "oracle"},
        "reference": "Geiger et al. (2024), Finding alignments between interpretable causal variables and distributed"
        " neural representations, CLeaR, arXiv:2303.02536, definition 3.2",
        "description": "Share of held-out cells right under the interchange, among those where base, source and"
        " counterfactual do not all agree.",
    },
    "cause": {
        "title": "Cause", "version": 1, "role": "report", "units": "live", "range": [0, 1], "direction": "higher",
        "floor": {"control": "random_subspace"}, "ceiling": {"control": "oracle"},
        "reference": "Huang et al. (2024), RAVEL, ACL, arXiv:2402.17700, section 3.3",
        "description": "Share of cells that change to the counterfactual where they should change.",
    },
    "isolation": {
        "title": "Isolation", "version": 1, "role": "report", "units": "live", "range": [0, 1], "direction": "higher",
        "floor": None, "ceiling": {"control": "oracle"},
        "reference": "Huang et al. (2024), RAVEL, ACL, arXiv:2402.17700, section 3.3",
        "description": "Share of cells that keep the base answer where they should, though the source's own differs.",
    },
    "disentangle": {
        "title": "Disentangle", "version": 1, "role": "report", "units": "live", "range": [0, 1],
        "direction": "higher", "floor": {"control": "random_subspace"}, "ceiling": {"control": "oracle"},
        "reference": "Huang et al. (2024), RAVEL, ACL, arXiv:2402.17700, section 3.3",
        "description": "Mean of cause and isolation.",
    },
    "subspace_overlap": {
        "title": "Subspace overlap", "version": 1, "role": "report", "units": "live", "range": [0, 1],
        "direction": "higher", "floor": "closed_form", "ceiling": "closed_form",
        "reference": "Bjorck and Golub (1973), Mathematics of Computation 27:579-594",
        "description": "Sum of squared cosines of the principal angles to the planted subspace over the larger"
        " dimension; 0 at a wrong site.",
    },
    "site_accuracy": {
        "title": "Right site", "version": 1, "role": "report", "units": "live", "range": [0, 1],
        "direction": "higher", "floor": "closed_form", "ceiling": 1.0,
        "reference": "Mueller et al. (2025), MIB: a mechanistic interpretability benchmark, arXiv:2504.13151",
        "description": "Whether the chosen site is one of those that hold the variable.",
    },
    "detection": {
        "title": "Variable found", "version": 1, "role": "report", "units": "live", "range": [0, 1],
        "direction": "higher", "floor": None, "ceiling": 1.0,
        "reference": "Mueller et al. (2025), MIB: a mechanistic interpretability benchmark, arXiv:2504.13151",
        "description": "Whether the method says that the variable is there.",
    },
    "false_discovery": {
        "title": "Variable found where there is none", "version": 1, "role": "headline", "units": "null",
        "range": [0, 1], "direction": "lower", "floor": None, "ceiling": None, "gate": {"max": 0.1},
        "reference": "Makelov et al. (2024), Is this the subspace you are looking for?, ICLR, arXiv:2311.17030",
        "description": "Share of null units on which the method says that the variable is there.",
    },
    "null_iia": {
        "title": "Interchange accuracy where there is nothing", "version": 1, "role": "report", "units": "null",
        "range": [0, 1], "direction": "lower", "floor": None, "ceiling": None,
        "reference": "Geiger et al. (2024), CLeaR, arXiv:2303.02536, definition 3.2",
        "description": "Interchange accuracy on pairs whose counterfactual differs from both base and source.",
    },
}  # fmt: skip


def score(problem: Problem, truth: Truth, answer: Answer) -> dict[str, float]:
    if truth.null:
        right = right_cells(problem, truth, answer)
        return {"false_discovery": float(answer.found), "null_iia": _share(right, third_answer(problem, truth))}
    cause, isolation = cells(problem, truth)
    right = right_cells(problem, truth, answer) if answer.found else isolation
    values = {"iia": _share(right, cause | isolation), "cause": _share(right, cause)}
    if isolation.any():
        values["isolation"] = _share(right, isolation)
        values["disentangle"] = (values["cause"] + values["isolation"]) / 2
    site = problem.sites.index(answer.site)
    held = bool(truth.right[site])
    values["subspace_overlap"] = overlap(answer.basis, truth.bases[site]) if held else 0.0
    return values | {"site_accuracy": float(held), "detection": float(answer.found)}


def closed_form(problem: Problem, truth: Truth) -> dict[str, dict[str, float]]:
    """Overlap of a random subspace of the planted dimension at a right site; the share of right sites."""
    planted = truth.bases.shape[2]
    return {
        "subspace_overlap": {"floor": chance_overlap(problem.width, planted, planted), "ceiling": 1.0},
        "site_accuracy": {"floor": float(truth.right.mean()), "ceiling": 1.0},
    }


def right_cells(problem: Problem, truth: Truth, answer: Answer) -> Bool[np.ndarray, "held pos"]:
    """Where the output under the answer's interchange is the counterfactual one, on held-out pairs."""
    config, weights = load_arrays(problem.model.path)
    subject = Subject(config, weights, truth.base, truth.source, problem.intervened)
    output = subject.output(answer.site, answer.basis.astype(np.float64))
    return says(output, truth.labels, problem.outputs, problem.tolerance)


def cells(problem: Problem, truth: Truth) -> tuple[Bool[np.ndarray, "held pos"], Bool[np.ndarray, "held pos"]]:
    """Cells where the answer should change, and cells where it should stay though the source's own differs."""
    changes = ~_same(problem, truth.labels, truth.base_outputs)
    differs = ~_same(problem, truth.source_outputs, truth.base_outputs)
    return changes & problem.scored, ~changes & differs & problem.scored


def third_answer(problem: Problem, truth: Truth) -> Bool[np.ndarray, "held pos"]:
    """Cells whose counterfactual is neither the base's nor the source's answer."""
    same = [_same(problem, truth.labels, outputs) for outputs in (truth.base_outputs, truth.source_outputs)]
    return ~same[0] & ~same[1] & problem.scored


def _same(problem: Problem, one: np.ndarray, other: np.ndarray) -> Bool[np.ndarray, "held pos"]:
    return says(one, other, problem.outputs, problem.tolerance)


def _share(right: Bool[np.ndarray, "held pos"], among: Bool[np.ndarray, "held pos"]) -> float:
    return float(right[among].mean())
