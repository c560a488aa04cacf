"""Interchange interventions in torch, what a method may spend on them, and the choice among sites.

The base run is computed up to a site once; from there on it is run again with a changed value. The problem's pairs are
split: a method fits a subspace of a site on one part, and sites are compared on the other.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from bench.core.contract import count_passes
from bench.models.transformer import Transformer
from bench.tracks.variables.interchange import says
from bench.tracks.variables.types import Answer, Problem

VALIDATION = 1 / 3
"""Share of the pairs on which sites are compared."""
FOUND = 0.6
"""A variable is found where this share of the changes it should make comes about on validation pairs. Where it is not
there an output hits one of the remaining answers by chance, with odds below 1/2."""


@dataclass(frozen=True)
class Place:
    """Where a site is in the run: behind the heads of a layer, or behind the whole layer (-1: the inputs)."""

    layer: int
    after_heads: bool

    @classmethod
    def of(cls, site: str) -> Place:
        if site in ("embed", "pos"):
            return cls(-1, False)
        if site.startswith("resid"):
            return cls(int(site[5:]), False)
        return cls(int(site[1:].partition(".")[0]), site.startswith("a"))


class Experiment:
    """A problem with its model in torch and the node outputs of all its inputs."""

    def __init__(self, problem: Problem, rng: np.random.Generator) -> None:
        self.problem = problem
        self.model = Transformer.load(problem.model.path)
        self.nodes = {"base": self.model.node_outputs(problem.base), "source": self.model.node_outputs(problem.source)}
        order = rng.permutation(len(problem.base))
        cut = math.ceil(VALIDATION * len(order))
        self.validation, self.fit = np.sort(order[:cut]), np.sort(order[cut:])
        self.labels = torch.as_tensor(problem.labels, dtype=self.model.dtype)
        self.intervened = torch.as_tensor(problem.intervened)
        self.seed = int(rng.integers(2**31))

    def generator(self, site: str) -> torch.Generator:
        """Randomness for a site, the same in whatever order sites are taken."""
        return torch.Generator().manual_seed(self.seed + self.problem.sites.index(site))

    def steps(self, wanted: int) -> int:
        """How many of the wanted gradient steps at every site the budget allows."""
        return max(1, min(wanted, self.problem.budget // (2 * len(self.problem.sites) * len(self.fit))))

    def value(self, site: str, of: str) -> Float[Tensor, "pairs pos width"]:
        """A site's value on the base or the source inputs, up to constants."""
        return self.nodes[of][self._members(site)].sum(0)

    def change(self, site: str) -> Float[Tensor, "pairs pos width"]:
        """From base to source, where interventions are made."""
        return (self.value(site, "source") - self.value(site, "base")) * self.intervened[:, None]

    def _members(self, site: str) -> list[int]:
        if not site.startswith("resid"):
            return [self.model.sources.index(site)]
        return self._until(Place.of(site))

    def _until(self, place: Place) -> list[int]:
        """Sources that have written to the stream at a place."""
        places = [Place.of(name) for name in self.model.sources]
        return [
            number
            for number, one in enumerate(places)
            if one.layer < place.layer or (one.layer == place.layer and (one.after_heads or not place.after_heads))
        ]

    def stream(self, place: Place) -> Float[Tensor, "pairs pos width"]:
        """The residual stream of the base runs at a place."""
        layers = range(place.layer + (not place.after_heads))
        biases = [self.model.weights[f"layers.{layer}.o_bias"] for layer in layers]
        return sum(biases, self.nodes["base"][self._until(place)].sum(0))

    def output(
        self, site: str, change: Float[Tensor, "rows pos width"], rows: np.ndarray
    ) -> Float[Tensor, "rows pos outputs"]:
        """The output of base runs whose site is changed; differentiable in the change."""
        place = Place.of(site)
        stream, layer = self.stream(place)[rows] + change, place.layer
        count_passes("forward", len(rows))
        if place.after_heads:
            stream = self._behind_heads(stream, layer)
        for following in range(layer + 1, self.model.config.n_layers):
            q, k, v = self.model.project(stream[None, None, None], following)[0].unbind(1)
            mixed = self.model.mix(q, k, v)
            stream = stream + torch.einsum("hbpe,hed->bpd", mixed, self.model.attention[following].o)
            stream = self._behind_heads(stream, following)
        return self.model.unembed(stream)

    def _behind_heads(self, stream: Tensor, layer: int) -> Tensor:
        stream = stream + self.model.weights[f"layers.{layer}.o_bias"]
        return stream + self.model.mlp(stream, layer) if self.model.config.d_mlp else stream

    def right(self, site: str, basis: Float[np.ndarray, "width dimension"]) -> Bool[np.ndarray, "validation pos"]:
        """Validation cells that the interchange in a subspace gets right."""
        labels = self.problem.labels[self.validation]
        return says(self._exchanged(site, basis), labels, self.problem.outputs, self.problem.tolerance)

    @torch.no_grad()
    def _exchanged(
        self, site: str, basis: Float[np.ndarray, "width dimension"]
    ) -> Float[np.ndarray, "validation pos outputs"]:
        columns = torch.as_tensor(basis, dtype=self.model.dtype)
        change = self.change(site)[self.validation] @ columns @ columns.T
        return self.output(site, change, self.validation).numpy()

    @cached_property
    def telling(self) -> tuple[Bool[np.ndarray, "validation pos"], Bool[np.ndarray, "validation pos"]]:
        """Validation cells that should change, and those that should stay though the source's own answer differs.

        Of both the model itself tells: what it says on base and source.
        """
        kind, tolerance, rows = self.problem.outputs, self.problem.tolerance, self.validation
        labels, scored = self.problem.labels[rows], self.problem.scored
        changes = ~says(self._says("base")[rows], labels, kind, tolerance) & scored
        differs = ~says(self._says("source")[rows], labels, kind, tolerance) & scored
        return changes, ~changes & differs

    def _says(self, of: str) -> Float[np.ndarray, "pairs pos outputs"]:
        last = Place(self.model.config.n_layers - 1, False)
        biases = [self.model.weights[f"layers.{layer}.o_bias"] for layer in range(last.layer + 1)]
        with torch.no_grad():
            return self.model.unembed(sum(biases, self.nodes[of].sum(0))).numpy()

    @cached_property
    def active(self) -> list[str]:
        """Sites whose whole value, exchanged, moves the output; no subspace of the others does. All where none does."""
        whole = np.eye(self.problem.width)
        still = np.zeros((self.problem.width, 1))
        moving = []
        for site in self.problem.sites:
            moved, kept = (self._exchanged(site, basis) for basis in (whole, still))
            if np.abs(moved - kept)[:, self.problem.scored].max() > self.problem.tolerance:
                moving.append(site)
        return moving or list(self.problem.sites)

    def choose(self, fit: Callable[[str], Float[np.ndarray, "width dimension"]]) -> Answer:
        """Fit a subspace of every active site; the one with most validation cells right is the answer."""
        changes, stays = self.telling
        among = changes | stays if (changes | stays).any() else np.broadcast_to(self.problem.scored, changes.shape)
        bases = {site: fit(site) for site in self.active}
        right = {site: self.right(site, basis) for site, basis in bases.items()}
        shares = {site: float(cells[among].mean()) for site, cells in right.items()}
        best = max(shares, key=lambda site: shares[site])
        cause = float(right[best][changes].mean()) if changes.any() else 0.0
        found = cause >= FOUND and shares[best] > float((~changes)[among].mean())
        scores = np.array([shares.get(site, 0.0) for site in self.problem.sites])
        return Answer(best, bases[best], found, scores, cause)


def values_of(experiment: Experiment, site: str) -> tuple[Float[np.ndarray, "rows width"], np.ndarray]:
    """A site's values on base and source inputs of the pairs for fitting, with the variable's value; one row for every
    position where the variable has one and interventions are made."""
    problem, rows = experiment.problem, experiment.fit
    activations = torch.cat([experiment.value(site, of)[rows] for of in ("base", "source")]).numpy().astype(np.float64)
    values = np.concatenate([problem.base_values[rows], problem.source_values[rows]])
    known = (values >= 0) & problem.intervened
    return activations[known], values[known]
