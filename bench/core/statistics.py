"""Uncertainty of a mean over fixed cells with independent draws inside each: intervals, differences and ranks.

A *cell* is a task instance of the suite; it is fixed, so cells are averaged and never resampled. The *draws* of a
cell (its seeds) are independent and the only random factor. With weights w_c, n_c draws and sample variance s_c^2,

    estimate = sum_c w_c mean_c,    SE^2 = sum_c w_c^2 s_c^2 / n_c,
    df = SE^4 / sum_c (w_c^2 s_c^2 / n_c)^2 / (n_c - 1)        (Welch 1938; Satterthwaite 1946, eq. 17)

and the interval is estimate -+ t_df SE. What these intervals cover on boards of our size: docs/statistics.md.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

LEVEL = 0.95
MIN_DRAWS = 3
ROUNDING = 1e-12  # spread below this share of the largest score is rounding, not variance

Cells = Sequence[np.ndarray]
"""One array of draws per cell."""


@dataclass(frozen=True)
class Estimate:
    """A stratified mean with its interval; `low` and `high` are None where `reason` says why."""

    mean: float
    error: float | None
    df: float | None
    low: float | None
    high: float | None
    draws: int
    reason: str = ""


@dataclass(frozen=True)
class Ratio:
    """mean(gain) / mean(span) over cells, and its linearised draws: their stratified mean is the ratio."""

    value: float
    draws: tuple[np.ndarray, ...]


@dataclass(frozen=True)
class Comparison:
    """One pair of methods: mean of `first - second`, and its p value before and after the max-T adjustment."""

    first: str
    second: str
    difference: Estimate
    p_alone: float
    p_adjusted: float

    @property
    def winner(self) -> str | None:
        """The better method where the difference is significant family-wise, else None."""
        if self.p_adjusted > 1 - LEVEL or self.difference.mean == 0:
            return None
        return self.first if self.difference.mean > 0 else self.second


@dataclass(frozen=True)
class Ranking:
    """Rank interval per method (1 is best); `intervals` is empty where `reason` says why nothing is resolvable."""

    intervals: Mapping[str, tuple[int, int]]
    comparisons: tuple[Comparison, ...]
    reason: str = ""


def weights_of(cells: Cells, weights: Sequence[float] | None) -> np.ndarray:
    """These weights, or equal ones that sum to 1."""
    return np.full(len(cells), 1 / len(cells)) if weights is None else np.asarray(weights, dtype=float)


def negligible(spread: float, cells: Cells) -> bool:
    """Whether a spread is no more than the rounding of scores of this size."""
    return spread <= ROUNDING * max(float(np.abs(cell).max(initial=0)) for cell in cells)


def stratified_mean(cells: Cells, weights: Sequence[float] | None = None, level: float = LEVEL) -> Estimate:
    """Weighted mean of cell means with its Welch-Satterthwaite t interval at `level`.

    There is no interval where a cell has fewer than 3 draws, and none where all draws of every cell are equal:
    a sample without spread does not bound the spread. Raises ValueError on an empty cell.
    """
    cells = [np.asarray(cell, dtype=float) for cell in cells]
    if not cells or min(map(len, cells)) == 0:
        raise ValueError(f"a stratified mean needs a draw in each of {len(cells)} cells")
    shares = weights_of(cells, weights)
    mean = float(sum(w * cell.mean() for w, cell in zip(shares, cells, strict=True)))
    draws = sum(map(len, cells))
    fewest = min(map(len, cells))
    if fewest < MIN_DRAWS:
        return Estimate(mean, None, None, None, None, draws, f"a cell has {fewest} of at least {MIN_DRAWS} draws")
    if negligible(max(float(np.ptp(cell)) for cell in cells), cells):
        return Estimate(mean, 0.0, None, None, None, draws, "all draws of each cell are equal")
    error, df = welch_satterthwaite(cells, shares)
    half = float(stats.t.ppf((1 + level) / 2, df)) * error
    return Estimate(mean, error, df, mean - half, mean + half, draws)


def welch_satterthwaite(cells: Cells, weights: np.ndarray) -> tuple[float, float]:
    """Standard error and effective degrees of freedom of a weighted mean of cell means."""
    sizes = np.array([len(cell) for cell in cells])
    parts = weights**2 * np.array([np.var(cell, ddof=1) for cell in cells]) / sizes
    shares = parts / parts.sum()  # relative, so that no square underflows
    return float(np.sqrt(parts.sum())), float(1 / np.sum(shares**2 / (sizes - 1)))


def ratio_of_means(gains: Cells, spans: Cells, weights: Sequence[float] | None = None) -> Ratio:
    """R = mean(gain) / mean(span) over the cells of one task: gain = value - floor, span = ceiling - floor.

    The draws are linearised (Cochran 1977, eq. 2.39): z = R + (gain - R span) / mean(span), to first order the
    ratio's own scatter, so that a mean over tasks and a paired difference can treat them as plain draws.
    Raises ValueError where the mean span is zero.
    """
    gains = [np.asarray(gain, dtype=float) for gain in gains]
    spans = [np.asarray(span, dtype=float) for span in spans]
    shares = weights_of(gains, weights)
    top = sum(w * gain.mean() for w, gain in zip(shares, gains, strict=True))
    bottom = sum(w * span.mean() for w, span in zip(shares, spans, strict=True))
    if bottom == 0:
        raise ValueError("the ceiling equals the floor on average, so there is no normalised score")
    ratio = float(top / bottom)
    return Ratio(ratio, tuple(ratio + (g - ratio * s) / bottom for g, s in zip(gains, spans, strict=True)))


def paired_differences(first: Cells, second: Cells) -> list[np.ndarray]:
    """Draw-by-draw differences of two methods on the same units. Raises ValueError where the draws do not match."""
    return [np.subtract(a, b) if len(a) == len(b) else _unpaired(a, b) for a, b in zip(first, second, strict=True)]


def _unpaired(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    raise ValueError(f"paired cells have {len(a)} and {len(b)} draws")


def difference(first: Cells, second: Cells, weights: Sequence[float] | None = None) -> tuple[Estimate, float]:
    """Paired stratified difference of two methods and its two-sided p value.

    Differences without spread follow no t distribution. Where they are all zero the methods tie: p = 1. Where they
    are constant within each cell, p = 2^(1 - N) with N draws in all: the chance that N draws of a difference which
    is as often positive as negative all fall on one side, so that a few equal draws resolve nothing. With fewer than
    3 draws in a cell nothing is resolvable: p = 1.
    """
    cells = paired_differences(first, second)
    scale = [*first, *second]
    if negligible(max(float(np.abs(cell).max()) for cell in cells), scale):
        return stratified_mean([np.zeros(len(cell)) for cell in cells], weights), 1.0
    if negligible(max(float(np.ptp(cell)) for cell in cells), scale):
        cells = [np.full(len(cell), np.median(cell)) for cell in cells]
    estimate = stratified_mean(cells, weights)
    if negligible(abs(estimate.mean), scale):
        return estimate, 1.0
    if estimate.error is None:
        return estimate, 1.0
    if not estimate.error or estimate.df is None:
        return estimate, float(2.0 ** (1 - estimate.draws))
    return estimate, float(2 * stats.t.sf(abs(estimate.mean) / estimate.error, estimate.df))


def compare_all(scores: Mapping[str, Cells], weights: Sequence[float] | None = None) -> tuple[Comparison, ...]:
    """All pairs of methods by paired stratified differences, adjusted by a studentised max-T step-down.

    Each T = difference / SE has its own degrees of freedom, so what is compared are p values: the smallest of K is the
    largest |T| on a common scale.
    """
    names = sorted(scores)
    pairs = list(itertools.combinations(names, 2))
    found = [difference(scores[first], scores[second], weights) for first, second in pairs]
    adjusted = step_down(np.array([p for _, p in found]))
    return tuple(
        Comparison(first, second, estimate, p, float(q))
        for (first, second), (estimate, p), q in zip(pairs, found, adjusted, strict=True)
    )


def step_down(p: np.ndarray) -> np.ndarray:
    """Adjusted p values of K hypotheses, the kth smallest: max over j <= k of 1 - (1 - p_j)^(K - j + 1).

    This is the max-T step-down (Westfall and Young 1993, algorithm 2.8) under independent statistics; by Sidak's
    inequality (1967, Journal of the American Statistical Association 62:626-633) two-sided normal statistics of any
    correlation exceed it no more often. A reference with the estimated correlation of the differences is not used:
    from the few draws of our boards it was liberal (docs/statistics.md).
    """
    order = np.argsort(p, kind="stable")
    left = np.arange(len(p), 0, -1)
    with np.errstate(divide="ignore"):  # p = 1 has log1p(-1) = -inf, and adjusted p = 1
        steps = np.maximum.accumulate(-np.expm1(left * np.log1p(-p[order])))
    adjusted = np.empty_like(steps)
    adjusted[order] = steps
    return adjusted


def rank_intervals(names: Sequence[str], comparisons: Sequence[Comparison]) -> dict[str, tuple[int, int]]:
    """[1 + number significantly better, M - number significantly worse] for each of M methods."""
    better, worse = dict.fromkeys(names, 0), dict.fromkeys(names, 0)
    for pair in comparisons:
        if pair.winner is not None:
            worse[pair.winner] += 1
            better[pair.second if pair.winner == pair.first else pair.first] += 1
    return {name: (1 + better[name], len(names) - worse[name]) for name in names}


def rank(scores: Mapping[str, Cells], weights: Sequence[float] | None = None) -> Ranking:
    """Rank intervals of methods on the same cells; not resolvable with one method or fewer than 3 draws a cell."""
    if len(scores) < 2:
        return Ranking({}, (), "fewer than two ranked methods")
    fewest = min(len(cell) for cells in scores.values() for cell in cells)
    if fewest < MIN_DRAWS:
        return Ranking({}, (), f"a cell has {fewest} of at least {MIN_DRAWS} draws")
    comparisons = compare_all(scores, weights)
    return Ranking(rank_intervals(sorted(scores), comparisons), comparisons)
