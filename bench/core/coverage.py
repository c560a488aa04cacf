"""How well `bench.core.statistics` keeps its word on boards like ours, by simulation.

`python -m bench.core.coverage` prints the tables of docs/statistics.md: how often the 95 % interval of a stratified
mean and of a ratio of means covers the truth, and how often a board of equal methods shows any significant pair.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from bench.core import statistics
from bench.core.contract import generator

SPREAD = 4.0  # the noisiest cell against the quietest
METHOD_SPREAD = 3.0  # the noisiest method against the quietest
SHARE_AT_TOP = 0.7


class Size(NamedTuple):
    """Methods, cells (instances) and draws a cell (seeds)."""

    methods: int
    cells: int
    draws: int


SIZES = (Size(4, 5, 3), Size(4, 12, 3), Size(4, 8, 5), Size(10, 6, 5), Size(10, 12, 5), Size(10, 8, 10))

Shape = tuple[int, ...]
Noise = Callable[[np.random.Generator, Shape], np.ndarray]


def normal(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    return rng.standard_normal(shape)


def skewed(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    """Exponential less its mean: skewness 2."""
    return rng.exponential(size=shape) - 1


def heavy(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    """Lognormal with sigma 0.8 less its mean: skewness 3.7."""
    return rng.lognormal(0, 0.8, shape) - np.exp(0.32)


def bounded(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    """Beta(4, 1) less its mean: scores that crowd below a ceiling."""
    return rng.beta(4, 1, shape) - 0.8


def two_ended(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    """Beta(1/2, 1/2) less its mean: found or missed, little between."""
    return rng.beta(0.5, 0.5, shape) - 0.5


def saturated(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    """Seven draws of ten exactly at the ceiling, the others uniform below, less the mean."""
    drawn = np.where(rng.random(shape) < SHARE_AT_TOP, 1.0, rng.random(shape))
    return drawn - (SHARE_AT_TOP + (1 - SHARE_AT_TOP) / 2)


NOISE: Mapping[str, Noise] = {
    "normal": normal, "skewed": skewed, "heavy": heavy, "bounded": bounded, "two-ended": two_ended,
    "saturated": saturated,
}  # fmt: skip
MIXED = ("normal", "skewed", "bounded", "two-ended")  # the kinds of a mixed board's methods, in turn
BOARDS = (*NOISE, "mixed")


def cell_spreads(cells: int) -> np.ndarray:
    return np.geomspace(1, SPREAD, cells)


def covers(estimate: statistics.Estimate, truth: float) -> bool | None:
    """Whether an interval holds the truth; None where there is no interval."""
    if estimate.low is None or estimate.high is None:
        return None
    return estimate.low <= truth <= estimate.high


def mean_coverage(kind: str, size: Size, boards: int, rng: np.random.Generator) -> float:
    """Share of boards whose interval of one method's stratified mean holds the true mean, 0.

    A board without an interval (all draws of each cell equal) counts as one that does not cover."""
    spreads = cell_spreads(size.cells)
    hits = 0
    for _ in range(boards):
        cells = [NOISE[kind](rng, (size.draws,)) * spread for spread in spreads]
        hits += covers(statistics.stratified_mean(cells), 0.0) is True
    return hits / boards


def ratio_coverage(kind: str, size: Size, boards: int, rng: np.random.Generator) -> float:
    """The same for a ratio of means: true gain 0.6 of a span that itself scatters by a tenth."""
    spreads = cell_spreads(size.cells)
    hits = 0
    for _ in range(boards):
        spans = [1 + 0.1 * rng.uniform(-1, 1, size.draws) for _ in spreads]
        gains = [0.6 + 0.05 * spread * NOISE[kind](rng, (size.draws,)) for spread in spreads]
        estimate = statistics.stratified_mean(statistics.ratio_of_means(gains, spans).draws)
        hits += covers(estimate, 0.6) is True
    return hits / boards


def null_board(kind: str, size: Size, rng: np.random.Generator) -> dict[str, list[np.ndarray]]:
    """Methods of equal true score: noise differs by method and cell, and half of it is shared by unit."""
    spreads = cell_spreads(size.cells)
    shared = [rng.standard_normal(size.draws) * spread for spread in spreads]
    board = {}
    for method, own in enumerate(np.geomspace(1, METHOD_SPREAD, size.methods)):
        noise = NOISE[MIXED[method % len(MIXED)] if kind == "mixed" else kind]
        board[f"m{method:02d}"] = [
            common + own * spread * noise(rng, (size.draws,)) for common, spread in zip(shared, spreads, strict=True)
        ]
    return board


def family_wise_error(kind: str, size: Size, boards: int, rng: np.random.Generator) -> float:
    """Share of boards of equal methods on which some pair is called different."""
    hits = 0
    for _ in range(boards):
        pairs = statistics.compare_all(null_board(kind, size, rng))
        hits += any(pair.winner for pair in pairs)
    return hits / boards


MEASURES = {
    "Coverage of a stratified mean, %": (mean_coverage, tuple(NOISE), 4),
    "Coverage of a ratio of means, %": (ratio_coverage, tuple(NOISE), 2),
    "Family-wise error of equal methods, %": (family_wise_error, BOARDS, 1),
}


def table(title: str, boards: int) -> list[str]:
    """One measure over all kinds and sizes as the lines of a Markdown table."""
    measure, kinds, factor = MEASURES[title]
    heads = [f"{size.methods} x {size.cells} x {size.draws}" for size in SIZES]
    lines = [f"| {title} | {' | '.join(heads)} |", "|---" * (len(SIZES) + 1) + "|"]
    for kind in kinds:
        cells = [measure(kind, size, factor * boards, generator("coverage", title, kind, *size)) for size in SIZES]
        lines.append(f"| {kind} | {' | '.join(f'{100 * cell:.1f}' for cell in cells)} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--boards", type=int, default=1000, help="boards a cell of the family-wise table")
    boards = parser.parse_args().boards
    for title in MEASURES:
        print("\n".join(table(title, boards)) + "\n", flush=True)


if __name__ == "__main__":
    main()
