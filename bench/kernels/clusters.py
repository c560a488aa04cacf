"""One-sample t maps under sign flips, clusters of neighbouring sites, and adjusted p-values of many sites."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float
from scipy import ndimage

from bench.kernels.resampling import in_chunks

Maps = Float[np.ndarray, "*batch sites"]


def t_maps(effects: Float[np.ndarray, "datasets subjects sites"]) -> Float[np.ndarray, "datasets sites"]:
    """Student's one-sample t over subjects."""
    return flipped_t_maps(effects, np.ones((1, effects.shape[1])))[:, 0]


def flipped_t_maps(
    effects: Float[np.ndarray, "datasets subjects sites"], flips: Float[np.ndarray, "draws subjects"]
) -> Float[np.ndarray, "datasets draws sites"]:
    """t over subjects whose whole maps have been multiplied by signs; the sum of squares knows no signs.

    Raises `ValueError` where a site's effects are all 0: it has no t.
    """
    subjects = effects.shape[1]
    square = np.square(effects).mean(axis=1)[:, None]
    if not square.all():
        raise ValueError("a site has no effect in any subject; leave it out")
    mean = np.einsum("bs,dsv->dbv", flips / subjects, effects, optimize=True)
    return mean / np.sqrt((square - mean**2) / (subjects - 1))


def null_maxima(
    effects: Float[np.ndarray, "datasets subjects sites"],
    flips: Float[np.ndarray, "draws subjects"],
    statistic: Callable[[np.ndarray], np.ndarray],
) -> Float[np.ndarray, "datasets draws"]:
    """The largest value over sites of `statistic(t maps)` under each flip, a few data sets at a time."""
    each = flips.shape[0] * effects.shape[2]
    return in_chunks(lambda some: statistic(flipped_t_maps(some, flips)).max(axis=-1), each, effects)


def cluster_masses(t: Maps, threshold: float, grid: list[int]) -> Maps:
    """At each site the sum of |t| over its cluster, the connected sites of one sign with |t| > threshold; else 0.

    Maris and Oostenveld 2007, Journal of Neuroscience Methods 164:177-190.
    """
    mass = np.zeros(t.size)
    for sign in (1, -1):
        labels = _labels(sign * t > threshold, grid)
        sums = np.bincount(labels, weights=np.abs(t).ravel())
        sums[0] = 0.0
        mass += sums[labels]
    return mass.reshape(t.shape)


def threshold_free(t: Maps, step: float, grid: list[int]) -> Maps:
    """sum_h e(h)^.5 h^2 step over heights h = step, 2 step, ... below |t|, e(h) the size of the site's cluster there.

    Smith and Nichols 2009, NeuroImage 44:83-98, eq. 1 with E = .5 and H = 2; each sign by itself.
    """
    maps = t.reshape(-1, t.shape[-1])
    score = np.zeros_like(maps)
    for sign in (1, -1):
        peaks, height = (sign * maps).max(axis=1), step
        while (rows := np.flatnonzero(peaks > height)).size:  # most maps are low: they are left behind
            labels = _labels(sign * maps[rows] > height, grid)
            sizes = np.sqrt(np.bincount(labels))
            sizes[0] = 0.0
            score[rows] += (sizes[labels] * (height**2 * step)).reshape(len(rows), -1)
            height += step
    return score.reshape(t.shape)


def _labels(above: np.ndarray, grid: list[int]) -> np.ndarray:
    """A number for each connected set of sites within a map, 0 elsewhere, flat."""
    structure = np.zeros((3,) * (1 + len(grid)), bool)
    structure[1] = ndimage.generate_binary_structure(len(grid), 1)  # neighbours share a face; maps are apart
    return ndimage.label(above.reshape(-1, *grid), structure)[0].ravel()


def step_up(p: Float[np.ndarray, "datasets sites"]) -> Float[np.ndarray, "datasets sites"]:
    """Adjusted p of the step-up procedure: min over larger ones of m p_(j) / j, at most 1, at the rank of each.

    Benjamini and Hochberg 1995, Journal of the Royal Statistical Society B 57:289-300.
    """
    count = p.shape[1]
    order = np.argsort(p, axis=1)
    scaled = np.take_along_axis(p, order, axis=1) * count / np.arange(1, count + 1)
    adjusted = np.minimum(np.minimum.accumulate(scaled[:, ::-1], axis=1)[:, ::-1], 1.0)
    found = np.empty_like(p)
    np.put_along_axis(found, order, adjusted, axis=1)
    return found
