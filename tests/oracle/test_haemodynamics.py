"""Responses in closed form against nilearn's oversampled grids, and drifts against its cosines."""

import warnings

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from bench.neuro.haemodynamics import GLOVER, SPM, convolve_events, cosine_drifts, frame_times, high_pass

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from nilearn.glm.first_level import hemodynamic_models
    from nilearn.glm.first_level.design_matrix import create_cosine_drift

RESPONSES = {"glover": GLOVER, "spm": SPM}


@pytest.mark.parametrize(("response", "peak"), [(GLOVER, 5.02), (SPM, 5.00)])
def test_the_response_is_largest_when_the_literature_says(response, peak):
    found = minimize_scalar(lambda time: -response.density(time), bounds=(2, 9), method="bounded").x
    assert found == pytest.approx(peak, abs=0.02)  # tabulated on grids of 20 to 40 ms


@pytest.mark.parametrize("response", RESPONSES.values(), ids=RESPONSES)
def test_the_integral_integrates_the_density_and_tends_to_one(response):
    time = np.linspace(0, 60, 60_001)
    summed = np.concatenate([[0], np.cumsum((response.density(time)[1:] + response.density(time)[:-1]) / 2 * 1e-3)])
    np.testing.assert_allclose(response.integral(time), summed, atol=1e-7)
    assert response.integral(np.array(200.0)) == pytest.approx(1)


@pytest.mark.parametrize("name", RESPONSES)
@pytest.mark.parametrize("slice_reference", [0.0, 0.5])
def test_lasting_events_agree_with_nilearn(name, slice_reference):
    rng = np.random.default_rng(0)
    onsets, durations = np.sort(rng.uniform(0, 180, 20)), rng.uniform(0.5, 6, 20)
    amplitudes = rng.normal(size=20)
    frames = frame_times(100, 2.0, slice_reference)
    ours = convolve_events(onsets, durations, amplitudes[:, None], frames, RESPONSES[name])[:, 0]
    condition = np.stack([onsets, durations, amplitudes])
    theirs = hemodynamic_models.compute_regressor(condition, name, frames, oversampling=200)[0][:, 0]
    np.testing.assert_allclose(ours, theirs, atol=0.01 * np.abs(theirs).max())  # their grid is 10 ms, ours none


def test_impulses_are_the_limit_of_short_events():
    onsets, amplitudes, frames = np.array([3.0, 11.0]), np.array([[1.0], [-2.0]]), frame_times(20, 2.0)
    impulses = convolve_events(onsets, np.zeros(2), amplitudes, frames, GLOVER)
    short = convolve_events(onsets, np.full(2, 1e-4), amplitudes, frames, GLOVER) / 1e-4
    np.testing.assert_allclose(short, impulses, atol=5e-5)


def test_nothing_answers_before_its_event():
    response = convolve_events(np.array([10.0]), np.array([1.0]), np.ones((1, 1)), np.arange(0, 20, 0.5), GLOVER)[:, 0]
    assert not response[:21].any()
    assert response[21:].all()


@pytest.mark.parametrize("volumes", [121, 200, 362])
def test_drifts_span_the_same_space_as_nilearns(volumes):
    ours, theirs = cosine_drifts(volumes, 2.0, 128.0), create_cosine_drift(1 / 128, np.arange(volumes) * 2.0)
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours @ (ours.T @ theirs), theirs, atol=1e-10)


def test_high_pass_takes_out_slow_waves_and_leaves_fast_ones():
    time = (np.arange(256) + 0.5) * 2.0
    slow, fast = np.cos(np.pi / 512 * time * 7), np.cos(np.pi / 512 * time * 9)  # periods of 146 s and 114 s
    filtered = high_pass(np.stack([slow + 5, fast, slow + fast], axis=1), 2.0)
    np.testing.assert_allclose(filtered, np.stack([0 * slow, fast, fast], axis=1), atol=1e-10)
