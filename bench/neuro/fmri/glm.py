"""General linear models of runs: one estimate a trial, and maps of contrasts with autocorrelated noise."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from jaxtyping import Float

from bench.core.contract import BadInput
from bench.neuro.fmri.confounds import regress_out

SAME = 1e-10  # share of a regressor's sum of squares below which nothing of it is its own


def all_trials(
    trials: Float[np.ndarray, "time trials"],
    nuisance: Float[np.ndarray, "time regressors"],
    series: Float[np.ndarray, "time sites"],
) -> Float[np.ndarray, "trials sites"]:
    """Least squares of all trials in one model (LSA): argmin_b |y - X b - Z c|^2, in units of `series` per regressor.

    Nuisance is projected out of both sides first, which gives the same b (Frisch and Waugh 1933). Raises
    `ValueError` where trials cannot be told apart.
    """
    design, signal = regress_out(trials, nuisance), regress_out(series, nuisance)
    estimates, _, rank, _ = np.linalg.lstsq(design, signal, rcond=None)
    if rank < design.shape[1] or (np.square(design).sum(axis=0) <= SAME * np.square(trials).sum(axis=0)).any():
        raise ValueError(
            f"the responses of {design.shape[1]} trials cannot be told apart; take single_trial lss, or none"
        )
    return estimates


def separate_trials(
    trials: Float[np.ndarray, "time trials"],
    nuisance: Float[np.ndarray, "time regressors"],
    series: Float[np.ndarray, "time sites"],
) -> Float[np.ndarray, "trials sites"]:
    """Least squares, one model a trial (LSS): its regressor, the sum of all others', and the nuisance.

    With a the trial's regressor and b the others' sum after the nuisance is projected out, the estimate is
    (b.b a.y - a.b b.y) / (a.a b.b - (a.b)^2); all trials at once from one Gram matrix. Mumford et al. 2012, NeuroImage
    59:2636-2643, their LS-S. Raises `ValueError` where a trial has no share of its own in its model.
    """
    design, signal = regress_out(trials, nuisance), regress_out(series, nuisance)
    gram, match = design.T @ design, design.T @ signal
    own, with_all = np.diag(gram), gram.sum(axis=1)
    between = with_all - own
    others = gram.sum() - 2 * with_all + own
    determinant = own * others - np.square(between)
    full = np.square(trials).sum(axis=0) * np.square(trials.sum(axis=1, keepdims=True) - trials).sum(axis=0)
    if (determinant <= SAME * full).any():
        worst = int((determinant - SAME * full).argmin()) + 1
        raise ValueError(f"trial {worst} cannot be told from the other trials; give a run two trials apart in time")
    rest = match.sum(axis=0) - match
    return (others[:, None] * match - between[:, None] * rest) / determinant[:, None]


SINGLE_TRIAL = {"lsa": all_trials, "lss": separate_trials}


def contrast_z(
    runs: list[tuple[pd.DataFrame, Float[np.ndarray, "time sites"]]],
    contrast: Mapping[str, float],
    *,
    noise: str = "ar1",
) -> Float[np.ndarray, "sites"]:
    """z of a weighted sum of regressors per site, over runs as fixed effects: effects and variances add up.

    Noise is autoregressive of order one, its coefficient estimated per site from residuals and rounded to hundredths,
    by nilearn's `run_glm` (Worsley et al. 2002). Raises `BadInput` where a run's design lacks a regressor of the
    contrast.
    """
    from nilearn.glm import compute_contrast
    from nilearn.glm.first_level import run_glm

    total = None
    for number, (design, series) in enumerate(runs, start=1):
        lacking = [name for name in contrast if name not in design]
        if lacking:
            raise BadInput(f"design {number} has no regressor {lacking[0]}; its regressors are {', '.join(design)}")
        labels, results = run_glm(series, design.to_numpy(), noise_model=noise)
        weights = np.array([contrast.get(name, 0.0) for name in design])
        one = compute_contrast(labels, results, weights, stat_type="t")
        total = one if total is None else total + one
    if total is None:
        raise BadInput("no run was given to the contrast; give at least one")
    return total.z_score()
