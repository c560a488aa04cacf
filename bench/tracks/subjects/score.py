"""How much of a subject's signal is predicted from other subjects, and whether its segments are recognised."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from bench.kernels.correlation import correlate_columns
from bench.tracks.subjects.types import Answer, Problem, Truth

SEGMENT = 2  # samples
METRICS = {
    "signal_correlation": {
        "title": "Correlation with the signal", "version": 1, "role": "headline", "units": "live", "range": [-1, 1],
        "direction": "higher", "floor": {"control": "same_place"}, "ceiling": {"control": "oracle"},
        "reference": "Haxby et al. (2011), Neuron 72:404-416; Bazeille et al. (2021), NeuroImage 245:118683",
        "description": "Pearson's r over the test stimuli of predictions and the subject's signal without noise, mean"
        " over voxels.",
    },
    "segment_matching": {
        "title": "Segments recognised", "version": 1, "role": "report", "units": "live", "range": [0, 1],
        "direction": "higher", "floor": "closed_form", "ceiling": {"control": "oracle"},
        "reference": "Haxby et al. (2011), Neuron 72:404-416 (between-subject classification of time segments)",
        "description": "Share of segments of 2 test stimuli whose prediction correlates most with that segment of the"
        " signal among all that do not overlap it.",
    },
    "false_expectation": {
        "title": "Correlation expected of unrelated subjects", "version": 1, "role": "headline", "units": "null",
        "range": [0, 1], "direction": "lower", "floor": None, "ceiling": None, "gate": {"max": 0.1},
        "reference": "Kriegeskorte et al. (2009), Nature Neuroscience 12:535-540 (circular analysis)",
        "description": "The correlation that the method expects of its predictions, where above 0.",
    },
}  # fmt: skip


def score(problem: Problem, truth: Truth, answer: Answer) -> dict[str, float]:
    if truth.null:
        return {"false_expectation": max(float(answer.expected), 0.0)}
    return {
        "signal_correlation": float(correlate_columns(answer.predictions, truth.signal).mean()),
        "segment_matching": segment_matching(answer.predictions, truth.signal, problem.test_groups),
    }


def closed_form(problem: Problem, truth: Truth) -> dict[str, dict[str, float]]:
    """Chance of the right segment among itself and those that do not overlap it."""
    starts = segment_starts(problem.test_groups)
    apart = np.abs(starts[:, None] - starts) >= SEGMENT
    return {"segment_matching": {"floor": float((1 / (1 + apart.sum(axis=1))).mean())}}


def segment_starts(groups: Int[np.ndarray, "time"]) -> Int[np.ndarray, "segments"]:
    """First samples of all segments that lie in one group."""
    starts = np.arange(len(groups) - SEGMENT + 1)
    return starts[groups[starts] == groups[starts + SEGMENT - 1]]


def segment_matching(
    predicted: Float[np.ndarray, "time voxels"], signal: Float[np.ndarray, "time voxels"], groups: np.ndarray
) -> float:
    """How often the right segment correlates most; voxels are standardised first, ties are lost."""
    starts = segment_starts(groups)
    rows = starts[:, None] + np.arange(SEGMENT)
    first, second = (segments(series, rows) for series in (predicted, signal))
    r = first @ second.T
    rivals = np.where(np.abs(starts[:, None] - starts) >= SEGMENT, r, -np.inf)
    return float((np.diag(r) > rivals.max(axis=1)).mean())


def segments(series: Float[np.ndarray, "time voxels"], rows: Int[np.ndarray, "segments samples"]) -> np.ndarray:
    """Segments laid flat, centred and of norm 1; those that do not vary are 0."""
    spread = series.std(axis=0)
    unit = (series - series.mean(axis=0)) / np.where(spread > 0, spread, np.inf)
    flat = unit[rows].reshape(len(rows), -1)
    flat = flat - flat.mean(axis=1, keepdims=True)
    norm = np.linalg.norm(flat, axis=1, keepdims=True)
    return flat / np.where(norm > 0, norm, np.inf)
