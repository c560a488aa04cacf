"""An edited model, in numpy and float64: what scores an answer shares no code with the torch runs of methods."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int

from bench.models.checkpoint import Config
from bench.models.exhaustive import Weights, forward

CHUNK = 2048  # inputs run at a time
UNTOUCHED = 1e-9
"""A matrix counts as touched where its change is larger than this share of it (Euclidean norms)."""


def written_by(mlp: str) -> str:
    """The tensor through which an MLP writes: "m2" -> "layers.2.mlp_out"."""
    return f"layers.{mlp[1:]}.mlp_out"


def edited(weights: Weights, mlps: Sequence[str], changes: Float[np.ndarray, "mlps units width"]) -> Weights:
    return {**weights, **{written_by(m): weights[written_by(m)] + c for m, c in zip(mlps, changes, strict=True)}}


def touched(
    weights: Weights, mlps: Sequence[str], changes: Float[np.ndarray, "mlps units width"]
) -> Bool[np.ndarray, "mlps"]:
    norms = [(np.linalg.norm(c), np.linalg.norm(weights[written_by(m)])) for m, c in zip(mlps, changes, strict=True)]
    return np.array([change > UNTOUCHED * norm for change, norm in norms])


def right_cells(
    config: Config, weights: Weights, inputs: Int[np.ndarray, "all pos"], wanted: Float[np.ndarray, "all pos outputs"],
    tolerance: float,
) -> Bool[np.ndarray, "all pos"]:  # fmt: skip
    """Where no coordinate of the output is off by more than the tolerance."""
    outputs = [forward(config, weights, inputs[start : start + CHUNK]) for start in range(0, len(inputs), CHUNK)]
    return (np.abs(np.concatenate(outputs) - wanted) <= tolerance).all(axis=2)
