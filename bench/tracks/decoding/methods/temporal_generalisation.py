"""Temporal generalisation: discriminants of every time, tried at every time.

Shrinkage LDA over channels is fitted at each sample and tried at all others on held-out runs. Active are the samples
that stand out on the diagonal. Activity is a chain where discriminants do not carry over between distant active
samples, else reactivated where it falls silent between them, else sustained. Test trials are decided by the mean score
of the active samples' discriminants (of all samples where none stands out).

Departs from King and Dehaene in LDA, and in that a rule names the dynamics where they look at the picture.
"""

from __future__ import annotations

import numpy as np

from bench.kernels.discriminant import activation_pattern, fit_lda
from bench.tracks.decoding.experiment import DataSet, Decoder, decode
from bench.tracks.decoding.timing import by_time, first_onset, halves, run_margins, stands_out
from bench.tracks.decoding.types import NEVER, Answer, Problem

REFERENCE = "King and Dehaene (2014), Trends in Cognitive Sciences 18:203-210, doi:10.1016/j.tics.2014.01.002"
INVARIANT_TO = ("scale",)
DETERMINISTIC = True
DISTANT = 0.08  # s; discriminants of neighbouring samples are alike because noise and filters are slow


def solve(problem: Problem, rng: np.random.Generator, *, carried: float = 0.5, silent: float = 0.05) -> Answer:
    return decode(problem, lambda data: fit(data, carried, silent))


def fit(data: DataSet, carried: float, silent: float) -> Decoder:
    early, late = halves(data)
    weights, offsets = fit_lda(by_time(early.trials), early.labels, early.classes)
    scores = np.einsum("ncu,tck->tunk", late.trials, weights, optimize=True) + offsets[:, None, None]
    margins = run_margins(scores, late)  # [trained, tried, runs]
    diagonal = margins[np.arange(len(margins)), np.arange(len(margins))]
    active = stands_out(diagonal)
    onset = first_onset(active)
    used = active if onset != NEVER else np.ones(len(active), bool)
    final, shifts = fit_lda(by_time(data.trials)[used], data.labels, data.classes)
    contrast = final - final.mean(axis=-1, keepdims=True)
    read = by_time(data.trials)[used][..., None] * contrast[:, None]  # [used, trials, channels, classes]
    patterns = activation_pattern(by_time(data.trials)[used], final[..., -1] - final[..., 0])
    return Decoder(
        lambda trials: (by_time(trials)[used] @ final + shifts[:, None]).mean(axis=0),
        pattern=patterns[np.square(patterns).sum(axis=1).argmax()] if data.classes == 2 else None,
        attribution=read.mean(axis=0).std(axis=0).mean(axis=-1),
        onset=onset,
        dynamics=name_dynamics(margins.mean(axis=2), used, data.sampling_rate, carried, silent)
        if onset != NEVER
        else "none",
    )


def name_dynamics(matrix: np.ndarray, active: np.ndarray, rate: float, carried: float, silent: float) -> str:
    """Which of `DYNAMICS` a matrix [trained, tried] shows whose active samples are known."""
    times = np.flatnonzero(active)
    far = np.abs(np.subtract.outer(times, times)) >= DISTANT * rate
    level = np.diag(matrix)[times]
    among = matrix[np.ix_(times, times)] / np.sqrt(np.outer(level, level))
    if far.any() and among[far].mean() < carried:
        return "chain"
    return "reactivated" if np.diff(times, prepend=times[0]).max() > silent * rate else "sustained"
