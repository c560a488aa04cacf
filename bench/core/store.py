"""A frozen dataclass to a folder and back: `arrays.safetensors` + `meta.json`, nothing else.

The annotations of the dataclass are the schema. A value that does not fit its annotation raises
`InvalidAnswer` on the way in and on the way out, so that a file never holds what the contract forbids.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
import sys
import types
import typing
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from bench.core.contract import Blob, InvalidAnswer, Ragged

ARRAYS, META = "arrays.safetensors", "meta.json"
T = typing.TypeVar("T")
SPARSE, TABLE = ("scipy.sparse", "csr_array"), ("pandas", "DataFrame")
SCALARS: dict[Any, Any] = {str: str, int: int, float: (float, int), bool: bool}


def fields_of(cls: type) -> dict[str, Any]:
    """Field name to annotation, in order, with string annotations resolved."""
    hints = typing.get_type_hints(cls)
    return {field.name: hints[field.name] for field in dataclasses.fields(cls)}


def split_optional(hint: Any) -> tuple[Any, bool]:
    """`X | None` gives (X, True), anything else (hint, False)."""
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        (inner,) = [arg for arg in typing.get_args(hint) if arg is not type(None)]
        return inner, True
    return hint, False


def _is(hint: Any, place: tuple[str, str]) -> bool:
    """Whether an annotation is the named class. A track that uses pandas or scipy has imported it; others need not
    wait for it (0.2 s a process)."""
    module, name = place
    return module in sys.modules and hint is getattr(sys.modules[module], name)


def is_array(hint: Any) -> bool:
    return hasattr(hint, "dim_str") and hasattr(hint, "dtypes")


def validate(obj: Any, label: str) -> None:
    """Check every field of a dataclass instance against its annotation; shared axis names must agree.

    Raises `InvalidAnswer`, for example `circuits/acdc: edge_scores has 43 edges, circuit has 44`.
    """
    axes: dict[str, tuple[int, str]] = {}
    for name, hint in fields_of(type(obj)).items():
        value = getattr(obj, name)
        hint, optional = split_optional(hint)
        if value is None and optional:
            continue
        if is_array(hint):
            _check_array(value, hint, name, axes, label)
        else:
            _check_plain(value, hint, name, label)


def _check_array(value: Any, hint: Any, name: str, axes: dict[str, tuple[int, str]], label: str) -> None:
    if not isinstance(value, np.ndarray):
        raise InvalidAnswer(f"{label}: {name} is a {type(value).__name__}, not a numpy array")
    if value.dtype.name not in hint.dtypes:
        raise InvalidAnswer(f"{label}: {name} has dtype {value.dtype}, allowed are {', '.join(hint.dtypes)}")
    names = hint.dim_str.split()
    if value.ndim != len(names):
        raise InvalidAnswer(f"{label}: {name} has shape {value.shape}, expected axes ({hint.dim_str})")
    for axis, size in zip(names, value.shape, strict=True):
        known, holder = axes.setdefault(axis, (int(axis) if axis.isdigit() else size, name))
        if known != size:
            raise InvalidAnswer(f"{label}: {name} has {size} {axis}, {holder} has {known}")


def _check_plain(value: Any, hint: Any, name: str, label: str) -> None:
    if typing.get_origin(hint) is list:
        (inner,) = typing.get_args(hint)
        good = isinstance(value, list) and all(isinstance(item, SCALARS[inner]) for item in value)
    elif hint in SCALARS:
        good = isinstance(value, SCALARS[hint]) and (hint is bool or not isinstance(value, bool))
    else:
        good = isinstance(value, hint)
    if not good:
        raise InvalidAnswer(f"{label}: {name} is {value!r:.60}, expected {getattr(hint, '__name__', hint)}")


def write(obj: Any, folder: Path, label: str = "object") -> None:
    """Write a dataclass instance to a new folder. Raises `InvalidAnswer` where a value breaks its annotation."""
    validate(obj, label)
    arrays: dict[str, np.ndarray] = {}
    meta: dict[str, Any] = {}
    blobs: dict[str, Blob] = {}
    for name, hint in fields_of(type(obj)).items():
        hint, _ = split_optional(hint)
        value = getattr(obj, name)
        if value is None:
            meta[name] = None
        elif is_array(hint):
            arrays[name] = np.ascontiguousarray(value)
        elif hint is Ragged:
            arrays |= {f"{name}.values": value.values, f"{name}.offsets": value.offsets}
        elif _is(hint, SPARSE):
            arrays |= {f"{name}.data": value.data, f"{name}.indices": value.indices, f"{name}.indptr": value.indptr}
            meta[name] = list(value.shape)
        elif _is(hint, TABLE):
            meta[name] = value.to_dict(orient="list")
        elif hint is Blob:
            blobs[f"{name}.blob"] = value
            meta[name] = {"blob": value.sha256}
        else:
            meta[name] = value
    folder.mkdir(parents=True, exist_ok=True)
    save_file(arrays, folder / ARRAYS)
    for name, blob in blobs.items():
        share(blob.path, folder / name)
    (folder / META).write_text(json.dumps(meta, sort_keys=True))


def share(source: Path, target: Path) -> None:
    """Hard-link a file into a folder, so that the folder is whole and the bytes are stored once; copy elsewhere."""
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copyfile(source, target)


def read(cls: type[T], folder: Path, label: str = "object") -> T:
    """Read what `write` wrote, checked against the annotations of `cls`. Raises `InvalidAnswer`."""
    try:
        meta = json.loads((folder / META).read_text())
        arrays = load_file(folder / ARRAYS)
        hints = {name: split_optional(hint)[0] for name, hint in fields_of(cls).items()}
        values = {name: _load(name, hint, arrays, meta, folder) for name, hint in hints.items()}
    except (OSError, KeyError, TypeError, ValueError, AttributeError, SafetensorError) as error:
        raise InvalidAnswer(f"{label}: {folder.name} cannot be read: {type(error).__name__} {error}") from error
    obj = cls(**values)
    validate(obj, label)
    return obj


def _load(name: str, hint: Any, arrays: dict[str, np.ndarray], meta: dict[str, Any], folder: Path) -> Any:
    if name in meta and meta[name] is None:
        return None
    if is_array(hint):
        return arrays[name]
    if hint is Ragged:
        return Ragged(arrays[f"{name}.values"], arrays[f"{name}.offsets"])
    if _is(hint, SPARSE):
        parts = tuple(arrays[f"{name}.{part}"] for part in ("data", "indices", "indptr"))
        return hint(parts, shape=tuple(meta[name]))
    if _is(hint, TABLE):
        return hint(meta[name])
    if hint is Blob:
        return Blob(folder / f"{name}.blob", meta[name]["blob"])
    return meta[name]


def checksum(folder: Path) -> str:
    """SHA-256 of a stored object's content; a blob counts by its own checksum, which stands in the meta file."""
    digest = hashlib.sha256((folder / META).read_bytes())
    digest.update((folder / ARRAYS).read_bytes())
    return digest.hexdigest()
