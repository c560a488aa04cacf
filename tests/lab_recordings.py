"""Prepared recordings with known truth, in memory: no file is read and nothing is cleaned."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bench.core.contract import generator
from bench.neuro.recording import Recording, step

RATE, SECONDS = 20.0, 60.0
KINDS = ("low", "high")
WEIGHTS = {"low": 1.0, "high": -0.5}
LAG = 0.15  # s from an event to its response, three samples


def made_events(run: int, *, seed: int = 0) -> pd.DataFrame:
    """About one event a second, on samples, of either kind."""
    rng = generator("lab events", seed, run)
    onset = np.round(np.sort(rng.choice(np.arange(10, int(SECONDS * RATE) - 20), 60, replace=False)) / RATE, 6)
    kinds = rng.choice(KINDS, 60)
    return pd.DataFrame({"onset": onset, "duration": 0.0, "trial_type": kinds, "run": run})


def made_recording(
    *, runs: int = 3, repeated: bool = False, sites: int = 4, signal: float = 1.0, subject: str = "01"
) -> Recording:
    """Events of weights `WEIGHTS` give a response `LAG` later at the first half of the sites, times `signal`, plus
    autocorrelated noise of variance 1 everywhere. With `repeated` all runs show the same events."""
    rng = generator("lab noise", subject, runs, sites)
    count = int(SECONDS * RATE)
    tables = [made_events(1 if repeated else run).assign(run=run) for run in range(1, runs + 1)]
    parts = []
    for table in tables:
        response = np.zeros(count)
        rows = np.round((table["onset"] + LAG) * RATE).astype(int)
        np.add.at(response, rows, table["trial_type"].map(WEIGHTS))
        responding = (np.arange(sites) < sites // 2).astype(float)
        parts.append(signal * np.outer(response / response.std(), responding) + noise(count, sites, rng))
    return Recording(
        np.concatenate(parts), np.repeat(np.arange(1, runs + 1), count),
        pd.DataFrame({"name": [f"s{number}" for number in range(sites)], "kind": "misc"}),
        pd.concat(tables, ignore_index=True), RATE, 0.0, "a.u.", subject, None, [step("made")],
    )  # fmt: skip


def noise(count: int, sites: int, rng: np.random.Generator, memory: float = 0.6) -> np.ndarray:
    """First-order autoregressive columns of variance 1."""
    white = rng.standard_normal((count + 200, sites))
    for row in range(1, len(white)):
        white[row] += memory * white[row - 1]
    return white[200:] * np.sqrt(1 - memory**2)
