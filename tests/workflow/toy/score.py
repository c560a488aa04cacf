"""Closeness of the estimate, exp(-|error|), and false alarms on null units."""

from __future__ import annotations

from bench.kernels.closeness import closeness
from bench.tracks.toy.types import Answer, Problem, Truth

METRICS = {
    "closeness": {
        "title": "Closeness", "version": 1, "role": "headline", "units": "live", "range": [0, 1], "direction": "higher",
        "floor": {"control": "coin"}, "ceiling": {"control": "oracle"}, "reference": "none",
    },
    "false_alarm": {
        "title": "False alarm", "version": 1,
        "role": "headline", "units": "null", "range": [0, 1], "direction": "lower",
        "floor": None, "ceiling": None, "gate": {"max": 0.5}, "reference": "none",
    },
}  # fmt: skip


def score(problem: Problem, truth: Truth, answer: Answer) -> dict[str, float]:
    if truth.null:
        return {"false_alarm": float(abs(answer.location) > 1)}
    return {"closeness": closeness(answer.location, truth.location)}
