"""Left or right finger from 28 EEG channels before the key is pressed.

Half a second that ends 130 ms before a self-chosen key press, at 100 Hz. Sessions are not marked: a group is a tenth of
every class's trials, in the order of the file.
"""

from __future__ import annotations

import numpy as np

from bench.core.problems import Workspace
from bench.tracks.decoding.recorded import SPLITS, Recorded, make
from bench.tracks.decoding.types import Problem, Truth

VERSION = 1
BOARD = "proxy"
SEED_CHANGES = "nothing"
DATA = ("finger_movements",)
REFERENCE = "Blankertz, Curio and Mueller (2002), Advances in Neural Information Processing Systems 14:157-164"
INSTANCES = {
    "published": {"size": "small", "null": False, "title": "316 training and 100 test trials of the competition"},
    "first": {"size": "small", "null": False, "title": "the first fifth of the training trials held out"},
    "middle": {"size": "small", "null": False, "title": "the middle fifth of the training trials held out"},
    "last": {"size": "small", "null": False, "title": "the last fifth of the training trials held out"},
}


def generate(instance: str, seed: int, rng: np.random.Generator, workspace: Workspace) -> tuple[Problem, Truth]:
    recorded = Recorded(workspace.data["finger_movements"], rate=100.0, average=1, start=-0.63, units="V")
    return make(recorded, SPLITS[instance], rng)
