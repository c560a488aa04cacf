"""Online dictionary learning with positive codes, by scikit-learn.

Minimises the mean over activations of |x - f D|^2 / 2 + penalty * sum f over f >= 0 and rows of D of length at most 1:
codes by the lasso (coordinate descent), directions by block descent on what was seen so far. Test codes: the lasso's.
Departs from the paper in nothing that we know; the penalty is fixed for activations of mean square length 1.
"""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.decomposition import MiniBatchDictionaryLearning
from sklearn.exceptions import ConvergenceWarning

from bench.tracks.features.dictionary import dictionary_answer, standardised
from bench.tracks.features.types import Answer, Problem

REFERENCE = (
    "Mairal et al. (2010), Online learning for matrix factorization and sparse coding, Journal of Machine"
    " Learning Research 11:19-60; scikit-learn"
)
INVARIANT_TO = ("scale",)


def solve(problem: Problem, rng: np.random.Generator, *, penalty: float = 0.15, samples: int = 10_000) -> Answer:
    """`samples` are drawn in all, at most as many as there are."""
    values, test, _, _ = standardised(problem)
    model = MiniBatchDictionaryLearning(
        n_components=problem.latents, alpha=penalty, transform_alpha=penalty, batch_size=100, max_iter=1,
        fit_algorithm="cd", transform_algorithm="lasso_cd", positive_code=True, shuffle=True,
        random_state=int(rng.integers(2**31)),
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # of single lasso steps on nearly equal directions
        codes = model.fit(values[:samples]).transform(test)
    directions = model.components_
    length = np.linalg.norm(directions, axis=1)
    return dictionary_answer(problem, directions / np.where(length > 0, length, 1.0)[:, None], codes * length)
