"""What a perfect model scores under right and wrong ceilings: the table that a benchmark with a double division breaks.

Two repeats of signal-to-noise ratio .1, .4, 1 and 2 have reliability .167, .444, .667 and .8. Under r^2 / rho a perfect
model scores 1 everywhere; under (r / rho)^2, which Brain-Score shipped until January 2026, it scores 1 / rho.
"""

import numpy as np
import pytest

from bench.kernels.correlation import correlate_columns
from bench.neuro.ceilings import corrected_explained_variance, reliability, spearman_brown, split_half

TABLE = [(0.1, 0.167, 6.0), (0.4, 0.444, 2.25), (1.0, 0.667, 1.5), (2.0, 0.8, 1.25)]
"""Ratio of variances in one of two repeats, reliability of their mean, score under the double division."""


@pytest.mark.parametrize(("ratio", "rho", "double"), TABLE)
def test_a_perfect_model_scores_1_under_the_root_and_the_reciprocal_under_the_double_division(ratio, rho, double):
    rng = np.random.default_rng(0)
    signal = rng.normal(size=(1, 400, 800))
    responses = signal + rng.normal(size=(2, 400, 800)) / np.sqrt(ratio)
    estimate = spearman_brown(corrected_explained_variance(responses).mean())
    assert reliability(ratio, 2) == pytest.approx(rho, abs=5e-4)
    assert estimate == pytest.approx(rho, abs=0.013)
    assert split_half(responses, rng).mean() == pytest.approx(rho, abs=0.013)
    r = correlate_columns(signal[0], responses.mean(axis=0)).mean()
    assert r**2 / estimate == pytest.approx(1, abs=0.05)
    assert (r / estimate) ** 2 == pytest.approx(double, rel=0.05)


@pytest.mark.parametrize(("ratio", "repeats"), [(0.2, 4), (0.5, 2), (2.0, 6)])
def test_spearman_brown_of_the_single_repeat_is_the_reliability_of_all(ratio, repeats):
    rng = np.random.default_rng(1)
    responses = rng.normal(size=(1, 300, 400)) + rng.normal(size=(repeats, 300, 400)) / np.sqrt(ratio)
    single = corrected_explained_variance(responses).mean()
    assert spearman_brown(single, repeats) == pytest.approx(reliability(ratio, repeats), abs=0.013)
