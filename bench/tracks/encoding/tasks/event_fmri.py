"""Event-related fMRI: one series of motion-sensitive cortex against six kinds of trials.

The features are six indicators, one for each kind of trial (a direction and place of motion), at the volume in which a
trial begins; the response follows within 20 s, so that a method must look back or know the haemodynamic response.
Twelve contiguous runs, a third of them held out at a time. One series: no noise ceiling, and the scores are raw.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from bench.core.problems import Workspace
from bench.neuro.blocks import split_blocks
from bench.tracks.encoding.types import Problem, Truth

VERSION = 1
BOARD = "proxy"
SEED_CHANGES = "nothing"
DATA = ("event_fmri",)
REFERENCE = "Rokem, Trumpis and Perez (2009), Proceedings of the 8th Python in Science Conference 68-75"
INSTANCES = {
    "first": {"size": "small", "null": False, "title": "runs 1 to 4 held out"},
    "middle": {"size": "small", "null": False, "title": "runs 5 to 8 held out"},
    "last": {"size": "small", "null": False, "title": "runs 9 to 12 held out"},
}
HELD_OUT = {"first": range(0, 4), "middle": range(4, 8), "last": range(8, 12)}

REPETITION_TIME = 2.0  # s
MAX_LAG = 10  # volumes: 20 s, when the undershoot is over


def generate(instance: str, seed: int, rng: np.random.Generator, workspace: Workspace) -> tuple[Problem, Truth]:
    table = pd.read_csv(workspace.data["event_fmri"] / "series.csv")
    runs, responses = table["run"].to_numpy(), table[["bold"]].to_numpy()
    kinds = np.unique(table["events"])[1:]
    features = (table[["events"]].to_numpy() == kinds).astype(float)
    held_out = np.isin(np.arange(runs.max() + 1), HELD_OUT[instance])
    # The runs are inferred (see the card): should one not end where it seems to, the gap keeps its response apart.
    split = split_blocks(runs, held_out, MAX_LAG)
    problem = Problem(
        train_features=features[split.train],
        train_responses=responses[split.train],
        train_groups=split.train_groups,
        test_features=features[split.test],
        test_groups=split.test_groups,
        bands=np.zeros(len(kinds), dtype=int),
        sampling_rate=1 / REPETITION_TIME,
        max_lag=MAX_LAG,
        units="% signal change",
        response_kind="continuous",
    )
    return problem, Truth(False, responses[split.test], np.array([True]), None, None)
