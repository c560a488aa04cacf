"""Whether the kept part of the network computes the same on every input, and how much of what can go is gone.

The harness deletes what the answer does not keep, runs network and subnetwork in float64 on all inputs that the problem
allows, and counts parameters. With P(S) the parameters of a set of parts and M the smallest set that computes the same,

    compression = [P(all) - P(kept)] / [P(all) - P(M)]   if the outputs are equal on all inputs, else 0

so that keeping everything gives 0 and the planted minimum 1: one input that comes out otherwise costs everything.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool

from bench.models.checkpoint import load_arrays
from bench.tracks.circuit_compilation.network import deviations, every_input, subnetwork
from bench.tracks.circuit_compilation.types import Answer, Problem, Truth

METRICS = {
    "compression": {
        "title": "Compression", "version": 1, "role": "headline", "units": "live", "range": [0, 1],
        "direction": "higher", "floor": 0.0, "ceiling": 1.0,
        "reference": "Molchanov et al. (2017), Pruning convolutional neural networks for resource efficient inference,"
        " ICLR, arXiv:1611.06440 (parameters against behaviour)",
        "description": "Share of the parameters that can go which are gone, if outputs are equal on all inputs;"
        " else 0.",
    },
    "exact": {
        "title": "Equal on all inputs", "version": 1, "role": "report", "units": "live", "range": [0, 1],
        "direction": "higher", "floor": None, "ceiling": 1.0,
        "reference": "Wang et al. (2023), Interpretability in the wild, ICLR, arXiv:2211.00593, section 4"
        " (faithfulness)",
        "description": "Whether the subnetwork's outputs are the network's on every input.",
    },
    "minimal": {
        "title": "Smallest possible", "version": 1, "role": "report", "units": "live", "range": [0, 1],
        "direction": "higher", "floor": None, "ceiling": 1.0,
        "reference": "Wang et al. (2023), Interpretability in the wild, ICLR, arXiv:2211.00593, section 4 (minimality)",
        "description": "Whether outputs are equal on all inputs and no smaller subnetwork has that.",
    },
    "equal_inputs": {
        "title": "Inputs with equal outputs", "version": 1, "role": "report", "units": "live", "range": [0, 1],
        "direction": "higher", "floor": {"control": "random_removal"}, "ceiling": 1.0,
        "reference": "Wang et al. (2023), Interpretability in the wild, ICLR, arXiv:2211.00593, section 4"
        " (faithfulness)",
        "description": "Share of all inputs on which the subnetwork's outputs are the network's.",
    },
    "removed": {
        "title": "Parameters removed", "version": 1, "role": "report", "units": "live", "range": [0, 1],
        "direction": "higher", "floor": None, "ceiling": None,
        "reference": "Molchanov et al. (2017), ICLR, arXiv:1611.06440",
        "description": "Share of the parameters of all parts that are gone, right or wrong.",
    },
    "needed_kept": {
        "title": "Needed parts kept", "version": 1, "role": "report", "units": "live", "range": [0, 1],
        "direction": "higher", "floor": None, "ceiling": 1.0,
        "reference": "Wang et al. (2023), Interpretability in the wild, ICLR, arXiv:2211.00593, section 4"
        " (completeness)",
        "description": "Share of the parts of the smallest circuit that are kept; the best of equally small circuits.",
    },
    "spared_dropped": {
        "title": "Other parts dropped", "version": 1, "role": "report", "units": "live", "range": [0, 1],
        "direction": "higher", "floor": None, "ceiling": 1.0,
        "reference": "Wang et al. (2023), Interpretability in the wild, ICLR, arXiv:2211.00593, section 4 (minimality)",
        "description": "Share of the parts outside the smallest circuit that are gone.",
    },
    "damage": {
        "title": "Damage where nothing can go", "version": 1, "role": "headline", "units": "null", "range": [0, 1],
        "direction": "lower", "floor": None, "ceiling": None, "gate": {"max": 0.1},
        "reference": "Shi et al. (2024), Hypothesis testing the circuit hypothesis in LLMs, NeurIPS, arXiv:2410.13032",
        "description": "Share of null units whose outputs change on any input.",
    },
    "damaged_inputs": {
        "title": "Inputs damaged where nothing can go", "version": 1, "role": "report", "units": "null",
        "range": [0, 1], "direction": "lower", "floor": None, "ceiling": None,
        "reference": "Shi et al. (2024), Hypothesis testing the circuit hypothesis in LLMs, NeurIPS, arXiv:2410.13032",
        "description": "Share of a null unit's inputs whose outputs change.",
    },
}  # fmt: skip


def score(problem: Problem, truth: Truth, answer: Answer) -> dict[str, float]:
    equal = equal_inputs(problem, answer.keep)
    exact = bool(equal.all())
    if truth.null:
        return {"damage": float(not exact), "damaged_inputs": float(np.mean(~equal))}
    kept, all_of_it = problem.parameters[answer.keep].sum(), problem.parameters.sum()
    smallest = problem.parameters[truth.circuits[0]].sum()
    gone = float((all_of_it - kept) / (all_of_it - smallest))
    circuit = nearest(truth, answer.keep)
    return {
        "compression": gone if exact else 0.0,
        "exact": float(exact),
        "minimal": float(exact and kept <= smallest),
        "equal_inputs": float(equal.mean()),
        "removed": float(1 - kept / all_of_it),
        "needed_kept": float(answer.keep[circuit].mean()),
        "spared_dropped": float(1 - answer.keep[~circuit].mean()),
    }


def equal_inputs(problem: Problem, keep: Bool[np.ndarray, "parts"]) -> Bool[np.ndarray, "inputs"]:
    """On which of all inputs the subnetwork's outputs are the network's, in float64."""
    config, weights = load_arrays(problem.model.path)
    left = subnetwork(weights, problem.parts, keep)
    return deviations(config, weights, left, every_input(problem.allowed), problem.scored) <= problem.tolerance


def nearest(truth: Truth, keep: Bool[np.ndarray, "parts"]) -> Bool[np.ndarray, "parts"]:
    """The smallest circuit with the fewest decisions otherwise than the answer."""
    return truth.circuits[np.argmin((truth.circuits != keep).sum(axis=1))]
