"""State dictionaries from safetensors or torch files, and pickled values read without running anything they name.

A torch file is read with `torch.load(weights_only=True)`: torch's own reader, which makes tensors and plain containers
and refuses every other name. A pickled value (`inert_pickle`) is rebuilt with an inert class of the same name in place
of every class or function that the file names, so that nothing is imported and nothing of it runs.
"""

from __future__ import annotations

import io
import pickle  # nothing is ever written, and what is read resolves no name (see `_InertReader`)
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.numpy import load_file

from bench.core.contract import BadInput

TORCH_FILES = (".pth", ".pt", ".bin")
LARGEST_PICKLE = 1_000_000  # bytes; configurations and lists of edges are far smaller


def load_state(path: Path) -> dict[str, np.ndarray]:
    """Tensors by name; raises `BadInput` where the file is not a plain state dictionary."""
    if path.suffix == ".safetensors":
        try:
            return load_file(path)
        except (OSError, SafetensorError) as error:
            raise BadInput(f"{path}: cannot be read as safetensors ({error}); make it anew") from error
    if path.suffix not in TORCH_FILES:
        raise BadInput(f"{path}: is neither .safetensors nor one of {', '.join(TORCH_FILES)}; give a state dictionary")
    return _plain_state(path)


def _plain_state(path: Path) -> dict[str, np.ndarray]:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, pickle.UnpicklingError) as error:
        raise BadInput(
            f"{path}: is no file of tensors alone ({type(error).__name__}); save the model's state_dict()"
        ) from error
    if not isinstance(state, dict) or not all(isinstance(tensor, torch.Tensor) for tensor in state.values()):
        raise BadInput(f"{path}: holds {type(state).__name__} with other things than tensors; save state_dict()")
    return {name: tensor.numpy() for name, tensor in state.items()}


class _InertReader(pickle.Unpickler):
    """Every name in the file becomes an empty class: calling it makes an empty instance and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        return type(name, (_Inert,), {"source": f"{module}.{name}"})

    def persistent_load(self, identifier: Any) -> Any:
        raise BadInput(f"pickle: refers to {identifier!r} outside the file; only values that it holds itself are read")


class _Inert:
    """Stands in for an instance of whatever class a pickle names; keeps the state that the file sets."""

    source = ""

    def __init__(self, *_: Any) -> None:
        pass


def inert_pickle(path: Path) -> Any:
    """The value of a pickle as dictionaries, lists, strings and numbers; an object is the dictionary of its attributes.

    A class, a function or a torch.dtype is its dotted name. Raises `BadInput` where the file is too large to be a
    configuration or no pickle.
    """
    content = path.read_bytes()
    if len(content) > LARGEST_PICKLE:
        raise BadInput(f"{path}: has {len(content)} bytes; a pickled configuration has at most {LARGEST_PICKLE}")
    try:
        value = _InertReader(io.BytesIO(content)).load()
    except (pickle.UnpicklingError, EOFError, AttributeError, TypeError, ValueError, KeyError, IndexError) as error:
        raise BadInput(f"{path}: is no pickle of plain values ({error}); ask for JSON") from error
    return plain(value)


def plain(value: Any) -> Any:
    """A value without objects, as JSON can hold it; tuples and sets become lists."""
    if isinstance(value, _Inert):
        return plain(vars(value)) if vars(value) else value.source
    if isinstance(value, type):
        return getattr(value, "source", value.__name__)
    if isinstance(value, dict):
        return {str(plain(key)): plain(item) for key, item in value.items()}
    if isinstance(value, set | frozenset):
        return sorted((plain(item) for item in value), key=repr)
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise BadInput(f"pickle: holds a {type(value).__name__}, which JSON cannot; ask for JSON")
