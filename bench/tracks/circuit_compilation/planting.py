"""Units with parts that can go, and all their smallest subnetworks, found by brute force.

A design (`bench.models.planted`) or a RASP program is written into weights, decoys that cancel each other are
implanted, and the whole is dressed (`bench.models.compiled.dressing`). Every subset of the parts that touch the
program's axes is tried; all other parts write where no part of the program reads, so that they change nothing whatever
else is kept. The second route is the formula of a design, which says how many heads and units the smallest subnetwork
has; no formula says it of a compiled program, whose smallest subnetworks are instead shown, by code of another kind
(`bench.models.exhaustive`), to be exact on all inputs and no longer so without any one or two parts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations, product

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from bench.core.contract import generator
from bench.core.problems import Workspace
from bench.models import checkpoint
from bench.models.compiled.assembly import compile_program
from bench.models.compiled.conversion import BOS, Compiled
from bench.models.compiled.dressing import COLDNESS, Dressed, Outfit, dress, output_matrices
from bench.models.compiled.programs import Program
from bench.models.exhaustive import forward
from bench.models.planted import FALSE, TRUE, Design
from bench.models.transformer import Transformer
from bench.tracks.circuit_compilation.gated import Gated
from bench.tracks.circuit_compilation.network import (
    deviations,
    draw_inputs,
    every_input,
    parameters_of,
    parts_of,
    place_of_part,
    subnetwork,
)
from bench.tracks.circuit_compilation.types import Problem, Truth

TOLERANCE = (
    1e-6  # of the largest output: rounding of cancelling parts is 1e-13, the weakest gate moves it by .1 or more
)
ROWS = 1_000_000  # numbers in one [subsets, inputs, pos, d_model] array
PROBES = (6, 32)  # how many inputs every subset is tried on, and those that are left, before all


@dataclass(frozen=True)
class Cancelling:
    """Parts at a layer whose outputs, in these shares, sum to zero: copies of a head, or of a random unit."""

    kind: str  # "heads" or "units"
    layer: int
    shares: tuple[float, ...] = (1.0, -1.0)


@dataclass(frozen=True)
class Plan:
    """What an instance plants.

    `true` and `false` are how many symbols of each kind an input may have; those of a program are its vocabulary.
    `heads` and `units` are what the smallest subnetwork has, by the formula of a design. On a `null` plan all other
    parts are deleted before the model is shown. The budget holds `sweeps` runs of the sample per part, and two runs of
    `searches` times all inputs.
    """

    design: Design | Program
    outfit: Outfit
    heads: int | None = None
    units: int | None = None
    implants: tuple[Cancelling, ...] = ()
    true: int = 1
    false: int = 1
    shown: int = 16
    sweeps: int = 10
    searches: float = 2.0
    null: bool = False

    @cached_property
    def compiled(self) -> Compiled:
        """The design's weights with cancelling parts beside its own, attention as sharp as in dressed models."""
        found = written(self.design)
        rng = generator("implants", repr(self.implants))
        for implant in self.implants:
            found = implanted(found, implant, rng)
        return found

    @cached_property
    def allowed(self) -> Bool[np.ndarray, "pos vocabulary"]:
        """Which tokens of the compiled model may stand where: its beginning, then any of the symbols in use."""
        tokens = self.compiled.tokens
        bits = (*TRUE[: self.true], *FALSE[: self.false])
        symbols = [tokens[symbol] for symbol in (bits if isinstance(self.design, Design) else self.design.vocabulary)]
        table = np.zeros((self.design.length + 1, len(tokens)), bool)
        table[0, tokens[BOS]] = True
        table[1:, symbols] = True
        return table

    @cached_property
    def gated(self) -> Gated:
        config, weights = self.compiled.config, self.compiled.weights
        return Gated(Transformer(config, weights, torch.float64), parts_of(config, weights))

    @cached_property
    def candidates(self) -> Bool[np.ndarray, "subsets parts"]:
        """Every subset of the compiled model's parts but those that differ from all of them on a few inputs."""
        inputs = every_input(self.allowed)
        found = every_subset(len(parts_of(self.compiled.config, self.compiled.weights)))
        for count in PROBES:
            found = found[exact_on(self.gated, found, spread(inputs, count))]
        return found

    def unit(self, rng: np.random.Generator, workspace: Workspace) -> tuple[Problem, Truth]:
        dressed = dress(self.compiled, self.outfit, self.sample(rng), rng)
        circuits = self.smallest(dressed)
        weights = subnetwork(dressed.weights, parts_of(dressed.config, dressed.weights), circuits[0])
        dressed, circuits = (replace(dressed, weights=weights), circuits[:1, circuits[0]]) if self.null else (
            dressed, circuits
        )  # fmt: skip
        problem = self.problem(dressed, rng, workspace)
        truth = Truth(self.null, circuits)
        self.certify(problem, truth, dressed)
        return problem, truth

    def sample(self, rng: np.random.Generator) -> Int[np.ndarray, "inputs pos"]:
        """Inputs on which decoys get their norms: half of a design's are all true, so that every gate is active."""
        inputs = draw_inputs(self.allowed, 64, rng)
        if isinstance(self.design, Design):
            inputs[::2, 1:] = self.compiled.tokens[TRUE[0]]
        return inputs

    def problem(self, dressed: Dressed, rng: np.random.Generator, workspace: Workspace) -> Problem:
        config, weights = dressed.config, dressed.weights
        allowed = np.zeros_like(self.allowed)
        allowed[:, dressed.tokens] = self.allowed
        parts, inputs = parts_of(config, weights), draw_inputs(allowed, self.shown, rng)
        size = float(np.abs(forward(config, weights, inputs)).max())
        budget = self.sweeps * len(parts) * self.shown + 2 * int(self.searches * np.prod(allowed.sum(axis=1)))
        return Problem(
            model=workspace.blob(lambda path: checkpoint.save(path, config, weights)), parts=parts,
            parameters=parameters_of(config, parts), inputs=inputs, allowed=allowed,
            scored=np.ones(len(allowed), bool), tolerance=TOLERANCE * max(size, 1.0), budget=budget,
        )  # fmt: skip

    def smallest(self, dressed: Dressed) -> Bool[np.ndarray, "alternatives parts"]:
        """The exact subsets with the fewest parameters, as parts of the dressed model."""
        parts = parts_of(dressed.config, dressed.weights)
        at = whereabouts(self.compiled, dressed)
        best = self.cheapest(parameters_of(dressed.config, parts)[at])
        circuits = np.zeros((len(best), len(parts)), bool)
        circuits[:, at] = best
        return circuits

    def cheapest(self, costs: Int[np.ndarray, "parts"]) -> Bool[np.ndarray, "alternatives parts"]:
        """The subsets of least cost that compute on all inputs what all parts do."""
        inputs, sums = every_input(self.allowed), self.candidates @ costs
        groups = (self.candidates[sums == least] for least in np.unique(sums))
        return next(found for group in groups if len(found := group[exact_on(self.gated, group, inputs)]))

    def certify(self, problem: Problem, truth: Truth, dressed: Dressed) -> None:
        """Raise `ValueError` unless the smallest circuits are exact and have the size that the formula says.

        Where no formula says it, the first of them must be exact no more when any one or two parts go.
        """
        if self.heads is None:
            require_minimal(dressed, problem, truth.circuits[0])
        for circuit in truth.circuits:
            left = subnetwork(dressed.weights, problem.parts, circuit)
            apart = deviations(
                dressed.config, dressed.weights, left, every_input(problem.allowed), problem.scored
            ).max()
            if apart > problem.tolerance / 10:
                raise ValueError(f"the planted circuit's outputs are {apart:.3g} away from the network's")
            kept = [part[0] for part, stays in zip(problem.parts, circuit, strict=True) if stays]
            if self.heads is not None and (kept.count("a"), kept.count("m")) != (self.heads, self.units):
                raise ValueError(f"{kept.count('a')} heads and {kept.count('m')} units suffice, planned {self}")


def written(design: Design | Program) -> Compiled:
    if isinstance(design, Design):
        return design.compiled()
    found = compile_program(design.build(), design.vocabulary, design.length)
    return replace(found, config=replace(found.config, attention_scale=COLDNESS))


def require_minimal(dressed: Dressed, problem: Problem, circuit: Bool[np.ndarray, "parts"]) -> None:
    """Raise `ValueError` where a circuit without one or two of its parts still gives the network's outputs."""
    inputs = every_input(problem.allowed)
    few = spread(inputs, PROBES[-1])
    for size in (1, 2):
        for group in combinations(np.flatnonzero(circuit), size):
            left = subnetwork(dressed.weights, problem.parts, circuit & ~np.isin(np.arange(circuit.size), group))
            tried = (
                deviations(dressed.config, dressed.weights, left, tokens, problem.scored) for tokens in (few, inputs)
            )
            if not any((apart > problem.tolerance).any() for apart in tried):
                raise ValueError(f"the circuit is not minimal: {[problem.parts[part] for part in group]} can go")


def implanted(compiled: Compiled, implant: Cancelling, rng: np.random.Generator) -> Compiled:
    """The model with parts beside its own whose outputs sum to zero on axes that its own parts read."""
    add = _with_heads if implant.kind == "heads" else _with_units
    return add(compiled, implant, rng)


def _with_heads(compiled: Compiled, implant: Cancelling, rng: np.random.Generator) -> Compiled:
    """Copies of the layer's first head that write what it writes, by shares."""
    count = len(implant.shares)
    heads = compiled.config.n_heads + count
    config = replace(compiled.config, n_heads=heads, n_kv_heads=heads)
    weights = _widened(compiled, config)
    at = f"layers.{implant.layer}"
    for letter in "qkvo":
        weights[f"{at}.{letter}"][-count:] = weights[f"{at}.{letter}"][0]
    weights[f"{at}.o"][-count:] *= np.array(implant.shares)[:, None, None]
    return replace(compiled, config=config, weights=weights)


def _with_units(compiled: Compiled, implant: Cancelling, rng: np.random.Generator) -> Compiled:
    """Units that are active on every input and write along axes of heads and gates, by shares."""
    count = len(implant.shares)
    config = replace(compiled.config, d_mlp=compiled.config.d_mlp + count)
    outputs = output_matrices(compiled.config, compiled.weights)
    matrices = [matrix for node, matrix in outputs.items() if node not in ("embed", "pos")]
    weights = _widened(compiled, config)
    at = f"layers.{implant.layer}"
    live = np.flatnonzero(sum(np.abs(matrix).sum(axis=0) for matrix in matrices))
    tokens = np.flatnonzero(weights["embed"].any(axis=0))
    weights[f"{at}.mlp_in"][tokens, -count:] = rng.uniform(0.2, 0.5, len(tokens))[:, None]
    weights[f"{at}.mlp_out"][-count:, live] = np.outer(implant.shares, rng.uniform(0.3, 1.0, len(live)))
    return replace(compiled, config=config, weights=weights)


def _widened(compiled: Compiled, config: checkpoint.Config) -> dict[str, np.ndarray]:
    """The weights in the corner of tensors of a wider model's shapes, zeros elsewhere."""
    weights = {name: np.zeros(shape) for name, shape in checkpoint.shapes(config).items()}
    for name, array in compiled.weights.items():
        weights[name][tuple(slice(length) for length in array.shape)] = array
    return weights


def every_subset(parts: int) -> Bool[np.ndarray, "subsets parts"]:
    return np.array(list(product((False, True), repeat=parts)))


def spread(inputs: Int[np.ndarray, "inputs pos"], count: int) -> Int[np.ndarray, "few pos"]:
    """A few inputs at even distances."""
    return inputs[np.unique(np.linspace(0, len(inputs) - 1, count).astype(int))]


@torch.no_grad()
def exact_on(
    gated: Gated, subsets: Bool[np.ndarray, "subsets parts"], tokens: np.ndarray
) -> Bool[np.ndarray, "subsets"]:
    """Which subsets give what all parts together give."""
    whole = gated.outputs(tokens, torch.ones(1, subsets.shape[1], dtype=torch.float64))
    rows = max(1, ROWS // (tokens.size * gated.model.config.d_model))
    groups = (subsets[start : start + rows].astype(float) for start in range(0, len(subsets), rows))
    changes = [(gated.outputs(tokens, torch.as_tensor(group)) - whole).abs().amax(dim=(1, 2, 3)) for group in groups]
    return (torch.cat(changes) <= TOLERANCE).numpy()


def whereabouts(compiled: Compiled, dressed: Dressed) -> Int[np.ndarray, "parts"]:
    """The number, among the parts of the dressed model, of every part of the compiled one."""
    places = {part: number for number, part in enumerate(parts_of(dressed.config, dressed.weights))}
    taken: set[str] = set()
    return np.array(
        [places[_place(compiled, dressed, part, taken)] for part in parts_of(compiled.config, compiled.weights)]
    )


def _place(compiled: Compiled, dressed: Dressed, part: str, taken: set[str]) -> str:
    """Heads are named by the dressing; a unit is found by what it writes and reads on the program's axes."""
    if part[0] == "a":
        return dressed.nodes[part]
    layer = dressed.nodes[part.split(".")[0]]
    own = fingerprint(compiled, part, np.eye(len(compiled.labels)))
    for unit in range(dressed.config.d_mlp):
        name = f"{layer}.u{unit}"
        if name not in taken and np.allclose(fingerprint(dressed, name, dressed.turn[: len(compiled.labels)]), own):
            taken.add(name)
            return name
    raise ValueError(f"{part} is not in the dressed model")


def fingerprint(model: Compiled | Dressed, part: str, axes: Float[np.ndarray, "axes d_model"]) -> np.ndarray:
    """What a unit reads and writes along some axes."""
    name, row = place_of_part(part)
    return np.stack([axes @ model.weights[name.replace("mlp_out", "mlp_in")][:, row], axes @ model.weights[name][row]])
