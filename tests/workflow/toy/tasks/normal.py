"""Normal samples around a known location."""

import numpy as np

from bench.tracks.toy.types import Problem, Truth

VERSION = 1
BOARD = "truth"
SEED_CHANGES = "truth"
SEEDS = 3
INSTANCES = {
    "narrow": {"size": "small", "null": False, "title": "little noise"},
    "wide": {"size": "small", "null": False, "title": "much noise"},
    "nothing": {"size": "small", "null": True, "title": "location zero"},
}
SCALES = {"narrow": 0.5, "wide": 3.0, "nothing": 0.5}


def generate(instance, seed, rng, workspace):
    location = 0.0 if instance == "nothing" else float(rng.uniform(3, 5))
    sample = location + SCALES[instance] * rng.standard_t(3, size=40)
    return Problem(np.asarray(sample)), Truth(instance == "nothing", location)
