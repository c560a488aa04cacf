"""Temporal-response methods against closed forms, slow loops and independent libraries (MNE, scikit-learn, nilearn)."""

import dataclasses
from itertools import permutations

import mne
import numpy as np
import pytest
from nilearn.glm.first_level import hemodynamic_models
from scipy.linalg import toeplitz
from sklearn.linear_model import LinearRegression, Ridge

from bench.core.catalogue import load_plugin
from bench.core.config import ROOT
from bench.core.contract import Unsupported
from bench.kernels import lags as lagged
from bench.kernels.regression import group_folds
from bench.tracks.temporal_response import estimation, prewhitening
from bench.tracks.temporal_response.types import Problem, Truth

TRACK = ROOT / "bench" / "tracks" / "temporal_response"
METHODS = {path.stem: load_plugin(path) for path in (TRACK / "methods").glob("*.py")}
IDEAL = load_plugin(TRACK / "controls" / "ideal_observer.py")
LAGS = np.arange(-2, 7)


def small(seed=0, features=2, groups=10, samples=60, targets=3, noise=1.0, lags=LAGS, bands=None):
    """A problem with short autocorrelated stimuli and its kernels."""
    rng = np.random.default_rng(seed)
    rows = groups * samples
    x = np.apply_along_axis(np.convolve, 0, rng.normal(size=(rows, features)), [1, 0.8, 0.5], "same")
    kernels = rng.normal(size=(features, len(lags), targets)) * (lags >= 0)[:, None]
    y = sum(np.roll(x, lag, axis=0) @ kernels[:, at] for at, lag in enumerate(lags))
    y = y + noise * np.apply_along_axis(np.convolve, 0, rng.normal(size=y.shape), [1, 1, 1], "same")
    return Problem(
        x * np.array([3.0, 0.01])[:features], 1e-6 * y, np.repeat(np.arange(groups), samples),
        np.arange(features) if bands is None else np.array(bands), lags, 64.0, "V", "electric",
    ), kernels  # fmt: skip


def test_a_window_holds_the_stimuli_at_each_lag_and_never_leaves_its_group():
    problem, _ = small()
    rows = lagged.whole_rows(problem.groups, LAGS)
    windows = lagged.lag_windows(problem.stimuli, rows, LAGS).reshape(len(rows), 2, len(LAGS))
    assert len(rows) == 10 * (60 - 2 - 6)
    for i in (0, 51, 52, 300):
        for at, lag in enumerate(LAGS):
            assert problem.groups[rows[i] - lag] == problem.groups[rows[i]]
            np.testing.assert_array_equal(windows[i, :, at], problem.stimuli[rows[i] - lag])


def test_ordinary_least_squares_is_scikit_learns_with_an_offset_for_each_group():
    problem, _ = small()
    rows = lagged.whole_rows(problem.groups, LAGS)
    groups = np.eye(10)[problem.groups[rows]]
    design = np.concatenate([lagged.lag_windows(problem.stimuli, rows, LAGS), groups], axis=1)
    expected = LinearRegression(fit_intercept=False).fit(design, problem.responses[rows]).coef_[:, :-10].T
    found = estimation.flatten(METHODS["ordinary"].fit(problem))
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9 * np.abs(expected).max())


def test_ridge_is_mnes_receptive_field():
    """Stimuli that are silent at both ends, so that padding with zeros and leaving out rows come to the same."""
    problem, _ = small(features=1, groups=1, samples=400)
    x = problem.stimuli / problem.stimuli.std()
    x[:10] = x[-10:] = 0
    rows = lagged.whole_rows(problem.groups, LAGS)
    windows = lagged.lag_windows(x, rows, LAGS)
    gram, cross = windows.T @ windows, windows.T @ problem.responses[rows]
    strength = 0.3
    found = lagged.penalised_path(gram, cross, np.eye(len(LAGS)), np.array([strength]))[0]
    alpha = strength * np.linalg.eigvalsh(gram).mean()
    field = mne.decoding.ReceptiveField(LAGS[0] / 64, LAGS[-1] / 64, 64.0, estimator=Ridge(alpha, fit_intercept=False))
    with mne.use_log_level("ERROR"):
        field.fit(x, problem.responses)
    np.testing.assert_allclose(found.T, field.coef_.reshape(3, -1), rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("kind", ["ridge_trf", "tikhonov_trf"])
def test_the_penalty_and_its_cross_validation_are_those_of_plain_loops(kind):
    """Ridge and Tikhonov as least squares with rows added for the penalty; errors fold by fold."""
    problem, _ = small(noise=8.0)
    windows = estimation.windows_of(problem)
    unit = np.repeat(problem.stimuli.std(axis=0), len(LAGS))
    step = np.eye(len(LAGS) + 1, len(LAGS)) - np.eye(len(LAGS) + 1, len(LAGS), k=-1)
    inner = np.eye(len(LAGS)) if kind == "ridge_trf" else step
    rows = np.kron(np.eye(2), inner) * unit  # penalty |rows k|^2
    inverse = np.linalg.inv(rows.T @ rows)

    def plain(x, y, strength):
        mean = np.trace(x.T @ x @ inverse) / x.shape[1]
        more = np.sqrt(strength * mean) * rows
        return np.linalg.lstsq(np.vstack([x, more]), np.vstack([y, np.zeros((len(more), y.shape[1]))]), rcond=None)[0]

    errors = []
    for strength in lagged.STRENGTHS:
        error = 0.0
        for held in group_folds(windows.groups, estimation.FOLDS):
            kept = np.setdiff1d(np.arange(len(windows.groups)), held)
            kernel = plain(windows.design[kept], windows.responses[kept], strength)
            error = error + np.square(windows.responses[held] - windows.design[held] @ kernel).sum(axis=0)
        errors.append(error)
    best = lagged.STRENGTHS[np.argmin(errors, axis=0)]
    assert len(np.unique(best)) > 1 or lagged.STRENGTHS[0] < best[0] < lagged.STRENGTHS[-1]
    expected = np.stack([plain(windows.design, windows.responses, s)[:, t] for t, s in enumerate(best)], axis=1)
    found = estimation.flatten(METHODS[kind].fit(problem))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7 * np.abs(expected).max())


def test_banded_ridge_is_ridge_for_one_band_and_ridge_on_rescaled_features_for_two():
    one, _ = small(noise=8.0, bands=[0, 0])
    moments = estimation.moments_of(estimation.windows_of(one))
    ridge = METHODS["ridge_trf"].fit(one)
    np.testing.assert_allclose(METHODS["banded_trf"].fit(one), ridge, rtol=1e-9)
    two = dataclasses.replace(one, bands=np.array([0, 1]))
    windows = estimation.windows_of(two)
    scales = METHODS["banded_trf"].banded_scales(two)
    errors = [lagged.held_out_errors(moments, lagged.unit_root(s, len(LAGS)), lagged.STRENGTHS) for s in scales]
    found = estimation.flatten(METHODS["banded_trf"].fit(two))
    for target in range(3):
        weights, strength = np.unravel_index(np.argmin([e[:, target] for e in errors]), (len(scales), 17))
        design = windows.design / np.repeat(scales[weights], len(LAGS))
        alpha = lagged.STRENGTHS[strength] * np.square(design).sum() / design.shape[1]
        model = Ridge(alpha, fit_intercept=False).fit(design, windows.responses[:, target] * 1e6)
        expected = 1e-6 * model.coef_ / np.repeat(scales[weights], len(LAGS))
        np.testing.assert_allclose(found[:, target], expected, rtol=1e-5, atol=1e-7 * np.abs(expected).max())


def test_cross_correlation_is_the_covariance_at_each_lag_and_right_for_white_stimuli():
    problem, _ = small()
    windows = estimation.windows_of(problem)
    found = METHODS["cross_correlation"].fit(problem)
    for feature, lag, target in ((0, 0, 0), (1, 4, 2)):
        column = windows.design[:, feature * len(LAGS) + lag]
        expected = np.mean(column * windows.responses[:, target]) / problem.stimuli[:, feature].var()
        assert found[feature, lag, target] == pytest.approx(expected)


def test_boosting_is_a_loop_that_tries_every_step():
    """All candidates tried on the residual itself, held-out error kept, step by step."""
    problem, _ = small(features=2, groups=4, samples=40, targets=2, noise=4.0)
    windows = estimation.windows_of(problem)
    x = windows.design / windows.design.std(axis=0)
    y = windows.responses / windows.responses.std(axis=0)
    folds = group_folds(windows.groups, 4)
    moments = lagged.Moments.of(x, y, folds)
    step, most = 0.02, 60
    for fold, held in enumerate(folds):
        kept = np.setdiff1d(np.arange(len(x)), held)
        found = METHODS["boosting"].grow(moments, fold, step, most)
        for target in range(2):
            np.testing.assert_allclose(
                found[:, target], slow_boosting(x, y[:, target], kept, held, step, most), atol=1e-12
            )


def slow_boosting(x, y, kept, held, step, most):
    kernel = best = np.zeros(x.shape[1])
    least = np.square(y[held]).sum()
    for _ in range(most):
        residual = y[kept] - x[kept] @ kernel
        tried = {
            (column, sign): np.square(residual - sign * step * x[kept, column]).sum()
            for column in range(x.shape[1]) for sign in (-1, 1)
        }  # fmt: skip
        column, sign = min(tried, key=tried.__getitem__)
        if tried[column, sign] >= np.square(residual).sum():
            break
        kernel = kernel + sign * step * np.eye(x.shape[1])[column]
        error = np.square(y[held] - x[held] @ kernel).sum()
        if error < least:
            best, least = kernel, error
    return best


def test_spectral_deconvolution_divides_discrete_fourier_transforms_and_finds_a_kernel_without_noise():
    problem, kernels = small(features=1, groups=1, samples=50, targets=1)
    auto, cross, size = METHODS["spectral"].spectra(dataclasses.replace(problem, groups=np.repeat([0, 1], 25)))
    x = problem.stimuli[:25, 0] - problem.stimuli[:25, 0].mean()
    wave = np.exp(-2j * np.pi * 3 * np.arange(25) / size)
    y = problem.responses[:25, 0] - problem.responses[:25, 0].mean()
    spread = problem.stimuli.std()
    assert auto[0, 3, 0, 0] == pytest.approx(abs(x @ wave) ** 2 / spread**2)
    assert cross[0, 3, 0, 0] == pytest.approx(np.conj(x @ wave) * (y @ wave) / spread)
    long, kernels = small(features=2, groups=10, samples=600, noise=0.0)
    found = METHODS["spectral"].fit(long)
    r = [np.corrcoef(found[f, :, t], kernels[f, :, t])[0, 1] for f in range(2) for t in range(3)]
    assert min(r) > 0.99


def test_the_finite_impulse_response_model_is_least_squares_on_filtered_columns():
    """Drifts and filter written out: every column is filtered by hand, drifts stand beside the design."""
    problem, _ = small(groups=3, samples=300)
    problem = dataclasses.replace(problem, sampling_rate=1.0, kind="blood")
    windows = estimation.windows_of(problem)
    order, columns = 2, windows.design.shape[1]
    found = prewhitening.fit_prewhitened(problem, np.eye(columns), order)
    weights = weights_by_hand(problem, windows, order)
    x, y, drifts = [], [], []
    for group in range(3):
        rows = windows.groups == group
        n = rows.sum()
        waves = np.cos(np.pi / n * (np.arange(n)[:, None] + 0.5) * np.arange(int(2 * n / 128) + 1))
        block = np.zeros((n, 3 * waves.shape[1]))
        block[:, group * waves.shape[1] : (group + 1) * waves.shape[1]] = waves
        for store, array in ((x, windows.design[rows]), (y, windows.responses[rows]), (drifts, block)):
            store.append(array[2:] - weights[0] * array[1:-1] - weights[1] * array[:-2])
    design = np.concatenate([np.concatenate(x), np.concatenate(drifts)], axis=1)
    scale = np.abs(design).max(axis=0)
    expected = np.linalg.lstsq(design / scale, np.concatenate(y), rcond=None)[0] / scale[:, None]
    np.testing.assert_allclose(found, expected[:columns], rtol=1e-5, atol=1e-8 * np.abs(found).max())


def weights_by_hand(problem, windows, order):
    """Yule-Walker from the residuals of ordinary least squares with drifts."""
    residuals = []
    waves = [prewhitening.cosine_drifts((windows.groups == g).sum(), 1.0, 128.0) for g in range(3)]
    cleaned = [np.concatenate([windows.design, windows.responses], axis=1)[windows.groups == g] for g in range(3)]
    cleaned = [rows - wave @ (wave.T @ rows) for rows, wave in zip(cleaned, waves, strict=True)]
    columns = windows.design.shape[1]
    scale = np.abs(np.concatenate(cleaned)).max(axis=0)
    both = np.concatenate(cleaned) / scale
    fit = np.linalg.lstsq(both[:, :columns], both[:, columns:], rcond=None)[0]
    residuals = np.split(both[:, columns:] - both[:, :columns] @ fit, 3)
    unit = [rows / np.std(np.concatenate(residuals), axis=0) for rows in residuals]
    r = [sum((rows[k:] * rows[: len(rows) - k]).sum() for rows in unit) for k in range(order + 1)]
    return np.linalg.solve(toeplitz(r[:-1]), r[1:])


def test_the_canonical_shapes_are_nilearns():
    """nilearn's derivative in time is a difference over .1 s."""
    fine = 0.02
    times = np.arange(0, 30, fine)
    found = METHODS["canonical_haemodynamic"].shapes(times)
    settings = {"t_r": 1.0, "oversampling": 50, "time_length": 30.0, "onset": 0.0}
    expected = [
        hemodynamic_models.glover_hrf(**settings),
        hemodynamic_models.glover_time_derivative(**settings),
        hemodynamic_models.glover_dispersion_derivative(**settings),
    ]
    for ours, theirs, least in zip(found.T, expected, (0.9999, 0.998, 0.9998), strict=True):
        assert abs(np.corrcoef(ours, theirs[: len(ours)])[0, 1]) > least


def test_the_canonical_model_declines_what_is_not_blood():
    with pytest.raises(Unsupported, match="response is that of blood"):
        METHODS["canonical_haemodynamic"].solve(small()[0], np.random.default_rng(0))


def test_the_ideal_observer_is_the_conditional_mean_of_a_joint_gaussian():
    """E[k | y] = P X' (X P X' + S)^-1 y over all groups at once, an offset being noise of great variance."""
    problem, _ = small(features=1, groups=8, samples=20, targets=2)
    rng = np.random.default_rng(1)
    half = rng.normal(size=(len(LAGS), 5)) / problem.stimuli.std() * 1e-6
    covariance = 0.6 ** np.arange(20)
    truth = Truth(
        False, np.zeros((1, len(LAGS), 2)), np.zeros((1, 2)), np.ones((1, 2), bool), covariance,
        np.full(2, 1e-12), half @ half.T,
    )  # fmt: skip
    windows = estimation.windows_of(problem)
    n = int((windows.groups == 0).sum())
    noise = 1e-12 * np.kron(np.eye(8), toeplitz(covariance[:n]) + 1e5 * np.ones((n, n)))
    x = windows.design
    expected = truth.prior @ x.T @ np.linalg.solve(x @ truth.prior @ x.T + noise, windows.responses)
    found = estimation.flatten(IDEAL.estimate(problem, truth))
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


def test_pairings_are_those_of_a_loop_and_p_is_never_too_small_by_chance():
    rng = np.random.default_rng(0)
    predicted, observed = rng.normal(size=(2, 4, 30, 3))
    found = lagged.pairing_p(predicted, observed, rng)
    for target in range(3):
        r = np.array(
            [[np.corrcoef(predicted[g, :, target], observed[h, :, target])[0, 1] for h in range(4)] for g in range(4)]
        )
        means = [np.mean([r[g, order[g]] for g in range(4)]) for order in permutations(range(4))]
        assert found[target] == pytest.approx(np.mean(np.array(means) >= means[0] - 1e-12))
    slow = np.cumsum(rng.normal(size=(2, 5, 40, 3000)), axis=2)  # random walks
    p = lagged.pairing_p(*slow, rng)
    for level in (0.01, 0.05, 0.10):
        assert (p <= level).mean() <= level + 3 * np.sqrt(level * (1 - level) / 3000)
    assert (p <= 0.05).mean() > 0.035
    assert lagged.pairing_p(observed, observed, rng).max() <= 1 / 24


def test_a_peak_between_samples_is_where_the_parabola_through_three_of_them_is_largest():
    lags = np.arange(-3, 8)
    kernels = -np.square(lags - 2.3)[None, :, None] + 30.0
    assert lagged.peak_lags(np.concatenate([kernels, -kernels]), lags) == pytest.approx(2.3)
