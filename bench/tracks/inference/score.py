"""Whether p-values keep their promise where nothing is there, and what they find where something is.

A live unit holds data sets with and without an effect. Power is the share of effects with p <= a, where a is .05, or
the lower level at which this method rejects 5 % of the unit's own data sets without an effect: who rejects too often
gains nothing by it, and who is too careful loses. A null unit holds data sets without effects alone. The method is
invalid there if the one-sided 99 % lower bound of its false-positive rate at .05 exceeds .06; realisations of all seeds
of an instance are counted together.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.kernels.rates import null_rates, power_at_kept_level, power_report, verdict
from bench.tracks.inference.types import Answer, Problem, Truth

METRICS = {
    "power": {
        "title": "Power at a level that is kept", "version": 1, "role": "headline", "units": "live", "range": [0, 1],
        "direction": "higher", "floor": {"control": "uniform"}, "ceiling": "closed_form",
        "reference": "Lloyd (2005), Journal of Statistical Computation and Simulation 75:921-933 (size-adjusted power)",
        "description": "Share of effects found at .05, or at the lower level at which the method's own size is .05.",
    },
    "power_nominal": {
        "title": "Power at .05, whatever the size", "version": 1, "role": "report", "units": "live", "range": [0, 1],
        "direction": "higher", "floor": None, "ceiling": None,
        "reference": "Neyman and Pearson (1933), Philosophical Transactions A 231:289-337",
        "description": "Share of effects with p <= .05; a method that always rejects has 1.",
    },
    "power_adjusted": {
        "title": "Power at a size of .05", "version": 1, "role": "report", "units": "live", "range": [0, 1],
        "direction": "higher", "floor": {"control": "uniform"}, "ceiling": None,
        "reference": "Lloyd (2005), Journal of Statistical Computation and Simulation 75:921-933",
        "description": "Share of effects found at the level, higher or lower, at which the method's own size is .05.",
    },
    "false_positives_beside": {
        "title": "False positives beside effects", "version": 1, "role": "report", "units": "live", "range": [0, 1],
        "direction": "lower", "floor": None, "ceiling": None,
        "reference": "Neyman and Pearson (1933), Philosophical Transactions A 231:289-337",
        "description": "Share of p <= .05 among the data sets of a live unit that have no effect.",
    },
    "invalid": {
        "title": "Null instances on which the test is invalid", "version": 1, "role": "headline", "units": "null",
        "range": [0, 1], "direction": "lower", "floor": None, "ceiling": None, "gate": {"max": 0.0},
        "reference": "Clopper and Pearson (1934), Biometrika 26:404-413",
        "description": "1 where the 99 % lower bound of the false-positive rate at .05 exceeds .06, else 0.",
    },
    "false_positives_bound": {
        "title": "False-positive rate at .05, lower bound", "version": 1, "role": "report", "units": "null",
        "range": [0, 1], "direction": "lower", "floor": None, "ceiling": None,
        "reference": "Clopper and Pearson (1934), Biometrika 26:404-413",
        "description": "One-sided 99 % lower bound over the realisations of all seeds of the instance.",
    },
    "false_positives_01": {
        "title": "False-positive rate at .01", "version": 1, "role": "report", "units": "null", "range": [0, 1],
        "direction": "lower", "floor": None, "ceiling": None,
        "reference": "Phipson and Smyth (2010), Statistical Applications in Genetics and Molecular Biology 9:39",
        "description": "Share of data sets with p <= .01.",
    },
    "false_positives_05": {
        "title": "False-positive rate at .05", "version": 1, "role": "report", "units": "null", "range": [0, 1],
        "direction": "lower", "floor": None, "ceiling": None,
        "reference": "Phipson and Smyth (2010), Statistical Applications in Genetics and Molecular Biology 9:39",
        "description": "Share of data sets with p <= .05.",
    },
    "false_positives_10": {
        "title": "False-positive rate at .10", "version": 1, "role": "report", "units": "null", "range": [0, 1],
        "direction": "lower", "floor": None, "ceiling": None,
        "reference": "Phipson and Smyth (2010), Statistical Applications in Genetics and Molecular Biology 9:39",
        "description": "Share of data sets with p <= .10.",
    },
}  # fmt: skip


def score(problem: Problem, truth: Truth, answer: Answer) -> dict[str, float]:
    if truth.null:
        return null_rates(answer.p) | verdict(answer.p)
    return power_report(answer.p[truth.related], answer.p[~truth.related])


def score_beside(problem: Problem, truth: Truth, answer: Answer, others: Sequence[Answer]) -> dict[str, float]:
    """The verdict on a null instance, from the realisations of all its seeds."""
    return verdict(np.concatenate([answer.p, *(other.p for other in others)])) if truth.null else {}


def closed_form(problem: Problem, truth: Truth) -> dict[str, dict[str, float]]:
    """The ideal observer's power on these very data sets, where it is known."""
    if truth.null or truth.ideal is None:
        return {}
    return {"power": {"ceiling": power_at_kept_level(truth.ideal[truth.related], truth.ideal[~truth.related])}}
