"""Ranking kernels against scikit-learn, enumeration of every order, and areas worked out by hand."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, f1_score, jaccard_score, roc_auc_score

from bench.kernels.ranking import (
    auroc,
    average_precision,
    average_precision_by_chance,
    concordance,
    f1,
    jaccard,
    pessimistic_auc,
    rates,
)


@st.composite
def rankings(draw):
    """Few distinct scores, so that ties are common, and at least one true and one false item."""
    items = draw(st.lists(st.tuples(st.integers(-2, 2), st.booleans()), min_size=0, max_size=20))
    scores, labels = zip(*[*items, (draw(st.integers(-2, 2)), True), (draw(st.integers(-2, 2)), False)], strict=True)
    return np.array(scores, float), np.array(labels)


@given(rankings())
def test_the_area_is_that_of_scikit_learn_with_ties(ranking):
    scores, labels = ranking
    assert auroc(scores, labels) == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)


@given(rankings())
def test_average_precision_is_that_of_scikit_learn_with_ties(ranking):
    scores, labels = ranking
    assert average_precision(scores, labels) == pytest.approx(average_precision_score(labels, scores), abs=1e-12)


@given(rankings(), st.sampled_from([1e-13, 1e-6, 1e6]))
def test_the_unit_of_the_scores_changes_nothing(ranking, unit):
    scores, labels = ranking
    assert auroc(unit * scores, labels) == auroc(scores, labels)
    assert average_precision(unit * scores, labels) == average_precision(scores, labels)


@pytest.mark.parametrize("items", [2, 3, 5, 8, 10])
def test_chance_is_the_mean_over_every_placement_of_the_true_items(items):
    scores = -np.arange(items, dtype=float)
    for positives in range(1, items):
        placed = [np.isin(np.arange(items), chosen) for chosen in combinations(range(items), positives)]
        mean = np.mean([average_precision(scores, labels) for labels in placed])
        assert average_precision_by_chance(positives, items) == pytest.approx(mean, abs=1e-12)


def test_chance_is_above_the_base_rate():
    assert average_precision_by_chance(2, 10) > 0.2 + 0.1


@pytest.mark.parametrize(
    ("points", "area"),
    [
        ([(0.0, 1.0)], 1.0),
        ([(0.0, 0.2)], 0.2),
        ([(1.0, 1.0)], 0.0),
        ([(0.5, 0.5)], 0.25),  # chance, found at one threshold
        ([(0.2, 0.4), (0.6, 0.9)], 0.8 * 0.4 + 0.4 * 0.5),
        ([(0.6, 0.9), (0.2, 0.4), (0.2, 0.4)], 0.8 * 0.4 + 0.4 * 0.5),
        ([(0.0, 0.2), (0.0, 0.6), (0.5, 0.6)], 0.6),
    ],
)
def test_the_pessimistic_area_by_hand(points, area):
    assert pessimistic_auc(np.array(points)) == pytest.approx(area, abs=1e-12)


def test_the_pessimistic_area_of_the_two_corners_alone_is_0():
    assert pessimistic_auc(np.empty((0, 2))) == 0


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=8))
def test_the_pessimistic_area_never_exceeds_that_under_straight_lines(points):
    false, true = (np.sort(axis) for axis in np.array(points).T)
    straight = np.trapezoid(np.r_[0, true, 1], np.r_[0, false, 1])
    assert pessimistic_auc(np.column_stack([false, true])) <= straight + 1e-12


def test_points_whose_true_rate_falls_are_refused():
    with pytest.raises(ValueError, match="true positive rate falls"):
        pessimistic_auc(np.array([[0.1, 0.8], [0.2, 0.5]]))


@given(rankings())
def test_f1_is_that_of_scikit_learn(ranking):
    chosen, labels = ranking[0] > 0, ranking[1]
    assert f1(chosen, labels) == pytest.approx(f1_score(labels, chosen, zero_division=0), abs=1e-12)


def test_f1_of_nothing_chosen_is_0():
    assert f1(np.zeros(3, bool), np.array([True, False, False])) == 0
    assert f1(np.zeros(3, bool), np.zeros(3, bool)) == 0


def test_rates_by_hand():
    labels = np.array([True, True, False, False, False])
    assert rates(np.array([True, False, True, False, False]), labels) == (pytest.approx(1 / 3), 0.5)


@pytest.mark.parametrize("measure", [auroc, average_precision, rates])
@pytest.mark.parametrize("label", [True, False])
def test_labels_of_one_kind_are_refused_with_numbers(measure, label):
    flags = np.full(4, label)
    with pytest.raises(ValueError, match=f"{4 * label} of 4 items are true"):
        measure(flags if measure is rates else np.arange(4.0), flags)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=12))
def test_concordance_is_what_counting_pairs_gives(pairs):
    scores, values = np.array(pairs, float).T
    compared = [(a, b) for a in range(len(values)) for b in range(len(values)) if values[a] > values[b]]
    if not compared:
        with pytest.raises(ValueError, match="no order"):
            concordance(scores, values)
        return
    won = [1.0 if scores[a] > scores[b] else 0.5 if scores[a] == scores[b] else 0.0 for a, b in compared]
    assert concordance(scores, values) == pytest.approx(np.mean(won))


def test_concordance_with_two_values_is_the_area_under_the_curve():
    rng = np.random.default_rng(3)
    scores, labels = rng.integers(0, 9, 40).astype(float), rng.random(40) < 0.3
    assert concordance(scores, labels.astype(float)) == pytest.approx(auroc(scores, labels))


@given(rankings())
def test_jaccard_is_that_of_scikit_learn(ranking):
    scores, labels = ranking
    assert jaccard(scores > 0, labels) == pytest.approx(jaccard_score(labels, scores > 0))


def test_two_empty_sets_are_alike():
    assert jaccard(np.zeros(3, bool), np.zeros(3, bool)) == 1
