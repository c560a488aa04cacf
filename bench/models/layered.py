"""Small networks of fully or locally connected layers that read 8 x 8 digits, trained in a fifth of a second.

Plain numpy: the same seed gives the same network on every machine up to rounding. Hidden layers are
h_l = f(h_(l-1) W_l + b_l), f rectification or the hyperbolic tangent; a linear map reads the last one out.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from jaxtyping import Float, Int

SIDE = 8
CLASSES = 10
BETAS = (0.9, 0.999)


@dataclass(frozen=True)
class Network:
    """Weights and biases of every layer, the last one the readout; a mask of 0 says that there is no connection."""

    weights: tuple[np.ndarray, ...]
    biases: tuple[np.ndarray, ...]
    masks: tuple[np.ndarray, ...]
    kind: str  # "relu" or "tanh"


@cache
def digits() -> tuple[Float[np.ndarray, "images 64"], Int[np.ndarray, "images"]]:
    """1797 images of digits with their labels, pixels in [-1, 1] (scikit-learn's copy of the UCI test set)."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    return images / 8 - 1, labels


def initialise(
    rng: np.random.Generator, *, kind: str = "relu", width: int = 64, layers: int = 6, local: int = 0
) -> Network:
    """A network drawn at random: variance 2 / connections for rectified layers (He et al. 2015), 1 / connections else.

    The first `local` layers are sheets of the side of the image, each unit of which sees a window of 3 x 3; they need a
    width of 64.
    """
    sizes = [SIDE * SIDE, *[width] * layers, CLASSES]
    masks = [window() if at < local else np.ones(pair) for at, pair in enumerate(itertools.pairwise(sizes))]
    gains = [2.0 if kind == "relu" else 1.0] * layers + [1.0]
    weights = [rng.normal(size=m.shape) * m * np.sqrt(g / m.sum(axis=0)) for m, g in zip(masks, gains, strict=True)]
    return Network(tuple(weights), tuple(np.zeros(size) for size in sizes[1:]), tuple(masks), kind)


def window() -> Float[np.ndarray, "64 64"]:
    """1 where two places of the image are at most one apart in both directions."""
    rows, columns = np.divmod(np.arange(SIDE * SIDE), SIDE)
    near = [np.abs(np.subtract.outer(axis, axis)) <= 1 for axis in (rows, columns)]
    return (near[0] & near[1]).astype(float)


def hidden(network: Network, inputs: Float[np.ndarray, "images 64"]) -> list[Float[np.ndarray, "images width"]]:
    """Activations of every hidden layer."""
    found = [inputs]
    for weights, biases in zip(network.weights[:-1], network.biases[:-1], strict=True):
        drive = found[-1] @ weights + biases
        found.append(np.maximum(drive, 0.0) if network.kind == "relu" else np.tanh(drive))
    return found[1:]


def logits(network: Network, inputs: Float[np.ndarray, "images 64"]) -> Float[np.ndarray, "images 10"]:
    return hidden(network, inputs)[-1] @ network.weights[-1] + network.biases[-1]


def gradients(
    network: Network, inputs: Float[np.ndarray, "images 64"], labels: Int[np.ndarray, "images"]
) -> list[np.ndarray]:
    """Gradient of the mean cross-entropy (nats) with respect to all weights, then all biases."""
    layers = [inputs, *hidden(network, inputs)]
    scores = layers[-1] @ network.weights[-1] + network.biases[-1]
    likely = np.exp(scores - scores.max(axis=1, keepdims=True))
    error = (likely / likely.sum(axis=1, keepdims=True) - np.eye(CLASSES)[labels]) / len(labels)
    of_weights, of_biases = [], []
    for at in reversed(range(len(network.weights))):
        of_weights.append(layers[at].T @ error * network.masks[at])
        of_biases.append(error.sum(axis=0))
        if at:
            slope = layers[at] > 0 if network.kind == "relu" else 1 - layers[at] ** 2
            error = error @ network.weights[at].T * slope
    return of_weights[::-1] + of_biases[::-1]


def train(
    network: Network,
    inputs: Float[np.ndarray, "images 64"],
    labels: Int[np.ndarray, "images"],
    rng: np.random.Generator,
    *,
    steps: int = 150,
    batch: int = 48,
    rate: float = 2e-3,
) -> Network:
    """Adam (Kingma and Ba 2015, algorithm 1) on the cross-entropy, `steps` batches drawn with replacement."""
    parameters = [*network.weights, *network.biases]
    first, second = ([np.zeros_like(one) for one in parameters] for _ in range(2))
    for step in range(1, steps + 1):
        rows = rng.integers(len(inputs), size=batch)
        found = gradients(_with(network, parameters), inputs[rows], labels[rows])
        first = [BETAS[0] * m + (1 - BETAS[0]) * g for m, g in zip(first, found, strict=True)]
        second = [BETAS[1] * v + (1 - BETAS[1]) * g**2 for v, g in zip(second, found, strict=True)]
        size = rate * np.sqrt(1 - BETAS[1] ** step) / (1 - BETAS[0] ** step)
        parameters = [p - size * m / (np.sqrt(v) + 1e-8) for p, m, v in zip(parameters, first, second, strict=True)]
    return _with(network, parameters)


def _with(network: Network, parameters: list[np.ndarray]) -> Network:
    count = len(network.weights)
    return replace(network, weights=tuple(parameters[:count]), biases=tuple(parameters[count:]))
