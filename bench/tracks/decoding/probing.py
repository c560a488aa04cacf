"""Test trials with a channel exchanged, hidden among the others: what a decoder's own scores make of each channel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

EXCHANGES = 8  # trials in which a channel is exchanged, for each channel


@dataclass(frozen=True)
class Probed:
    """Test trials in random order. `source` is the trial of the caller that each was or came from; the other fields
    are those of `Truth`."""

    trials: Float[np.ndarray, "test channels time"]
    labels: Int[np.ndarray, "test"]
    original: Int[np.ndarray, "test"]
    exchanged: Int[np.ndarray, "test"]
    source: Int[np.ndarray, "test"]


def hide_probes(
    trials: Float[np.ndarray, "trials channels time"],
    labels: Int[np.ndarray, "trials"],
    times: int,
    rng: np.random.Generator,
) -> Probed:
    """The trials, shuffled with `times` copies a channel of random ones whose channel is that of another trial."""
    count, channels = trials.shape[:2]
    channel = np.repeat(np.arange(channels), times)
    base = rng.integers(count, size=len(channel))
    other = (base + rng.integers(1, count, size=len(channel))) % count
    copies = trials[base]
    copies[np.arange(len(channel)), channel] = trials[other, channel]
    source, exchanged = np.append(np.arange(count), base), np.append(np.full(count, -1), channel)
    order = rng.permutation(len(source))
    place = np.argsort(order)
    known = np.where(exchanged < 0, labels[source], -1)
    every = np.concatenate([trials, copies])
    return Probed(every[order], known[order], place[source[order]], exchanged[order], source[order])
