"""Other weights for the same network: changes that leave every output, and every attention pattern, as it was.

Without them the weights of one program compiled twice would be the same up to rotations, and their singular values
would give away which networks share a program. Each is an exact symmetry of a transformer without norms:

- the residual stream in a basis that is not orthogonal: what writes is multiplied, what reads undoes it;
- a constant added to all keys of a head: it adds to each query's scores the same number, which softmax ignores;
- a constant added to all values of a head, which attention passes on whole and the layer's output bias takes back;
- a constant added to a unit's input, which its bias takes back; a unit read larger and written smaller (ReLU).

The constants are read off the stream where it holds which token is there, whose axes sum to one everywhere.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from bench.models.checkpoint import RESIDUAL_AXIS
from bench.models.compiled.conversion import Compiled, variable_of
from bench.models.compiled.dressing import Dressed, random_rotation

STRETCH = 2.0
"""Singular values of the change of basis, and factors of units, lie between this and its inverse."""
READERS = ("q", "k", "v", "mlp_in", "unembed")


def sheared(dressed: Dressed, rng: np.random.Generator) -> Dressed:
    """The same network in a residual basis that is not orthogonal."""
    size = dressed.config.d_model
    stretch = STRETCH ** rng.uniform(-1, 1, size)
    shear = random_rotation(size, rng) * stretch @ random_rotation(size, rng)
    inverse = np.linalg.inv(shear)
    weights = {name: _sheared(name, array, shear, inverse) for name, array in dressed.weights.items()}
    return replace(dressed, weights=weights, turn=dressed.turn @ shear)


def _sheared(name: str, array: np.ndarray, shear: np.ndarray, inverse: np.ndarray) -> np.ndarray:
    """What writes is multiplied by the shear; what reads undoes it."""
    kind = name.rsplit(".", 1)[-1]
    if RESIDUAL_AXIS.get(kind) is None:
        return array
    return inverse @ array if kind in READERS else array @ shear


def shifted(dressed: Dressed, compiled: Compiled, rng: np.random.Generator) -> Dressed:
    """The same network with constants added to keys, values and units' inputs, and units rescaled."""
    axes = [axis for axis, label in enumerate(compiled.labels) if variable_of(label) == "tokens"]
    one = np.linalg.inv(dressed.turn)[:, axes].sum(axis=1)  # reads 1 off the stream at every position
    weights = dict(dressed.weights)
    for layer in range(dressed.config.n_layers):
        _shift_heads(weights, f"layers.{layer}.", one, rng)
        _shift_units(weights, f"layers.{layer}.", one, rng)
    return replace(dressed, weights=weights)


def _shift_heads(weights: dict[str, np.ndarray], at: str, one: np.ndarray, rng: np.random.Generator) -> None:
    keys, values = (_drawn(weights[at + letter], rng) for letter in "kv")
    weights[at + "k"] = weights[at + "k"] + one[:, None] * keys[:, None]
    weights[at + "v"] = weights[at + "v"] + one[:, None] * values[:, None]
    passed_on = np.einsum("he,hed->d", values, weights[at + "o"])
    weights[at + "o_bias"] = weights[at + "o_bias"] - passed_on


def _shift_units(weights: dict[str, np.ndarray], at: str, one: np.ndarray, rng: np.random.Generator) -> None:
    added = _drawn(weights[at + "mlp_in"], rng)
    factor = STRETCH ** rng.uniform(-1, 1, len(added))
    weights[at + "mlp_in"] = (weights[at + "mlp_in"] + np.outer(one, added)) * factor
    weights[at + "mlp_in_bias"] = (weights[at + "mlp_in_bias"] - added) * factor
    weights[at + "mlp_out"] = weights[at + "mlp_out"] / factor[:, None]


def _drawn(matrices: Float[np.ndarray, "*heads d_model d_out"], rng: np.random.Generator) -> np.ndarray:
    """A constant a column, as large as the columns are on average."""
    size = np.linalg.norm(matrices, axis=-2).mean()
    return size * rng.normal(size=(*matrices.shape[:-2], matrices.shape[-1]))
