"""Spectra of the virtual weights of heads and MLPs, best matches averaged.

With X the rows of all token and position embeddings and R the columns of all later readers (MLPs, unembedding), a head
is known by the singular values of X Q K' X' and of X V O R, an MLP by those of X W_in and of W_out R: no change of the
residual basis, within a head or of the order of symbols alters them. The largest are normalised to length one. Each
head and MLP is given its best counterpart by the cosine, and the mean is the score. A candidate is called the same
above `alike`. Nothing is run.
Departs from the paper in comparing singular values of two networks instead of reading eigenvalues of one.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from bench.tracks.circuit_comparison.alignment import best_matches
from bench.tracks.circuit_comparison.networks import Network, load
from bench.tracks.circuit_comparison.types import Answer, Problem

REFERENCE = "Elhage et al. (2021), A mathematical framework for transformer circuits (QK and OV circuits)"
DETERMINISTIC = True

Spectra = Float[np.ndarray, "nodes values"]


def solve(problem: Problem, rng: np.random.Generator, *, kept: int = 8, alike: float = 0.99) -> Answer:
    found = [spectra(network, kept) for network in load(problem.networks.path)]
    scores = np.array([_likeness(found[0], other) for other in found[1:]])
    return Answer(scores, scores > alike)


def spectra(network: Network, kept: int) -> tuple[Spectra, Spectra]:
    """Leading singular values of every head and of every MLP, two unit vectors each."""
    config, weights = network
    heads, mlps = [], []
    inputs = np.concatenate([weights["embed"], weights["pos"]])
    for layer in range(config.n_layers):
        at, readers = f"layers.{layer}.", _readers(network, layer)
        for q, k, v, o in zip(*(weights[at + name] for name in "qkvo"), strict=True):
            heads.append(_both(inputs @ q @ (inputs @ k).T, inputs @ v @ (o @ readers), kept))
        later = _readers(network, layer + 1)
        mlps.append(_both(inputs @ weights[at + "mlp_in"], weights[at + "mlp_out"] @ later, kept))
    return np.array(heads), np.array(mlps)


def _readers(network: Network, first: int) -> Float[np.ndarray, "d_model readers"]:
    """What MLPs from a layer on, and the unembedding, read."""
    config, weights = network
    mlps = [weights[f"layers.{layer}.mlp_in"] for layer in range(first, config.n_layers)]
    return np.concatenate([*mlps, weights["unembed"]], axis=1)


def _both(read: np.ndarray, written: np.ndarray, kept: int) -> Float[np.ndarray, "values"]:
    return np.concatenate([_leading(read, kept), _leading(written, kept)]) / np.sqrt(2)


def _leading(matrix: Float[np.ndarray, "rows columns"], kept: int) -> Float[np.ndarray, "kept"]:
    sizes = np.linalg.svd(matrix, compute_uv=False)[:kept]
    norm = np.linalg.norm(sizes)
    return np.pad(sizes / norm if norm else sizes, (0, kept - len(sizes)))


def _likeness(one: tuple[Spectra, Spectra], other: tuple[Spectra, Spectra]) -> float:
    return float(np.mean([best_matches(mine @ theirs.T) for mine, theirs in zip(one, other, strict=True)]))
