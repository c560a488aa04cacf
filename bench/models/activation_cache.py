"""Activations of any source, read once: cached on disk by the content of model and stimuli."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float
from safetensors.numpy import load, save

from bench.core.contract import BadInput
from bench.core.hashing import sha256_of
from bench.core.records import write_json
from bench.models.sources import Source

BUDGET = 1024.0  # MB of one batch


def activations(
    source: Source, stimuli: Sequence[str], layers: Sequence[str], cache: Path, *, budget: float = BUDGET
) -> list[Float[np.ndarray, "stimuli width"]]:
    """What each layer makes of each stimulus, in the order given; batches take at most `budget` MB.

    The key of the cache is the hash of the source's identity (weights, precision, context, ...), of the stimuli and of
    the layers; the identity stands in a JSON beside the arrays. Raises `BadInput` for a layer that does not exist.
    """
    check_layers(source, layers)
    facts = {"source": source.identity, "stimuli": sha256_of(list(stimuli)), "layers": list(layers)}
    path = cache / f"{sha256_of(facts)}.safetensors"
    if not path.is_file():
        read = source.read(stimuli, layers, budget)
        arrays = {str(number): np.ascontiguousarray(read[layer]) for number, layer in enumerate(layers)}
        write_json(path.with_suffix(".json"), facts)
        _write_whole(path, save(arrays))
    found = load(path.read_bytes())
    return [found[str(number)].astype(float) for number in range(len(layers))]


def check_layers(source: Source, layers: Sequence[str]) -> None:
    """Raise `BadInput` naming the layers there are."""
    known = source.layers
    lost = [layer for layer in layers if layer not in known]
    if lost:
        raise BadInput(f"layer {lost[0]!r} does not exist; this model has {', '.join(known)}")


def _write_whole(path: Path, content: bytes) -> None:
    """Under another name first, so that a reader never sees half of it."""
    part = path.with_suffix(f".{os.getpid()}.part")
    part.write_bytes(content)
    part.replace(path)
