"""Recorded noise: responses of regions to a story, and features that were drawn without it.

A response is a stretch of 120 volumes (4 min) of one region of one listener (`datasets/alice`): drifts, physiology,
motion and what the story evoked, none of which a drawn feature can know. Every data set has a feature of its own, so
that null data sets are independent draws of the feature over 486 stretches, some of which come more than once. Features
are trains of haemodynamic events or autoregressive of memory .9. In the live instance half of the data sets have the
feature added at a tenth of the stretch's variance; nobody knows the covariance of the noise, so that there is no ideal
observer and scores are raw.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import Float
from safetensors.numpy import load_file

from bench.core.problems import Workspace
from bench.kernels.stationary import autoregressive_covariance, draw_stationary
from bench.tracks.inference.events import REPETITION_TIME, draw_events
from bench.tracks.inference.types import Problem, Truth

VERSION = 1
BOARD = "truth"
SEED_CHANGES = "inputs"
DATA = ("alice",)
REFERENCE = "Brennan et al. (2016), Brain and Language 157-158:81-94, doi:10.1016/j.bandl.2016.04.008"
INSTANCES = {
    "slow": {"size": "small", "null": False, "title": "slow features added to recorded noise"},
    "events_null": {"size": "small", "null": True, "siblings": True, "title": "events, unrelated recorded noise"},
    "slow_null": {"size": "small", "null": True, "siblings": True, "title": "memory .9, unrelated recorded noise"},
}

ROWS = 120
LIVE, NULL = 400, 700
SHARE = 0.1  # of the variance, in live units
MEMORY = 0.9


def generate(instance: str, seed: int, rng: np.random.Generator, workspace: Workspace) -> tuple[Problem, Truth]:
    null = instance.endswith("_null")
    count = NULL if null else LIVE
    noise = stretches(workspace.data["alice"])
    response = noise[rng.permutation(np.arange(count) % len(noise))]
    slow = instance.startswith("slow")
    covariance = autoregressive_covariance(MEMORY, ROWS)
    feature = draw_stationary(covariance, count, rng) if slow else draw_events(count, ROWS, rng)
    related = rng.permutation(count) % 2 == 1 if not null else np.zeros(count, bool)
    size = np.sqrt(SHARE / (1 - SHARE)) * response.std(axis=1) / feature.std(axis=1)
    size = size * related * rng.choice([-1.0, 1.0], size=count)
    problem = Problem(feature, response + size[:, None] * feature, 1 / REPETITION_TIME, "scanner units")
    return problem, Truth(null, related, None)


def stretches(folder: Path) -> Float[np.ndarray, "stretches rows"]:
    """Every listener's and region's response, cut into whole stretches of `ROWS` volumes."""
    responses = load_file(folder / "recording.safetensors")["responses"]  # [listeners, time, regions]
    whole = responses.shape[1] // ROWS
    cut = responses[:, : whole * ROWS].transpose(0, 2, 1)
    return cut.reshape(-1, ROWS)
