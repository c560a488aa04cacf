"""Circuit discovery: which edges of a transformer's residual graph carry the behaviour under a named intervention?

A problem is a model, pairs of clean and corrupted inputs, a scalar metric and an intervention; the answer is a
score for every edge and the circuit that the method itself chooses. Edges and nodes are named as in
`bench.models.graph`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from bench.core.contract import Blob, check_numbers

TITLE = "Circuit discovery"
FAMILY = "circuits"
REPLICATE = "re-dressed model (heads permuted, decoys added, vocabulary relabelled, residual basis rotated)"

TOY = ("tracr/sort_unique", "tracr/vowel_balance_alike")

SCAFFOLD = {"edge_scores": "rng.random(len(problem.edges))", "circuit": "np.zeros(len(problem.edges), dtype=bool)"}

OUTPUT_METRICS = ("signed_output", "mse_to_clean")
INTERVENTIONS = ("resample", "zero", "mean")
GRANULARITIES = ("node", "head", "qkv", "acdc")


@dataclass(frozen=True)
class Problem:
    """What the method sees.

    `clean[i]` and `corrupted[i]` are the two inputs of example i. Under `resample` the donor of a patched edge is
    the corrupted run, under `zero` it is zero, under `mean` the mean over examples and positions of the clean runs.
    Patching is noising: the run is the clean one, and the donor's value replaces the source's along the edge.
    The metric `signed_output` is the mean over examples of sum(direction * output) over scored positions and
    output coordinates; `mse_to_clean` is the mean squared difference to the clean output at scored positions.
    `budget` is the number of example passes (forward + backward) that a method may spend.
    """

    model: Blob
    clean: Int[np.ndarray, "examples pos"]
    corrupted: Int[np.ndarray, "examples pos"]
    scored: Bool[np.ndarray, "pos"]
    direction: Float[np.ndarray, "examples pos outputs"]
    metric: str
    intervention: str
    granularity: str
    nodes: list[str]
    edges: list[str]
    budget: int


@dataclass(frozen=True)
class Truth:
    """The circuits that are right, from exhaustive patching under the problem's intervention or by construction.

    `circuits` are the equally minimal sufficient circuits; any of them is a full answer. Where nothing is redundant
    there is one, the live edges; on a `null` unit the one circuit is empty; where no circuit is known (real models)
    there is none. What follows is absent where it is unknown.
    `effects[e]` is the mean over the truth's own inputs (disjoint from the problem's where the input space allows)
    of the Euclidean change of the scored output when edge e alone is patched. `live` is effects above `threshold`.
    `gap` is the weakest live over the strongest dead effect. `live_zero` and `live_mean` are the same verdicts under
    the other interventions. An edge of some circuit that is not live is redundant in a group.
    `changed` marks the edges that are live in a twin of this model and dead here because one edge of it was cut.
    `twin[e]` is the edge that does in a twin what e does, where the model holds the same program twice; -1 where there
    is none.
    """

    null: bool
    circuits: Bool[np.ndarray, "alternatives edges"]
    effects: Float[np.ndarray, "edges"] | None = None
    live: Bool[np.ndarray, "edges"] | None = None
    live_zero: Bool[np.ndarray, "edges"] | None = None
    live_mean: Bool[np.ndarray, "edges"] | None = None
    node_live: Bool[np.ndarray, "nodes"] | None = None
    changed: Bool[np.ndarray, "edges"] | None = None
    twin: Int[np.ndarray, "edges"] | None = None
    threshold: float | None = None
    placebo: float | None = None
    gap: float | None = None


@dataclass(frozen=True)
class Answer:
    """A score for each edge (larger: more likely in the circuit) and the circuit that the method chooses.

    `node_scores` is optional; where it is missing a node scores as the largest of its outgoing edges. So are
    `probabilities`, the chance of each edge that it belongs to the circuit.
    """

    edge_scores: Float[np.ndarray, "edges"]
    circuit: Bool[np.ndarray, "edges"]
    node_scores: Float[np.ndarray, "nodes"] | None = None
    probabilities: Float[np.ndarray, "edges"] | None = None


def check(problem: Problem, answer: Answer) -> None:
    """Raise `InvalidAnswer` unless every edge (and node, where given) has a finite score."""
    edges = len(problem.edges)
    check_numbers("edge_scores", answer.edge_scores, edges=edges)
    check_numbers("circuit", answer.circuit, edges=edges)
    if answer.node_scores is not None:
        check_numbers("node_scores", answer.node_scores, nodes=len(problem.nodes))
    if answer.probabilities is not None:
        check_numbers("probabilities", answer.probabilities, (0, 1), edges=edges)
