"""Intervals cover and ranks err as docs/statistics.md says, by simulation with fixed seeds.

The bounds are three standard errors of the simulation beyond what the documents state.
"""

from __future__ import annotations

import numpy as np
import pytest

from bench.core import coverage
from bench.core.contract import generator
from bench.core.coverage import Size
from bench.core.statistics import compare_all

LEAST_COVERAGE = {
    "normal": 0.94, "two-ended": 0.94, "bounded": 0.93, "skewed": 0.92, "saturated": 0.91, "heavy": 0.90,
}  # fmt: skip


def margin(share: float, boards: int) -> float:
    return 3 * float(np.sqrt(share * (1 - share) / boards))


@pytest.mark.parametrize("kind", ["normal", "bounded", "two-ended"])
def test_intervals_of_five_draws_cover_about_95_percent(kind: str):
    found = coverage.mean_coverage(kind, Size(1, 8, 5), 600, generator("covers", kind))
    assert 0.93 - margin(0.93, 600) <= found <= 0.97 + margin(0.97, 600)


def test_equal_methods_are_seldom_called_different():
    found = coverage.family_wise_error("normal", Size(4, 6, 5), 300, generator("family", "short"))
    assert found <= 0.05 + margin(0.05, 300)


def test_a_simulation_that_ignores_the_family_is_noticed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("bench.core.statistics.step_down", lambda p: p)
    found = coverage.family_wise_error("normal", Size(4, 6, 5), 200, generator("family", "short"))
    assert found > 0.05 + margin(0.05, 200)


def test_a_clear_difference_is_found():
    rng = generator("power")
    found = 0
    for _ in range(50):
        board = coverage.null_board("normal", Size(5, 6, 5), rng)
        board["m00"] = [cell + 8 for cell in board["m00"]]
        found += sum(pair.winner == "m00" for pair in compare_all(board)) == 4
    assert found >= 45


@pytest.mark.slow
@pytest.mark.parametrize("size", [Size(1, 5, 3), Size(1, 12, 3), Size(1, 8, 5), Size(1, 8, 10)], ids=str)
@pytest.mark.parametrize("kind", coverage.NOISE)
def test_intervals_of_means_cover_at_most_97_percent_and_at_least_what_is_documented(kind: str, size: Size):
    boards, least = 1200, LEAST_COVERAGE[kind]
    found = coverage.mean_coverage(kind, size, boards, generator("covers long", kind, *size))
    assert least - margin(least, boards) <= found <= 0.97 + margin(0.97, boards)


@pytest.mark.slow
@pytest.mark.parametrize("kind", coverage.NOISE)
def test_intervals_of_ratios_cover_at_most_97_percent_and_at_least_what_is_documented(kind: str):
    boards, least = 1200, LEAST_COVERAGE[kind]
    found = coverage.ratio_coverage(kind, Size(1, 8, 5), boards, generator("ratio long", kind))
    assert least - margin(least, boards) <= found <= 0.97 + margin(0.97, boards)


@pytest.mark.slow
@pytest.mark.parametrize("kind", coverage.BOARDS)
def test_the_family_wise_error_stays_within_what_is_documented(kind: str):
    documented, boards = 0.08, 250
    found = coverage.family_wise_error(kind, Size(8, 6, 5), boards, generator("family long", kind))
    assert found <= documented + margin(documented, boards)
