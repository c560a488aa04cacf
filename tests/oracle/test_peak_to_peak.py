"""Learnt peak-to-peak thresholds: the vectorised errors are the literal ones, and what is planted is found."""

import numpy as np
import pytest

from bench.core.contract import generator
from bench.kernels.peak_to_peak import (
    bad_trials,
    deal,
    learn_threshold,
    learn_thresholds,
    peak_to_peak,
    threshold_errors,
)


def literal_error(trials, fold, k, threshold):
    """The definition, one threshold and fold at a time."""
    kept = [i for i in range(len(trials)) if fold[i] != k and trials[i].max() - trials[i].min() <= threshold]
    if not kept:
        return np.inf
    mean = sum(trials[i] for i in kept) / len(kept)
    median = np.median([trials[i] for i in range(len(trials)) if fold[i] == k], axis=0)
    return np.sqrt(np.mean((mean - median) ** 2))


@pytest.fixture
def rng():
    return generator("test", "peak to peak")


def test_errors_are_those_of_the_definition(rng):
    trials, fold = rng.normal(size=(17, 9)), deal(17, 4, rng)
    candidates, errors = threshold_errors(trials, fold)
    assert np.array_equal(candidates, np.sort(peak_to_peak(trials)))
    expected = [[literal_error(trials, fold, k, c) for c in candidates] for k in range(4)]
    np.testing.assert_allclose(errors, expected, rtol=1e-12)


def test_no_threshold_between_two_amplitudes_is_better_than_the_lower_of_them(rng):
    trials, fold = rng.normal(size=(15, 9)), deal(15, 3, rng)
    candidates, errors = threshold_errors(trials, fold)
    for i, middle in enumerate((candidates[:-1] + candidates[1:]) / 2):
        between = [literal_error(trials, fold, k, middle) for k in range(3)]
        np.testing.assert_allclose(between, errors[:, i], rtol=1e-12)


@pytest.mark.parametrize("amplitude", [25.0, 40.0])
def test_planted_artefacts_go_and_nothing_else_does(rng, amplitude):
    """Artefacts of either sign at random times: of one shape in a fifth of trials they would move the median too."""
    clean = rng.normal(size=(60, 50)) + 3 * np.sin(np.linspace(0, 6, 50))
    artefact = rng.permutation(np.arange(60) < 12)
    bumps = np.array([np.roll(np.hanning(50), shift) for shift in rng.integers(0, 50, 60)])
    trials = clean + amplitude * (artefact * rng.choice([-1, 1], 60))[:, None] * bumps
    found = peak_to_peak(trials) > learn_threshold(trials, deal(60, 5, rng))
    assert np.array_equal(found, artefact)


def test_clean_trials_stay(rng):
    """Over data without artefacts the share that goes is small: a threshold that helps nothing is not set."""
    shares = []
    for _ in range(40):
        trials = rng.normal(size=(50, 30))
        shares.append((peak_to_peak(trials) > learn_threshold(trials, deal(50, 5, rng))).mean())
    assert np.mean(shares) < 0.05


@pytest.mark.parametrize("scale", [1e-6, 1e-15, 2.0**40])
def test_thresholds_scale_with_the_data(rng, scale):
    trials, fold = rng.standard_t(3, size=(40, 3, 20)), deal(40, 5, rng)
    before, after = learn_thresholds(trials, fold), learn_thresholds(trials * scale, fold)
    np.testing.assert_allclose(after, before * scale, rtol=1e-12)
    for one, other in ((before, trials), (after, trials * scale)):
        assert np.array_equal(bad_trials(peak_to_peak(other), one, 0.3), bad_trials(peak_to_peak(trials), before, 0.3))


def test_folds_are_equal_to_within_one(rng):
    assert sorted(np.bincount(deal(23, 5, rng))) == [4, 4, 5, 5, 5]


def test_a_trial_goes_by_the_share_of_its_sites():
    amplitude = np.array([[1.0, 1.0, 9.0, 9.0], [1.0, 1.0, 1.0, 9.0], [9.0, 9.0, 9.0, 9.0]])
    assert bad_trials(amplitude, np.full(4, 2.0), 0.5).tolist() == [False, False, True]
    assert bad_trials(amplitude, np.full(4, np.inf), 0.0).tolist() == [False, False, False]
