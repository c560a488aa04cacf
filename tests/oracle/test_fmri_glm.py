"""Single-trial estimates, designs and nuisance against closed forms, loops of least squares, and nilearn."""

import numpy as np
import pandas as pd
import pytest
from nilearn.glm.first_level.hemodynamic_models import compute_regressor
from scipy import stats

from bench.core.contract import BadInput
from bench.neuro.fmri import confounds, designs, glm
from bench.neuro.haemodynamics import GLOVER, SPM, cosine_drifts, frame_times

FRAMES = frame_times(120, 2.0)
EVENTS = pd.DataFrame({"onset": np.arange(8.0, 220.0, 9.0), "duration": 1.5, "trial_type": np.tile(["a", "b", "b"], 8)})


@pytest.fixture(scope="module")
def problem():
    """Trials, nuisance (drifts and two random columns in other units), and series with known weights."""
    rng = np.random.default_rng(0)
    trials = designs.trial_design(EVENTS, FRAMES, GLOVER)
    nuisance = np.column_stack(
        [cosine_drifts(120, 2.0, 128.0), 1e-3 * rng.normal(size=120), 1e3 * rng.normal(size=120)]
    )
    weights = rng.normal(2, 1, (len(EVENTS), 5))
    clean = trials @ weights + nuisance @ rng.normal(size=(nuisance.shape[1], 5))
    return trials, nuisance, weights, clean, clean + 0.05 * rng.normal(size=clean.shape)


def test_all_trials_in_one_model_are_found_exactly_without_noise(problem):
    trials, nuisance, weights, clean, _ = problem
    np.testing.assert_allclose(glm.all_trials(trials, nuisance, clean), weights, atol=1e-8)


def test_all_trials_are_the_least_squares_of_the_whole_design(problem):
    trials, nuisance, _, _, noisy = problem
    whole = np.linalg.lstsq(np.column_stack([trials, nuisance]), noisy, rcond=None)[0][: trials.shape[1]]
    np.testing.assert_allclose(glm.all_trials(trials, nuisance, noisy), whole, atol=1e-8)


def test_separate_trials_are_a_loop_of_least_squares(problem):
    trials, nuisance, _, _, noisy = problem
    loop = []
    for number in range(trials.shape[1]):
        others = np.delete(trials, number, axis=1).sum(axis=1)
        design = np.column_stack([trials[:, number], others, nuisance])
        loop.append(np.linalg.lstsq(design, noisy, rcond=None)[0][0])
    np.testing.assert_allclose(glm.separate_trials(trials, nuisance, noisy), loop, atol=1e-8)


def test_equal_trials_are_found_exactly_by_separate_models(problem):
    """Where all trials have one weight the model of each is true."""
    trials, nuisance, *_ = problem
    found = glm.separate_trials(trials, nuisance, 3 * trials.sum(axis=1, keepdims=True))
    np.testing.assert_allclose(found, 3, atol=1e-8)


def test_separate_trials_vary_less_than_all_in_one_where_responses_overlap(problem):
    """Mumford 2012: the reason for the default."""
    rng, close = np.random.default_rng(1), EVENTS.assign(onset=8 + 3.0 * np.arange(len(EVENTS)))
    trials = designs.trial_design(close, FRAMES, GLOVER)
    nuisance, truth = np.ones((120, 1)), rng.normal(2, 0.5, (len(close), 40))
    noisy = trials @ truth + 0.6 * rng.normal(size=(120, 40))
    error = {name: np.square(one(trials, nuisance, noisy) - truth).mean() for name, one in glm.SINGLE_TRIAL.items()}
    assert error["lss"] < 0.5 * error["lsa"]


def test_trials_that_cannot_be_told_apart_are_refused(problem):
    _, nuisance, *_ = problem
    twice = EVENTS.iloc[[0, 0, 3]].assign(onset=[20.0, 20.0, 60.0])
    with pytest.raises(ValueError, match="3 trials cannot be told apart"):
        glm.all_trials(designs.trial_design(twice, FRAMES, GLOVER), nuisance, np.ones((120, 1)))
    alone = designs.trial_design(EVENTS.iloc[:1], FRAMES, GLOVER)
    with pytest.raises(ValueError, match="trial 1 cannot be told"):
        glm.separate_trials(alone, nuisance, np.ones((120, 1)))


def test_a_contrast_with_white_noise_is_the_t_of_least_squares(problem):
    _, nuisance, _, _, _ = problem
    rng = np.random.default_rng(2)
    design = pd.concat(
        [designs.condition_design(EVENTS, FRAMES, GLOVER), pd.DataFrame(nuisance).add_prefix("n")], axis=1
    )
    series = rng.normal(size=(120, 3)) + design[["a"]].to_numpy() * 3
    matrix, weights = design.to_numpy(), np.zeros(design.shape[1])
    weights[:2] = 1, -1
    beta, residual, rank, _ = np.linalg.lstsq(matrix, series, rcond=1e-12)
    spread = np.sqrt(weights @ np.linalg.pinv(matrix.T @ matrix, rcond=1e-15) @ weights * residual / (120 - rank))
    expected = stats.norm.isf(stats.t.sf(weights @ beta / spread, 120 - rank))
    np.testing.assert_allclose(glm.contrast_z([(design, series)], {"a": 1, "b": -1}, noise="ols"), expected, rtol=1e-4)


def test_autocorrelated_noise_has_no_more_false_positives_than_it_should():
    """What least squares gets wrong: z of unrelated regressors in noise of autocorrelation .5."""
    rng, columns = np.random.default_rng(3), 1500
    noise = np.zeros((120, columns))
    for time in range(1, 120):
        noise[time] = 0.5 * noise[time - 1] + rng.normal(size=columns)
    design = designs.condition_design(EVENTS.assign(duration=9.0), FRAMES, GLOVER).assign(constant=1.0)
    rate = {
        kind: np.mean(np.abs(glm.contrast_z([(design, noise)], {"a": 1}, noise=kind)) > 1.96) for kind in ("ols", "ar1")
    }
    assert rate["ar1"] < 0.07
    assert rate["ols"] > 0.1


def test_two_runs_add_up_as_fixed_effects():
    rng = np.random.default_rng(4)
    design = designs.condition_design(EVENTS, FRAMES, GLOVER).assign(constant=1.0)
    series = rng.normal(size=(120, 4)) + 0.5 * design[["a"]].to_numpy()
    once, twice = (glm.contrast_z([(design, series)] * runs, {"a": 1}, noise="ols") for runs in (1, 2))
    assert (np.abs(twice) > 1.3 * np.abs(once)).all()
    with pytest.raises(BadInput, match="no regressor c"):
        glm.contrast_z([(design, series)], {"c": 1})


@pytest.mark.parametrize(("response", "name"), [(GLOVER, "glover"), (SPM, "spm")])
def test_derivatives_are_those_of_finite_differences_and_of_nilearn(response, name):
    events = EVENTS.assign(duration=np.tile([0.0, 1.5, 4.0], 8))
    found = designs.condition_design(events, FRAMES, response, derivative=True)
    step = 1e-3
    later, earlier = (designs.condition_design(events, FRAMES + by, response) for by in (step / 2, -step / 2))
    for kind in ("a", "b"):
        slope = (later[kind] - earlier[kind]) / step
        np.testing.assert_allclose(found[f"{kind}_derivative"], slope, atol=1e-5)
    lasting = EVENTS[EVENTS["trial_type"] == "a"]
    theirs = compute_regressor(
        np.stack([lasting["onset"], lasting["duration"], np.ones(len(lasting))]),
        f"{name} + derivative",
        FRAMES,
        oversampling=100,
    )[0][:, 1]
    ours = designs.condition_design(EVENTS, FRAMES, response, derivative=True)["a_derivative"]
    assert np.corrcoef(ours, theirs)[0, 1] > 0.999


def test_finite_impulse_responses_recover_any_shape():
    rng = np.random.default_rng(5)
    shapes, onsets = (
        {kind: rng.normal(size=8) for kind in "ab"},
        np.sort(rng.choice(np.arange(0, 100), 24, replace=False)) * 2.0,
    )
    events = pd.DataFrame({"onset": onsets, "duration": 0.0, "trial_type": np.tile(["a", "b", "b"], 8)})
    series = np.zeros(130)
    for row in events.itertuples():
        series[int(row.onset / 2) : int(row.onset / 2) + 8] += shapes[row.trial_type]
    design = designs.impulse_design(events, np.arange(130) * 2.0, delays=8, width=2.0)
    found = np.linalg.lstsq(design.to_numpy(), series, rcond=None)[0]
    np.testing.assert_allclose(found, np.concatenate([shapes["a"], shapes["b"]]), atol=1e-10)


def test_nuisance_leaves_nothing_of_itself_whatever_its_units(problem):
    _, nuisance, _, _, noisy = problem
    left = confounds.regress_out(noisy, nuisance)
    scale = np.linalg.norm(nuisance, axis=0)[:, None] * np.linalg.norm(noisy, axis=0)
    assert (np.abs(nuisance.T @ left) < 1e-10 * scale).all()
    np.testing.assert_allclose(
        confounds.regress_out(noisy, np.column_stack([nuisance, nuisance, 0 * nuisance])), left, atol=1e-8
    )


def test_one_regression_leaves_no_drift_where_filter_after_regression_brings_motion_back():
    """Lindquist 2019: the reason why drifts and confounds are taken out together."""
    rng = np.random.default_rng(6)
    drifts, motion = cosine_drifts(120, 2.0, 128.0), np.cumsum(rng.normal(size=(120, 2)), axis=0)
    series = motion @ rng.normal(size=(2, 3)) + drifts @ rng.normal(size=(drifts.shape[1], 3)) * 30
    together = confounds.regress_out(series, np.column_stack([motion, drifts]))
    apart = confounds.regress_out(confounds.regress_out(series, motion), drifts)
    assert np.abs(together).max() < 1e-9 * np.abs(series).max()
    assert np.abs(apart).max() > 1e-3 * np.abs(series).max()
