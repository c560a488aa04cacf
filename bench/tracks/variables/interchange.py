"""The trusted interchange intervention: in float64 numpy, with no code of the torch model.

At a site with value h the base run is given

    h(base) + (h(source) - h(base)) B B^T

for an orthonormal basis B: its coordinates in the subspace are the source's, the rest is its own (Geiger et al. 2024,
Finding alignments between interpretable causal variables and distributed neural representations, CLeaR, def. 3.1).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from bench.models import exhaustive
from bench.models.checkpoint import Config
from bench.models.graph import feeds, node_of, slot_names, source_names

Tokens = Int[np.ndarray, "pairs pos"]


@dataclass(frozen=True)
class Subject:
    """A model with pairs of inputs and the positions at which interventions are made."""

    config: Config
    weights: Mapping[str, np.ndarray]
    base: Tokens
    source: Tokens
    intervened: Bool[np.ndarray, "pos"]

    def output(self, site: str, basis: Float[np.ndarray, "width dimension"]) -> Float[np.ndarray, "pairs pos outputs"]:
        """The output on the base inputs with the source's value in a subspace of a site."""
        own, other = (exhaustive.node_outputs(self.config, self.weights, tokens) for tokens in (self.base, self.source))
        members = self.members(site)
        change = (other[members] - own[members]).sum(axis=0) @ basis @ basis.T * self.intervened[:, None]
        donors = own.copy()
        donors[members[0]] += change  # what one source adds to the stream; which one is the same to every reader
        return exhaustive.forward(self.config, self.weights, self.base, donors, self.patch(site))

    def members(self, site: str) -> list[int]:
        """The sources whose sum is the site's value, up to constants; all before the cut for a residual stream."""
        names = source_names(self.config)
        if not site.startswith("resid"):
            return [names.index(site)]
        return [number for number, name in enumerate(names) if _layer(name) <= int(site[5:])]

    def patch(self, site: str) -> Float[np.ndarray, "slots nodes"]:
        """Every reader of the site reads the changed value: for a residual stream those of later layers."""
        slots, names = slot_names(self.config), source_names(self.config)
        cut = int(site[5:]) if site.startswith("resid") else -1
        reads = np.array([slot == "output" or _layer(node_of(slot)) > cut for slot in slots])
        changed = np.arange(len(names)) == self.members(site)[0]
        return (np.outer(reads, changed) & feeds(self.config)).astype(float)


def _layer(node: str) -> int:
    """The layer of a node; inputs stand before the first."""
    return -1 if node in ("embed", "pos") else int(node[1:].partition(".")[0])


def says(
    output: Float[np.ndarray, "pairs pos outputs"],
    labels: Float[np.ndarray, "pairs pos outputs"],
    kind: str,
    tolerance: float,
) -> Bool[np.ndarray, "pairs pos"]:
    """Where an output is the label: its coordinate leads all others by the tolerance, or the number is that near."""
    if kind == "number":
        return np.abs(output - labels)[..., 0] <= tolerance
    meant = np.asarray(labels) > 0.5
    return np.where(meant, output, np.inf).min(axis=-1) > np.where(meant, -np.inf, output).max(axis=-1) + tolerance
