"""How well kernels, their delays and the presence of a response are recovered.

Kernels are compared feature by feature and target by target, over lags, where the feature acts; units then do not
matter, and features of large variance do not lead. Energies are sums of squares of a kernel in units of the feature's
standard deviation.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from bench.kernels.correlation import correlate_columns
from bench.kernels.lags import peak_lags
from bench.tracks.temporal_response.types import Answer, Problem, Truth

LEVEL = 0.05
METRICS = {
    "kernel_correlation": {
        "title": "Kernel correlation", "version": 1, "role": "headline", "units": "live", "range": [-1, 1],
        "direction": "higher", "floor": {"control": "random_kernels"}, "ceiling": {"control": "oracle"},
        "reference": "Crosse et al. (2016), Frontiers in Human Neuroscience 10:604",
        "description": "Pearson's r over lags of the kernel and the planted one, mean over features that act and"
        " targets; a kernel of zeros has r = 0.",
    },
    "kernel_error": {
        "title": "Kernel error", "version": 1, "role": "report", "units": "live", "range": [0, None],
        "direction": "lower", "floor": 1.0, "ceiling": {"control": "oracle"},
        "reference": "Crosse et al. (2016), Frontiers in Human Neuroscience 10:604",
        "description": "Energy of the difference to the planted kernels over the energy of these, features together,"
        " mean over targets; kernels of zeros have 1.",
    },
    "peak_error_ms": {
        "title": "Peak error in ms (electric)", "version": 1, "role": "report", "units": "live", "range": [0, None],
        "direction": "lower", "floor": {"control": "random_kernels"}, "ceiling": {"control": "oracle"},
        "reference": "Crosse et al. (2016), Frontiers in Human Neuroscience 10:604",
        "description": "Absolute difference of the latency of the largest absolute value, in ms; EEG and MEG alone.",
    },
    "peak_error_s": {
        "title": "Peak error in s (blood)", "version": 1, "role": "report", "units": "live", "range": [0, None],
        "direction": "lower", "floor": {"control": "random_kernels"}, "ceiling": {"control": "oracle"},
        "reference": "Lindquist et al. (2009), NeuroImage 45:S187-S198",
        "description": "Absolute difference of the latency of the largest absolute value, in s; BOLD alone.",
    },
    "acausal_energy": {
        "title": "Energy before the stimulus", "version": 1, "role": "report", "units": "live", "range": [0, 1],
        "direction": "lower", "floor": {"control": "random_kernels"}, "ceiling": 0.0,
        "reference": "Crosse et al. (2016), Frontiers in Human Neuroscience 10:604",
        "description": "Share of the kernels' energy at negative lags, mean over targets; not given if a kernel is 0.",
    },
    "idle_energy": {
        "title": "Energy of features that do not act", "version": 1, "role": "report", "units": "live",
        "range": [0, 1], "direction": "lower", "floor": {"control": "random_kernels"}, "ceiling": 0.0,
        "reference": "David et al. (2007), Network 18:191-212",
        "description": "Share of the kernels' energy in features without a part in the target, mean over targets that"
        " have such a feature.",
    },
    "detected": {
        "title": "Responses detected", "version": 1, "role": "report", "units": "live", "range": [0, 1],
        "direction": "higher", "floor": 0.05, "ceiling": 1.0,
        "reference": "Neyman and Pearson (1933), Philosophical Transactions of the Royal Society A 231:289-337",
        "description": "Share of the responding targets with p <= .05.",
    },
    "false_response_rate": {
        "title": "Responses found where there is none", "version": 1, "role": "headline", "units": "null",
        "range": [0, 1], "direction": "lower", "floor": None, "ceiling": None, "gate": {"max": 0.1},
        "reference": "Neyman and Pearson (1933), Philosophical Transactions of the Royal Society A 231:289-337",
        "description": "Share of targets with p <= .05 where the stimuli have no part in the responses; a valid p-value"
        " has at most .05 on average.",
    },
}  # fmt: skip


def score(problem: Problem, truth: Truth, answer: Answer) -> dict[str, float]:
    found = answer.p_values <= LEVEL
    if truth.null:
        return {"false_response_rate": float(found.mean())}
    values = {
        "kernel_correlation": kernel_correlation(truth, answer.kernels),
        "detected": float(found[truth.acts.any(axis=0)].mean()),
    }
    late = np.abs(peaks(problem, answer) - truth.peaks)[truth.acts].mean()
    values |= {"peak_error_ms": float(1e3 * late)} if problem.kind == "electric" else {"peak_error_s": float(late)}
    return values | energies(problem, truth, answer.kernels)


def kernel_correlation(truth: Truth, kernels: Float[np.ndarray, "features lags targets"]) -> float:
    """Mean r over lags of all pairs of a target and a feature that acts on it."""
    pairs = [array.transpose(1, 0, 2)[:, truth.acts] for array in (kernels, truth.kernels)]
    return float(correlate_columns(*pairs).mean())


def peaks(problem: Problem, answer: Answer) -> Float[np.ndarray, "features targets"]:
    """When each kernel is largest, in s: as the answer says, or else by a parabola."""
    if answer.peaks is not None:
        return answer.peaks
    return peak_lags(answer.kernels, problem.lags) / problem.sampling_rate


def energies(problem: Problem, truth: Truth, kernels: np.ndarray) -> dict[str, float]:
    """Shares of energy: of the error, before the stimulus, and in features that do not act."""
    scale = problem.stimuli.std(axis=0)[:, None, None]
    planted = truth.kernels * scale
    unit = np.abs(planted).max(axis=(0, 1))  # so that squares of volts and tesla do not vanish
    square, wrong = np.square(kernels * scale / unit), np.square((kernels * scale - planted) / unit)
    values = {"kernel_error": float((wrong.sum(axis=(0, 1)) / np.square(planted / unit).sum(axis=(0, 1))).mean())}
    whole = square.sum(axis=(0, 1))
    if (whole == 0).any():
        return values
    values["acausal_energy"] = float((square[:, problem.lags < 0].sum(axis=(0, 1)) / whole).mean())
    if not truth.acts.all():
        mixed = ~truth.acts.all(axis=0)
        idle = np.where(truth.acts, 0.0, square.sum(axis=1)).sum(axis=0)
        values["idle_energy"] = float((idle / whole)[mixed].mean())
    return values
