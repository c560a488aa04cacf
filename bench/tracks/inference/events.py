"""Trains of events as the blood-oxygen signal sees them: features that have no part in anything."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.signal import fftconvolve

from bench.neuro.haemodynamics import GLOVER

REPETITION_TIME = 2.0  # s
STEP = 0.5  # s: onsets lie on this grid
GAPS = (6.0, 18.0)  # s between successive onsets, uniform
PAST = 30.0  # s before the first volume, whose events are still seen


def draw_events(count: int, rows: int, rng: np.random.Generator) -> Float[np.ndarray, "datasets rows"]:
    """Trains of impulses, one every 6 to 18 s, through the response of Glover, in 1/s, one volume every 2 s."""
    length = rows * REPETITION_TIME + PAST
    gaps = rng.uniform(*GAPS, size=(count, int(length / GAPS[0]) + 1))
    bins = np.floor(np.cumsum(gaps, axis=1) / STEP).astype(int)
    steps = int(length / STEP)
    trains = np.zeros((count, steps))
    row, event = np.nonzero(bins < steps)
    trains[row, bins[row, event]] = 1.0
    response = GLOVER.density(np.arange(0, PAST, STEP))
    return fftconvolve(trains, response[None], axes=1)[:, int(PAST / STEP) : steps : int(REPETITION_TIME / STEP)]
