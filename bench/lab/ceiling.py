"""What the recording itself lets a model reach, where repeats determine it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import stats

from bench.core.statistics import LEVEL
from bench.lab.features import Features
from bench.neuro.blocks import equal_blocks
from bench.neuro.ceilings import corrected_explained_variance
from bench.neuro.recording import Recording

FEWEST = 4  # blocks of time: with fewer an interval says nothing


@dataclass(frozen=True)
class Ceiling:
    """The most that a correlation with one run can reach: sqrt of the mean reliability over sites, with its interval.

    `reliability` is that of one run at each site, unclipped; all are None where `reason` says why.
    """

    value: float | None
    low: float | None
    high: float | None
    reliability: Float[np.ndarray, "sites"] | None
    repeats: int
    reason: str


def undetermined(reason: str) -> Ceiling:
    return Ceiling(None, None, None, None, 0, reason)


def find_ceiling(features: Features, recording: Recording, block: float) -> Ceiling:
    """From runs whose features are the same at every sample: the same stimulus at the same times. `block` in s.

    Runs that are alike are repeats of each other; sets of them are averaged. The interval is a jackknife that leaves
    out a block of time. Without such runs nothing is estimated: other ceilings bound other things.
    """
    sets = repeated_runs(features, recording)
    if not sets:
        return undetermined("no stimulus sequence was shown in two runs, so that nothing tells signal from noise")
    rows = round(block * recording.sampling_rate)
    stacks = [np.stack([recording.values[recording.runs == run] for run in runs]) for runs in sets]
    if any((stack.std(axis=1) == 0).any() for stack in stacks):
        return undetermined("a site is constant in a repeated run; leave it out")
    reliability = np.mean([corrected_explained_variance(stack) for stack in stacks], axis=0)
    mean, error, count = jackknife(stacks, rows)
    repeats = min(len(runs) for runs in sets)
    if mean <= 0:
        return Ceiling(None, None, None, reliability, repeats, f"the repeats share nothing (reliability {mean:.3f})")
    half = stats.t.ppf((1 + LEVEL) / 2, count - 1) * error if count >= FEWEST else None
    low, high = (None, None) if half is None else (float(np.sqrt(max(mean - half, 0.0))), float(np.sqrt(mean + half)))
    reason = "" if half is not None else f"{count} blocks of {block:g} s are too few for an interval"
    return Ceiling(float(np.sqrt(mean)), low, high, reliability, repeats, reason)


def repeated_runs(features: Features, recording: Recording) -> list[list[int]]:
    """Sets of at least two runs with equal features and equal length."""
    sets: list[list[int]] = []
    for run in np.unique(recording.runs):
        own = features.values[recording.runs == run]
        for known in sets:
            other = features.values[recording.runs == known[0]]
            if own.shape == other.shape and np.allclose(own, other, rtol=1e-6, atol=1e-9 * np.abs(other).max()):
                known.append(int(run))
                break
        else:
            sets.append([int(run)])
    return [known for known in sets if len(known) > 1]


def jackknife(stacks: list[Float[np.ndarray, "repeats time sites"]], rows: int) -> tuple[float, float, int]:
    """Mean reliability over sites and stacks, its standard error without one block of `rows` samples each, and the
    number of blocks. Kuensch (1989), Annals of Statistics 17:1217-1241, with blocks that do not overlap."""
    values, errors, counts = [], [], []
    for stack in stacks:
        count = stack.shape[1] // max(rows, 1)
        values.append(float(corrected_explained_variance(stack).mean()))
        counts.append(count)
        if count < FEWEST:
            continue
        block = equal_blocks(stack.shape[1], count)
        without = [float(corrected_explained_variance(stack[:, block != one]).mean()) for one in range(count)]
        errors.append((count - 1) / count * np.square(np.array(without) - np.mean(without)).sum())
    error = float(np.sqrt(np.sum(errors)) / len(stacks)) if errors else 0.0
    return float(np.mean(values)), error, min(counts)
