"""A program compiled by Tracr as a checkpoint of ours: float64 weights whose residual axes keep Tracr's names.

Tracr (Lindner et al. 2023, NeurIPS, arXiv:2301.05062) turns a RASP program into a transformer without norms, with
learned positions and ReLU. Four of its habits matter here: residual axes stand in alphabetical order of their names, so
the output is found by name and never by position; a numerical output is a single axis; position 0 holds a
beginning-of-sequence token on which the heads rest; and attention scores are divided by the root of the head's size.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from tracr.compiler import compiling
from tracr.rasp import rasp

from bench.models.checkpoint import Config

BOS, PAD = "compiler_bos", "compiler_pad"
ATTENTION = {"q": "query", "k": "key", "v": "value"}


@dataclass(frozen=True)
class Mixture:
    """A categorical variable that is several values at once, as when a head attends to several of them equally."""

    values: tuple[Any, ...]


@dataclass(frozen=True)
class Compiled:
    """A converted program: checkpoint, names of the residual axes, and what tokens and outputs mean.

    `outputs` are the values that the output coordinates stand for, or nothing where the output is one number.
    """

    config: Config
    weights: dict[str, np.ndarray]
    labels: tuple[str, ...]
    tokens: Mapping[Hashable, int]
    outputs: tuple[Any, ...]

    @property
    def numerical(self) -> bool:
        return not self.outputs

    def encode(self, strings: Sequence[Sequence[Any]]) -> Int[np.ndarray, "examples pos"]:
        """Token numbers of equally long strings, with the beginning-of-sequence token in front."""
        return np.array([[self.tokens[BOS], *(self.tokens[symbol] for symbol in string)] for string in strings])

    def targets(self, values: Sequence[Sequence[Any]]) -> Float[np.ndarray, "examples pos outputs"]:
        """What the model should say where the program says `values`: one-hot, all zeros for None, or the number."""
        if self.numerical:
            return np.array([[[0.0 if value is None else float(value)] for value in row] for row in values])
        return np.array([[[_share(value, output) for output in self.outputs] for value in row] for row in values])


def _share(value: Any, output: Any) -> float:
    """How much of a value is a given output."""
    several = value.values if isinstance(value, Mixture) else (value,)
    return sum(one == output for one in several) / len(several)


def assemble(program: rasp.SOp, vocabulary: set[Any], length: int, causal: bool = False) -> Any:
    """Tracr's own assembled model of a program over strings of at most `length` symbols (slow: it goes through jax)."""
    return compiling.compile_rasp_to_model(
        program, vocabulary, length, causal=causal, compiler_bos=BOS, compiler_pad=PAD
    )


def convert(assembled: Any, program: rasp.SOp) -> Compiled:
    """The checkpoint that equals an assembled Tracr model."""
    parameters = {name: {key: _double(value) for key, value in group.items()}
                  for name, group in assembled.params.items()}  # fmt: skip
    labels = tuple(assembled.residual_labels)
    axes = output_axes(labels, program)
    outputs = () if rasp.is_numerical(program) else assembled.output_encoder.encoding_map
    config = _config(assembled.model_config, parameters, len(axes))
    weights = {"embed": parameters["token_embed"]["embeddings"], "pos": parameters["pos_embed"]["embeddings"]}
    weights["unembed"] = np.eye(len(labels))[:, axes]
    for layer in range(config.n_layers):
        weights |= {f"layers.{layer}.{name}": array for name, array in _layer(config, parameters, layer).items()}
    ordered = tuple(sorted(outputs, key=lambda value: outputs[value])) if outputs else ()
    return Compiled(config, weights, labels, dict(assembled.input_encoder.encoding_map), ordered)


def output_axes(labels: Sequence[str], program: rasp.SOp) -> Int[np.ndarray, "outputs"]:
    """The residual axes that hold the program's last variable, found by name."""
    return np.array([axis for axis, label in enumerate(labels) if variable_of(label) == program.label])


def variable_of(label: str) -> str:
    """The variable that a residual axis belongs to: "tokens:a" -> "tokens", "one" -> "one"."""
    return label.split(":", 1)[0]


def _double(value: Any) -> np.ndarray:
    return np.asarray(value, np.float64)


def _config(shape: Any, parameters: Mapping[str, Mapping[str, np.ndarray]], outputs: int) -> Config:
    vocabulary, d_model = parameters["token_embed"]["embeddings"].shape
    return Config(
        n_layers=shape.num_layers, n_heads=shape.num_heads, n_kv_heads=shape.num_heads, d_model=d_model,
        d_head=shape.key_size, d_mlp=shape.mlp_hidden_size, d_vocab=vocabulary, d_out=outputs,
        n_ctx=len(parameters["pos_embed"]["embeddings"]), causal=shape.causal,
    )  # fmt: skip


def _layer(config: Config, parameters: Mapping[str, Mapping[str, np.ndarray]], layer: int) -> dict[str, np.ndarray]:
    at, heads, size = f"transformer/layer_{layer}", config.n_heads, config.d_head
    made: dict[str, np.ndarray] = {}
    for letter, name in ATTENTION.items():
        group = parameters[f"{at}/attn/{name}"]
        made[letter] = group["w"].reshape(config.d_model, heads, size).transpose(1, 0, 2)
        made[f"{letter}_bias"] = group["b"].reshape(heads, size)
    linear, first, second = (parameters[f"{at}/{name}"] for name in ("attn/linear", "mlp/linear_1", "mlp/linear_2"))
    made |= {"o": linear["w"].reshape(heads, size, config.d_model), "o_bias": linear["b"]}
    made |= {"mlp_in": first["w"], "mlp_in_bias": first["b"], "mlp_out": second["w"], "mlp_out_bias": second["b"]}
    return made
