"""Whose activations can be read: language models, checkpoints of ours, any module of torch, and tables of numbers.

Each source has an `identity` (what its activations depend on, as JSON, with the hash of its weights or file), the names
of its `layers`, and `read(stimuli, layers, budget)`: one array [stimuli, width] a layer. Stimuli are words (names of
rows for modules and tables). `redrawn(rng)` is the same architecture with random weights.
"""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float

from bench.core.catalogue import pick
from bench.core.contract import BadInput, Unsupported
from bench.core.hashing import sha256_file
from bench.models import huggingface
from bench.models.activations import read_text, residual_stream
from bench.models.checkpoint import Config, load_arrays
from bench.models.prompts import Reader
from bench.models.transformer import Transformer

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
POSITIONS = ("mean", "last")
MEGABYTE = 2**20
Read = dict[str, np.ndarray]


class Source(Protocol):
    """What can be read; see the module's docstring. `budget` in MB."""

    @property
    def identity(self) -> dict[str, Any]: ...

    @property
    def layers(self) -> list[str]: ...

    def read(self, stimuli: Sequence[str], layers: Sequence[str], budget: float) -> Read: ...

    def redrawn(self, rng: np.random.Generator) -> Source: ...


def redraw(weights: Mapping[str, np.ndarray], rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Every tensor anew from a normal distribution of its own mean and standard deviation: scales stay what training
    made them (those of norms near 1, biases that are 0), and everything else that was learnt is gone."""
    return {
        name: (array.mean() + array.std() * rng.standard_normal(array.shape)).astype(array.dtype)
        for name, array in sorted(weights.items())
    }


def hash_arrays(arrays: Mapping[str, np.ndarray]) -> str:
    """SHA-256 of names, shapes, types and bytes."""
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def precision_of(name: str) -> torch.dtype:
    return PRECISIONS[pick(name, PRECISIONS, "precision")]


@dataclass(frozen=True)
class TextModel:
    """A causal language model that reads the stimuli as one running text, a word each.

    Layer 0 is the embedding, layer l the residual stream after l layers. `position`: a word's activation is the mean
    over its tokens, or its last token's. `context` and `stride` in tokens, as in `read_text`.
    """

    config: Config
    weights: Mapping[str, np.ndarray] = field(repr=False)
    reader: Reader = field(repr=False)
    context: int
    stride: int
    position: str
    precision: str
    device: str

    @classmethod
    def load(
        cls, model: Path | str, *, context: int | None = None, stride: int | None = None, position: str = "mean",
        precision: str = "float32", device: str = "cpu",
    ) -> TextModel:  # fmt: skip
        """A Hugging Face folder, or a name in its cache; the context is the model's own where none is given."""
        config, weights = huggingface.arrays(model)
        length = context or config.n_ctx
        if not 2 <= length <= config.n_ctx:
            raise BadInput(f"context is {length} tokens; give 2 to {config.n_ctx}, what {model} was made for")
        step = stride or max(1, length // 2)
        if not 1 <= step < length:
            raise BadInput(f"stride is {step} tokens; give 1 to {length - 1}, below the context")
        precision_of(precision)
        pick(position, POSITIONS, "position")
        return cls(config, weights, huggingface.reader(model), length, step, position, precision, device)

    @property
    def identity(self) -> dict[str, Any]:
        facts = {name: getattr(self, name) for name in ("context", "stride", "position", "precision")}
        tokenizer = hashlib.sha256(self.reader.tokenizer.to_str().encode()).hexdigest()
        return {
            "kind": "text", "weights": hash_arrays(self.weights), "config": dataclasses.asdict(self.config),
            "tokenizer": tokenizer, "start": self.reader.start, **facts,
        }  # fmt: skip

    @property
    def layers(self) -> list[str]:
        return [str(depth) for depth in range(self.config.n_layers + 1)]

    def read(self, stimuli: Sequence[str], layers: Sequence[str], budget: float) -> Read:
        check_budget(_window_bytes(self.config, self.context, self.precision), budget, "context")
        text, ends = running_text(stimuli)
        encoded = self.reader.tokenizer.encode(text, add_special_tokens=False)
        model = Transformer(self.config, self.weights, precision_of(self.precision), self.device)
        stream = read_text(model, np.array(encoded.ids), self.reader.start, self.stride, self.context)
        owners = np.searchsorted(ends, [end for _, end in encoded.offsets])
        return {layer: of_words(stream[int(layer)], owners, len(stimuli), self.position) for layer in layers}

    def redrawn(self, rng: np.random.Generator) -> TextModel:
        return dataclasses.replace(self, weights=redraw(self.weights, rng))


def running_text(words: Sequence[str]) -> tuple[str, np.ndarray]:
    """The words with blanks between, and where each ends in it; what begins with ' or is n't stands without a blank."""
    glued = [index == 0 or word.startswith("'") or word == "n't" for index, word in enumerate(words)]
    pieces = [word if alone else f" {word}" for word, alone in zip(words, glued, strict=True)]
    return "".join(pieces), np.cumsum([len(piece) for piece in pieces])


def of_words(
    stream: Float[np.ndarray, "pos d_model"], owners: np.ndarray, count: int, position: str
) -> Float[np.ndarray, "words d_model"]:
    """The mean over each word's tokens, or its last token. Raises `BadInput` where a word has no token."""
    tokens = np.bincount(owners, minlength=count)[:count]
    if not tokens.all():
        raise BadInput(f"word {int(np.argmin(tokens)) + 1} of the text has no token; it may be empty or a lone blank")
    if position == "last":
        return stream[np.searchsorted(owners, np.arange(count), side="right") - 1]
    total = np.zeros((count, stream.shape[1]))
    np.add.at(total, owners, stream)
    return total / tokens[:, None]


def check_budget(needed: float, budget: float, remedy: str) -> None:
    """Raise `BadInput` where one batch takes more bytes than `budget` MB."""
    if needed > budget * MEGABYTE:
        raise BadInput(
            f"budget_mb is {budget:g}, and a single batch takes {needed / MEGABYTE:.0f} MB; give more, or less {remedy}"
        )


def _window_bytes(config: Config, length: int, precision: str) -> int:
    """What every node of a window writes, and its attention."""
    nodes = 2 + config.n_layers * (config.n_heads + 1)
    return PRECISIONS[precision].itemsize * length * (nodes * config.d_model + config.n_heads * length)


@dataclass(frozen=True)
class Checkpoint:
    """A transformer of ours, which reads each stimulus by itself: numbers of tokens with blanks between ("3 0 12").

    Layers as of `TextModel`; a stimulus is the mean over its positions, or its last one.
    """

    config: Config
    weights: Mapping[str, np.ndarray] = field(repr=False)
    position: str
    precision: str
    device: str

    @classmethod
    def load(cls, path: Path, *, position: str = "last", precision: str = "float32", device: str = "cpu") -> Checkpoint:
        precision_of(precision)
        return cls(*load_arrays(path), pick(position, POSITIONS, "position"), precision, device)

    @property
    def identity(self) -> dict[str, Any]:
        facts = {"position": self.position, "precision": self.precision}
        config = dataclasses.asdict(self.config)
        return {"kind": "checkpoint", "weights": hash_arrays(self.weights), "config": config, **facts}

    @property
    def layers(self) -> list[str]:
        return [str(depth) for depth in range(self.config.n_layers + 1)]

    def read(self, stimuli: Sequence[str], layers: Sequence[str], budget: float) -> Read:
        tokens = [_numbers(one) for one in stimuli]
        model = Transformer(self.config, self.weights, precision_of(self.precision), self.device)
        found = {layer: np.empty((len(tokens), self.config.d_model)) for layer in layers}
        for length in sorted({len(one) for one in tokens}):
            rows = np.flatnonzero([len(one) == length for one in tokens])
            each = _window_bytes(self.config, length, self.precision)
            check_budget(each, budget, "tokens a stimulus")
            batch = max(1, int(budget * MEGABYTE // each))
            for part in np.split(rows, range(batch, len(rows), batch)):
                stream = residual_stream(model, np.array([tokens[row] for row in part])).float().cpu().numpy()
                read = stream[:, :, -1] if self.position == "last" else stream.mean(axis=2)
                for layer in layers:
                    found[layer][part] = read[int(layer)]
        return found

    def redrawn(self, rng: np.random.Generator) -> Checkpoint:
        return dataclasses.replace(self, weights=redraw(self.weights, rng))


def _numbers(stimulus: str) -> list[int]:
    try:
        found = [int(part) for part in stimulus.split()]
    except ValueError as error:
        raise BadInput(f"stimulus {stimulus!r} is no list of token numbers; write for example '3 0 12'") from error
    if not found:
        raise BadInput("a stimulus holds no token; write for example '3 0 12'")
    return found


@dataclass(frozen=True)
class Module:
    """Any `torch.nn.Module`: `package.module:function` makes it, and a table of numbers gives its inputs by name.

    Layers are the names of its submodules; what one returns is flattened.
    """

    place: str
    module: torch.nn.Module = field(repr=False)
    inputs: pd.DataFrame = field(repr=False)
    precision: str
    device: str

    @classmethod
    def load(
        cls, place: str, inputs: Path, stimulus: str, *, precision: str = "float32", device: str = "cpu"
    ) -> Module:
        """Raises `BadInput` where the function cannot be imported or returns no module."""
        package, _, name = place.partition(":")
        try:
            made = getattr(importlib.import_module(package), name)()
        except (ImportError, AttributeError, ValueError) as error:
            raise BadInput(f"module {place!r} cannot be made ({error}); write package.module:function") from error
        if not isinstance(made, torch.nn.Module):
            raise BadInput(f"module {place!r} returns {type(made).__name__}; let it return a torch.nn.Module")
        precise = made.to(device=device, dtype=precision_of(precision)).eval()
        return cls(place, precise, read_numbers(inputs, stimulus), precision, device)

    @property
    def identity(self) -> dict[str, Any]:
        return {
            "kind": "module", "place": self.place, "weights": hash_arrays(_state(self.module)),
            "structure": hashlib.sha256(repr(self.module).encode()).hexdigest(), "precision": self.precision,
            "inputs": hash_arrays({"values": self.inputs.to_numpy()}), "names": list(self.inputs.index),
        }  # fmt: skip

    @property
    def layers(self) -> list[str]:
        return [name for name, _ in self.module.named_modules() if name]

    def read(self, stimuli: Sequence[str], layers: Sequence[str], budget: float) -> Read:
        chosen = rows_of(self.inputs, stimuli, self.place)
        values = torch.tensor(chosen, dtype=precision_of(self.precision), device=self.device)
        first = self._outputs(values[:1], layers)
        each = values[0].nbytes + sum(8 * one.size for one in first.values())
        check_budget(each, budget, "layers")
        batch = max(1, int(budget * MEGABYTE // each))
        parts = [self._outputs(part, layers) for part in values.split(batch)]
        return {layer: np.concatenate([part[layer] for part in parts]) for layer in layers}

    @torch.no_grad()
    def _outputs(self, values: torch.Tensor, layers: Sequence[str]) -> Read:
        found: Read = {}

        def keep(name: str) -> Any:
            def hook(module: torch.nn.Module, given: Any, output: Any) -> None:
                if not isinstance(output, torch.Tensor):
                    raise BadInput(
                        f"layer {name!r} of {self.place} returns {type(output).__name__}; take one inside it"
                    )
                found[name] = output.reshape(len(values), -1).double().cpu().numpy()

            return hook

        named = dict(self.module.named_modules())
        handles = [named[name].register_forward_hook(keep(name)) for name in layers]
        try:
            self.module(values)
        finally:
            for handle in handles:
                handle.remove()
        return found

    def redrawn(self, rng: np.random.Generator) -> Module:
        other = copy.deepcopy(self.module)
        state = other.state_dict()
        learnt = {name for name, _ in other.named_parameters()}
        drawn = redraw({name: array for name, array in _state(other).items() if name in learnt}, rng)
        other.load_state_dict({**state, **{name: torch.tensor(array) for name, array in drawn.items()}})
        return dataclasses.replace(self, module=other)


def _state(module: torch.nn.Module) -> dict[str, np.ndarray]:
    """Parameters and buffers; in float32, since numpy knows no bfloat16."""
    return {name: tensor.detach().float().cpu().numpy() for name, tensor in module.state_dict().items()}


@dataclass(frozen=True)
class Table:
    """A table of features by the name of the stimulus. Its layers are its bands of columns."""

    path: Path
    values: pd.DataFrame = field(repr=False)
    bands: Mapping[str, Sequence[str]]

    @classmethod
    def load(cls, path: Path, stimulus: str, bands: Mapping[str, Sequence[str]] | None = None) -> Table:
        """Every column but `stimulus` is a feature; one band, `table`, where none are named."""
        values = read_numbers(path, stimulus)
        named = dict(bands) if bands else {"table": list(values)}
        for columns in named.values():
            for column in columns:
                pick(column, values, f"{path}: column")
        return cls(path, values, named)

    @property
    def identity(self) -> dict[str, Any]:
        return {"kind": "table", "file": sha256_file(self.path), "bands": {k: list(v) for k, v in self.bands.items()}}

    @property
    def layers(self) -> list[str]:
        return list(self.bands)

    def read(self, stimuli: Sequence[str], layers: Sequence[str], budget: float) -> Read:
        chosen = {layer: self.values[list(self.bands[layer])] for layer in layers}
        return {layer: rows_of(columns, stimuli, str(self.path)) for layer, columns in chosen.items()}

    def redrawn(self, rng: np.random.Generator) -> Table:
        raise Unsupported("a table has no weights to draw anew")


def read_numbers(path: Path, stimulus: str) -> pd.DataFrame:
    """A TSV of numbers by the name in its column `stimulus`. Raises `BadInput` with file, column and remedy."""
    try:
        table = pd.read_csv(path, sep="\t", dtype={stimulus: str})
    except (OSError, ValueError) as error:
        raise BadInput(f"{path}: cannot be read as a table ({' '.join(str(error).split())}); write TSV") from error
    if stimulus not in table:
        raise BadInput(f"{path}: has no column {stimulus!r} (columns: {', '.join(table)}); add it or name another")
    twice = table[stimulus][table[stimulus].duplicated()]
    if len(twice):
        raise BadInput(f"{path}: {stimulus} {twice.iloc[0]!r} has two rows; give each stimulus one")
    values = table.set_index(stimulus).apply(pd.to_numeric, errors="coerce")
    bad = values.isna().any()
    if bad.any() or not values.shape[1]:
        fault = f"column {bad.idxmax()!r} holds what is no number" if bad.any() else "no column holds numbers"
        raise BadInput(f"{path}: {fault}; give every stimulus a number in every column")
    return values.astype(float)


def rows_of(table: pd.DataFrame, stimuli: Sequence[str], what: str) -> np.ndarray:
    """The rows of the stimuli in their order. Raises `BadInput` for a stimulus without one."""
    lost = sorted(set(stimuli) - set(table.index))
    if lost:
        raise BadInput(f"{what}: has no row for stimulus {lost[0]!r} ({len(lost)} are missing); add it")
    return table.loc[list(stimuli)].to_numpy()
