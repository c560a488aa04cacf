"""Proper scores against scikit-learn and their own definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss

from bench.kernels.proper import brier, false_discovery_rate

STATED = st.lists(st.tuples(st.integers(0, 10), st.booleans()), min_size=1, max_size=20)


@given(STATED)
def test_brier_is_that_of_scikit_learn(pairs):
    stated, labels = np.array([p / 10 for p, _ in pairs]), np.array([label for _, label in pairs])
    assert brier(stated, labels) == pytest.approx(brier_score_loss(labels, stated, pos_label=True))


@given(STATED, st.sampled_from([0.05, 0.1, 0.25]))
def test_discoveries_are_the_largest_likeliest_set_that_keeps_the_promise(pairs, promised):
    stated, labels = np.array([p / 10 for p, _ in pairs]), np.array([label for _, label in pairs])
    sets = [stated >= level for level in np.unique(stated)]
    kept = [some for some in sets if (1 - stated[some]).mean() <= promised]
    expected = (~labels[max(kept, key=np.sum)]).mean() if kept else 0.0
    assert false_discovery_rate(stated, labels, promised) == pytest.approx(expected)


def test_who_states_true_probabilities_keeps_the_promise():
    rng = np.random.default_rng(0)
    stated = rng.beta(0.5, 0.5, size=(400, 100))
    found = [false_discovery_rate(p, rng.random(100) < p, 0.1) for p in stated]
    assert np.mean(found) < 0.1 + 3 * np.std(found) / 20
