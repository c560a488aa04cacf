"""Which condition a trial belongs to, told from all sites or from a sphere around each, with whole runs held out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int, Shaped
from scipy.spatial import KDTree

from bench.core.contract import BadInput

Discriminant = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def shrinkage(residuals: Float[np.ndarray, "trials sites"]) -> float:
    """Share of the identity in the shrunk covariance of centred rows that has least expected squared error.

    Ledoit and Wolf 2004, J Multivar Anal 88:365-411, lemma 3.2; from the Gram matrix of rows, so that many sites cost
    no more than few.
    """
    count, sites = residuals.shape
    gram = residuals @ residuals.T
    power = np.square(gram).sum() / count**2  # squared Frobenius norm of the covariance
    mean = np.trace(gram) / count / sites
    distance = power / sites - mean**2
    error = (np.square(np.diag(gram)).sum() / count - power) / (count * sites)
    return float(min(error, distance) / distance) if distance > 0 else 1.0


def discriminate(
    training: Float[np.ndarray, "trials sites"],
    labels: Shaped[np.ndarray, "trials"],
    others: Float[np.ndarray, "others sites"],
) -> Shaped[np.ndarray, "others"]:
    """Linear discriminant with one covariance within classes, shrunk by Ledoit and Wolf, and equal priors.

    The class k with the largest m_k' C^-1 (x - m_k / 2), C = (1 - g) S + g tr(S)/p I. Sites are brought to one spread
    within classes first, so that a site's unit does not decide how much it is shrunk; a constant site is left out.
    """
    known, member = np.unique(labels, return_inverse=True)
    means = np.stack([training[member == one].mean(axis=0) for one in range(len(known))])
    residuals = training - means[member]
    spread = residuals.std(axis=0)
    alive = spread > 1e-12 * np.abs(training).max(axis=0)
    if not alive.any():
        raise ValueError("no site varies within its conditions; there is nothing to decode from")
    means, residuals, others = (one[:, alive] / spread[alive] for one in (means, residuals, others))
    weights = _solve_shrunk(residuals, means)
    scores = others @ weights.T - (weights * means).sum(axis=1) / 2
    return known[scores.argmax(axis=1)]


def _solve_shrunk(
    residuals: Float[np.ndarray, "trials sites"], means: Float[np.ndarray, "classes sites"]
) -> Float[np.ndarray, "classes sites"]:
    """C^-1 m for each class; with fewer trials than sites by Woodbury's identity, in the space of trials."""
    count, sites = residuals.shape
    share = shrinkage(residuals)
    ridge = share * np.square(residuals).sum() / count / sites
    if share >= 1:
        return means / ridge
    scaled = residuals * np.sqrt((1 - share) / count)
    if sites <= count:
        return np.linalg.solve(scaled.T @ scaled + ridge * np.eye(sites), means.T).T
    inner = np.linalg.solve(scaled @ scaled.T + ridge * np.eye(count), scaled @ means.T)
    return (means - (scaled.T @ inner).T) / ridge


def predict_by_run(
    values: Float[np.ndarray, "trials sites"],
    labels: Shaped[np.ndarray, "trials"],
    runs: Int[np.ndarray, "trials"],
    discriminant: Discriminant = discriminate,
) -> Shaped[np.ndarray, "trials"]:
    """The label of each trial, told from all other runs. Raises `BadInput` for one run, and for a condition that
    occurs in one run alone: it could never be told."""
    folds = np.unique(runs)
    if len(folds) < 2:
        raise BadInput("decoding holds out whole runs and there is one run; record another")
    alone = [label for label in np.unique(labels) if len(np.unique(runs[labels == label])) < 2]
    if alone:
        raise BadInput(f"condition {alone[0]} occurs in one run alone, so that it is never trained on; leave it out")
    found = np.empty_like(labels)
    for fold in folds:
        held = runs == fold
        found[held] = discriminant(values[~held], labels[~held], values[held])
    return found


def balanced_accuracy(labels: Shaped[np.ndarray, "trials"], found: Shaped[np.ndarray, "trials"]) -> float:
    """Mean over conditions of the share of its trials that were told rightly; chance is one over their number."""
    return float(np.mean([(found[labels == label] == label).mean() for label in np.unique(labels)]))


def searchlight(
    values: Float[np.ndarray, "trials sites"],
    labels: Shaped[np.ndarray, "trials"],
    runs: Int[np.ndarray, "trials"],
    places: Float[np.ndarray, "sites 3"],
    radius: float,
) -> Float[np.ndarray, "sites"]:
    """Balanced accuracy from the sites within `radius` of each site, in the unit of `places`.

    A map of where information is, smeared by the sphere: a site without any counts if it has an informed neighbour.
    Kriegeskorte, Goebel and Bandettini 2006, PNAS 103:3863-3868.
    """
    spheres = KDTree(places).query_ball_point(places, radius)
    return np.array([balanced_accuracy(labels, predict_by_run(values[:, sphere], labels, runs)) for sphere in spheres])
