"""Architecture identification: which network, or what else, drives each region?

Nine candidates: the middle layers of three networks that learnt to read digits (rectified; tanh; locally connected at
first), those of their untrained twins, pixels, oriented contrasts, and random features that change slowly along the
order of the stimuli and have to do with nothing. A region is driven by half of the units of one of them, never by the
slow features. On `same` instances candidates show a half that is drawn independently, so that they share much of
their units with the drive; on `other` networks were trained from other initial weights. On `slow` and the null
noise lasts and stimuli come in blocks of one digit: slow features are then like anything slow.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from bench.core.problems import Workspace
from bench.models.layered import SIDE, digits, hidden, initialise, train
from bench.neuro.simulate.responses import FAMILIES, autoregressive, draw_noise, repeat_noisily
from bench.tracks.similarity.types import Problem, Truth

VERSION = 1
BOARD = "truth"
SEED_CHANGES = "truth"
REFERENCE = "Han, Poggio and Cheung (2023), System identification of neural systems, ICML, arXiv:2302.06677"
INSTANCES = {
    "same_1": {"size": "small", "null": False, "title": "The very networks, noise as strong as the signal"},
    "same_4": {"size": "small", "null": False, "title": "The very networks, noise of 4 times the variance"},
    "same_16": {"size": "small", "null": False, "title": "The very networks, noise of 16 times the variance"},
    "slow_4": {"size": "small", "null": False, "title": "The very networks, slow noise 4, stimuli in blocks"},
    "other_0": {"size": "small", "null": False, "title": "Networks trained anew, no noise"},
    "other_4": {"size": "small", "null": False, "title": "Networks trained anew, noise 4"},
    "null_blocks": {"size": "small", "null": True, "title": "Slow noise alone, stimuli in blocks"},
}

STIMULI, RUNS, TRAINED, SITES, UNITS, WIDTH, LAYERS, MIDDLE, SLOW = 120, 5, 1200, 24, 48, 64, 4, 2, 0.95
KINDS: tuple[tuple[str, int], ...] = (("relu", 0), ("tanh", 0), ("relu", 2))  # and how many layers are local
DRIVING = (0, 0, 1, 1, 2, 2, 3, 4, 5, 6, 6, 7)  # candidate of each region, in the order of `draw_candidates`


@dataclass(frozen=True)
class Design:
    """One difficulty. `noise` is the variance of one repeat's noise over that of the signal; None: no signal."""

    noise: float | None
    anew: bool = False
    memory: float = 0.0


DESIGNS = {
    "same_1": Design(1), "same_4": Design(4), "same_16": Design(16), "slow_4": Design(4, memory=0.9),
    "other_0": Design(0, anew=True), "other_4": Design(4, anew=True), "null_blocks": Design(None, memory=0.9),
}  # fmt: skip


def generate(instance: str, seed: int, rng: np.random.Generator, workspace: Workspace) -> tuple[Problem, Truth]:
    """Twelve regions, and nine candidates in an order that says nothing."""
    design = DESIGNS[instance]
    stimuli, runs = draw_stimuli(design, rng)
    driving = draw_candidates(stimuli, runs, rng)
    shown = draw_candidates(stimuli, runs, rng) if design.anew else driving
    order = rng.permutation(len(shown))
    sources = rng.permutation(DRIVING)
    responses = np.stack([draw_region(half(driving[one], rng), design, runs, rng) for one in sources])
    features = np.concatenate([half(shown[at], rng) for at in order], axis=1)
    owner = np.repeat(np.arange(len(shown)), UNITS)
    problem = Problem([f"c{at}" for at in range(len(shown))], features, owner, responses, runs)
    null = design.noise is None
    right = np.zeros((len(sources), len(order)), bool) if null else sources[:, None] == order
    return problem, Truth(null, right, False, np.zeros(len(order)))


def draw_stimuli(
    design: Design, rng: np.random.Generator
) -> tuple[Float[np.ndarray, "stimuli 64"], Int[np.ndarray, "stimuli"]]:
    """Digits that no network has learnt, in runs; where noise lasts, those of a kind follow each other."""
    images, labels = digits()
    chosen = TRAINED + rng.permutation(len(images) - TRAINED)[:STIMULI]
    runs = np.arange(STIMULI) * RUNS // STIMULI
    if design.memory:
        rank = np.stack([rng.permutation(10) for _ in range(RUNS)])
        chosen = chosen[np.lexsort((rank[runs, labels[chosen]], runs))]
    return images[chosen], runs


def draw_candidates(
    stimuli: Float[np.ndarray, "stimuli 64"], runs: Int[np.ndarray, "stimuli"], rng: np.random.Generator
) -> list[Float[np.ndarray, "stimuli units"]]:
    """Trained networks, their untrained twins, pixels, contrasts, slow features."""
    images, labels = digits()
    starts = [initialise(rng, kind=kind, width=WIDTH, layers=LAYERS, local=local) for kind, local in KINDS]
    learnt = [train(one, images[:TRAINED], labels[:TRAINED], rng, steps=120) for one in starts]
    middles = [hidden(one, stimuli)[MIDDLE] for one in (*learnt, *starts)]
    slow = autoregressive(rng.normal(size=(len(stimuli), WIDTH)), runs, SLOW)
    return [*middles, stimuli, oriented_contrasts(stimuli), slow]


def oriented_contrasts(stimuli: Float[np.ndarray, "stimuli 64"]) -> Float[np.ndarray, "stimuli 196"]:
    """|difference| of neighbours along rows, columns and both diagonals, at 7 x 7 places."""
    image = stimuli.reshape(-1, SIDE, SIDE)
    corner, right, below, across = image[:, :-1, :-1], image[:, :-1, 1:], image[:, 1:, :-1], image[:, 1:, 1:]
    pairs = ((corner, right), (corner, below), (corner, across), (right, below))
    return np.concatenate([np.abs(one - other).reshape(len(stimuli), -1) for one, other in pairs], axis=1)


def half(units: Float[np.ndarray, "stimuli units"], rng: np.random.Generator) -> Float[np.ndarray, "stimuli some"]:
    """48 units drawn at random."""
    return units[:, rng.permutation(units.shape[1])[:UNITS]]


def draw_region(
    units: Float[np.ndarray, "stimuli units"],
    design: Design,
    runs: Int[np.ndarray, "stimuli"],
    rng: np.random.Generator,
) -> Float[np.ndarray, "repeats stimuli sites"]:
    """Responses of the sites to mixtures of units; on a null noise alone."""
    noise = draw_noise(runs, SITES, rng, memory=design.memory)
    return noise if design.noise is None else repeat_noisily(FAMILIES["linear"](units, SITES, rng), design.noise, noise)
