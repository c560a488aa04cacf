"""The generators of temporal responses meet their theory, and planted kernels come out of noiseless data."""

import dataclasses

import numpy as np
import pytest
from scipy import stats

from bench.core.catalogue import load_plugin
from bench.core.config import ROOT
from bench.core.contract import generator
from bench.kernels.lags import centre_groups, lag_windows, whole_rows
from bench.neuro.simulate import continuous
from bench.tracks.temporal_response import planting

TRACK = ROOT / "bench" / "tracks" / "temporal_response"
TASKS = {name: load_plugin(TRACK / "tasks" / f"{name}.py") for name in ("electric", "blood")}
LIVE = [(name, one) for name, task in TASKS.items() for one, facts in task.INSTANCES.items() if not facts["null"]]
LINEAR = [at for at in LIVE if at[1] not in ("gain", "compression")]
SAMPLES, RATE = 4096, 64.0
SPECTRA = {
    "envelope": continuous.envelope_spectrum(SAMPLES, RATE),
    "eeg": continuous.eeg_spectrum(SAMPLES, RATE),
    "bold": continuous.bold_spectrum(SAMPLES, 1.0),
}


def make(task, instance, seed=0, **changes):
    """A unit as the suite makes it, with a plan changed."""
    module = TASKS[task]
    design = module.DESIGNS[instance]
    changed = {instance: dataclasses.replace(design, plan=dataclasses.replace(design.plan, **changes))}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "DESIGNS", module.DESIGNS | changed)
        return module.generate(instance, seed, generator("test", instance, seed), None)


def regress(problem):
    """Kernels by a plain least-squares fit."""
    rows = whole_rows(problem.groups, problem.lags)
    design = centre_groups(lag_windows(problem.stimuli, rows, problem.lags), problem.groups[rows])
    responses = centre_groups(problem.responses[rows], problem.groups[rows])
    unit = design.std(axis=0)
    found = np.linalg.lstsq(design / unit, responses / responses.std(axis=0), rcond=1e-9)[0]
    return (found / unit[:, None] * responses.std(axis=0)).reshape(problem.stimuli.shape[1], len(problem.lags), -1)


@pytest.mark.parametrize("name", SPECTRA)
def test_series_have_the_periodogram_and_the_autocovariance_that_their_spectrum_states(name):
    spectrum = SPECTRA[name]
    series = continuous.draw_series(spectrum, SAMPLES, 400, np.random.default_rng(0))
    periodogram = np.square(np.abs(np.fft.rfft(series, axis=0))) / SAMPLES
    seen = spectrum > 1e-9
    ratio = periodogram[seen].mean(axis=1) / spectrum[seen]
    assert ratio.mean() == pytest.approx(1, abs=0.01)
    assert np.abs(ratio - 1).max() < 6 * np.sqrt(2 / 400)  # one real draw at the ends, two elsewhere
    assert series.var() == pytest.approx(1, abs=0.02)
    theory = continuous.autocovariance(spectrum, SAMPLES)
    for distance in (1, 5, 40):
        assert np.mean(series[distance:] * series[:-distance]) == pytest.approx(theory[distance], abs=0.03)


def test_envelopes_and_eeg_fall_as_1_over_f_and_eeg_has_a_rhythm_at_10_hz():
    frequencies = np.fft.rfftfreq(SAMPLES, 1 / RATE)
    at = {hertz: int(np.argmin(np.abs(frequencies - hertz))) for hertz in (1, 2, 6, 10, 14, 24)}
    envelope, eeg = SPECTRA["envelope"], SPECTRA["eeg"]
    assert envelope[at[1]] / envelope[at[2]] == pytest.approx(2, rel=0.01)
    assert envelope[at[24]] < 0.01 * envelope[at[2]]
    assert envelope[0] == 0
    assert eeg[at[1]] / eeg[at[2]] == pytest.approx(2, rel=0.02)
    assert eeg[at[10]] > 3 * (eeg[at[6]] + eeg[at[14]]) / 2


def test_bold_noise_is_a_first_order_process_beside_drift():
    white = continuous.normalise(np.ones(513), 1024)
    assert continuous.autocovariance(white, 1024)[0] == pytest.approx(1)
    spectrum = continuous.bold_spectrum(1024, 1.0)
    drift = spectrum - 0.8 * continuous.normalise(
        1 / np.abs(1 - 0.4 * np.exp(-2j * np.pi * np.fft.rfftfreq(1024))) ** 2, 1024
    )
    assert continuous.autocovariance(drift, 1024)[0] == pytest.approx(0.2)
    assert drift[np.fft.rfftfreq(1024) > 0.1].max() < 1e-3 * drift.max()


def test_onsets_keep_their_rate_and_their_shortest_interval_and_start_anywhere():
    rng = np.random.default_rng(1)
    draws = [continuous.draw_onsets(100.0, 0.15, 2.8, rng) for _ in range(40)]
    gaps = np.concatenate([np.diff(draw) for draw in draws])
    assert gaps.min() >= 0.15
    assert stats.kstest(gaps - 0.15, "expon", args=(0, 1 / 2.8 - 0.15)).pvalue > 1e-3
    assert np.mean([len(draw) for draw in draws]) == pytest.approx(280, rel=0.02)
    first = continuous.impulses(np.array([0.0, 1.26]), np.array([1.0, 2.0]), 128, 64.0)
    assert (first[0], first[81], first.sum()) == (1, 2, 3)


@pytest.mark.parametrize(("task", "instance"), LIVE)
def test_signal_and_noise_have_the_stated_ratio_of_variances(task, instance):
    plan = TASKS[task].DESIGNS[instance].plan
    loud, soft = make(task, instance, snr=1e6)[0], make(task, instance)[0]
    signal = loud.responses * np.sqrt(plan.snr / 1e6)
    noise = soft.responses - signal
    assert noise.std() / plan.scale == pytest.approx(1, abs=0.1)
    np.testing.assert_allclose(signal.var(axis=0) / plan.scale**2, plan.snr, rtol=0.01)


@pytest.mark.parametrize(("task", "instance"), LINEAR)
def test_the_planted_kernels_come_out_of_a_regression_without_noise(task, instance):
    """Second route to the truth: what the problem's own arrays say."""
    problem, truth = make(task, instance, snr=1e14)
    found = regress(problem)
    size = np.abs(truth.kernels).max(axis=(0, 1))
    assert np.abs(found - truth.kernels)[:, problem.lags < 0].max(initial=0) < 0.05 * size.max()
    np.testing.assert_allclose(found / size, truth.kernels / size, atol=0.05)


@pytest.mark.parametrize("instance", ["gain", "compression"])
def test_behind_a_distortion_the_truth_is_the_kernel_that_a_long_regression_finds(instance):
    """Closed forms (mean of a log-normal gain; Bussgang) against simulation."""
    problem, truth = make("electric", instance, snr=1e6, groups=20, samples=6400, targets=4)
    rows = whole_rows(problem.groups, problem.lags)
    signal = lag_windows(problem.stimuli, rows, problem.lags) @ truth.kernels.reshape(-1, 4)
    responses = problem.responses[rows]
    slope = (signal * responses).sum(axis=0) / np.square(signal).sum(axis=0)
    np.testing.assert_allclose(slope, 1, atol=0.06)
    rest = responses - signal
    windows = lag_windows(problem.stimuli, rows, problem.lags[::4])
    r = [np.corrcoef(column, rest[:, 0])[0, 1] for column in windows.T]
    assert np.abs(r).max() < 0.05  # nothing linear is left


@pytest.mark.parametrize(("task", "instance"), [at for at in LIVE if at[1] != "brief"])
def test_the_stated_peaks_are_those_of_finely_sampled_kernels(task, instance):
    """The same kernels 8 times as fine: the largest sample lies within a fine sample of the stated peak."""
    module = TASKS[task]
    design = module.DESIGNS[instance]
    fine = dataclasses.replace(
        design.plan, sampling_rate=8 * design.plan.sampling_rate, lags=(0, 8 * design.plan.lags[1])
    )
    planted = module.draw_planted(dataclasses.replace(design, plan=fine), 6, np.random.default_rng(3))
    largest = np.abs(planted.kernels).argmax(axis=1) / fine.sampling_rate
    late = np.abs(largest - planted.peaks)[planted.acts]
    assert late.max() <= 0.5 / fine.sampling_rate + 0.02 * (task == "blood") + 1e-4
    assert planted.peaks[planted.acts].min() > 0


def test_brief_bumps_peak_at_the_sample_where_they_stand():
    problem, truth = make("electric", "brief")
    largest = problem.lags[np.abs(truth.kernels).argmax(axis=1)] / problem.sampling_rate
    np.testing.assert_allclose(largest, truth.peaks, atol=1e-3)


def test_null_units_hold_noise_alone():
    for task, instance in (("electric", "null_trials"), ("blood", "null_events")):
        problem, truth = make(task, instance)
        assert truth.null
        assert not truth.acts.any()
        assert not truth.kernels.any()
        assert problem.responses.std() == pytest.approx(TASKS[task].DESIGNS[instance].plan.scale, rel=0.1)


def test_what_came_before_a_group_acts_on_its_first_samples():
    plan = dataclasses.replace(TASKS["electric"].DESIGNS["words"].plan, groups=2, samples=40, snr=1.0)
    shown, groups = plan.shown()
    assert shown[0] == plan.gap
    assert shown[40] - shown[39] == plan.gap + 1
    np.testing.assert_array_equal(groups, np.repeat([0, 1], 40))
    stimuli = np.zeros((plan.length, 1))
    stimuli[plan.gap - 3] = 1
    kernels = np.arange(1.0, 6).reshape(1, 5, 1)
    assert planting.drive(stimuli, kernels)[plan.gap, 0] == pytest.approx(4)
