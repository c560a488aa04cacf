"""Noise ceilings: identities, and the closed form of reliability against simulated repeats."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.neuro.ceilings import (
    corrected_explained_variance,
    explained_variance,
    reliability,
    spearman_brown,
    split_half,
)
from bench.neuro.intersubject import pairwise_correlation

REPEATS = pytest.mark.parametrize("repeats", [2, 3, 7])


def draw(repeats, snr, time=50, targets=4, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(1, time, targets)) + rng.normal(size=(repeats, time, targets)) / np.sqrt(snr)


@REPEATS
def test_corrected_explained_variance_is_the_mean_correlation_of_pairs(repeats):
    responses = draw(repeats, 0.5) * 1e-6 + 3e-6
    np.testing.assert_allclose(corrected_explained_variance(responses), pairwise_correlation(responses), rtol=1e-9)
    pairs = [
        [np.corrcoef(responses[i, :, t], responses[j, :, t])[0, 1] for i in range(repeats) for j in range(i)]
        for t in range(4)
    ]
    np.testing.assert_allclose(corrected_explained_variance(responses), np.mean(pairs, axis=1), rtol=1e-9)


@REPEATS
def test_explained_variance_is_the_squared_upper_bound(repeats):
    """Nili et al. 2014: the mean correlation of each repeat with the mean of all standardised repeats, squared."""
    responses = draw(repeats, 0.5)
    standard = (responses - responses.mean(axis=1, keepdims=True)) / responses.std(axis=1, keepdims=True)
    mean = standard.mean(axis=0)
    bound = [np.mean([np.corrcoef(one[:, t], mean[:, t])[0, 1] for one in standard]) for t in range(4)]
    np.testing.assert_allclose(explained_variance(responses), np.square(bound), rtol=1e-9)


@given(snr=st.floats(0.01, 10), repeats=st.integers(1, 20), factor=st.integers(1, 6))
def test_spearman_brown_takes_the_reliability_of_some_repeats_to_that_of_more(snr, repeats, factor):
    few, many = reliability(snr, repeats), reliability(snr, repeats * factor)
    assert spearman_brown(few, factor) == pytest.approx(many, rel=1e-12)
    assert spearman_brown(many, 1 / factor) == pytest.approx(few, rel=1e-9)


@given(snr=st.floats(0.01, 10))
@settings(max_examples=20)
def test_the_root_of_reliability_is_the_correlation_of_the_signal_with_the_mean_of_repeats(snr):
    """corr(s, s + n) = sd(s) / sd(s + n), from variances alone."""
    signal_variance, noise_variance, repeats = 1.0, 1 / snr, 5
    expected = np.sqrt(signal_variance / (signal_variance + noise_variance / repeats))
    assert np.sqrt(reliability(snr, repeats)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("repeats", "snr"), [(2, 0.2), (2, 2.0), (6, 0.2), (10, 0.05)])
def test_split_halves_estimate_the_closed_form(repeats, snr):
    """Within .02 over 400 targets of 400 samples, whose mean has an error below .004."""
    responses = draw(repeats, snr, time=400, targets=400)
    found = split_half(responses, np.random.default_rng(0), splits=20)
    assert found.mean() == pytest.approx(reliability(snr, repeats), abs=0.02)
    assert corrected_explained_variance(responses).mean() == pytest.approx(reliability(snr, 1), abs=0.02)


def test_split_halves_use_every_split_where_there_are_few():
    responses = draw(4, 0.5)
    halves = [((0, 1), (2, 3)), ((0, 2), (1, 3)), ((0, 3), (1, 2))]
    r = [
        [np.corrcoef(responses[list(a), :, t].mean(0), responses[list(b), :, t].mean(0))[0, 1] for t in range(4)]
        for a, b in halves
    ]
    mean = np.mean(r, axis=0)
    np.testing.assert_allclose(split_half(responses, np.random.default_rng(0)), 2 * mean / (1 + mean), rtol=1e-9)


def test_pure_noise_has_a_reliability_about_zero_of_either_sign_and_nothing_is_clipped():
    found = split_half(draw(4, 1e-9, targets=500), np.random.default_rng(0))
    assert abs(found.mean()) < 0.1
    assert (found < 0).any()
    assert (explained_variance(draw(4, 1e-9, targets=500)) > 0.1).all()


def test_uneven_halves_and_undefined_prophecies_are_refused():
    with pytest.raises(ValueError, match="3 repeats cannot be cut"):
        split_half(draw(3, 1.0), np.random.default_rng(0))
    with pytest.raises(ValueError, match="between halves"):
        spearman_brown(np.array([0.3, -1.0]))
