"""Intervals, p values and ranks against scipy, closed forms and slow obvious ways."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from bench.core import statistics
from bench.core.contract import generator
from bench.core.statistics import compare_all, difference, rank, ratio_of_means, step_down, stratified_mean


def cells(*sizes: int, name: str = "cells", spread: float = 1.0) -> list[np.ndarray]:
    rng = generator("test statistics", name)
    return [rng.normal(i, spread * (i + 1), size) for i, size in enumerate(sizes)]


def test_one_cell_has_the_one_sample_t_interval_of_scipy():
    (draws,) = cells(7)
    estimate = stratified_mean([draws])
    expected = stats.ttest_1samp(draws, 0).confidence_interval(0.95)
    assert (estimate.low, estimate.high) == pytest.approx((expected.low, expected.high), rel=1e-12)
    assert (estimate.df, estimate.draws) == (pytest.approx(6), 7)


def test_two_cells_weighted_plus_and_minus_one_are_welchs_t_test_of_scipy():
    first, second = cells(5, 9, spread=0.7)
    estimate = stratified_mean([first, second], [1, -1])
    expected = stats.ttest_ind(first, second, equal_var=False)
    interval = expected.confidence_interval(0.95)
    assert estimate.df == pytest.approx(expected.df, rel=1e-12)
    assert (estimate.low, estimate.high) == pytest.approx((interval.low, interval.high), rel=1e-12)
    assert estimate.mean / estimate.error == pytest.approx(expected.statistic, rel=1e-12)


def test_degrees_of_freedom_are_those_of_satterthwaites_equation():
    variances, sizes, weights = np.array([1.0, 4.0, 25.0]), np.array([3, 4, 6]), np.array([0.5, 0.25, 0.25])
    draws = []
    for variance, size in zip(variances, sizes, strict=True):
        x = np.arange(size, dtype=float)
        draws.append((x - x.mean()) / x.std(ddof=1) * np.sqrt(variance))
    parts = [0.25 * 1 / 3, 0.0625 * 4 / 4, 0.0625 * 25 / 6]
    expected = sum(parts) ** 2 / (parts[0] ** 2 / 2 + parts[1] ** 2 / 3 + parts[2] ** 2 / 5)
    error, df = statistics.welch_satterthwaite(draws, weights)
    assert df == pytest.approx(expected, rel=1e-12)
    assert error == pytest.approx(np.sqrt(sum(parts)), rel=1e-12)


def test_equal_cells_have_the_pooled_degrees_of_freedom():
    draws = [np.array([0.0, 1.0, 2.0, 3.0]) + shift for shift in range(6)]
    assert stratified_mean(draws).df == pytest.approx(6 * 3)


def test_one_noisy_cell_alone_has_its_own_degrees_of_freedom():
    draws = [np.full(8, 3.0), np.array([0.0, 1.0, 5.0]), np.full(9, 1.0)]
    estimate = stratified_mean(draws)
    assert estimate.df == pytest.approx(2)
    assert estimate.error == pytest.approx(np.std(draws[1], ddof=1) / np.sqrt(3) / 3)


def test_fewer_than_three_draws_in_one_cell_give_a_mean_without_an_interval():
    estimate = stratified_mean([np.array([1.0, 2.0]), np.arange(5.0)])
    assert estimate.mean == pytest.approx(1.75)
    assert (estimate.error, estimate.low, estimate.high) == (None, None, None)
    assert "2 of at least 3 draws" in estimate.reason


def test_draws_without_spread_give_no_interval_of_width_zero():
    estimate = stratified_mean([np.full(5, 0.1) * 3, np.full(5, 0.7)])
    assert (estimate.low, estimate.high) == (None, None)
    assert "equal" in estimate.reason


def test_an_empty_cell_is_refused():
    with pytest.raises(ValueError, match="a draw in each of 2 cells"):
        stratified_mean([np.ones(3), np.array([])])


def test_ratio_of_means_is_no_mean_of_ratios():
    gains, spans = [np.array([0.1, 0.1]), np.array([0.9, 0.9])], [np.array([0.2, 0.2]), np.array([1.0, 1.0])]
    ratio = ratio_of_means(gains, spans)
    assert ratio.value == pytest.approx(0.5 / 0.6)
    assert ratio.value != pytest.approx(np.mean([0.5, 0.9]))


def test_linearised_draws_average_to_the_ratio_and_have_the_delta_methods_error():
    rng = generator("test statistics", "delta")
    span = rng.uniform(0.8, 1.2, 40)
    gain = 0.6 * span + rng.normal(0, 0.05, 40)
    ratio = ratio_of_means([gain], [span])
    estimate = stratified_mean(ratio.draws)
    assert estimate.mean == pytest.approx(ratio.value, rel=1e-12)
    covariance = np.cov(gain, span, ddof=1)
    slope = np.array([1, -ratio.value]) / span.mean()
    assert estimate.error == pytest.approx(np.sqrt(slope @ covariance @ slope / 40), rel=1e-10)


def test_a_constant_span_only_scales_the_draws():
    gain = np.array([0.1, 0.3, 0.2])
    assert np.allclose(ratio_of_means([gain], [np.full(3, 0.5)]).draws[0], gain / 0.5)


def test_a_ceiling_equal_to_its_floor_has_no_normalised_score():
    with pytest.raises(ValueError, match="no normalised score"):
        ratio_of_means([np.ones(3)], [np.zeros(3)])


def test_a_paired_difference_in_one_cell_is_the_paired_t_test_of_scipy():
    first, second = cells(8, 8)
    estimate, p = difference([first], [second])
    expected = stats.ttest_rel(first, second)
    assert p == pytest.approx(expected.pvalue, rel=1e-10)
    assert estimate.mean == pytest.approx(np.mean(first - second))


def test_pairing_removes_what_two_methods_share():
    shared, noise = generator("test statistics", "pairs").normal(0, [[10], [0.1]], (2, 6))
    (estimate, p), alone = difference([shared + noise + 1], [shared]), stratified_mean([shared])
    assert p < 1e-4
    assert estimate.error < alone.error / 20


def test_unequal_draws_cannot_be_paired():
    with pytest.raises(ValueError, match="4 and 5 draws"):
        difference([np.ones(4)], [np.ones(5)])


def test_equal_methods_tie_with_p_one():
    same = cells(4, 5)
    assert difference(same, [cell.copy() for cell in same])[1] == 1.0


def test_a_difference_in_the_sixth_digit_is_no_tie():
    base, steps = cells(6, 6), np.array([1.0, 1.1, 0.9, 1.05, 0.95, 1.0])
    estimate, p = difference([cell + 1e-6 * steps for cell in base], base)
    assert estimate.error > 0
    assert p < 1e-3


@pytest.mark.parametrize(("draws", "significant"), [(3, False), (6, True)])
def test_a_constant_difference_is_judged_as_a_sign_test(draws: int, significant: bool):
    base = np.arange(draws, dtype=float)
    _, p = difference([base + 0.3], [base])
    assert p == 2.0 ** (1 - draws)
    assert (p < 0.05) == significant


def test_constant_differences_with_too_few_draws_a_cell_resolve_nothing():
    base = [np.array([float(i)]) for i in range(12)]
    _, p = difference([cell + 0.3 for cell in base], base)
    assert p == 1.0


def slow_step_down(p: list[float]) -> dict[int, float]:
    """Sidak's adjustment of the smallest p value, which then leaves the family; never below the one before."""
    left, before, adjusted = dict(enumerate(p)), 0.0, {}
    while left:
        index = min(left, key=left.get)
        before = max(before, 1 - (1 - left.pop(index)) ** (len(left) + 1))
        adjusted[index] = before
    return adjusted


def test_step_down_is_the_obvious_loop_over_the_shrinking_family():
    p = generator("test statistics", "p").beta(0.3, 2, 21)
    expected = slow_step_down(p.tolist())
    assert np.allclose(step_down(p), [expected[i] for i in range(21)], rtol=1e-10)


def test_step_down_lies_just_below_holms_adjustment_of_scipys_kin():
    p = np.array([0.0005, 0.004, 0.03, 0.2, 0.9])
    holm = np.minimum(np.maximum.accumulate(p * np.arange(5, 0, -1)), 1)
    assert np.all(step_down(p) <= holm + 1e-15)
    assert step_down(p)[:2] == pytest.approx(holm[:2], rel=0.01)


def test_step_down_is_the_max_t_of_independent_normals():
    p = np.array([0.001, 0.01, 0.2])
    z = np.abs(generator("test statistics", "max T").standard_normal((400_000, 3)))
    observed = stats.norm.isf(p / 2)
    simulated = [np.mean(z[:, k:].max(axis=1) >= observed[k]) for k in range(3)]
    assert step_down(p) == pytest.approx(np.maximum.accumulate(simulated), abs=0.002)


def test_step_down_keeps_certain_ties_at_one():
    assert step_down(np.array([1.0, 1.0, 0.0])) == pytest.approx([1.0, 1.0, 0.0])


def board(means: dict[str, float], noise: float = 0.05) -> dict[str, list[np.ndarray]]:
    rng = generator("test statistics", *means)
    return {name: [mean + noise * rng.standard_normal(5) for _ in range(6)] for name, mean in means.items()}


def test_rank_intervals_count_the_significantly_better_and_worse():
    ranking = rank(board({"best": 0.9, "same": 0.5, "twin": 0.5, "last": 0.1}))
    assert ranking.intervals == {"best": (1, 1), "same": (2, 3), "twin": (2, 3), "last": (4, 4)}


def test_rank_intervals_are_those_of_brute_force_over_the_pairs():
    scores = board({f"m{i}": 0.5 + 0.02 * i for i in range(6)})
    pairs = list(itertools.combinations(sorted(scores), 2))
    adjusted = slow_step_down([difference(scores[a], scores[b])[1] for a, b in pairs])
    beats = {
        (a, b) if np.mean(scores[a]) > np.mean(scores[b]) else (b, a)
        for (a, b), k in zip(pairs, range(len(pairs)), strict=True)
        if adjusted[k] <= 0.05
    }
    assert beats
    assert len(beats) < len(pairs)
    expected = {
        name: (1 + sum((other, name) in beats for other in scores), 6 - sum((name, other) in beats for other in scores))
        for name in scores
    }
    assert rank(scores).intervals == expected


def test_ranks_do_not_depend_on_the_order_of_methods():
    scores = board({"a": 0.3, "b": 0.5, "c": 0.52})
    assert rank(scores) == rank(dict(reversed(scores.items())))


def test_two_draws_a_cell_rank_nothing():
    ranking = rank({"a": [np.array([0.9, 0.91])], "b": [np.array([0.1, 0.11])]})
    assert (ranking.intervals, ranking.comparisons) == ({}, ())
    assert "2 of at least 3" in ranking.reason


def test_one_method_alone_has_no_rank():
    assert rank({"a": cells(5)}).reason == "fewer than two ranked methods"


def test_a_method_is_never_significant_against_its_copy_among_others():
    scores = board({"a": 0.2, "b": 0.9}) | {"copy": board({"a": 0.2, "b": 0.9})["a"]}
    winners = {(pair.first, pair.second): pair.winner for pair in compare_all(scores)}
    assert winners == {("a", "b"): "b", ("a", "copy"): None, ("b", "copy"): "b"}
