"""The discriminant against scikit-learn and a closed form; whole runs are held out; spheres find their place."""

import numpy as np
import pytest
from sklearn.covariance import ledoit_wolf
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from bench.core.contract import BadInput
from bench.neuro.fmri import decoders


def problem(trials=72, sites=30, classes=3, distance=0.7, seed=0):
    rng = np.random.default_rng(seed)
    labels, runs = (
        np.tile(np.array(["a", "b", "c", "d"])[:classes], trials // classes),
        np.repeat(np.arange(6), trials // 6),
    )
    centres = distance * rng.normal(size=(classes, sites))
    mixing = np.eye(sites) + 0.3 * rng.normal(size=(sites, sites))
    return (
        (centres[np.unique(labels, return_inverse=True)[1]] + rng.normal(size=(trials, sites))) @ mixing,
        labels,
        runs,
    )


@pytest.mark.parametrize("sites", [5, 30, 200])
def test_the_share_of_the_identity_is_scikit_learns(sites):
    values, *_ = problem(sites=sites)
    centred = values - values.mean(axis=0)
    assert decoders.shrinkage(centred) == pytest.approx(ledoit_wolf(centred, assume_centered=True)[1], rel=1e-9)


@pytest.mark.parametrize("sites", [5, 30, 200])
def test_labels_are_those_of_the_explicit_inverse(sites):
    values, labels, _ = problem(sites=sites)
    training, known, others = values[:60], labels[:60], values[60:]
    means = np.stack([training[known == one].mean(axis=0) for one in "abc"])
    residuals = training - means[np.searchsorted(["a", "b", "c"], known)]
    spread = residuals.std(axis=0)
    covariance = ledoit_wolf(residuals / spread, assume_centered=True)[0]
    weights = np.linalg.inv(covariance) @ (means / spread).T
    scores = (others / spread) @ weights - 0.5 * ((means / spread).T * weights).sum(axis=0)
    np.testing.assert_array_equal(
        decoders.discriminate(training, known, others), np.array(list("abc"))[scores.argmax(1)]
    )


def test_with_many_trials_it_is_the_plain_linear_discriminant():
    values, labels, _ = problem(trials=3000, sites=6)
    plain = LinearDiscriminantAnalysis(solver="lsqr").fit(values[:2400], labels[:2400]).predict(values[2400:])
    assert (decoders.discriminate(values[:2400], labels[:2400], values[2400:]) == plain).mean() > 0.99


def test_units_of_sites_change_nothing():
    values, labels, runs = problem()
    scale = np.logspace(-6, 6, values.shape[1])
    one, other = (decoders.predict_by_run(each, labels, runs) for each in (values, values * scale))
    np.testing.assert_array_equal(one, other)


def test_what_lives_within_runs_alone_is_not_decoded():
    """A run's own offset tells the label where folds are shuffled over runs; whole runs held out do not."""
    rng = np.random.default_rng(1)
    runs, labels = np.repeat(np.arange(12), 6), np.repeat(np.tile(["a", "b"], 6), 6)
    labels[::6] = np.where(labels[::6] == "a", "b", "a")  # every run has both conditions
    values = (3 * rng.normal(size=(12, 20)))[runs] + rng.normal(size=(72, 20))
    shuffled = rng.permutation(72) // 6
    leaking = decoders.balanced_accuracy(labels, decoders.predict_by_run(values, labels, shuffled))
    honest = decoders.balanced_accuracy(labels, decoders.predict_by_run(values, labels, runs))
    assert leaking > 0.65
    assert honest < 0.6


def test_noise_is_decoded_at_chance():
    rng = np.random.default_rng(2)
    labels, runs = np.tile(list("abcd"), 24), np.repeat(np.arange(8), 12)
    found = [
        decoders.balanced_accuracy(labels, decoders.predict_by_run(rng.normal(size=(96, 40)), labels, runs))
        for _ in range(40)
    ]
    assert np.mean(found) == pytest.approx(0.25, abs=4 * np.std(found) / np.sqrt(40))


def test_balanced_accuracy_weighs_conditions_alike():
    labels, found = np.array(list("aaaab")), np.array(list("aaaaa"))
    assert decoders.balanced_accuracy(labels, found) == 0.5


def test_one_run_and_lone_conditions_are_refused():
    values, labels, runs = problem()
    with pytest.raises(BadInput, match="there is one run"):
        decoders.predict_by_run(values, labels, np.zeros(72, int))
    with pytest.raises(BadInput, match="condition a occurs in one run alone"):
        decoders.predict_by_run(values, labels, np.where(labels == "a", 0, runs))


def test_a_searchlight_finds_the_planted_place_and_chance_elsewhere():
    rng = np.random.default_rng(3)
    places = np.argwhere(np.ones((8, 8, 4))).astype(float)
    labels, runs = np.tile(["a", "b"], 40), np.repeat(np.arange(8), 10)
    values = rng.normal(size=(80, len(places)))
    near = np.linalg.norm(places - [2, 2, 1], axis=1) <= 1.1
    values[:, near] += 0.8 * np.where(labels == "a", 1, -1)[:, None] * rng.normal(size=near.sum())
    found = decoders.searchlight(values, labels, runs, places, 1.6)
    assert np.linalg.norm(places[found.argmax()] - [2, 2, 1]) <= 1.6
    far = np.linalg.norm(places - [2, 2, 1], axis=1) > 3.5
    assert found[far].mean() == pytest.approx(0.5, abs=0.03)
