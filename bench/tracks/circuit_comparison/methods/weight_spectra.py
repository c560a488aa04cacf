"""Spectra of the heads' weights and of the MLPs', best matches averaged.

A head is known by the eigenvalues of its value-output and query-key maps (which no change of the residual basis alters,
unlike singular values), an MLP by those of its output matrix times its input matrix; the magnitudes in descending order
are normalised to length one. Each head and MLP is given its best counterpart by the cosine, and the mean is the score.
A candidate is called the same above `alike`. Nothing is run.
Departs from the paper in comparing eigenvalues of two networks instead of reading their signs in one.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from bench.tracks.circuit_comparison.alignment import best_matches
from bench.tracks.circuit_comparison.networks import Network, load
from bench.tracks.circuit_comparison.types import Answer, Problem

REFERENCE = "Elhage et al. (2021), A mathematical framework for transformer circuits, section on eigenvalues of OV"
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator, *, kept: int = 8, alike: float = 0.99) -> Answer:
    found = [spectra(network, kept) for network in load(problem.networks.path)]
    scores = np.array([_likeness(found[0], other) for other in found[1:]])
    return Answer(scores, scores > alike)


def spectra(network: Network, kept: int) -> dict[str, Float[np.ndarray, "nodes kept"]]:
    """Leading eigenvalue magnitudes of every head and of every MLP, as unit vectors."""
    config, weights = network
    heads, layers = [], []
    for layer in range(config.n_layers):
        at = f"layers.{layer}."
        for head in range(config.n_heads):
            q, k, v, o = (weights[at + name][head] for name in "qkvo")
            # of X Y the non-zero eigenvalues are those of Y X, which is small
            heads.append(np.concatenate([_leading(o @ v, kept), _leading(k.T @ _gram(weights) @ q, kept)]))
        layers.append(_leading(weights[at + "mlp_out"] @ weights[at + "mlp_in"], kept))
    return {"heads": np.array(heads), "layers": np.array(layers)}


def _gram(weights: dict[str, np.ndarray]) -> Float[np.ndarray, "d_model d_model"]:
    """The tokens' own second moments: a bilinear form has eigenvalues only relative to another."""
    return weights["embed"].T @ weights["embed"]


def _leading(matrix: Float[np.ndarray, "n n"], kept: int) -> Float[np.ndarray, "kept"]:
    sizes = np.sort(np.abs(np.linalg.eigvals(matrix)))[::-1][:kept]
    norm = np.linalg.norm(sizes)
    return np.pad(sizes / norm if norm else sizes, (0, kept - len(sizes)))


def _likeness(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> float:
    return float(np.mean([best_matches(one[kind] @ other[kind].T) for kind in one]))
