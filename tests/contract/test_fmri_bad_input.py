"""A fault of a subject is one sentence with subject, file and remedy; settings and preflight refuse likewise."""

import ast
import inspect
import itertools
import json
import shutil

import numpy as np
import pandas as pd
import pytest

from bench.core.contract import BadInput
from bench.neuro.fmri import layout, pipeline, preflight, settings
from bench.neuro.fmri.settings import Settings, read_settings
from bench.neuro.recording import steps
from tests import fmri_trees

SIX = read_settings({"confounds": "motion6"})


@pytest.fixture
def derived(tmp_path):
    return fmri_trees.derived_tree(tmp_path)


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    return fmri_trees.raw_tree(tmp_path_factory.mktemp("raw"))


@pytest.fixture
def change(raw, tmp_path):
    """A copy of the raw tree with one thing broken."""

    def change(what, *arguments):
        shutil.copytree(raw.root, tmp_path / "tree")
        tree = fmri_trees.Tree(tmp_path / "tree", raw.brain, raw.regions)
        what(tree, *arguments)
        return tree

    return change


def write_sidecar(tree, **facts):
    path = tree.root / "task-listen_bold.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | facts))


def nan_voxels(tree):
    image = fmri_trees.nibabel.load(tree.bold("01", 1))
    values = np.asarray(image.dataobj).astype(np.float32)
    values[6, 7, 5, 3] = np.nan
    fmri_trees.write_image(tree.bold("01", 1), values)


def no_time(tree):
    (tree.root / "task-listen_bold.json").unlink()
    fmri_trees.write_image(tree.bold("01", 1), np.asarray(fmri_trees.nibabel.load(tree.bold("01", 1)).dataobj), 0.0)


FAULTS = [
    ("wrong_header", "03", ["run-1_bold.nii.gz", "2 s in its header and 2.5 s in its sidecar", "correct the one"]),
    ("empty_events", "02", ["run-2_events.tsv holds no event", "leave the run out"]),
    ("cut_short", "01", ["run-2_bold.nii.gz cannot be read as NIfTI", "copy or convert it again"]),
    ("late_events", "01", ["run-1_events.tsv has an event at 130 s", "lasts 120 s", "give the run its own events"]),
]


@pytest.mark.parametrize(("fault", "subject", "says"), FAULTS)
def test_a_broken_subject_is_named_with_file_and_remedy_and_others_go_on(change, fault, subject, says):
    tree = change(fmri_trees.BREAKS[fault])
    with pytest.raises(BadInput, match=f"subject {subject}") as refusal:
        pipeline.prepare(tree.root, subject, "listen", SIX)
    assert all(words in str(refusal.value) for words in says)
    sound = next(name for name in ("03", "01") if name != subject)
    assert preflight.inspect(tree.root, sound, "listen", SIX).runs["volumes"].tolist() == [48, 48]


@pytest.mark.parametrize(
    ("what", "says"),
    [
        (nan_voxels, "run-1_bold.nii.gz has NaN or infinite values in 1 of 1680 voxels"),
        (no_time, "has no repetition time; write RepetitionTime"),
        (lambda tree: tree.events("01", 1).unlink(), "has no events file; add one"),
        (lambda tree: tree.events("01", 1).write_text(""), "run-1_events.tsv is empty"),
        (lambda tree: tree.events("01", 1).write_text("onset\tkind\n1\ta\n"), "has no column duration"),
        (lambda tree: tree.events("01", 1).write_text("onset\tduration\n1\tlong\n"), "no number of seconds in row 2"),
        (
            lambda tree: tree.events("01", 1).write_text("onset\tduration\ttrial_type\n1\t1\tn/a\n"),
            "no trial_type in row 2",
        ),
        (
            lambda tree: write_sidecar(tree, RepetitionTime="2.5 s"),
            "is '2.5 s' in its sidecar; give a number of seconds",
        ),
        (lambda tree: write_sidecar(tree, VolumeTiming=[0.0, 5.0]), "volumes that are not evenly spaced"),
        (lambda tree: write_sidecar(tree, SliceTiming=[0, 1]), "SliceTiming has 2 entries for 10 slices"),
        (lambda tree: (tree.root / "task-listen_bold.json").write_text("{"), "is not valid JSON"),
        (lambda tree: tree.bold("01", 1).write_bytes(b"no image"), "run-1_bold.nii.gz cannot be read as NIfTI"),
        (
            lambda tree: tree.bold("01", 1).rename(tree.func("01") / "sub-01_task-listen_run-02_acq-b_bold.nii.gz"),
            "are both run 2; keep one of them",
        ),
        (
            lambda tree: tree.bold("01", 1).rename(tree.func("01") / "sub-01_task-listen_run-1_echo-1_bold.nii.gz"),
            "is one echo of several",
        ),
    ],
)
def test_every_other_fault_of_raw_files_is_one_sentence(change, what, says):
    tree = change(what)
    with pytest.raises(BadInput, match="subject 01") as refusal:
        pipeline.prepare(tree.root, "01", "listen", SIX)
    assert says in str(refusal.value)
    assert "\n" not in str(refusal.value)


def shorter_mask(tree):
    fmri_trees.write_image(tree.derivative("01", 1, "desc-brain_mask.nii.gz"), np.ones((3, 3, 3), np.uint8))


def fewer_confounds(tree):
    path = tree.derivative("01", 1, "desc-confounds_timeseries.tsv")
    pd.read_csv(path, sep="\t").iloc[:40].to_csv(path, sep="\t", index=False)


def unknown_motion(tree):
    path = tree.derivative("01", 1, "desc-confounds_timeseries.tsv")
    table = pd.read_csv(path, sep="\t")
    table.loc[3, "rot_x"] = np.nan
    table.to_csv(path, sep="\t", index=False, na_rep="n/a")


def second_space(tree):
    path = tree.derivative("01", 1, "desc-preproc_bold.nii.gz")
    (path.parent / path.name.replace("MNI152NLin2009cAsym", "T1w")).write_bytes(path.read_bytes())


@pytest.mark.parametrize(
    ("what", "says"),
    [
        (shorter_mask, "has shape (3, 3, 3), its volumes (12, 14, 10)"),
        (fewer_confounds, "has 40 rows for 48 volumes"),
        (unknown_motion, "rot_x is not known in every volume"),
        (second_space, "in the spaces MNI152NLin2009cAsym, T1w; set `space`"),
        (lambda tree: tree.derivative("01", 1, "desc-brain_mask.nii.gz").unlink(), "lacks sub-01_task-listen_run-1"),
    ],
)
def test_faults_of_a_derivative_are_one_sentence(derived, what, says):
    what(derived)
    with pytest.raises(BadInput, match="subject 01") as refusal:
        pipeline.prepare(derived.root, "01", "listen", SIX)
    assert says in str(refusal.value)


def test_a_subject_without_a_folder_is_known_by_name_and_refused(raw):
    assert layout.subjects(raw.root) == ["01", "02", "03", "04"]
    with pytest.raises(BadInput, match=r"subject 04: no folder .*those with one are 01, 02, 03"):
        pipeline.prepare(raw.root, "04", "listen", SIX)
    with pytest.raises(BadInput, match="subject 01: no BOLD image of task rest"):
        pipeline.prepare(raw.root, "01", "rest", SIX)


def test_sessions_are_chosen_by_the_user(tmp_path):
    for session in ("a", "b"):
        folder = tmp_path / "sub-01" / f"ses-{session}" / "func"
        folder.mkdir(parents=True)
        (folder / f"sub-01_ses-{session}_task-x_bold.nii.gz").touch()
    with pytest.raises(BadInput, match="has the sessions a, b; name one"):
        layout.find_runs(tmp_path, "01", "x", Settings())
    runs = layout.find_runs(tmp_path, "01", "x", Settings(), "b")
    assert [run.bold.name for run in runs] == ["sub-01_ses-b_task-x_bold.nii.gz"]


def test_metadata_are_inherited_and_the_nearest_file_wins(raw, change):
    tree = change(lambda tree: None)
    near = tree.bold("01", 1).with_name("sub-01_task-listen_run-1_bold.json")
    near.write_text('{"EchoTime": 0.03, "TaskName": "other"}')
    runs = layout.find_runs(tree.root, "01", "listen", Settings())
    assert [run.sidecar["TaskName"] for run in runs] == ["other", "listen"]
    assert all(run.sidecar["RepetitionTime"] == 2.5 for run in runs)
    assert "EchoTime" not in runs[1].sidecar


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"hig_pass": 100.0}, "'hig_pass' is not known; did you mean high_pass"),
        ({"motion": "mcflirt"}, "fMRI setting motion: 'mcflirt' is not known"),
        ({"high_pass": 0.0}, "high_pass is 0.0; give a number above 0"),
        ({"smoothing": -1.0}, "smoothing is -1.0; give a number of at least 0"),
        ({"events": "yes"}, "events is 'yes'; give a bool"),
        ({"sites": "labels", "labels": "nowhere.nii"}, "'nowhere.nii', which is no file"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(given, says):
    with pytest.raises(BadInput) as refusal:
        read_settings(given)
    assert says in str(refusal.value)


def test_every_default_has_its_reason():
    body = next(node for node in ast.parse(inspect.getsource(settings)).body if isinstance(node, ast.ClassDef)).body
    for field, reason in itertools.pairwise(body):
        if isinstance(field, ast.AnnAssign):
            assert isinstance(reason, ast.Expr), f"{field.target.id} has no reason"


def test_preflight_counts_runs_repeats_and_judges_schemes(raw):
    found = preflight.inspect(raw.root, "02", "listen", SIX)
    assert found.runs["number"].tolist() == [1, 2, 3]
    assert found.repeats.to_numpy().tolist() == [[4, 4, 4], [4, 4, 4]]
    assert found.missing == []
    for scheme in ("leave_one_run_out", "leave_one_run_out_by_condition", "split_half", "inter_subject"):
        preflight.require(found, scheme)
    with pytest.raises(BadInput, match="shuffled is not valid: neighbouring volumes share"):
        preflight.require(found, "shuffled")
    with pytest.raises(BadInput, match="blocks is not valid: a run lasts 120 s"):
        preflight.require(found, "blocks")


def test_preflight_says_what_is_missing(change):
    def less(tree):
        path = tree.root / "task-listen_bold.json"
        path.write_text('{"RepetitionTime": 2.5}')
        tree.bold("02", 2).unlink()

    found = preflight.inspect(change(less).root, "02", "listen", SIX)
    assert [line.split(":")[0] for line in found.missing] == ["SliceTiming", "run 2"]
    assert found.runs["time_reference"].tolist() == [0.5, 0.5]


def test_a_condition_may_be_called_null(derived):
    fmri_trees.events_table("01", 1).replace({"tone": "null"}).to_csv(derived.events("01", 1), sep="\t", index=False)
    assert preflight.inspect(derived.root, "01", "listen", SIX).repeats[1].to_dict() == {
        "null": 4,
        "tone": 0,
        "word": 4,
    }


def test_a_survey_names_who_cannot_be_prepared_and_goes_on(change):
    tree = change(fmri_trees.empty_events)
    fmri_trees.wrong_header(tree)
    found = preflight.survey(tree.root, "listen", SIX)
    assert [one.subject for one in found.sound] == ["01"]
    assert {subject: words.split(":")[0] for subject, words in found.refused.items()} == {
        subject: f"subject {subject}" for subject in ("02", "03", "04")
    }


def test_an_event_after_the_last_volume_has_no_estimate(derived):
    table = fmri_trees.events_table("01", 1)
    table.loc[7, "onset"] = 119.5
    table.to_csv(derived.events("01", 1), sep="\t", index=False)
    with pytest.raises(BadInput, match=r"subject 01, run 1: nothing of the response to the event at 119.5 s"):
        pipeline.prepare(derived.root, "01", "listen", SIX)


def test_a_raw_run_without_a_derivative_is_left_out_and_named(raw, derived):
    for run in (1, 2, 3):
        shutil.copyfile(raw.bold("02", run), derived.bold("02", run))
    for path in derived.func("02", derived=True).glob("*run-3*"):
        path.unlink()
    found = preflight.inspect(derived.root, "02", "listen", SIX)
    assert found.runs["derived"].tolist() == [True, True]
    assert found.missing == ["derivative of sub-02_task-listen_run-3_bold.nii.gz: the run is left out"]


def test_the_only_session_need_not_be_named_and_is_kept_in_names(raw, tmp_path):
    folder = tmp_path / "sub-01" / "ses-a" / "func"
    folder.mkdir(parents=True)
    (tmp_path / "task-listen_bold.json").write_text('{"RepetitionTime": 2.5}')
    for path, ending in ((raw.bold("01", 1), "bold.nii.gz"), (raw.events("01", 1), "events.tsv")):
        shutil.copyfile(path, folder / f"sub-01_ses-a_task-listen_{ending}")
    quick = read_settings({"confounds": "none", "motion": "none", "smoothing": 6.0})
    found = pipeline.prepare(tmp_path, "01", "listen", quick)
    assert found.session == "a"
    assert found.sources[0] == "sub-01/ses-a/func/sub-01_ses-a_task-listen_bold.nii.gz"
    done = [one["step"] for one in steps(found.recording)]
    assert done == ["leave slices", "leave motion", "smooth", "regress out", "scale", "choose sites"]


@pytest.mark.parametrize(
    ("counts", "scheme", "reason"),
    [
        ({1: [2, 1]}, "leave_one_run_out", "there is one run"),
        ({1: [2, 2], 2: [2, 0]}, "leave_one_run_out_by_condition", "condition b occurs in one run"),
        ({1: [2, 0], 2: [2, 1]}, "corrected_explained_variance", "condition b occurs once"),
        ({1: [2, 1], 2: [2, 2]}, "split_half", "condition b has 3 repeats, which make no equal halves"),
    ],
)
def test_a_scheme_that_the_counts_do_not_bear_is_not_valid(counts, scheme, reason):
    repeats = pd.DataFrame(counts, index=["a", "b"])
    runs = pd.DataFrame({"number": list(counts), "duration": 400.0})
    judged = preflight.judge_folds(runs, repeats) | preflight.judge_ceilings(repeats, 2)
    assert judged[scheme].startswith(reason)
