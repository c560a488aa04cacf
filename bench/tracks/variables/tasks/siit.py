"""Variables of models trained by interchange interventions, disguised anew for every seed.

Strict interchange-intervention training (`bench.models.siit`) made one node carry each variable of a program and the
others nothing of it. The truth is that node; counterfactuals come from the program. Nobody wrote these weights: the
variable may lie in the node in any code, and what else the node writes was never asked. Where sites are residual
streams, the planted subspace is what the node's means by value span, and unless its exchange gives the counterfactuals
there is no unit. On nulls the claim is an algorithm with the same answers whose variable, a function of two tokens, no
node was trained to carry. The replicate is the trained model: three a program.
"""

from __future__ import annotations

import numpy as np

from bench.core.problems import Workspace
from bench.models.siit.programs import NAMES, PROGRAMS, everywhere
from bench.tracks.variables.trained import Source, few
from bench.tracks.variables.types import Problem, Truth

VERSION = 1
BOARD = "truth"
SEED_CHANGES = "model"
MAX_SEEDS = 3
SPLIT = True
REFERENCE = "Gupta et al. 2024, InterpBench: semi-synthetic transformers for evaluating circuit discovery, NeurIPS"
INSTANCES = {
    "mirror": {"size": "small", "null": False, "title": "The mirrored symbol, which is the answer"},
    "previous": {"size": "small", "null": False, "title": "The symbol before, compared with this one"},
    "first": {"size": "small", "null": False, "title": "The first symbol, compared with this one"},
    "seen": {"size": "small", "null": False, "title": "Whether the symbol stood before"},
    "ends_first": {"size": "small", "null": False, "title": "The first symbol beside the last"},
    "sorted_previous": {"size": "small", "null": False, "title": "The symbol before, read twice over"},
    "induction_previous": {"size": "small", "null": False, "title": "The symbol before, of induction"},
    "repeated": {"size": "small", "null": False, "title": "The place of the repeated name, five layers"},
    "seen_few": {"size": "small", "null": False, "title": "Whether the symbol stood before, few pairs"},
    "induction_previous_few": {"size": "small", "null": False, "title": "The symbol before, of induction, few pairs"},
    "induction_previous_stream": {"size": "small", "null": False, "title": "The symbol before, in the stream"},
    "mirror_null": {"size": "small", "null": True, "title": "A sum of two symbols that is never computed"},
    "names_null": {"size": "small", "null": True, "title": "A sum of two names that is never computed"},
}


def mirrored_sum(base: np.ndarray, source: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Claimed: the answer is found as (symbol + mirrored symbol) - symbol, modulo their number."""
    totals = [strings + strings[:, ::-1] for strings in (base, source)]
    symbols = PROGRAMS["reverse"].symbols
    return totals[0] % symbols, totals[1] % symbols, (totals[1] - base) % symbols


def sum_of_names(base: np.ndarray, source: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Claimed: the answer is found as (one name + the other) - the repeated one, modulo the number of names."""
    totals = [everywhere((strings[:, 0] + strings[:, 2]) % NAMES, strings) for strings in (base, source)]
    return totals[0], totals[1], (totals[1] - base[:, 4:5]) % NAMES


SEEN = Source("first_occurrences", "seen", 128, also=("m1",))  # which says blank or not: the variable, in one direction
PREVIOUS = Source("induction", "previous", 96)
SOURCES = {
    "mirror": Source("reverse", "mirror", 128),
    "previous": Source("repeat_of_previous", "previous", 96),
    "first": Source("greater_than_first", "first", 96),
    "seen": SEEN,
    "ends_first": Source("ends_agree", "first", 96),
    "sorted_previous": Source("is_sorted", "previous", 96),
    "induction_previous": PREVIOUS,
    "repeated": Source("indirect_object", "repeated", 96),
    "seen_few": few(SEEN, 18),
    "induction_previous_few": few(PREVIOUS, 18),
    "induction_previous_stream": Source("induction", "previous", 96, stream=True),
    "mirror_null": Source("reverse", "sum", 96, claim=mirrored_sum),
    "names_null": Source("indirect_object", "sum", 96, claim=sum_of_names),
}


def generate(instance: str, seed: int, rng: np.random.Generator, workspace: Workspace) -> tuple[Problem, Truth]:
    """The seed's trained model in disguise, with pairs of strings, and the place of one of its variables."""
    return SOURCES[instance].unit(seed, rng, workspace)
