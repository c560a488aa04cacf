"""How far estimated reliabilities lie from the planted ones.

Errors are taken on the scale of the reliability of the mean, target by target. Estimates are not clipped: those of
targets without signal must scatter about 0. With rho^ an estimate, the true model's normalised score is
sum_t r_t / sum_t sqrt(max(rho^_t, 0)), r_t the correlation of the noiseless signal with the mean over repeats: 1 where
ceilings are right, below 1 where they are too high.
"""

from __future__ import annotations

import numpy as np

from bench.kernels.correlation import correlate_columns
from bench.neuro.repeats import mean_response
from bench.tracks.ceilings.types import Answer, Problem, Truth

METRICS = {
    "error": {
        "title": "Error of the reliability", "version": 1, "role": "headline", "units": "live", "range": [0, None],
        "direction": "lower", "floor": {"control": "constant"}, "ceiling": 0.0,
        "reference": "Hsu, Borst and Theunissen (2004), Network 15:91-109",
        "description": "Root of the mean over targets of the squared error of the estimated reliability of the mean.",
    },
    "bias": {
        "title": "Bias of the reliability", "version": 1, "role": "report", "units": "live", "range": [0, None],
        "direction": "lower", "floor": None, "ceiling": 0.0,
        "reference": "Hsu, Borst and Theunissen (2004), Network 15:91-109",
        "description": "Size of the mean error over targets.",
    },
    "order": {
        "title": "Order of targets", "version": 1, "role": "report", "units": "live", "range": [-1, 1],
        "direction": "higher", "floor": 0.0, "ceiling": 1.0,
        "reference": "Spearman (1904), American Journal of Psychology 15:72-101",
        "description": "Correlation over targets of estimated with planted reliability; 0 for a constant.",
    },
    "coverage_error": {
        "title": "Coverage of the interval, off .95", "version": 1, "role": "report", "units": "live",
        "range": [0, 0.95], "direction": "lower", "floor": None, "ceiling": 0.0,
        "reference": "McGraw and Wong (1996), Psychological Methods 1:30-46 (intervals of intraclass correlations)",
        "description": "Distance of the share of targets whose interval holds the planted value from .95; left out"
        " where the method has no interval.",
    },
    "width": {
        "title": "Width of the interval", "version": 1, "role": "report", "units": "live", "range": [0, None],
        "direction": "lower", "floor": None, "ceiling": None,
        "reference": "McGraw and Wong (1996), Psychological Methods 1:30-46",
        "description": "Mean width of the intervals; left out where the method has none.",
    },
    "true_model_off": {
        "title": "The true model's score, off 1", "version": 1, "role": "report", "units": "live", "range": [0, None],
        "direction": "lower", "floor": None, "ceiling": 0.0,
        "reference": "Spearman (1904), American Journal of Psychology 15:72-101 (correction for attenuation)",
        "description": "Distance from 1 of what the noiseless signal scores under these ceilings; left out where all"
        " of them are 0.",
    },
    "false_reliability": {
        "title": "Reliability of pure noise", "version": 1, "role": "headline", "units": "null", "range": [0, 1],
        "direction": "lower", "floor": None, "ceiling": None, "gate": {"max": 0.05},
        "reference": "Hsu, Borst and Theunissen (2004), Network 15:91-109",
        "description": "Size of the mean estimate over targets without signal, at most 1.",
    },
    "false_targets": {
        "title": "Targets of noise with an interval above 0", "version": 1, "role": "report", "units": "null",
        "range": [0, 1], "direction": "lower", "floor": None, "ceiling": None,
        "reference": "McGraw and Wong (1996), Psychological Methods 1:30-46",
        "description": "Share of targets without signal whose interval excludes 0; left out without intervals.",
    },
}  # fmt: skip


def score(problem: Problem, truth: Truth, answer: Answer) -> dict[str, float]:
    found, low, high = answer.reliability, answer.low, answer.high
    if truth.null:
        values = {"false_reliability": min(1.0, abs(float(found.mean())))}
        return values if low is None else values | {"false_targets": float((low > 0).mean())}
    off = found - truth.reliability
    values = {
        "error": float(np.sqrt(np.square(off).mean())),
        "bias": abs(float(off.mean())),
        "order": float(correlate_columns(found[:, None], truth.reliability[:, None])[0]),
    }
    if low is not None and high is not None:
        inside = (low <= truth.reliability) & (truth.reliability <= high)
        values |= {"coverage_error": abs(float(inside.mean()) - 0.95), "width": float((high - low).mean())}
    ceiling = float(np.sqrt(np.maximum(found, 0)).sum())
    if ceiling > 0:
        r = correlate_columns(truth.noiseless, mean_response(problem.responses, problem.present))
        values["true_model_off"] = abs(float(r.sum()) / ceiling - 1)
    return values
