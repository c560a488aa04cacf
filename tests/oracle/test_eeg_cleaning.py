"""The EEG pipeline against MNE called directly, against what was planted, and against the same data in other units."""

import dataclasses

import mne
import mne_bids
import numpy as np
import pytest
from mne.preprocessing import ICA, EOGRegression

from bench.core.contract import BadInput, generator
from bench.neuro.eeg import artefacts, epochs, filtering
from bench.neuro.eeg.artefacts import numerical_rank, regression_map, unmix
from bench.neuro.eeg.bad_channels import find_bad
from bench.neuro.eeg.cleaning import clean
from bench.neuro.eeg.pipeline import make_recording, make_trials, prepare
from bench.neuro.eeg.reading import read_runs
from bench.neuro.eeg.settings import choose
from bench.neuro.recording import steps
from tests import neuro_trees
from tests.neuro_trees import EEG, LINE_HZ, RATE, TASK, positions, topography, write_eeg_tree

RECORDINGS = neuro_trees.RECORDINGS[:2]
QUICK = {"ica_samples": 10, "ica_iterations": 30}
PLAIN = choose(correction="none", rejection="none", low_hz=30.0)


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return write_eeg_tree(tmp_path_factory.mktemp("eeg"), RECORDINGS)


@pytest.fixture(scope="module")
def prepared(tree):
    return prepare(tree, "01", TASK, choose())


@pytest.fixture(scope="module")
def runs(tree):
    return read_runs(tree, "01", TASK, choose(), None)


def alike(one, other):
    """Largest difference as a share of the largest value."""
    return np.abs(one - other).max() / np.abs(other).max()


def reference_run(path):
    """The plain chain by MNE itself: notch, band-pass, average reference."""
    raw = mne.io.read_raw_brainvision(path, preload=True, verbose="error")
    raw.drop_channels(["EOG"]).set_annotations(None)
    raw.notch_filter([LINE_HZ], notch_widths=1.0, trans_bandwidth=1.0, verbose="error")
    raw.filter(0.1, 30.0, l_trans_bandwidth=0.1, h_trans_bandwidth=7.5, verbose="error")
    return raw.set_eeg_reference("average", verbose="error")


def test_the_plain_chain_is_mne_called_directly(tree):
    ours = prepare(tree, "01", TASK, PLAIN)
    raws = [reference_run(path) for path in ours.files]
    assert alike(ours.recording.values, np.hstack([raw.get_data() for raw in raws]).T) < 1e-12
    assert ours.recording.runs.tolist() == [0] * 4500 + [1] * 4500
    cut = []
    for number, raw in enumerate(raws):
        events = ours.recording.events[ours.recording.events["run"] == number]
        table = np.array([[round(onset * RATE), 0, 1] for onset in events["onset"]])
        cut.append(mne.Epochs(raw, table, tmin=-0.2, tmax=0.8, baseline=(-0.2, 0), preload=True, verbose="error"))
    assert alike(ours.trials.values, np.concatenate([one.get_data() for one in cut])) < 1e-12
    assert np.allclose(ours.trials.start, cut[0].tmin)


def test_the_recording_is_in_volts_with_positions_in_metres(prepared):
    recording = prepared.recording
    assert recording.unit == "V"
    assert 1e-6 < recording.values.std() < 2e-5
    assert recording.sites["name"].tolist() == list(EEG)
    assert set(recording.sites["kind"]) == {"eeg"}
    radius = np.linalg.norm(recording.sites[["x", "y", "z"]], axis=1)
    assert ((radius > 0.08) & (radius < 0.15)).all()


def test_the_planted_response_is_found_where_and_when_it_was_put(prepared):
    trials = prepared.trials
    target = (trials.events["trial_type"] == "target").to_numpy()
    difference = trials.values[target].mean(axis=0) - trials.values[~target].mean(axis=0)
    times = trials.start + np.arange(difference.shape[1]) / trials.sampling_rate
    site, sample = np.unravel_index(difference.argmax(), difference.shape)
    assert EEG[site] in ("Pz", "P3", "P4")
    assert abs(times[sample] - neuro_trees.PEAK) < 0.06


def test_blinks_go_and_the_rest_stays(tree, prepared):
    """What is left of the ocular channel in the frontal ones, and what unmixing changes far from the eyes."""
    table = prepared.cleaned.components.table
    assert "eye blink" in set(table.loc[table["removed"], "label"])
    untouched = prepare(tree, "01", TASK, choose(correction="none")).recording.values
    raws = [mne.io.read_raw_brainvision(path, verbose="error").get_data("EOG")[0] for path in prepared.files]
    blink = np.concatenate([eog - np.median(eog) for eog in raws])
    frontal, parietal = EEG.index("Fp1"), EEG.index("Pz")
    cleaned = prepared.recording.values
    slope = [np.polyfit(blink, values[:, frontal], 1)[0] for values in (untouched, cleaned)]
    assert abs(slope[1]) < 0.1 * abs(slope[0])
    quiet = np.abs(blink) < 2e-5
    assert np.corrcoef(untouched[quiet, parietal], cleaned[quiet, parietal])[0, 1] > 0.95


def planted(recordings):
    """The brain's part alone through the plain chain: what perfect cleaning would leave, (time, sites)."""
    made = []
    for recording in recordings:
        rng = generator("eeg tree", *recording)
        brain, _ = neuro_trees.parts(neuro_trees.onsets(rng), rng)
        raw = mne.io.RawArray(brain[: len(EEG)], mne.create_info(list(EEG), RATE, "eeg"), verbose="error")
        made.append(filtering.band_pass(raw, 0.1, 40.0).set_eeg_reference("average", verbose="error").get_data())
    return np.hstack(made).T


def test_each_correction_brings_the_data_nearer_to_what_the_brain_gave(tree, prepared):
    truth = planted(RECORDINGS)
    error = {
        name: np.square(values - truth).sum() / np.square(truth).sum()
        for name, values in (
            ("none", prepare(tree, "01", TASK, choose(correction="none")).recording.values),
            ("regression", prepare(tree, "01", TASK, choose(correction="regression")).recording.values),
            ("ica", prepared.recording.values),
        )
    }
    assert error["none"] > 1
    assert error["regression"] < 0.05  # the ocular channel of this study sees no brain: regression at its best
    assert error["ica"] < 0.1


def test_rank_is_what_was_taken_off(prepared):
    removed = int(prepared.cleaned.components.table["removed"].sum())
    assert prepared.recording.rank == len(EEG) - 1 - removed
    assert prepared.trials.rank == prepared.recording.rank
    assert np.linalg.matrix_rank(prepared.recording.values, tol=1e-9 * np.abs(prepared.recording.values).sum()) <= (
        prepared.recording.rank
    )


@pytest.mark.parametrize("correction", ["ica", "regression"])
def test_other_units_change_no_decision(runs, correction):
    settings = choose(plausible=False, correction=correction, **QUICK)
    runs, made = runs[:1], []
    for scale in (1.0, 1e-6):
        scaled = [dataclasses.replace(run, raw=run.raw.copy()) for run in runs]
        for run in scaled:
            run.raw._data *= scale
        cleaned = clean(scaled, settings, generator("test"))
        recording = make_recording(scaled, cleaned, settings, "01")
        made.append((cleaned, *make_trials(recording, settings, generator("trials"))))
    (one, trials, _, rejection, covariance), (other, trials_, _, rejection_, covariance_) = made
    assert alike(trials_.values * 1e6, trials.values) < 1e-6
    assert alike(covariance_ * 1e12, covariance) < 1e-6
    assert rejection_.bad.tolist() == rejection.bad.tolist()
    assert alike(rejection_.threshold * 1e6, rejection.threshold) < 1e-6
    assert other.provenance == one.provenance
    if one.components:
        assert other.components.table["label"].tolist() == one.components.table["label"].tolist()


def test_the_same_seed_gives_the_same_values_and_another_seed_other_weights(runs):
    one, other = (clean(runs[:1], choose(**QUICK), generator("test")) for _ in range(2))
    assert np.array_equal(one.raw.get_data("eeg"), other.raw.get_data("eeg"))
    assert one.provenance == other.provenance
    wide = filtering.band_pass(runs[0].raw, 1.0, 40.0).pick("eeg")
    few = choose(ica_samples=10, ica_iterations=3)
    first, second = (artefacts.fit(wide, len(EEG), few, generator("test", seed)).unmixing_matrix_ for seed in (0, 1))
    assert not np.allclose(first, second)


def test_the_cleaning_map_is_what_mne_applies(runs):
    """One component off by our matrix and by MNE's own `apply`."""
    wide = filtering.band_pass(runs[0].raw, 1.0, 40.0).pick("eeg")
    wide.set_eeg_reference("average", verbose="error")
    settings = choose(remove=("brain",), remove_probability=0.0, **QUICK)
    found = unmix(wide, settings, generator("test"))
    gone = np.flatnonzero(found.table["removed"])
    scaled = wide.copy()
    scaled._data *= artefacts.TYPICAL / np.median(wide.get_data().std(axis=1))
    ica = artefacts.fit(scaled, 11, settings, generator("test"))
    assert isinstance(ica, ICA)
    theirs = ica.apply(wide.copy(), exclude=list(gone), verbose="error").get_data()
    ours = found.cleaning() @ wide.get_data()
    difference = theirs - ours
    assert np.abs(difference - difference.mean(axis=1, keepdims=True)).max() < 1e-9 * np.abs(theirs).max()


def test_regression_is_that_of_mne(runs):
    wide = filtering.band_pass(runs[0].raw, 1.0, 40.0).set_eeg_reference("average", verbose="error")
    model = EOGRegression(picks="eeg", picks_artifact="eog").fit(wide)
    ours = regression_map(wide.get_data("eeg").T, wide.get_data("eog").T)
    np.testing.assert_allclose(ours, model.coef_, rtol=1e-9)


def test_a_covariance_is_theirs_where_nothing_is_shrunk(prepared):
    values = prepared.trials.values
    times = prepared.trials.start + np.arange(values.shape[2]) / RATE
    ours = epochs.noise_covariance(values, times)
    rows = values[:, :, times < 0].transpose(0, 2, 1).reshape(-1, len(EEG))
    empirical = np.cov(rows.T, bias=True)
    mix = np.trace(empirical) / len(EEG) * np.eye(len(EEG))
    share = np.linalg.norm(ours - empirical) / np.linalg.norm(mix - empirical)
    assert 0 < share < 0.1  # shrunk towards equal and independent sites, and little: there are hundreds of samples
    assert alike((1 - share) * empirical + share * mix, ours) < 1e-9


def scalp(rng):
    """(time, sites) at 125 Hz: pink sources below each site and white noise of the sensors."""
    sources = neuro_trees.pink(rng, len(EEG), 4500).T @ np.array([topography(site) for site in positions()])
    return sources + 0.1 * rng.normal(size=sources.shape)


@pytest.mark.parametrize("scale", [1.0, 1e-6, 1e-13])
def test_each_kind_of_bad_channel_is_found_and_no_good_one(scale):
    rng = generator("test", "bad channels")
    values = scalp(rng)
    values[:, 1] *= 40
    values[:, 5] = values[:, 5].std() * neuro_trees.pink(rng, 1, 4500)[0]
    values[:, 9] += 3 * values[:, 9].std() * np.sin(2 * np.pi * 45 * np.arange(4500) / RATE)
    found = find_bad(values * scale, list(EEG), RATE, choose()).set_index("name")["reason"]
    assert found.to_dict() == {"Fp2": "amplitude", "C3": "unlike every other", "Pz": "high frequencies"}


def test_no_channel_of_a_good_recording_is_bad():
    rng = generator("test", "good channels")
    for _ in range(10):
        assert not len(find_bad(scalp(rng), list(EEG), RATE, choose()))


def test_a_bad_channel_is_interpolated_as_mne_does_and_costs_a_rank(tree, tmp_path):
    path = mne_bids.BIDSPath(subject="01", session="day1", task=TASK, run="1", datatype="eeg", suffix="eeg", root=tree)
    run = read_runs(tree, "01", TASK, PLAIN, None)[0]
    run.raw.info["bads"] = ["C3"]
    cleaned = clean([run], PLAIN, generator("test"))
    theirs = reference_run(path.update(extension=".vhdr").fpath)
    theirs.set_montage("colin27_1020", verbose="error")
    theirs.info["bads"] = ["C3"]
    theirs.set_eeg_reference("average", verbose="error").interpolate_bads(reset_bads=True, verbose="error")
    theirs.set_eeg_reference("average", verbose="error")
    assert alike(cleaned.raw.get_data("eeg"), theirs.get_data("eeg")) < 1e-3  # positions in BIDS have rounded digits
    assert cleaned.rank == len(EEG) - 2
    assert not cleaned.raw.info["bads"]


def test_sampling_down_keeps_the_signal_and_never_folds_high_frequencies_back():
    rate, time = 1000.0, np.arange(20000) / 1000.0
    slow, fast = np.sin(2 * np.pi * 10 * time), np.sin(2 * np.pi * 245 * time)  # 245 Hz would come back at 5 Hz
    raw = mne.io.RawArray((slow + fast)[None] * 1e-5, mne.create_info(["Cz"], rate, "eeg"), verbose="error")
    down = filtering.sample_down(filtering.band_pass(raw, 0.5, 40.0), 250.0)
    assert down.info["sfreq"] == 250
    middle = slice(1000, -1000)  # a filter of 6.6 s has ends
    expected = 1e-5 * np.sin(2 * np.pi * 10 * down.times)
    assert alike(down.get_data()[0, middle], expected[middle]) < 0.01


def test_meg_components_are_told_by_their_ocular_and_cardiac_channels():
    """Twelve magnetometers that see brain, eyes and heart, with an ocular and a cardiac channel beside them."""
    rng = generator("test", "ocular")
    brain, noise = neuro_trees.parts(neuro_trees.onsets(rng), rng)
    heart = neuro_trees.bumps(np.arange(brain.shape[1]) / RATE, np.arange(0.5, 36, 0.83), 0.03)
    values = brain + noise + 4e-5 * np.outer([*rng.normal(size=len(EEG)), 0.0], heart)
    info = mne.create_info([*EEG, "EOG", "ECG"], RATE, ["mag"] * len(EEG) + ["eog", "ecg"])
    raw = mne.io.RawArray(np.vstack([values, heart]) * 1e-7, info, verbose="error")
    found = unmix(filtering.band_pass(raw, 1.0, 40.0), choose(datatype="meg", ica_iterations=200), generator("a"))
    told = found.table[found.table["removed"]]
    assert sorted(told["label"]) == ["eye blink", "heart beat"]
    eyes, pulse = (found.mixing[:, told.index[told["label"] == label][0]] for label in ("eye blink", "heart beat"))
    assert abs(np.corrcoef(eyes, noise[: len(EEG)] @ noise[-1])[0, 1]) > 0.95
    assert abs(np.corrcoef(pulse, values[: len(EEG)] @ (heart - heart.mean()))[0, 1]) > 0.9
    assert (found.table.loc[~found.table["removed"], "probability"] < 0.8).all()


def test_another_reference_is_what_mne_makes_of_it(runs):
    average = clean(runs[:1], PLAIN, generator("test")).raw
    mastoids = clean(runs[:1], dataclasses.replace(PLAIN, reference=("P3", "P4")), generator("test"))
    theirs = average.copy().set_eeg_reference(["P3", "P4"], verbose="error").get_data("eeg")
    assert alike(mastoids.raw.get_data("eeg"), theirs) < 1e-12
    assert mastoids.rank == len(EEG) - 1


def test_marked_and_found_channels_stand_in_one_table(runs):
    broken = dataclasses.replace(runs[0], raw=runs[0].raw.copy())
    broken.raw.info["bads"] = ["C3"]
    broken.raw._data[EEG.index("Pz")] *= 100
    bad = clean([broken, runs[1]], PLAIN, generator("test")).bad_channels
    assert bad["name"].tolist() == ["C3", "Pz"]
    assert bad["reason"].tolist() == ["marked or constant in the file", "amplitude"]
    assert bad["run"].tolist() == [0, 0]


def test_numerical_rank_counts_directions_in_any_unit():
    rng = generator("test", "rank")
    values = rng.normal(size=(500, 4)) @ rng.normal(size=(4, 7)) * np.geomspace(1e-12, 1, 7)
    assert [numerical_rank(values * scale) for scale in (1.0, 1e-15)] == [4, 4]


def test_a_run_shorter_than_its_filter_is_refused_with_the_edge_that_would_do(runs):
    short = dataclasses.replace(runs[0], raw=runs[0].raw.copy().crop(0, 20))
    with pytest.raises(BadInput, match=r"lasts 20.* needs 33 s; set high_hz to 0.17 or more"):
        clean([short], PLAIN, generator("test"))


def test_events_stay_in_seconds_when_samples_get_fewer(tree):
    coarse = prepare(tree, "01", TASK, choose(correction="none", rejection="none", low_hz=20.0, sampling_rate=62.5))
    fine = prepare(tree, "01", TASK, PLAIN)
    assert coarse.recording.sampling_rate == 62.5
    assert coarse.recording.events["onset"].tolist() == fine.recording.events["onset"].tolist()
    assert {"sampling_rate", "band_pass", "read", "rank"} <= {step["step"] for step in steps(coarse.recording)}
