"""Recorded trials of one subject as a problem: published split or stretches of the training trials held out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int
from safetensors.numpy import load_file

from bench.tracks.decoding.probing import EXCHANGES, hide_probes
from bench.tracks.decoding.types import Problem, Truth

GROUPS = 10
SPLITS: dict[str, tuple[int, ...]] = {"published": (), "first": (0, 1), "middle": (4, 5), "last": (8, 9)}


@dataclass(frozen=True)
class Recorded:
    """A prepared folder, and how its trials are read: `average` neighbouring samples at `rate` Hz into one."""

    folder: Path
    rate: float
    average: int
    start: float
    units: str


def make(recorded: Recorded, held_out: tuple[int, ...], rng: np.random.Generator) -> tuple[Problem, Truth]:
    """Training trials without the held-out groups, which are tested; without any, the published test trials are."""
    arrays = load_file(recorded.folder / "trials.safetensors")
    train, labels = average_samples(arrays["train_trials"], recorded.average), arrays["train_labels"]
    groups = stretches(labels, GROUPS)
    test, test_labels = average_samples(arrays["test_trials"], recorded.average), arrays["test_labels"]
    kept = np.flatnonzero(~np.isin(groups, held_out))
    kept = kept[np.argsort(groups[kept], kind="stable")]
    if held_out:
        rows = np.isin(groups, held_out)
        test, test_labels = train[rows], labels[rows]
    probed = hide_probes(test, test_labels, EXCHANGES, rng)
    problem = Problem(
        train_trials=train[kept][None],
        train_labels=labels[kept][None],
        train_groups=groups[kept][None],
        test_trials=probed.trials[None],
        classes=int(labels.max()) + 1,
        channels=[f"{number}" for number in range(1, train.shape[1] + 1)],
        sampling_rate=recorded.rate / recorded.average,
        start=recorded.start,
        units=recorded.units,
    )
    return problem, Truth(
        null=False,
        test_labels=probed.labels[None],
        original=probed.original[None],
        exchanged=probed.exchanged[None],
        ideal=None,
        topographies=None,
        onset=None,
        dynamics=None,
    )


def average_samples(trials: Float[np.ndarray, "trials channels time"], count: int) -> np.ndarray:
    """Means of `count` samples each; a rest at the end is left out."""
    kept = trials.shape[2] // count
    return trials[:, :, : kept * count].reshape(*trials.shape[:2], kept, count).mean(axis=3)


def stretches(labels: Int[np.ndarray, "trials"], count: int) -> Int[np.ndarray, "trials"]:
    """The group of each trial: `count` stretches of every class's trials, in the order of the file."""
    groups = np.empty(len(labels), int)
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        groups[rows] = np.arange(len(rows)) * count // len(rows)
    return groups
