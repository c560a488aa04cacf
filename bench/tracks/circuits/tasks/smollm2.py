"""A language model of 135 million parameters, on eight behaviours that it has.

No circuit of it is known, so answers stand on the proxy board and are scored by how much of the behaviour the circuits
of their best edges keep. The model is SmolLM2-135M-Instruct (30 layers of 9 heads and an MLP, 123,211 edges), as its
four-bit file says, in single precision. Prompts come in pairs that its tokenizer aligns, drawn anew for every seed from
those that the model does: right words lead by their logits after the clean text and lag after the corrupted one. Texts
begin with the end-of-text token: without it, of pairs of indirect objects the model does one in ten
(docs/circuits-language-models.md).
Methods that patch edges one by one exceed the budget, which counts tokens, and say so. The model is the same for all
seeds, so nothing of it is hidden in a hidden round. There is no null instance: without truth, no edge is known to be
idle.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bench.core.problems import Workspace
from bench.tracks.circuits.prompted import DRAWS, EXAMPLES, GRANULARITY, make_problem, no_truth, read_subject
from bench.tracks.circuits.types import Problem, Truth

VERSION = 1
BOARD = "proxy"
SEED_CHANGES = "inputs"
SEEDS = 3
DATA = ("smollm2",)
SPLIT = True
REFERENCE = "Ben Allal et al. (2025), SmolLM2: when smol goes big, arXiv:2502.02737"
INSTANCES = {
    "indirect_object": {"size": "large", "null": False, "title": "Who is given something?"},
    "greater_than": {"size": "large", "null": False, "title": "A later year"},
    "induction": {"size": "large", "null": False, "title": "Random words, twice"},
    "copy_suppression": {"size": "large", "null": False, "title": "What a list lacks"},
    "docstring": {"size": "large", "null": False, "title": "A function's next parameter"},
    "factual_recall": {"size": "large", "null": False, "title": "A country's capital"},
    "in_context": {"size": "large", "null": False, "title": "A rule that the examples tell"},
    "agreement": {"size": "large", "null": False, "title": "Singular or plural verb"},
}

START = 0  # <|endoftext|>
TOKEN_PASSES = 6000  # an example: passes times tokens, about what half an hour of one core can run


def generate(instance: str, seed: int, rng: np.random.Generator, workspace: Workspace) -> tuple[Problem, Truth]:
    found = read_subject(workspace.data["smollm2"], instance)
    subject = replace(found, reader=replace(found.reader, start=START))
    prompts = subject.known(EXAMPLES, rng, DRAWS)
    problem = make_problem(subject, prompts, GRANULARITY, TOKEN_PASSES // prompts.clean.shape[1], workspace)
    return problem, no_truth(problem)
