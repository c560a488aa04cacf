"""From RASP to a checkpoint: Tracr's passes up to its blocks, then our own placing of blocks on layers.

Tracr's last pass builds the model in jax, which takes 2 to 4 s a program; the passes before it take milliseconds. What
they leave is a series of blocks (attention with its heads, or MLP), each with matrices between named subspaces of the
residual stream. `bench.models.compiled.conversion.convert` reads the model that Tracr itself would have made.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float
from tracr.compiler import (
    basis_inference,
    craft_graph_to_model,
    expr_to_craft_graph,
    nodes,
    rasp_to_graph,
    validating,
)
from tracr.craft import bases, transformers
from tracr.rasp import rasp

from bench.core.contract import BadInput
from bench.models.checkpoint import Config, shapes
from bench.models.compiled.conversion import BOS, PAD, Compiled

EXACTNESS = 100  # slope of the steps with which MLPs tell numbers apart; Tracr's default
CLEANING = "_hidden_clean_bos_"  # Tracr's name for the hidden unit with which selector widths clean the first token
HALVES: tuple[str, ...] = ("attention", "mlp")


def compile_program(
    program: rasp.SOp, vocabulary: Collection[Any], length: int, causal: bool = False, apart: bool = False
) -> Compiled:
    """A program over strings of at most `length` symbols as a checkpoint; raises `BadInput` where Tracr cannot.

    `causal` must be the program's own: a program that looks ahead and is compiled causally is silently wrong. With
    `apart` the selector widths of one layer do not share a hidden unit (`_separate`); Tracr's own model has them share.
    """
    crafted = _crafted(program, set(vocabulary), length, apart)
    return _Assembly(crafted, program, set(vocabulary), length, causal).compiled()


@dataclass(frozen=True)
class _Crafted:
    """Blocks of a program, the axes they use, and the axes of its last variable."""

    blocks: list[Any]
    axes: list[bases.BasisDirection]
    output: list[bases.BasisDirection]


def _crafted(program: rasp.SOp, vocabulary: set[Any], length: int, apart: bool) -> _Crafted:
    refused = validating.static_validate(program)
    if refused:
        raise BadInput(f"program {program.label}: {refused[0].expr.name} cannot be compiled ({refused[0].reason})")
    extracted = rasp_to_graph.extract_rasp_graph(program)
    basis_inference.infer_bases(extracted.graph, extracted.sink, vocabulary, length)
    expr_to_craft_graph.add_craft_components_to_rasp_graph(
        extracted.graph, bos_dir=bases.BasisDirection(rasp.tokens.label, BOS), mlp_exactness=EXACTNESS
    )
    if apart:
        _separate(extracted.graph)
    series = craft_graph_to_model.craft_graph_to_model(extracted.graph, extracted.sources)
    return _Crafted(series.blocks, series.residual_space.basis, extracted.sink[nodes.OUTPUT_BASIS])


def _separate(graph: Any) -> None:
    """Give every selector width a hidden unit of its own for cleaning the token before the string.

    Tracr gives all of them one name, and what stands in one layer under one name is added up: of n widths in a layer
    each then takes away n times what it wrote at that token. Heads whose keys are such a width are wrong by it.
    """
    for number, node in enumerate(graph.nodes.values()):
        block = node.get(nodes.MODEL_BLOCK)
        if isinstance(block, transformers.SeriesWithResiduals):
            mlp = block.blocks[1]
            axes = [
                bases.BasisDirection(f"{axis.name}{number}") if axis.name == CLEANING else axis
                for axis in mlp.fst.output_space.basis
            ]
            mlp.fst.output_space = mlp.snd.input_space = bases.VectorSpaceWithBasis(axes)


@dataclass(frozen=True)
class _Assembly:
    crafted: _Crafted
    program: rasp.SOp
    vocabulary: set[Any]
    length: int
    causal: bool

    @cached_property
    def tokens(self) -> list[bases.BasisDirection]:
        return self._space(rasp.tokens, self.vocabulary | {BOS, PAD})

    @cached_property
    def indices(self) -> list[bases.BasisDirection]:
        return self._space(rasp.indices, range(self.length))

    @staticmethod
    def _space(variable: rasp.SOp, values: Collection[Any]) -> list[bases.BasisDirection]:
        return bases.VectorSpaceWithBasis.from_values(variable.label, values).basis

    @cached_property
    def axes(self) -> list[bases.BasisDirection]:
        """The residual axes in Tracr's order, which is alphabetical by name."""
        return sorted({*self.crafted.axes, *self.tokens, *self.indices, *self.crafted.output})

    @cached_property
    def places(self) -> list[tuple[int, Any]]:
        """Each block with its layer: attention comes before the MLP of a layer, and layers may lack either."""
        placed: list[tuple[int, Any]] = []
        layer, free = 0, HALVES
        for block in self.crafted.blocks:
            kind = "mlp" if isinstance(block, transformers.MLP) else "attention"
            if kind not in free:
                layer, free = layer + 1, HALVES
            free = free[free.index(kind) + 1 :]
            placed.append((layer, block))
        return placed

    @cached_property
    def heads(self) -> list[tuple[int, int, transformers.AttentionHead]]:
        """Layer, number and block of every head."""
        attention = [(layer, block) for layer, block in self.places if not isinstance(block, transformers.MLP)]
        return [(layer, number, head) for layer, block in attention for number, head in enumerate(_heads(block))]

    @cached_property
    def mlps(self) -> list[tuple[int, transformers.MLP]]:
        return [(layer, block) for layer, block in self.places if isinstance(block, transformers.MLP)]

    @cached_property
    def config(self) -> Config:
        """The least shape that holds every block; Tracr gives a model without heads or MLPs one of each."""
        heads = max([number + 1 for _, number, _ in self.heads], default=1)
        return Config(
            n_layers=self.places[-1][0] + 1, n_heads=heads, n_kv_heads=heads, d_model=len(self.axes),
            d_head=max([max(head.w_qk.matrix.shape) for _, _, head in self.heads], default=1),
            d_mlp=max([block.fst.matrix.shape[1] for _, block in self.mlps], default=1), d_vocab=len(self.tokens),
            d_out=len(self.crafted.output), n_ctx=self.length + 1, causal=self.causal,
        )  # fmt: skip

    def compiled(self) -> Compiled:
        weights = {name: np.zeros(shape) for name, shape in shapes(self.config).items()}
        weights |= {"embed": self._embedding(), "unembed": self._onto(self.crafted.output)}
        weights["pos"][1:] = self._onto(self.indices).T
        for layer, number, head in self.heads:
            self._place_head(weights, f"layers.{layer}", number, head)
        for layer, mlp in self.mlps:
            self._place_mlp(weights, f"layers.{layer}", mlp)
        outputs = () if rasp.is_numerical(self.program) else tuple(axis.value for axis in self.crafted.output)
        labels = tuple(str(axis) for axis in self.axes)
        numbers = {axis.value: number for number, axis in enumerate(self.tokens)}
        return Compiled(self.config, weights, labels, numbers, outputs)

    def _onto(self, directions: Collection[bases.BasisDirection]) -> Float[np.ndarray, "d_model directions"]:
        """The projection of the residual stream onto some of its axes."""
        return np.array([[float(axis == direction) for direction in directions] for axis in self.axes])

    def _embedding(self) -> Float[np.ndarray, "vocabulary d_model"]:
        """Each token's own axis, and where blocks need a constant the axis that holds 1 everywhere."""
        constant = self._onto([bases.BasisDirection("one")]).T
        return self._onto(self.tokens).T + constant

    def _place_head(self, weights: dict[str, np.ndarray], at: str, number: int, head: Any) -> None:
        matrices = {
            "q": self._onto(head.w_qk.left_space.basis) @ head.w_qk.matrix,
            "k": self._onto(head.w_qk.right_space.basis),
            "v": self._onto(head.w_ov.input_space.basis) @ head.w_ov.matrix,
        }
        for letter, matrix in matrices.items():
            weights[f"{at}.{letter}"][number, :, : matrix.shape[1]] = matrix
        written = self._onto(head.w_ov.output_space.basis).T
        weights[f"{at}.o"][number, : len(written)] = written

    def _place_mlp(self, weights: Mapping[str, np.ndarray], at: str, mlp: Any) -> None:
        units = mlp.fst.matrix.shape[1]
        weights[f"{at}.mlp_in"][:, :units] = self._onto(mlp.fst.input_space.basis) @ mlp.fst.matrix
        weights[f"{at}.mlp_out"][:units] = mlp.snd.matrix @ self._onto(mlp.snd.output_space.basis).T


def _heads(block: Any) -> Iterator[transformers.AttentionHead]:
    yield from block.as_multi().heads()
