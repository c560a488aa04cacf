"""Variables of compiled programs, disguised anew for every seed.

A RASP program is compiled by Tracr and dressed (`bench.models.compiled.dressing`): the residual stream is rotated,
heads are permuted, decoys write noise along padded axes beside every variable. The truth is which node writes the
variable and along which axes; counterfactuals come from the interpreter. Where the sites are residual streams, other
variables lie beside the one asked for. On null instances the variable is the sum of two symbols where the model adds
two others first: its answers are as claimed, but no candidate site has seen both symbols.
"""

from __future__ import annotations

import numpy as np

from bench.core.problems import Workspace
from bench.models.compiled.dressing import Outfit
from bench.tracks.variables.compiled import Difficulty, Source, claimed_sum
from bench.tracks.variables.programs import ALL, CHAIN, LINKS
from bench.tracks.variables.types import Problem, Truth

VERSION = 2
BOARD = "truth"
SEED_CHANGES = "model"
SPLIT = True
REFERENCE = "Lindner et al. 2023, Tracr: compiled transformers as a laboratory for interpretability, NeurIPS"
INSTANCES = {
    "chain_pair": {"size": "small", "null": False, "title": "Sum of two symbols, alone at its node"},
    "sort_rank": {"size": "small", "null": False, "title": "Ranks that sort, alone at their node"},
    "first_address": {"size": "small", "null": False, "title": "An address that a head has looked up"},
    "two_sums_left": {"size": "small", "null": False, "title": "One of two sums written by one MLP"},
    "ends_sum": {"size": "small", "null": False, "title": "A sum beside a test of equality, in one MLP"},
    "peaks_left": {"size": "small", "null": False, "title": "One of two tests in one MLP, few pairs"},
    "chain_pair_stream": {"size": "small", "null": False, "title": "Sum of two symbols in the residual stream"},
    "two_sums_stream": {"size": "small", "null": False, "title": "One of two sums in the stream, many decoys"},
    "rank_stream": {"size": "small", "null": False, "title": "Ranks in the stream, many decoys, few pairs"},
    "chain_null": {"size": "small", "null": True, "title": "A sum that is never computed"},
    "chain_null_decoys": {
        "size": "small",
        "null": True,
        "title": "A sum never computed, many decoys, few pairs",
    },
}

PLAIN = Difficulty(Outfit(heads=1, layers=0, units=4, axes=6), pairs=128)
MIDDLE = Difficulty(Outfit(heads=1, layers=1, units=8, axes=16), pairs=96)
HARD = Difficulty(Outfit(heads=2, layers=1, units=16, axes=32), pairs=48)
NULL_SITES = ("symbol0", "symbol1", "symbol2", "pair")
SOURCES = {
    "chain_pair": (Source(CHAIN, "pair"), PLAIN),
    "sort_rank": (Source(ALL["sort_unique"], "target_pos"), PLAIN),
    "first_address": (Source(ALL["follow_addresses"], "address_1"), MIDDLE),
    "two_sums_left": (Source(ALL["two_sums"], "left"), MIDDLE),
    "ends_sum": (Source(ALL["ends_agree"], "sum_of_two"), MIDDLE),
    "peaks_left": (Source(ALL["local_peaks"], "over_left"), HARD),
    "chain_pair_stream": (Source(CHAIN, "pair", "stream"), PLAIN),
    "two_sums_stream": (Source(ALL["two_sums"], "left", "stream"), HARD),
    "rank_stream": (Source(ALL["sort_unique"], "target_pos", "stream"), HARD),
    "chain_null": (Source(CHAIN, "symbols", NULL_SITES, claimed_sum(LINKS)), PLAIN),
    "chain_null_decoys": (Source(CHAIN, "symbols", NULL_SITES, claimed_sum(LINKS)), HARD),
}


def generate(instance: str, seed: int, rng: np.random.Generator, workspace: Workspace) -> tuple[Problem, Truth]:
    """A dressed program with pairs of strings, and the place of one of its variables."""
    source, difficulty = SOURCES[instance]
    return source.unit(difficulty, rng, workspace)
