"""Up or down from slow cortical potentials, six EEG channels.

A subject moved a cursor by slow potentials and saw it move; 3.5 s of feedback a trial. Eight samples are averaged into
one (32 Hz), since the potentials are slow. The two days of the training trials are not marked: a group is a tenth of
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
DATA = ("self_regulation",)
REFERENCE = "Birbaumer et al. (1999), Nature 398:297-298, doi:10.1038/18581"
INSTANCES = {
    "published": {"size": "small", "null": False, "title": "268 training and 293 test trials of the competition"},
    "first": {"size": "small", "null": False, "title": "the first fifth of the training trials held out"},
    "middle": {"size": "small", "null": False, "title": "the middle fifth of the training trials held out"},
    "last": {"size": "small", "null": False, "title": "the last fifth of the training trials held out"},
}


def generate(instance: str, seed: int, rng: np.random.Generator, workspace: Workspace) -> tuple[Problem, Truth]:
    recorded = Recorded(workspace.data["self_regulation"], rate=256.0, average=8, start=2.0, units="V")
    return make(recorded, SPLITS[instance], rng)
