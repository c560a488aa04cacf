"""Spikes of a grasshopper's auditory receptor under noise of changing loudness.

An intracellular recording of one receptor cell while the loudness of its preferred tone was modulated by Gaussian noise
up to 200 Hz or up to 800 Hz, 10 s each. Bins of 1 ms; the two feature spaces are the level (dB SPL) and the sound
pressure (Pa) in each bin, and the response is the number of spikes. The cell answers after 5 to 8 ms, so that only a
method that looks back predicts anything. Within a stimulus the fifth and the tenth second are held out; across stimuli
all of one is. Every stimulus was played once: there is no noise ceiling, and the scores are raw.
"""

from __future__ import annotations

import json

import numpy as np
from safetensors.numpy import load_file

from bench.core.problems import Workspace
from bench.neuro.blocks import equal_blocks, split_blocks
from bench.neuro.spikes import bin_means, bin_spikes
from bench.tracks.encoding.types import Problem, Truth

VERSION = 1
BOARD = "proxy"
SEED_CHANGES = "nothing"
DATA = ("grasshopper",)
REFERENCE = "Rokem et al. (2006), Journal of Neurophysiology 95:2541-2552, doi:10.1152/jn.00891.2005"
INSTANCES = {
    "slow": {"size": "small", "null": False, "title": "loudness changes up to 200 Hz, seconds held out"},
    "fast": {"size": "small", "null": False, "title": "loudness changes up to 800 Hz, seconds held out"},
    "fast_to_slow": {"size": "small", "null": False, "title": "trained up to 800 Hz, tested up to 200 Hz"},
    "slow_to_fast": {"size": "small", "null": False, "title": "trained up to 200 Hz, tested up to 800 Hz"},
}
STIMULI = {"slow": (1, 1), "fast": (2, 2), "fast_to_slow": (2, 1), "slow_to_fast": (1, 2)}

BIN = 1e-3  # s
BLOCKS, HELD_OUT = 10, (4, 9)
MAX_LAG = 15  # ms; the answer comes after 5 to 8 ms
GAP = 50  # ms, beyond the memory of the adapting cell's fast part
REFERENCE_PRESSURE = 2e-5  # Pa, 0 dB SPL


def generate(instance: str, seed: int, rng: np.random.Generator, workspace: Workspace) -> tuple[Problem, Truth]:
    folder = workspace.data["grasshopper"]
    arrays, facts = load_file(folder / "recording.safetensors"), json.loads((folder / "recording.json").read_text())
    trained, tested = STIMULI[instance]
    train_features, train_responses = binned(arrays, trained, facts["sampling_interval"])
    test_features, test_responses = binned(arrays, tested, facts["sampling_interval"])
    blocks = equal_blocks(len(test_responses), BLOCKS)
    held_out = np.isin(np.arange(BLOCKS), HELD_OUT)
    split = split_blocks(blocks, held_out, GAP)
    train, test = (split.train, split.test) if trained == tested else (np.arange(len(blocks)), np.arange(len(blocks)))
    problem = Problem(
        train_features=train_features[train],
        train_responses=train_responses[train],
        train_groups=blocks[train],
        test_features=test_features[test],
        test_groups=blocks[test],
        bands=np.array([0, 1]),
        sampling_rate=1 / BIN,
        max_lag=MAX_LAG,
        units="spikes/bin",
        response_kind="counts",
    )
    return problem, Truth(False, test_responses[test], np.array([True]), None, None)


def binned(arrays: dict[str, np.ndarray], stimulus: int, interval: float) -> tuple[np.ndarray, np.ndarray]:
    """Level (dB SPL) and pressure (Pa), [bins, 2], and spike counts, [bins, 1]; `interval` of the samples in us."""
    level = arrays[f"level_{stimulus}"]
    per_bin = round(BIN * 1e6 / interval)
    pressure = REFERENCE_PRESSURE * 10 ** (level / 20)
    features = np.stack([bin_means(level, per_bin), bin_means(pressure, per_bin)], axis=1)
    return features, bin_spikes(arrays[f"spikes_{stimulus}"], len(features), BIN)[:, None].astype(float)
