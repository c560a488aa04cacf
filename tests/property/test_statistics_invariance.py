"""What must not matter to an interval or a rank: units, order, and the names of methods."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.core.contract import generator
from bench.core.statistics import compare_all, rank_intervals, ratio_of_means, step_down, stratified_mean

SCALES = st.sampled_from([1e-13, 1e-6, 1e3, 1e12])
BOARDS = st.tuples(st.integers(2, 6), st.integers(1, 6), st.integers(3, 6), st.integers(0, 10_000))


def board(methods: int, cells: int, draws: int, seed: int) -> dict[str, list[np.ndarray]]:
    rng = generator("invariance", seed)
    return {
        f"m{m}": [
            rng.normal(0.3 * m, 1 + c, draws) if seed % 3 else rng.integers(0, 3, draws) / 2 for c in range(cells)
        ]
        for m in range(methods)
    }


@given(BOARDS, SCALES)
@settings(max_examples=40, deadline=None)
def test_scores_in_volts_or_tesla_have_the_same_interval_and_winners(shape, scale):
    plain = board(*shape)
    scaled = {name: [scale * cell for cell in cells] for name, cells in plain.items()}
    before, after = stratified_mean(plain["m0"]), stratified_mean(scaled["m0"])
    assert after.mean == pytest.approx(scale * before.mean, rel=1e-9, abs=1e-12 * scale)
    assert (after.low is None) == (before.low is None)
    assert after.low is None or after.low == pytest.approx(scale * before.low, rel=1e-9, abs=1e-12 * scale)
    assert [pair.winner for pair in compare_all(scaled)] == [pair.winner for pair in compare_all(plain)]


@given(BOARDS, st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_order_of_cells_and_of_draws_does_not_matter(shape, random):
    cells = board(*shape)["m1"]
    shuffled = [np.array(random.sample(cell.tolist(), len(cell))) for cell in random.sample(cells, len(cells))]
    before, after = stratified_mean(cells), stratified_mean(shuffled)
    assert after.mean == pytest.approx(before.mean, rel=1e-12, abs=1e-12)
    assert after.df == pytest.approx(before.df, rel=1e-9)


@given(BOARDS)
@settings(max_examples=60, deadline=None)
def test_degrees_of_freedom_lie_between_the_fewest_and_the_sum(shape):
    """Satterthwaite (1946): min(n_c - 1) <= df <= sum(n_c - 1)."""
    cells = board(*shape)["m0"]
    df = stratified_mean(cells).df
    if df is not None:
        assert min(map(len, cells)) - 1 - 1e-9 <= df <= sum(len(cell) - 1 for cell in cells) + 1e-9


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_adjusted_p_values_are_no_smaller_keep_the_order_and_stay_below_bonferroni(p):
    p = np.array(p)
    adjusted = step_down(p)
    assert np.all(adjusted >= p - 1e-12)
    assert np.all(adjusted <= np.minimum(1, len(p) * p) + 1e-12)
    assert np.all(np.diff(adjusted[np.argsort(p, kind="stable")]) >= 0)


@given(BOARDS)
@settings(max_examples=40, deadline=None)
def test_a_winner_always_stands_above_the_loser(shape):
    scores = board(*shape)
    pairs = compare_all(scores)
    intervals = rank_intervals(sorted(scores), pairs)
    for pair in pairs:
        if pair.winner is not None:
            loser = pair.second if pair.winner == pair.first else pair.first
            means = {name: np.mean([cell.mean() for cell in scores[name]]) for name in (pair.winner, loser)}
            assert means[pair.winner] > means[loser]
    for low, high in intervals.values():
        assert 1 <= low <= high <= len(scores)


@given(st.integers(0, 10_000), st.floats(-5, 5), st.floats(0.1, 10))
@settings(max_examples=40, deadline=None)
def test_a_normalised_score_does_not_depend_on_the_metrics_zero_unit_or_direction(seed, shift, scale):
    rng = generator("affine", seed)
    value, floor = rng.uniform(0, 1, (2, 3, 4))
    ceiling = floor + rng.uniform(0.5, 1, (3, 4))
    plain = ratio_of_means(list(value - floor), list(ceiling - floor))
    for turn in (scale, -scale):
        moved = [shift + turn * x for x in (value, floor, ceiling)]
        other = ratio_of_means(list(moved[0] - moved[1]), list(moved[2] - moved[1]))
        assert other.value == pytest.approx(plain.value, rel=1e-9, abs=1e-9)
        assert np.allclose(other.draws, plain.draws, rtol=1e-8, atol=1e-8)
