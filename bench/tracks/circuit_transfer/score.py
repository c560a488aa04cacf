"""How many roles are found where they are and missed where they are not.

A role counts as transferred where the answer says that it is found and the node with the largest score plays it; where
B lacks the role, if the answer says so. Nodes that tie for the largest score are drawn by lot: the share of right ones
among them counts.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

from bench.tracks.circuit_transfer.types import Answer, Problem, Truth

METRICS = {
    "transferred": {
        "title": "Roles transferred", "version": 1, "role": "headline", "units": "live", "range": [0, 1],
        "direction": "higher", "floor": {"control": "random_nodes"}, "ceiling": {"control": "oracle"},
        "reference": "Olah et al. (2020), Zoom in, Distill, doi:10.23915/distill.00024.001, claim 3",
        "description": "Share of roles whose node is named, or that are said to be missing where B lacks them.",
    },
    "named": {
        "title": "Node named, if one must be", "version": 1, "role": "report", "units": "live", "range": [0, 1],
        "direction": "higher", "floor": {"control": "random_nodes"}, "ceiling": {"control": "oracle"},
        "reference": "Olah et al. (2020), Zoom in, Distill, doi:10.23915/distill.00024.001, claim 3",
        "description": "Share of the roles that B has whose node has the largest score, whatever is said of absence.",
    },
    "heads_named": {
        "title": "Heads named", "version": 1, "role": "report", "units": "live", "range": [0, 1],
        "direction": "higher", "floor": None, "ceiling": {"control": "oracle"},
        "reference": "Olah et al. (2020), Zoom in, Distill, doi:10.23915/distill.00024.001, claim 3",
        "description": "The same over roles of heads.",
    },
    "mlps_named": {
        "title": "MLPs named", "version": 1, "role": "report", "units": "live", "range": [0, 1],
        "direction": "higher", "floor": None, "ceiling": {"control": "oracle"},
        "reference": "Olah et al. (2020), Zoom in, Distill, doi:10.23915/distill.00024.001, claim 3",
        "description": "The same over roles of MLPs.",
    },
    "absence": {
        "title": "Missing roles noticed", "version": 1, "role": "report", "units": "live", "range": [0, 1],
        "direction": "higher", "floor": None, "ceiling": 1.0,
        "reference": "Shi et al. (2024), Hypothesis testing the circuit hypothesis in LLMs, NeurIPS, arXiv:2410.13032",
        "description": "Share of the roles that B lacks of which the answer says so.",
    },
    "false_transfers": {
        "title": "Roles found where there is none", "version": 1, "role": "headline", "units": "null",
        "range": [0, 1], "direction": "lower", "floor": None, "ceiling": None, "gate": {"max": 0.1},
        "reference": "Shi et al. (2024), Hypothesis testing the circuit hypothesis in LLMs, NeurIPS, arXiv:2410.13032",
        "description": "Share of roles said to be found in a model that has none of them.",
    },
}  # fmt: skip


def score(problem: Problem, truth: Truth, answer: Answer) -> dict[str, float]:
    if truth.null:
        return {"false_transfers": float(answer.found.mean())}
    there, right = truth.plays.any(axis=1), share_right(truth.plays, answer.scores)
    heads = np.array([role.startswith("a") for role in problem.roles])
    found = {"transferred": float(np.where(there, right * answer.found, ~answer.found).mean())}
    for name, value, roles in (
        ("named", right, there),
        ("heads_named", right, there & heads),
        ("mlps_named", right, there & ~heads),
        ("absence", ~answer.found, ~there),
    ):
        if roles.any():
            found[name] = float(value[roles].mean())
    return found


def share_right(
    plays: Bool[np.ndarray, "roles nodes"], scores: Float[np.ndarray, "roles nodes"]
) -> Float[np.ndarray, "roles"]:
    """Of the nodes with the largest score of each role the share that plays it."""
    largest = scores == scores.max(axis=1, keepdims=True)
    return (largest & plays).sum(axis=1) / largest.sum(axis=1)
