"""A hand-written network that tells attributes of entities, each attribute in a planted subspace.

A string is two entities and a query. The first head copies the first entity to the query's place, the second head the
second, others copy decoys. One MLP reads there: asked for `city` or `kind` it says that attribute of the first entity,
asked for `guest` that of the second. An entity's embedding is

    R_city code(city) + R_kind code(kind) + R_guest code(guest) + N noise(entity)

with simplex codes and orthonormal reading directions R. What the MLP reads of an attribute is the projection on R,
exactly. In the unread complement N lie, for each entity: `tilt` times a code of its city in other directions (so that
the city is written along directions that are not those in which it is read), `gain` times a code of its trade, an
attribute that is never asked for and equals the city with odds `correlation`, and Gaussian noise of size `noise`.

With P = B B^T the exchange of base and source values h is exact if and only if P R_city = R_city and P R_kind = 0 (on
what h can be): span(R_city) is the planted subspace. A probe is free to use the unread directions, and a subspace along
which the city is written, R + tilt N, moves only the share 1 / (1 + tilt^2) of what is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from bench.models.checkpoint import Config, along_residual, shapes
from bench.models.compiled.dressing import random_rotation

QUERIES = ("city", "kind", "guest")
COPIED = (("city", "kind"), ("guest",))
"""What the first two heads copy that is read."""
SHARP = 100.0  # attention score of the place that a head looks at; all others have 0
DECOYS = 2
LAST = 2  # the query's place


@dataclass(frozen=True)
class Design:
    """How an attribute is hidden. Sizes are Euclidean norms relative to what is read of an attribute, which is 1."""

    values: int = 4
    entities: int = 48
    tilt: float = 0.0
    gain: float = 0.0
    correlation: float = 0.0
    noise: float = 0.0
    spare: int = 16

    @property
    def code(self) -> int:
        return self.values - 1

    @property
    def width(self) -> int:
        """Read directions, those of queries, places and answers, and the spare ones."""
        return len(QUERIES) * self.code + len(QUERIES) + LAST + 1 + self.values + self.spare


def simplex(values: int) -> Float[np.ndarray, "values code"]:
    """Unit vectors at equal angles: corners of a simplex around the origin, products -1 / (values - 1)."""
    corners = np.eye(values) - 1 / values
    left, singular, _ = np.linalg.svd(corners)
    vectors = (left * singular)[:, : values - 1]
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@dataclass(frozen=True)
class World:
    """Entities with their attributes, and the network that knows them. Axes stand in named blocks until `turn`ed."""

    design: Design
    attributes: Mapping[str, Int[np.ndarray, "entities"]]
    unread: Float[np.ndarray, "entities spare"]
    turn: Float[np.ndarray, "width width"]
    decoys: Float[np.ndarray, "heads spare spare"]

    @classmethod
    def draw(cls, design: Design, rng: np.random.Generator) -> World:
        known = {name: rng.permutation(np.arange(design.entities) % design.values) for name in (*QUERIES, "trade")}
        same = rng.random(design.entities) < design.correlation
        known["trade"] = np.where(same, known["city"], known["trade"])
        return cls(
            design, known, _unread(design, known, rng), random_rotation(design.width, rng),
            rng.normal(size=(DECOYS, design.spare, design.spare)) / np.sqrt(design.spare),
        )  # fmt: skip

    @cached_property
    def block(self) -> dict[str, slice]:
        """The axes of each part of the residual stream."""
        sizes = {name: self.design.code for name in QUERIES}
        sizes |= {"query": len(QUERIES), "place": LAST + 1, "answer": self.design.values, "spare": self.design.spare}
        ends = np.cumsum(list(sizes.values()))
        return {name: slice(end - size, end) for (name, size), end in zip(sizes.items(), ends.tolist(), strict=True)}

    @cached_property
    def config(self) -> Config:
        heads = len(COPIED) + DECOYS
        return Config(
            n_layers=2, n_heads=heads, n_kv_heads=heads, d_model=self.design.width, d_head=self.design.width,
            d_mlp=len(QUERIES) * self.design.values, d_vocab=self.design.entities + len(QUERIES),
            d_out=self.design.values, n_ctx=LAST + 1, causal=True, attention_scale=1.0,
        )  # fmt: skip

    @cached_property
    def weights(self) -> dict[str, np.ndarray]:
        """Heads in layer 0; in layer 1 the MLP that reads."""
        weights = {name: np.zeros(shape) for name, shape in shapes(self.config).items()}
        self._embed(weights)
        for head, names in enumerate(COPIED):
            self._look(weights, head, place=head)
            self._copy(weights, head, names)
        for number in range(DECOYS):
            self._look(weights, len(COPIED) + number, place=number % 2)
            spare = self.block["spare"]
            weights["layers.0.v"][len(COPIED) + number, spare, spare] = self.decoys[number]
        self._answer(weights)
        return along_residual(weights, self.turn)

    def _embed(self, weights: dict[str, np.ndarray]) -> None:
        embed, codes = weights["embed"], simplex(self.design.values)
        for name in QUERIES:
            embed[: self.design.entities, self.block[name]] = codes[self.attributes[name]]
        embed[: self.design.entities, self.block["spare"]] = self.unread
        embed[self.design.entities :, self.block["query"]] = np.eye(len(QUERIES))
        weights["pos"][:, self.block["place"]] = np.eye(LAST + 1)

    def _look(self, weights: dict[str, np.ndarray], head: int, place: int) -> None:
        """From the last place to `place`; what is copied is written where it was."""
        first = self.block["place"].start
        weights["layers.0.q"][head, first + LAST, 0] = SHARP
        weights["layers.0.k"][head, first + place, 0] = 1
        weights["layers.0.o"][head] = np.eye(self.design.width)

    def _copy(self, weights: dict[str, np.ndarray], head: int, names: tuple[str, ...]) -> None:
        for name in (*names, "spare"):
            axes = np.arange(self.design.width)[self.block[name]]
            weights["layers.0.v"][head, axes, axes] = 1

    def _answer(self, weights: dict[str, np.ndarray]) -> None:
        """One unit for each query and value: 2 relu(<code, what is read> + [asked] - 3/2) is 1 where both match.

        Without the query the sum is 1 at most, with another value 1 - 1 / (values - 1): then it is 0.
        """
        codes, at = simplex(self.design.values), "layers.1"
        for number, name in enumerate(QUERIES):
            units = slice(number * self.design.values, (number + 1) * self.design.values)
            weights[f"{at}.mlp_in"][self.block[name], units] = codes.T
            weights[f"{at}.mlp_in"][self.block["query"].start + number, units] = 1
            weights[f"{at}.mlp_out"][units, self.block["answer"]] = 2 * np.eye(self.design.values)
        weights[f"{at}.mlp_in_bias"][:] = -1.5
        weights["unembed"][self.block["answer"]] = np.eye(self.design.values)

    def reading(self, name: str) -> Float[np.ndarray, "width code"]:
        """The planted subspace of an attribute."""
        return self.turn[self.block[name]].T

    def answers(self, strings: Int[np.ndarray, "strings pos"]) -> Int[np.ndarray, "strings"]:
        """What the high-level program says."""
        return self.asked(strings, self.known(strings))

    def known(self, strings: Int[np.ndarray, "strings pos"]) -> dict[str, Int[np.ndarray, "strings"]]:
        """The variables of the high-level program on some strings."""
        owner = {name: place for place, names in enumerate(COPIED) for name in names}
        return {name: self.attributes[name][strings[:, owner[name]]] for name in QUERIES}

    def asked(self, strings: Int[np.ndarray, "strings pos"], known: Mapping[str, np.ndarray]) -> np.ndarray:
        query = strings[:, LAST] - self.design.entities
        return np.choose(query, [known[name] for name in QUERIES])

    def draw_string(self, rng: np.random.Generator) -> Int[np.ndarray, "pos"]:
        entities = rng.integers(self.design.entities, size=LAST)
        return np.array([*entities, self.design.entities + rng.integers(len(QUERIES))])


def _unread(design: Design, known: Mapping[str, np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """What entities carry that nothing reads: a second code of the city, one of the trade, and noise."""
    codes = simplex(design.values)
    written, other = (rng.normal(size=(design.code, design.spare)) / np.sqrt(design.spare) for _ in range(2))
    noise = rng.normal(size=(design.entities, design.spare)) / np.sqrt(design.spare)
    city, trade = codes[known["city"]] @ written, codes[known["trade"]] @ other
    return design.tilt * city + design.gain * trade + design.noise * noise
