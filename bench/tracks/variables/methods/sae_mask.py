"""Differential binary mask over the features of a sparse autoencoder.

A small sparse autoencoder is trained on a site's values; a mask over its features, trained on the counterfactuals as in
`binary_mask`, says which of them are exchanged: h + sum_j m_j (f_j(h_source) - f_j(h)) d_j. The subspace is spanned by
the directions d_j of the features whose mask ends above one half.
Departs from the paper in that the autoencoder is trained on the problem's own pairs, in the loss (squared error), and
in that the answer is the span of the features' directions, since features themselves are no subspace.
"""

from __future__ import annotations

import numpy as np
import torch

from bench.kernels import autoencoder
from bench.tracks.variables.experiment import Experiment, values_of
from bench.tracks.variables.subspace import span
from bench.tracks.variables.training import trained_mask
from bench.tracks.variables.types import Answer, Problem

REFERENCE = (
    "Mueller et al. (2025), MIB: a mechanistic interpretability benchmark, ICML, arXiv:2504.13151, section 4.2;"
    " Huang et al. (2024), RAVEL, ACL, arXiv:2402.17700, section 4"
)
NEEDS = ("gradients",)


def solve(
    problem: Problem,
    rng: np.random.Generator,
    *,
    steps: int = 120,
    rate: float = 0.1,
    sparsity: float = 0.02,
    features: int = 2,
    penalty: float = 0.1,
) -> Answer:
    """`features` for each axis of the stream, found under an L1 `penalty`."""
    experiment = Experiment(problem, rng)

    def search(site: str) -> np.ndarray:
        found = dictionary(experiment, site, features * problem.width, penalty)
        return exchanged(experiment, site, found, steps, rate, sparsity)

    return experiment.choose(search)


def dictionary(experiment: Experiment, site: str, features: int, penalty: float) -> autoencoder.Autoencoder:
    values = torch.as_tensor(values_of(experiment, site)[0], dtype=experiment.model.dtype)
    return autoencoder.train(values, features, penalty, experiment.generator(site))


def exchanged(
    experiment: Experiment, site: str, found: autoencoder.Autoencoder, steps: int, rate: float, sparsity: float
) -> np.ndarray:
    """A basis of the directions of the features that the mask keeps."""
    base, source = (found.encode(experiment.value(site, of)) for of in ("base", "source"))
    change = (source - base) * experiment.intervened[:, None]
    kept = trained_mask(experiment, site, found.decoder, change, steps, rate, sparsity)
    return span(found.decoder.numpy()[kept].T.astype(np.float64))
