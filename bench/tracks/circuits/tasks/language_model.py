"""A small language model that tells stories, on prompts that it gets right.

No circuit of it is known, so answers stand on a board of their own and are scored by how much of the behaviour the
circuits of their best edges keep. The model is stories260K (5 layers of 8 heads and an MLP, trained on children's
stories). Prompts come in pairs that its tokenizer aligns, drawn anew for every seed from those that the model does:
right words lead by their logits after the clean text and lag after the corrupted one. Pairs are resampled position by
position. What the model cannot do (repeating random words, finding the indirect object) is left out; the figures stand
in docs/circuits-language-models.md. The model is the same for all seeds, so nothing of it is hidden in a hidden round.
There is no null instance: without truth, no edge is known to be idle.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from bench.core.problems import Workspace
from bench.models.llama import llama_arrays
from bench.models.prompts import Reader, Subject
from bench.models.prompts.stories import FAMILIES
from bench.tracks.circuits.prompted import make_unit
from bench.tracks.circuits.types import Problem, Truth

VERSION = 1
BOARD = "proxy"
SEED_CHANGES = "inputs"
SEEDS = 3
DATA = ("stories260k",)
REFERENCE = "Karpathy (2023), llama2.c; Mueller et al. (2025), MIB: a mechanistic interpretability benchmark, ICML"
INSTANCES = {
    "possessive": {"size": "small", "null": False, "title": "Her or his?"},
    "agreement": {"size": "small", "null": False, "title": "Was or were?"},
    "name": {"size": "small", "null": False, "title": "The hero's name again"},
    "spelling": {"size": "small", "null": False, "title": "The rest of a name that has begun"},
}

START = 1  # the token that begins a text
PASSES = 5000  # an example: two for each of the 2461 edges


def generate(instance: str, seed: int, rng: np.random.Generator, workspace: Workspace) -> tuple[Problem, Truth]:
    return make_unit(read_subject(instance, workspace.data["stories260k"]), PASSES, rng, workspace)


@cache
def read_subject(family: str, folder: Path) -> Subject:
    reader = Reader(Tokenizer.from_file(str(folder / "tokenizer.json")), START)
    return Subject(*llama_arrays(folder), reader, FAMILIES[family])
