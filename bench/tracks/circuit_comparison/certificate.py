"""When two networks are the same algorithm: route B to the truth, by interchange in the disguised weights.

For each variable of a network its part of what its node writes is exchanged, at all positions, for what it is on
another string, and the network runs on in float64 numpy (`bench.models.exhaustive`). How the output changes over many
pairs of strings is the variable's signature. Variables with the same signature are one, and those whose exchange
changes nothing are none. Two networks are the same algorithm if they have the same set of signatures. No program is
looked at, only where its variables are written (their axes in the turned residual stream).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from bench.models import exhaustive
from bench.models.checkpoint import Config
from bench.models.graph import Graph, source_names

NOTHING, SOMETHING = 1e-6, 1e-2
"""Outputs are 0 and 1: what differs by less is equal, by more is not, and between them nothing is certified."""

Signatures = Float[np.ndarray, "signatures cells"]


class Uncertified(ValueError):
    """Networks whose sameness the interchanges do not settle, or settle otherwise than the programs."""


@dataclass(frozen=True)
class Located:
    """A network and where each variable is: its node, and the projector onto its part of the residual stream."""

    config: Config
    weights: Mapping[str, np.ndarray]
    variables: Mapping[str, tuple[str, Float[np.ndarray, "d_model d_model"]]]

    def signatures(self, base: Int[np.ndarray, "pairs pos"], source: Int[np.ndarray, "pairs pos"]) -> Signatures:
        """Change of the output by variable, over pairs, positions but the first, and output coordinates."""
        nodes, graph = source_names(self.config), Graph(self.config, "node")
        clean, other = (exhaustive.node_outputs(self.config, self.weights, tokens) for tokens in (base, source))
        output = exhaustive.forward(self.config, self.weights, base)
        found = []
        for node, projector in self.variables.values():
            donors = clean.copy()
            donors[nodes.index(node)] += (other - clean)[nodes.index(node)] @ projector
            patch = graph.patch_matrix(np.array([edge == f"{node}->*" for edge in graph.edges], float))
            change = exhaustive.forward(self.config, self.weights, base, donors, patch) - output
            found.append(change[:, 1:].ravel())
        return np.array(found)


def distance(one: Signatures, other: Signatures) -> float:
    """The farthest that a signature of either set is from the nearest of the other (Hausdorff), largest cell counting.

    Exchanging nothing belongs to both sets.
    """
    one, other = (np.concatenate([found, np.zeros((1, found.shape[1]))]) for found in (one, other))
    apart = np.array([np.abs(other - signature).max(axis=1) for signature in one])
    return float(max(apart.min(axis=0).max(), apart.min(axis=1).max()))


def same(one: Signatures, other: Signatures) -> bool:
    """Whether two networks have the same signatures; raises `Uncertified` where it cannot be said."""
    found = distance(one, other)
    if NOTHING < found < SOMETHING:
        raise Uncertified(f"signatures are {found:.1e} apart, neither equal nor different; draw other pairs")
    return found <= NOTHING
