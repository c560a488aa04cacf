"""Planted differences between classes, seen by EEG or MEG sensors through a template head.

Cortical dipoles answer differently in two classes (or four), in phase with the trial (`evoked`) or as a rhythm whose
power moves from one dipole to another (`induced`); 1/f noise of the cortex, white noise of the sensors, slow drift and
an environment that only reference sensors see by itself come on top. Units hold one data set of 96 training and 176
test trials, null units twelve small ones in which labels were drawn without regard to the data.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.core.problems import Workspace
from bench.tracks.decoding.planting import Design, make
from bench.tracks.decoding.types import Problem, Truth

VERSION = 1
BOARD = "truth"
SEED_CHANGES = "truth"
REFERENCE = (
    "Haufe et al. (2014), NeuroImage 87:96-110; King and Dehaene (2014), Trends in Cognitive Sciences 18:203-210"
)
INSTANCES = {
    "evoked_clear": {"size": "small", "null": False, "title": "sustained response, well above the noise"},
    "evoked_weak": {"size": "small", "null": False, "title": "sustained response, a thirtieth of the noise"},
    "evoked_buried": {"size": "small", "null": False, "title": "30 channels, the response a hundredth of the noise"},
    "chain": {"size": "small", "null": False, "title": "three sources, one after the other"},
    "reactivated": {"size": "small", "null": False, "title": "a source that falls silent and comes back"},
    "cancelling": {"size": "small", "null": False, "title": "tesla, strong environment, three reference sensors"},
    "drifting": {"size": "small", "null": False, "title": "labels in blocks of four, slow drift"},
    "imbalanced": {"size": "small", "null": False, "title": "a quarter of the trials is of the other class"},
    "average_reference": {"size": "small", "null": False, "title": "average reference: a dimension is lost"},
    "four_tesla": {"size": "small", "null": False, "title": "four classes, four sources, in tesla"},
    "induced_clear": {"size": "small", "null": False, "title": "10 Hz power moves between two sources"},
    "induced_weak": {"size": "small", "null": False, "title": "as induced_clear, a fortieth of the power"},
    "null_white": {"size": "small", "null": True, "title": "white noise, shuffled labels"},
    "null_blocked": {"size": "small", "null": True, "title": "slow drift, labels in blocks"},
    "null_cancelling": {"size": "small", "null": True, "title": "environment in tesla, shuffled labels"},
}  # fmt: skip
SMALL: dict[str, Any] = {"kind": "null", "channels": 8, "time": 30, "sets": 12, "test_runs": 1}
DESIGNS = {
    "evoked_clear": Design(snr=0.5),
    "evoked_weak": Design(snr=0.03),
    "evoked_buried": Design(snr=0.01, channels=30, brain=0.8),
    "chain": Design(dynamics="chain", snr=0.3),
    "reactivated": Design(dynamics="reactivated", snr=0.3),
    "cancelling": Design(snr=0.2, environment=2.0, references=3, units="T"),
    "drifting": Design(snr=0.1, drift=1.5, block=4),
    "imbalanced": Design(snr=0.1, share=0.75),
    "average_reference": Design(snr=0.1, average=True),
    "four_tesla": Design(snr=0.1, classes=4, units="T"),
    "induced_clear": Design("induced", snr=2.0),
    "induced_weak": Design("induced", snr=0.05),
    "null_white": Design(**SMALL, brain=0.0),
    "null_blocked": Design(**SMALL, drift=1.5, block=4),
    "null_cancelling": Design(**SMALL, environment=3.0, references=2, units="T"),
}  # fmt: skip


def generate(instance: str, seed: int, rng: np.random.Generator, workspace: Workspace) -> tuple[Problem, Truth]:
    return make(DESIGNS[instance], rng)
