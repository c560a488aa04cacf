"""Independent components: directions whose codes are as independent as a linear map can make them.

FastICA (tanh, all components at once) on the whitened activations; a latent's direction is its column of the mixing
matrix. It finds no more components than there are dimensions, and every one is active on every sample.
Departs from the paper in nothing; scikit-learn's implementation. Where it has not converged after `rounds`, what it has
is the answer.
"""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.decomposition import FastICA
from sklearn.exceptions import ConvergenceWarning

from bench.kernels.sphericity import whiten
from bench.tracks.features.dictionary import dictionary_answer, standardised
from bench.tracks.features.types import Answer, Problem

REFERENCE = (
    "Hyvarinen (1999), Fast and robust fixed-point algorithms for independent component analysis, IEEE"
    " Transactions on Neural Networks 10:626-634"
)
INVARIANT_TO = ("scale",)


def solve(problem: Problem, rng: np.random.Generator, *, rounds: int = 200) -> Answer:
    values, test, _, _ = standardised(problem)
    whitening = whiten(values)
    whitening = whitening[:, ::-1][:, : problem.latents]  # the axes with most variance, where not all are allowed
    fit = FastICA(whiten=False, fun="logcosh", max_iter=rounds, random_state=int(rng.integers(2**31)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # said in the docstring: not an error but an answer
        fit.fit(values @ whitening)
    unmixing = whitening @ fit.components_.T
    mixing = np.linalg.pinv(unmixing)
    length = np.linalg.norm(mixing, axis=1)
    return dictionary_answer(problem, mixing / length[:, None], test @ unmixing * length)
