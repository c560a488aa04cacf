"""Whether no site is found where nothing is there, and how well what is found covers what is there.

A live unit holds data sets with and without an effect. Sites are found at p <= a, a = .05 or the lower level at which
at most 5 % of the unit's data sets without effects have any site. The overlap of found and active sites of a data set
is Dice's 2 |F and A| / (|F| + |A|): who marks every site once there is an effect somewhere gains little. A null unit
holds data sets without effects alone; the method is invalid there if the one-sided 99 % lower bound of its family-wise
error at .05 exceeds .06, the realisations of all seeds of the instance counted together.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool

from bench.kernels.rates import LEVEL, null_rates, rejects_at_own_size, verdict
from bench.tracks.familywise_inference.types import Answer, Problem, Truth

METRICS = {
    "overlap": {
        "title": "Overlap with the active sites", "version": 1, "role": "headline", "units": "live", "range": [0, 1],
        "direction": "higher", "floor": {"control": "uniform"}, "ceiling": 1.0,
        "reference": "Dice (1945), Ecology 26:297-302; Lloyd (2005), Journal of Statistical Computation and Simulation"
        " 75:921-933 (size-adjusted power)",
        "description": "Mean Dice overlap of found and active sites, at .05 or the lower level at which the method's"
        " own family-wise error is .05.",
    },
    "power": {
        "title": "Active sites found", "version": 1, "role": "report", "units": "live", "range": [0, 1],
        "direction": "higher", "floor": {"control": "uniform"}, "ceiling": None,
        "reference": "Lloyd (2005), Journal of Statistical Computation and Simulation 75:921-933",
        "description": "Share of active sites found, at the same level.",
    },
    "any_found": {
        "title": "Effects found anywhere", "version": 1, "role": "report", "units": "live", "range": [0, 1],
        "direction": "higher", "floor": {"control": "uniform"}, "ceiling": None,
        "reference": "Maris and Oostenveld (2007), Journal of Neuroscience Methods 164:177-190",
        "description": "Share of data sets with an effect of which any active site is found, at the same level.",
    },
    "false_discoveries": {
        "title": "False discovery rate", "version": 1, "role": "report", "units": "live", "range": [0, 1],
        "direction": "lower", "floor": None, "ceiling": None,
        "reference": "Benjamini and Hochberg (1995), JRSS B 57:289-300",
        "description": "Mean over data sets with an effect of the share of sites with p <= .05 that have none (0 where"
        " nothing is found).",
    },
    "false_sites_beside": {
        "title": "Data sets with an effect and a false site", "version": 1, "role": "report", "units": "live",
        "range": [0, 1], "direction": "lower", "floor": None, "ceiling": None,
        "reference": "Hochberg and Tamhane (1987), Multiple Comparison Procedures (strong control)",
        "description": "Share of data sets with an effect that have p <= .05 at any site without one.",
    },
    "invalid": {
        "title": "Null instances on which the family-wise error is too high", "version": 1, "role": "headline",
        "units": "null", "range": [0, 1], "direction": "lower", "floor": None, "ceiling": None, "gate": {"max": 0.0},
        "reference": "Clopper and Pearson (1934), Biometrika 26:404-413",
        "description": "1 where the 99 % lower bound of the family-wise error at .05 exceeds .06, else 0.",
    },
    "family_wise_bound": {
        "title": "Family-wise error at .05, lower bound", "version": 1, "role": "report", "units": "null",
        "range": [0, 1], "direction": "lower", "floor": None, "ceiling": None,
        "reference": "Clopper and Pearson (1934), Biometrika 26:404-413",
        "description": "One-sided 99 % lower bound over the realisations of all seeds of the instance.",
    },
    "family_wise_01": {
        "title": "Family-wise error at .01", "version": 1, "role": "report", "units": "null", "range": [0, 1],
        "direction": "lower", "floor": None, "ceiling": None,
        "reference": "Nichols and Holmes (2002), Human Brain Mapping 15:1-25",
        "description": "Share of data sets with any p <= .01.",
    },
    "family_wise_05": {
        "title": "Family-wise error at .05", "version": 1, "role": "report", "units": "null", "range": [0, 1],
        "direction": "lower", "floor": None, "ceiling": None,
        "reference": "Nichols and Holmes (2002), Human Brain Mapping 15:1-25",
        "description": "Share of data sets with any p <= .05.",
    },
    "family_wise_10": {
        "title": "Family-wise error at .10", "version": 1, "role": "report", "units": "null", "range": [0, 1],
        "direction": "lower", "floor": None, "ceiling": None,
        "reference": "Nichols and Holmes (2002), Human Brain Mapping 15:1-25",
        "description": "Share of data sets with any p <= .10.",
    },
}  # fmt: skip


def score(problem: Problem, truth: Truth, answer: Answer) -> dict[str, float]:
    least = answer.p.min(axis=1)
    if truth.null:
        return null_rates(least, "family_wise") | verdict(least, "family_wise")
    some = truth.active.any(axis=1)
    p, active = answer.p[some], truth.active[some]
    found = rejects_at_own_size(p, least[~some], most=LEVEL)
    named = p <= LEVEL
    return {
        "overlap": float(dice(found, active).mean()),
        "power": float(found[active].mean()),
        "any_found": float((found & active).any(axis=1).mean()),
        "false_discoveries": float(((named & ~active).sum(axis=1) / np.maximum(named.sum(axis=1), 1)).mean()),
        "false_sites_beside": float((named & ~active).any(axis=1).mean()),
    }


def dice(found: Bool[np.ndarray, "datasets sites"], active: Bool[np.ndarray, "datasets sites"]) -> np.ndarray:
    return 2 * (found & active).sum(axis=1) / (found.sum(axis=1) + active.sum(axis=1))


def score_beside(problem: Problem, truth: Truth, answer: Answer, others: Sequence[Answer]) -> dict[str, float]:
    """The verdict on a null instance, from the realisations of all its seeds."""
    if not truth.null:
        return {}
    return verdict(np.concatenate([answer.p.min(axis=1), *(other.p.min(axis=1) for other in others)]), "family_wise")
