"""Correlations between subjects against loops over pairs, and against the reliability that was simulated."""

import itertools

import numpy as np
import pytest

from bench.neuro.intersubject import leave_one_out_correlation, pairwise_correlation


def simulated(subjects, samples, snr, seed=0):
    """Responses [subjects, time, 1] of a shared signal whose variance is `snr` times that of the noise."""
    rng = np.random.default_rng(seed)
    return np.sqrt(snr) * rng.normal(size=(1, samples, 1)) + rng.normal(size=(subjects, samples, 1))


def test_pairwise_is_the_mean_over_all_pairs():
    responses = np.random.default_rng(1).normal(size=(5, 40, 3)).cumsum(axis=1)
    pairs = list(itertools.combinations(range(5), 2))
    slow = [np.mean([np.corrcoef(responses[i, :, t], responses[j, :, t])[0, 1] for i, j in pairs]) for t in range(3)]
    np.testing.assert_allclose(pairwise_correlation(responses), slow)


def test_leave_one_out_is_the_mean_over_subjects():
    responses = np.random.default_rng(2).normal(size=(5, 40, 2)).cumsum(axis=1)
    slow = [
        np.mean([np.corrcoef(responses[i, :, t], np.delete(responses, i, 0)[:, :, t].mean(0))[0, 1] for i in range(5)])
        for t in range(2)
    ]
    np.testing.assert_allclose(leave_one_out_correlation(responses), slow)


@pytest.mark.parametrize("snr", [0.1, 1.0])
def test_both_find_the_reliability_of_a_shared_signal(snr):
    responses, rho = simulated(12, 60_000, snr), {n: snr / (snr + 1 / n) for n in (1, 11)}
    assert pairwise_correlation(responses)[0] == pytest.approx(rho[1], abs=0.01)
    assert leave_one_out_correlation(responses)[0] == pytest.approx(np.sqrt(rho[1] * rho[11]), abs=0.01)


@pytest.mark.parametrize("scale", [1e-13, 1e6])
def test_neither_depends_on_units(scale):
    responses = simulated(4, 200, 0.5)
    for correlation in (pairwise_correlation, leave_one_out_correlation):
        np.testing.assert_allclose(correlation(responses * scale), correlation(responses), rtol=1e-9)
