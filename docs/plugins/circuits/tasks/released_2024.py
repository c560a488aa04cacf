"""A released model of InterpBench 2024, beside its converted checkpoint.

A template: put it into FOLDER/circuits/tasks of a folder named by `plugin_paths`, beside a folder `case` with
`model.safetensors` and `model.json` from `python -P -m bench.models.adapters convert` and `inputs.safetensors`
("clean", "corrupted": tokens of the case, [pairs, pos]; half of them make the truth). Raise VERSION when these change.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from bench.core.contract import Blob
from bench.core.problems import Workspace
from bench.tracks.circuits.released import make_unit
from bench.tracks.circuits.types import Problem, Truth

VERSION = 1
BOARD = "truth"
SEED_CHANGES = "inputs"
REFERENCE = "Gupta et al. 2024, InterpBench: semi-synthetic transformers for evaluating circuit discovery, NeurIPS"
INSTANCES = {"case": {"size": "small", "null": False, "title": "A released model"}}
CASE = Path(__file__).parent / "case"
FIRST_SCORED = 1  # nothing is asked of the token that begins a text


def generate(instance: str, seed: int, rng: np.random.Generator, workspace: Workspace) -> tuple[Problem, Truth]:
    inputs = load_file(CASE / "inputs.safetensors")
    inside = json.loads((CASE / "model.json").read_text())["nodes"]
    content = (CASE / "model.safetensors").read_bytes()
    model: Blob = workspace.blob(lambda path: path.write_bytes(content))
    order = rng.permutation(len(inputs["clean"]))
    shown, hidden = np.array_split(order, 2)
    pairs = [(inputs["clean"][rows], inputs["corrupted"][rows]) for rows in (shown, hidden)]
    scored = np.arange(inputs["clean"].shape[1]) >= FIRST_SCORED
    return make_unit(model.path, inside, *pairs, scored)
