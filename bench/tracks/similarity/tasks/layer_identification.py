"""Layer identification: which layer of a network drives each region?

Networks of six rectified layers learn to read digits; a region is driven by half of the units of one layer, through one
of four generators, and the candidates are the layers, of each of which half of the units is shown.

- Plain instances: the two halves are drawn independently, so that the source shares about half of its units with the
  region's drive and is identified by them.
- `disjoint`: the halves have no unit in common. The next layer then reads the very units that drive the region, and is
  often more like it than the source's other half: that the source is the most alike is an assumption here.
- `across`: the layers are those of a network with other initial weights; that the same layer is right is an assumption
  too, and the layer error the fairer score.
- Nulls: regions are noise, on `null_blocks` slow noise while stimuli come in blocks of one digit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from bench.core.problems import Workspace
from bench.models.layered import Network, digits, hidden, initialise, train
from bench.neuro.simulate.responses import FAMILIES, draw_noise, repeat_noisily
from bench.tracks.similarity.types import Problem, Truth

VERSION = 1
BOARD = "truth"
SEED_CHANGES = "truth"
REFERENCE = "Kornblith et al. (2019), ICML, arXiv:1905.00414, section 6.1; Han, Poggio and Cheung (2023), ICML"
LAYERS, WIDTH, RUNS, SITES, REPEATS, TRAINED = 6, 96, 5, 24, 2, 1200


@dataclass(frozen=True)
class Design:
    """One difficulty. `noise` is the variance of one repeat's noise over that of the signal; None: no signal."""

    noise: float | None
    family: str = "linear"
    shown: str = "drawn"  # which half of which network the candidates show: "drawn", "disjoint" or "across"
    memory: float = 0.0
    shared: float = 0.0
    stimuli: int = 120
    blocked: bool = False


NOISE = (0, 1, 4, 8, 16, 32)
DESIGNS = {
    **{f"linear_{noise}": Design(noise) for noise in NOISE},
    "sparse_1": Design(1, "sparse"),
    "sparse_8": Design(8, "sparse"),
    "gain_1": Design(1, "gain"),
    "gain_8": Design(8, "gain"),
    "warped_1": Design(1, "warped"),
    "warped_8": Design(8, "warped"),
    "shared_noise": Design(8, shared=0.8),
    "slow_noise": Design(4, memory=0.9, blocked=True),
    "few_stimuli": Design(1, stimuli=40),
    "disjoint_1": Design(1, shown="disjoint"),
    "across_0": Design(0, shown="across"),
    "across_4": Design(4, shown="across"),
    "across_16": Design(16, shown="across"),
    "null_white": Design(None),
    "null_blocks": Design(None, memory=0.9, blocked=True),
    "null_few": Design(None, stimuli=40),
}
INSTANCES = {
    "linear_0": {"size": "small", "null": False, "title": "Mixtures of a layer's units, no noise"},
    "linear_1": {"size": "small", "null": False, "title": "Mixtures, noise as strong as the signal"},
    "linear_4": {"size": "small", "null": False, "title": "Mixtures, noise of 4 times the variance"},
    "linear_8": {"size": "small", "null": False, "title": "Mixtures, noise of 8 times the variance"},
    "linear_16": {"size": "small", "null": False, "title": "Mixtures, noise of 16 times the variance"},
    "linear_32": {"size": "small", "null": False, "title": "Mixtures, noise of 32 times the variance"},
    "sparse_1": {"size": "small", "null": False, "title": "Single units, noise 1"},
    "sparse_8": {"size": "small", "null": False, "title": "Single units, noise 8"},
    "gain_1": {"size": "small", "null": False, "title": "Mixtures with a gain that varies, noise 1"},
    "gain_8": {"size": "small", "null": False, "title": "Mixtures with a gain that varies, noise 8"},
    "warped_1": {"size": "small", "null": False, "title": "Cubed mixtures, noise 1"},
    "warped_8": {"size": "small", "null": False, "title": "Cubed mixtures, noise 8"},
    "shared_noise": {"size": "small", "null": False, "title": "Noise 8, most of it common to the sites"},
    "slow_noise": {"size": "small", "null": False, "title": "Noise 4 that lasts, stimuli in blocks"},
    "few_stimuli": {"size": "small", "null": False, "title": "40 stimuli, noise 1"},
    "disjoint_1": {"size": "small", "null": False, "title": "The layer's other units, noise 1"},
    "across_0": {"size": "small", "null": False, "title": "Layers of another network, no noise"},
    "across_4": {"size": "small", "null": False, "title": "Layers of another network, noise 4"},
    "across_16": {"size": "small", "null": False, "title": "Layers of another network, noise 16"},
    "null_white": {"size": "small", "null": True, "title": "Noise alone"},
    "null_blocks": {"size": "small", "null": True, "title": "Slow noise alone, stimuli in blocks"},
    "null_few": {"size": "small", "null": True, "title": "Noise alone, 40 stimuli"},
}


def generate(instance: str, seed: int, rng: np.random.Generator, workspace: Workspace) -> tuple[Problem, Truth]:
    """Two regions a layer, and the layers in an order that says nothing."""
    return assemble(DESIGNS[instance], rng)


def assemble(design: Design, rng: np.random.Generator) -> tuple[Problem, Truth]:
    stimuli, runs = draw_stimuli(design, rng)
    driving, shown = draw_layers(design, stimuli, rng)
    order = rng.permutation(LAYERS)
    layer = rng.permutation(np.repeat(np.arange(LAYERS), 2))  # of each region
    responses = np.stack([draw_region(driving[one], design, runs, rng) for one in layer])
    owner = np.repeat(np.arange(LAYERS), [shown[at].shape[1] for at in order])
    problem = Problem(
        [f"c{at}" for at in range(LAYERS)], np.concatenate([shown[at] for at in order], axis=1), owner, responses, runs
    )
    null = design.noise is None
    sources = np.zeros((len(layer), LAYERS), bool) if null else layer[:, None] == order
    return problem, Truth(null, sources, True, order.astype(float))


def draw_stimuli(
    design: Design, rng: np.random.Generator
) -> tuple[Float[np.ndarray, "stimuli 64"], Int[np.ndarray, "stimuli"]]:
    """Digits that no network has learnt, in five runs; where they are blocked, those of a kind follow each other."""
    images, labels = digits()
    chosen = TRAINED + rng.permutation(len(images) - TRAINED)[: design.stimuli]
    runs = np.arange(design.stimuli) * RUNS // design.stimuli
    if design.blocked:
        rank = np.stack([rng.permutation(10) for _ in range(RUNS)])
        chosen = chosen[np.lexsort((rank[runs, labels[chosen]], runs))]
    return images[chosen], runs


def draw_layers(
    design: Design, stimuli: Float[np.ndarray, "stimuli 64"], rng: np.random.Generator
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Units that drive and units that are shown, layer by layer."""
    first = hidden(trained(rng), stimuli)
    second = hidden(trained(rng), stimuli) if design.shown == "across" else first
    driving, shown = [], []
    for one, other in zip(first, second, strict=True):
        mine, theirs = rng.permutation(WIDTH), rng.permutation(WIDTH)
        driving.append(one[:, mine[: WIDTH // 2]])
        shown.append(other[:, (mine if design.shown == "disjoint" else theirs)[WIDTH // 2 :]])
    return driving, shown


def trained(rng: np.random.Generator) -> Network:
    images, labels = digits()
    start = initialise(rng, width=WIDTH, layers=LAYERS)
    return train(start, images[:TRAINED], labels[:TRAINED], rng)


def draw_region(
    units: Float[np.ndarray, "stimuli units"],
    design: Design,
    runs: Int[np.ndarray, "stimuli"],
    rng: np.random.Generator,
) -> Float[np.ndarray, "repeats stimuli sites"]:
    """Responses of the sites; on a null noise alone."""
    noise = draw_noise(runs, SITES, rng, repeats=REPEATS, memory=design.memory, shared=design.shared)
    if design.noise is None:
        return noise
    return repeat_noisily(FAMILIES[design.family](units, SITES, rng), design.noise, noise)
