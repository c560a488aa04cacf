"""Since when can labels be told: the margin of held-out runs at every time, against all flips of the runs' signs."""

from __future__ import annotations

from itertools import product

import numpy as np
from jaxtyping import Bool, Float
from scipy.special import softmax

from bench.tracks.decoding.experiment import DataSet
from bench.tracks.decoding.types import NEVER

FLIPS = 10  # runs whose signs are flipped in all ways; of more runs neighbours are flipped together


def by_time(trials: Float[np.ndarray, "trials channels time"]) -> Float[np.ndarray, "time trials channels"]:
    return np.ascontiguousarray(np.moveaxis(trials, 2, 0))


def run_margins(scores: Float[np.ndarray, "... trials classes"], data: DataSet) -> Float[np.ndarray, "... runs"]:
    """Per run, the probability of a trial's own class less 1 / classes, classes weighing alike: 0 on average, and about
    as often above as below, where labels say nothing; bounded, so that no time has a scale of its own."""
    probabilities = softmax(scores, axis=-1)
    own = np.take_along_axis(probabilities, np.broadcast_to(data.labels[:, None], (*scores.shape[:-1], 1)), axis=-1)
    margins = []
    for run in np.unique(data.groups):
        here = data.groups == run
        present = [here & (data.labels == label) for label in np.unique(data.labels[here])]
        margins.append(np.mean([own[..., rows, 0].mean(axis=-1) for rows in present], axis=0) - 1 / data.classes)
    return np.stack(margins, axis=-1)


def stands_out(margins: Float[np.ndarray, "time runs"], alpha: float = 0.05) -> Bool[np.ndarray, "time"]:
    """Where the mean over runs is above what its largest value over time reaches in a share `alpha` of the flips of the
    runs' signs (single-threshold test: Nichols and Holmes 2002, Human Brain Mapping 15:1-25)."""
    parts = np.array_split(margins, min(FLIPS, margins.shape[1]), axis=1)
    joined = np.stack([part.sum(axis=1) for part in parts], axis=1)
    signs = np.array(list(product((1, -1), repeat=len(parts))))
    largest = np.sort((joined @ signs.T).max(axis=0))
    return joined.sum(axis=1) > largest[int(np.ceil((1 - alpha) * len(largest))) - 1]


def first_onset(active: Bool[np.ndarray, "time"]) -> int:
    return int(active.argmax()) if active.any() else NEVER


def halves(data: DataSet) -> tuple[DataSet, DataSet]:
    """Trials of the first half of the runs, and of the others."""
    runs = np.unique(data.groups)
    late = data.groups >= runs[(len(runs) + 1) // 2]
    return data.part(np.flatnonzero(~late)), data.part(np.flatnonzero(late))
