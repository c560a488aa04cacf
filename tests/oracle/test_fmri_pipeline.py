"""From generated BIDS folders to planted responses: raw data are aligned, derivatives are taken as they are."""

import json

import nibabel
import numpy as np
import pandas as pd
import pytest

from bench.core.contract import BadInput
from bench.neuro.fmri import confounds, pipeline
from bench.neuro.fmri.settings import Settings, read_settings
from bench.neuro.recording import check_recording, steps
from tests import fmri_trees

SIX = {"confounds": "motion6"}
PLANTED = fmri_trees.AMPLITUDE / fmri_trees.TOP  # weight of a regressor of area 1


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    return fmri_trees.raw_tree(tmp_path_factory.mktemp("raw"))


@pytest.fixture(scope="module")
def derived(tmp_path_factory):
    return fmri_trees.derived_tree(tmp_path_factory.mktemp("derived"))


@pytest.fixture(scope="module")
def from_raw(raw):
    return pipeline.prepare(raw.root, "01", "listen", read_settings(SIX))


@pytest.fixture(scope="module")
def from_derived(derived):
    return pipeline.prepare(derived.root, "01", "listen", read_settings(SIX))


def weights(prepared, tree):
    """Mean single-trial estimate by region (rows) and condition (columns), in the order of CONDITIONS."""
    kinds, values = prepared.trials.events["trial_type"].to_numpy(), prepared.trials.values[..., 0]
    regions = [tree.regions[kind][prepared.mask] for kind in fmri_trees.CONDITIONS]
    return np.array([[values[kinds == kind][:, one].mean() for kind in fmri_trees.CONDITIONS] for one in regions])


def test_planted_responses_come_out_of_a_derivative(from_derived, derived):
    found = weights(from_derived, derived)
    np.testing.assert_allclose(found, PLANTED * np.eye(2), atol=0.15 * PLANTED)


def test_planted_responses_come_out_of_raw_data_that_moved(from_raw, raw):
    """Interpolation of a moved head smooths, so that small regions lose some of their height."""
    found = weights(from_raw, raw)
    assert (np.diag(found) > 0.7 * PLANTED).all()
    assert (np.abs(found[[0, 1], [1, 0]]) < 0.15 * PLANTED).all()


def test_uncorrected_motion_spoils_them(raw):
    still = pipeline.prepare(raw.root, "01", "listen", read_settings({"confounds": "none", "motion": "none"}))
    assert np.abs(weights(still, raw)[[0, 1], [1, 0]]).max() > 0.3 * PLANTED


def test_motion_is_found_run_by_run_and_between_runs(from_raw):
    known = np.concatenate([fmri_trees.movement("01", run) for run in (1, 2)])
    error = from_raw.motion.iloc[:, :6].to_numpy() - known
    assert (np.abs(error) * [1, 1, 1, 20, 20, 20]).max() < 0.25  # mm, at the edge of a head of 20 mm
    assert error[:, :3].std() < 0.1 * known[:, :3].std()
    first = from_raw.motion.groupby("run")["framewise_displacement"].first()
    assert (first == 0).all()


def test_the_recording_says_what_it_is(from_raw, from_derived):
    for prepared in (from_raw, from_derived):
        recording = prepared.recording
        check_recording(recording)
        assert recording.values.shape == (2 * fmri_trees.VOLUMES, prepared.mask.sum())
        assert recording.sampling_rate == 1 / fmri_trees.TR
        assert recording.time_reference == 0.5
        assert recording.unit == "percent"
        assert sorted(recording.events["run"].unique()) == [1, 2]
        np.testing.assert_array_equal(np.unique(recording.runs), [1, 2])
        assert set(recording.sites["kind"]) == {"voxel"}
    assert [from_raw.origin, from_derived.origin] == ["raw", "fMRIPrep derivative"]
    assert {one["step"] for one in steps(from_raw.recording)} >= {"correct slices", "correct motion", "regress out"}
    assert {one["step"] for one in steps(from_derived.recording)}.isdisjoint({"correct slices", "correct motion"})


def test_places_are_metres_of_the_scanner(from_derived, derived):
    mask = nibabel.load(derived.derivative("01", 1, "desc-brain_mask.nii.gz"))
    index = np.argwhere(np.asarray(mask.dataobj) > 0)[7]
    place = (mask.affine @ [*index, 1])[:3] / 1000
    np.testing.assert_allclose(from_derived.recording.sites.loc[7, ["x", "y", "z"]].to_numpy(float), place)
    assert from_derived.recording.sites.loc[7, "name"] == "_".join(map(str, index))


def test_nothing_of_the_nuisance_is_left(from_raw):
    for number, design in enumerate(from_raw.designs, start=1):
        nuisance = design.drop(columns=list(fmri_trees.CONDITIONS)).to_numpy()
        values = from_raw.recording.values[from_raw.recording.runs == number]
        scale = np.linalg.norm(nuisance, axis=0)[:, None] * np.linalg.norm(values, axis=0)
        assert (np.abs(nuisance.T @ values) < 1e-9 * scale).all()


def test_trials_are_those_of_the_events(from_derived):
    trials = from_derived.trials
    assert trials.values.shape == (16, from_derived.mask.sum(), 1)
    pd.testing.assert_frame_equal(trials.events, from_derived.recording.events)


def test_a_wrong_start_time_costs_some_of_the_planted_response(derived, from_derived, tmp_path):
    """StartTime decides: 0, which is nilearn's default, is half a volume off for slices corrected to the middle."""
    tree = fmri_trees.derived_tree(tmp_path)
    for run in (1, 2):
        path = tree.derivative("01", run, "desc-preproc_bold.json")
        path.write_text(json.dumps(json.loads(path.read_text()) | {"StartTime": 0.0}))
    wrong = pipeline.prepare(tree.root, "01", "listen", read_settings(SIX))
    assert wrong.recording.time_reference == 0.0
    height = [np.diag(weights(one, derived)).mean() for one in (wrong, from_derived)]
    assert height[0] < 0.97 * height[1]


def test_regions_are_means_of_their_voxels(derived, from_derived, tmp_path):
    labels = sum(number * tree for number, tree in enumerate(derived.regions.values(), start=3))
    fmri_trees.write_image(tmp_path / "labels.nii.gz", labels.astype(np.int16))
    chosen = {
        **SIX,
        "sites": "labels",
        "labels": str(tmp_path / "labels.nii.gz"),
        "scale": "none",
        "single_trial": "none",
    }
    regions = pipeline.prepare(derived.root, "01", "listen", read_settings(chosen))
    voxels = pipeline.prepare(
        derived.root, "01", "listen", read_settings({**SIX, "scale": "none", "single_trial": "none"})
    )
    assert list(regions.recording.sites["name"]) == ["label_3", "label_4"]
    assert set(regions.recording.sites["kind"]) == {"region"}
    for column, region in enumerate(derived.regions.values()):
        mean = voxels.recording.values[:, region[voxels.mask]].mean(axis=1)
        np.testing.assert_allclose(regions.recording.values[:, column], mean, atol=1e-6 * np.abs(mean).max())
    assert regions.trials is None


def test_coordinates_of_an_atlas_in_the_wheel_need_mni_space(derived, raw):
    chosen = read_settings({**SIX, "sites": "coordinates", "sphere_radius": 8.0})
    regions = pipeline.prepare(derived.root, "01", "listen", chosen)
    assert 1 < len(regions.recording.sites) < 264
    done = next(one for one in steps(regions.recording) if one["step"] == "choose sites")
    assert len(done["regions_without_voxel"]) + len(regions.recording.sites) == 264
    with pytest.raises(BadInput, match="MNI coordinates and its data are in the space native"):
        pipeline.prepare(raw.root, "01", "listen", chosen)


def test_24_parameters_are_those_of_the_derivative_and_of_nilearn(derived):
    from nilearn.interfaces.fmriprep import load_confounds

    bold = derived.derivative("01", 1, "desc-preproc_bold.nii.gz")
    theirs, _ = load_confounds(str(bold), strategy=("motion",), motion="full", demean=False)
    table = pd.read_csv(derived.derivative("01", 1, "desc-confounds_timeseries.tsv"), sep="\t")
    ours = confounds.expand_motion(table)
    assert set(ours) == set(theirs)
    for name in ours:
        np.testing.assert_allclose(ours[name].iloc[1:], theirs[name].iloc[1:], atol=1e-12)
        np.testing.assert_allclose(ours[name].iloc[1:], table[name].iloc[1:], atol=1e-9)


def test_bad_volumes_get_a_regressor_each_when_asked_for(derived, from_derived):
    limit = float(from_derived.motion["framewise_displacement"].quantile(0.9))
    scrubbed = pipeline.prepare(derived.root, "01", "listen", read_settings({**SIX, "displacement_limit": limit}))
    for number, design in enumerate(scrubbed.designs, start=1):
        moved = scrubbed.motion.query("run == @number")["framewise_displacement"].fillna(0).to_numpy() > limit
        assert design.filter(like="motion_outlier").shape[1] == moved.sum() > 0
        rows = scrubbed.recording.values[scrubbed.recording.runs == number][moved]
        assert np.abs(rows).max() < 1e-9 * np.abs(scrubbed.recording.values).max()


def test_volumes_before_the_steady_state_have_a_regressor_each(tmp_path):
    tree = fmri_trees.derived_tree(tmp_path)
    path = tree.derivative("01", 1, "desc-confounds_timeseries.tsv")
    table = pd.read_csv(path, sep="\t").assign(non_steady_state_outlier00=np.eye(fmri_trees.VOLUMES)[0])
    table.to_csv(path, sep="\t", index=False, na_rep="n/a")
    found = pipeline.prepare(tree.root, "01", "listen", read_settings(SIX))
    assert "non_steady_state_outlier00" in found.designs[0]
    assert np.abs(found.recording.values[0]).max() < 1e-9 * np.abs(found.recording.values).max()


def test_both_trees_are_small(raw, derived):
    sizes = [path.stat().st_size for tree in (raw, derived) for path in tree.root.rglob("*") if path.is_file()]
    assert sum(sizes) < 700_000


def test_more_nuisance_than_volumes_is_refused(derived):
    with pytest.raises(BadInput, match="nuisance regressors leave nothing of 48 volumes"):
        pipeline.prepare(derived.root, "01", "listen", Settings(high_pass=5.0))


def test_a_story_needs_no_events_and_has_no_trials(derived):
    story = pipeline.prepare(derived.root, "02", "listen", read_settings({**SIX, "events": False}))
    assert story.trials is None
    assert story.recording.events.empty
    assert len(story.recording.values) == 3 * fmri_trees.VOLUMES


def test_the_same_folder_gives_the_same_values(derived, from_derived):
    again = pipeline.prepare(derived.root, "01", "listen", read_settings(SIX))
    np.testing.assert_array_equal(again.recording.values, from_derived.recording.values)
