"""Models trained to hold variables in named nodes: another one of the same program, or of a cousin.

Two models of one program were trained from different starts: what their nodes write agrees in the variable alone. Both
are moved about: heads permuted, a layer put in, streams turned, tokens renumbered. Where B is another program, roles
that it shares count; its answer is another variable. On null instances it shares none.
"""

from __future__ import annotations

import numpy as np

from bench.core.problems import Workspace
from bench.tracks.circuit_transfer.trained import MODELS, Encounter
from bench.tracks.circuit_transfer.types import Problem, Truth

VERSION = 1
BOARD = "truth"
SEED_CHANGES = "model"
MAX_SEEDS = 3
REFERENCE = "Gupta et al. (2024), InterpBench: semi-synthetic transformers for circuit discovery, NeurIPS"
INSTANCES = {
    "ends_agree": {"size": "small", "null": False, "title": "Do the first and the last symbol agree?"},
    "induction": {"size": "small", "null": False, "title": "What followed the same symbol last time"},
    "repeat_of_previous": {"size": "small", "null": False, "title": "Equal to the symbol before?"},
    "greater_than_first": {"size": "small", "null": False, "title": "Larger than the first symbol?"},
    "seen_shared": {"size": "small", "null": False, "title": "From duplicates to first occurrences"},
    "previous_shared": {"size": "small", "null": False, "title": "From repeats to induction"},
    "first_in_duplicates": {"size": "small", "null": True, "title": "A comparison with the first, in duplicates"},
    "ends_in_reverse": {"size": "small", "null": True, "title": "Do the ends agree?, in a reversal"},
}

ENCOUNTERS = {
    "ends_agree": Encounter("ends_agree", "ends_agree", 48),
    "induction": Encounter("induction", "induction", 48),
    "repeat_of_previous": Encounter("repeat_of_previous", "repeat_of_previous", 48),
    "greater_than_first": Encounter("greater_than_first", "greater_than_first", 48),
    "seen_shared": Encounter("duplicates", "first_occurrences", 48),
    "previous_shared": Encounter("repeat_of_previous", "induction", 48),
    "first_in_duplicates": Encounter("greater_than_first", "duplicates", 48, null=True),
    "ends_in_reverse": Encounter("ends_agree", "reverse", 48, null=True),
}


def generate(instance: str, seed: int, rng: np.random.Generator, workspace: Workspace) -> tuple[Problem, Truth]:
    """Two moved models, roles of nodes of the first, and who plays them in the second."""
    return ENCOUNTERS[instance].unit(seed % MODELS, rng, workspace)
