"""Path patching, searched backwards from the output.

Receivers are taken from the output backwards. Into a receiver every edge is patched alone, and the change travels on
only along the edges found so far: all else reads what the clean run wrote, heads and MLPs alike. So an edge scores by
how far the metric moves, example by example, over all paths that begin with it and then run through the circuit. Edges
above a share of the metric's scale are found, and their sources become receivers when their turn comes. Edges into
nodes that are never reached are not tested and score 0.
Patching every edge alone (`exact_patching`) differs: there whatever lies downstream moves. At node granularity one run
patches a node into all that has been found.
Departs from Wang et al. in freezing MLPs too (they are nodes here), as Goldowsky-Dill et al. do, and in a threshold
where the authors chose by eye.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from bench.models.graph import node_of
from bench.tracks.circuits.experiment import SHARE, Experiment
from bench.tracks.circuits.types import Answer, Problem

REFERENCE = (
    "Goldowsky-Dill et al. (2023), Localizing model behavior with path patching, arXiv:2304.05969; Wang et al. (2023),"
    " Interpretability in the wild, ICLR, section 3.1 (the search)"
)
DETERMINISTIC = True

ROWS = 64  # runs at once, at most


def solve(problem: Problem, rng: np.random.Generator, *, share: float = SHARE) -> Answer:
    experiment = Experiment(problem)
    experiment.afford(len(problem.edges) + 4, "path patching")
    scores = search(experiment, share * experiment.scale)
    return Answer(scores, experiment.choose(scores, share))


def search(experiment: Experiment, threshold: float) -> Float[np.ndarray, "edges"]:
    """How far each tested edge moves the metric through what was found before it; 0 where none was tested."""
    graph = experiment.graph
    scores, found = np.zeros(len(graph.edges)), np.zeros(graph.feeds.shape, bool)
    for first, edges in turns(experiment):
        masks = graph.patch_matrix(edges[:, None] == np.arange(len(graph.edges))) > 0
        masks &= reached(experiment, found)[:, None]
        tested = masks.any((1, 2))
        if tested.any():
            scores[edges[tested]] = effects(experiment, masks[tested], found, first)
            found |= masks[(scores[edges] > threshold) & ~graph.internal[edges]].any(0)
    return scores


def turns(experiment: Experiment) -> Iterator[tuple[int, np.ndarray]]:
    """Edges that are tested at the same time, the last first, and the number of the first source they may change."""
    graph = experiment.graph
    if experiment.problem.granularity == "node":
        for source in reversed(range(len(graph.sources))):
            yield source + 1, np.array([graph.index[f"{graph.sources[source]}->*"]])
        return
    receivers = np.array([node_of(graph.slots[slot]) for slot in graph.first_slot])
    for receiver in ("output", *reversed(graph.sources)):
        first = graph.sources.index(receiver) if receiver != "output" else len(graph.sources)
        yield first, np.flatnonzero(receivers == receiver)


def reached(experiment: Experiment, found: Bool[np.ndarray, "slots nodes"]) -> Bool[np.ndarray, "slots"]:
    """Slots of the output and of nodes with a found edge."""
    graph = experiment.graph
    senders = {graph.sources[n] for n in np.flatnonzero(found.any(0))} | {"output"}
    return np.array([node_of(slot) in senders for slot in graph.slots])


def effects(
    experiment: Experiment,
    masks: Bool[np.ndarray, "rows slots nodes"],
    found: Bool[np.ndarray, "slots nodes"],
    first: int,
) -> Float[np.ndarray, "rows"]:
    """How far the metric moves when each row's pairs are patched and sources from `first` on are heard only where
    found."""
    later = np.arange(len(experiment.graph.sources)) >= first
    frozen = experiment.graph.feeds & later & ~found
    donors = torch.where(torch.as_tensor(later)[:, None, None, None], experiment.nodes, experiment.donors)
    rows = torch.as_tensor(masks | frozen, dtype=torch.float64)
    return torch.cat([experiment.deviation(run(experiment, donors, part)) for part in rows.split(ROWS)]).numpy()


def run(experiment: Experiment, donors: Tensor, masks: Tensor) -> Tensor:
    return experiment.model.patched(experiment.problem.clean, donors, masks, clean=experiment.nodes)
