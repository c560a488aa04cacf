"""Four directions of a hand movement from ten MEG channels above the motor cortex.

One subject moved a joystick right, forward, left or backward; trials reach from 0.4 s before to 0.6 s after the
movement began. Four samples are averaged into one (100 Hz), since the direction shows below 8 Hz. Runs are not marked
and trials are sorted by direction: a group is a tenth of every direction's trials, in the order of the file.
"""

from __future__ import annotations

import numpy as np

from bench.core.problems import Workspace
from bench.tracks.decoding.recorded import SPLITS, Recorded, make
from bench.tracks.decoding.types import Problem, Truth

VERSION = 1
BOARD = "proxy"
SEED_CHANGES = "nothing"
DATA = ("hand_movement",)
REFERENCE = "Tangermann et al. (2012), Frontiers in Neuroscience 6:55, doi:10.3389/fnins.2012.00055"
INSTANCES = {
    "published": {"size": "small", "null": False, "title": "160 training and 74 test trials of the competition"},
    "first": {"size": "small", "null": False, "title": "the first fifth of the training trials held out"},
    "middle": {"size": "small", "null": False, "title": "the middle fifth of the training trials held out"},
    "last": {"size": "small", "null": False, "title": "the last fifth of the training trials held out"},
}


def generate(instance: str, seed: int, rng: np.random.Generator, workspace: Workspace) -> tuple[Problem, Truth]:
    recorded = Recorded(workspace.data["hand_movement"], rate=400.0, average=4, start=-0.4, units="a.u.")
    return make(recorded, SPLITS[instance], rng)
