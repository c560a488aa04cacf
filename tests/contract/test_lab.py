"""A lab's folder from end to end: prepared, fitted, shown; what is wrong with one subject stays with that subject."""

import json
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench import cli
from bench.core import store
from bench.core.contract import BadInput
from bench.lab.features import read_model
from bench.lab.participant import find_datatype
from bench.lab.settings import Encoding, encoding, read_settings
from bench.neuro.recording import Recording
from leaderboard import site
from tests import fmri_trees, neuro_trees
from tests.lab_recordings import KINDS, made_recording

TABLE = "trial_type\tfirst\tsecond\n{0}\t1\t0\n{1}\t0\t1\n"


def write_model(folder, kinds, text="table: features.tsv\n", name="model.yaml"):
    folder.mkdir(exist_ok=True)
    (folder / "features.tsv").write_text(TABLE.format(*kinds))
    (folder / name).write_text(text)
    return folder / name


def lab(*arguments):
    """The command; its exit status."""
    try:
        cli.main(["lab", *map(str, arguments)])
    except SystemExit as end:
        return end.code
    return 0


@pytest.fixture(scope="module")
def fmri(tmp_path_factory):
    """Three subjects, one of which has an events file without a row; a fourth is in participants.tsv alone."""
    root = tmp_path_factory.mktemp("fmri")
    tree = fmri_trees.derived_tree(root / "bids")
    fmri_trees.empty_events(tree)
    (tree.root / "participants.tsv").write_text("participant_id\nsub-01\nsub-02\nsub-03\nsub-04\n")
    write_model(root / "model", fmri_trees.CONDITIONS)
    (root / "settings.yaml").write_text(
        "preprocessing: {confounds: motion6, single_trial: none}\nencoding: {permutations: 59, draws: 2}\n"
    )
    given = ("--task", "listen", "--settings", root / "settings.yaml")
    status = lab(tree.root, root / "out", "participant", *given)
    assert lab(tree.root, root / "out", "group", *given, "--features", root / "model" / "model.yaml") == 0
    return tree, root, status


@pytest.fixture(scope="module")
def card(fmri):
    return json.loads((fmri[1] / "out" / "lab" / "task-listen_card.json").read_text())


def test_bad_subjects_are_named_and_the_others_run(fmri, card):
    _, root, status = fmri
    assert status == 0
    assert [one["subject"] for one in card["recordings"]] == ["01", "03"]
    assert re.search("subject 02: .*run-2_events.tsv", card["skipped"]["sub-02"])
    assert "subject 04: no folder" in card["skipped"]["sub-04"]
    page = (root / "out" / "lab" / "task-listen.html").read_text()
    assert "2 recordings of 2 subjects, 2 skipped" in page


def test_significant_sites_are_those_where_a_response_was_planted(fmri):
    tree, root, _ = fmri
    table = pd.read_csv(root / "out" / "lab" / "task-listen_sites.tsv", sep="\t", dtype={"subject": str})
    found = table[table["p"] < 0.05]
    planted = np.logical_or.reduce(list(tree.regions.values()))
    inside = [planted[tuple(int(part) for part in name.split("_"))] for name in found["name"]]
    assert len(found) >= 10
    assert np.mean(inside) == 1


def test_the_model_beats_noise_and_a_recoding_of_it_is_as_good(card):
    for one in card["recordings"]:
        assert one["raw"] > max(one["scores"]["noise features"]) + 0.02
        assert abs(one["raw"] - np.mean(one["scores"]["random vectors"])) < 0.02
        assert one["p"] == pytest.approx(1 / 60)


def test_what_the_data_do_not_determine_is_said(fmri, card):
    assert all(one["ceiling"]["value"] is None for one in card["recordings"])
    page = (fmri[1] / "out" / "lab" / "task-listen.html").read_text()
    assert "no stimulus sequence was shown in two runs" in page
    assert "no interval: 2 subjects, and it takes 3" in page


def test_the_page_needs_nothing_from_elsewhere(fmri):
    text = (fmri[1] / "out" / "lab" / "task-listen.html").read_text()
    assert "<script" not in text
    assert not re.findall(r'(?:src|href)="(?!data:image/png)', text)


def test_results_are_private_and_the_leaderboard_refuses_them(fmri, card):
    folder = fmri[1] / "out" / "lab"
    lines = [json.loads(line) for line in (folder / "task-listen_records.jsonl").read_text().splitlines()]
    assert card["private"] is True
    assert {line["private"] for line in lines} == {True}
    assert "Private" in (folder / "task-listen.html").read_text()
    with pytest.raises(BadInput, match="marked private"):
        site.build(folder / "task-listen_records.jsonl", folder / "task-listen_card.json", folder / "page")


def test_the_output_is_a_derivative_that_reads_back(fmri):
    out = fmri[1] / "out"
    assert json.loads((out / "dataset_description.json").read_text())["DatasetType"] == "derivative"
    told = json.loads((out / "lab" / "sub-01_task-listen.json").read_text())
    recording = store.read(Recording, out / told["recording"])
    assert recording.subject == "01"
    assert (out / told["report"]).is_file()


def test_a_second_run_gives_the_same_bytes(fmri):
    tree, root, _ = fmri
    names = ("task-listen_card.json", "task-listen_sites.tsv", "task-listen.html")
    before = [(root / "out" / "lab" / name).read_bytes() for name in names]
    given = ("--task", "listen", "--settings", root / "settings.yaml", "--features", root / "model" / "model.yaml")
    assert lab(tree.root, root / "out", "group", *given) == 0
    assert [(root / "out" / "lab" / name).read_bytes() for name in names] == before


def test_where_no_subject_goes_through_the_status_is_one(fmri, tmp_path, capsys):
    given = (fmri[0].root, tmp_path, "participant", "--task", "listen", "--participant-label", "02", "04")
    assert lab(*given) == 1
    assert "0 of 2 recordings prepared, 2 skipped" in capsys.readouterr().out
    assert lab(*given, "--keep-going") == 0
    assert lab(tmp_path, tmp_path, "group", "--task", "listen", "--features", fmri[1] / "model" / "model.yaml") == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("participant", "--task", "sing"), "no recording of task 'sing'"),
        (("participant", "--task", "listen", "--participant-label", "7"), "'7' is not known"),
        (("group", "--task", "listen"), "needs --features"),
        (("group", "--task", "listen", "--features", "nowhere.yaml"), "nothing was prepared"),
    ],
)
def test_bad_arguments_end_with_a_sentence_and_status_two(fmri, arguments, message, tmp_path, capsys):
    assert lab(fmri[0].root, tmp_path, *arguments) == 2
    assert message in capsys.readouterr().err


def test_eeg_of_uneven_sessions_and_an_empty_events_file(tmp_path):
    """Two sessions of one subject, one of another, and a third whose events file has no row; no ICA, to be fast."""
    root = neuro_trees.write_eeg_tree(tmp_path / "bids")
    model = write_model(tmp_path / "model", ("target", "standard"))
    (tmp_path / "settings.yaml").write_text(
        "preprocessing: {correction: none, rejection: none, low_hz: 10}\n"
        "encoding: {rate: 25, permutations: 20, draws: 2}\n"
    )
    given = ("--task", neuro_trees.TASK, "--settings", tmp_path / "settings.yaml")
    assert lab(root, tmp_path / "out", "participant", *given) == 0
    assert lab(root, tmp_path / "out", "group", *given, "--features", model) == 0
    told = json.loads((tmp_path / "out" / "lab" / f"task-{neuro_trees.TASK}_card.json").read_text())
    names = [(one["subject"], one["session"], one["folds"]) for one in told["recordings"]]
    blocks = "4 contiguous blocks with gaps of 1.6 s"
    assert names == [("01", "day1", "leave one run out"), ("01", "day2", blocks), ("02", "day1", blocks)]
    assert list(told["skipped"]) == ["sub-03_ses-day1"]
    assert {one["sampling_rate_hz"] for one in told["recordings"]} == {25.0}
    assert told["means"]["model"]["draws"] == 2  # subjects, not sessions


def place(out, recording, session=None):
    """A recording as the participant level would have left it."""
    folder = out / f"sub-{recording.subject}"
    store.write(recording, folder / "recording")
    told = {
        "private": True, "subject": recording.subject, "session": session, "task": "made", "datatype": "eeg",
        "recording": f"sub-{recording.subject}/recording", "report": None, "reason": "",
    }  # fmt: skip
    (out / "lab").mkdir(exist_ok=True)
    (out / "lab" / f"sub-{recording.subject}_task-made.json").write_text(json.dumps(told))


@pytest.fixture
def repeated(tmp_path):
    """Three subjects with three runs of the same events: the ceiling is determined, and planted."""
    for subject in ("01", "02", "03"):
        place(tmp_path, made_recording(repeated=True, subject=subject))
    return tmp_path


FAST = "encoding: {lag: 0.3, permutations: 39, draws: 2}\n"


def made_group(out, model):
    (out / "settings.yaml").write_text(FAST)
    given = ("--task", "made", "--features", model, "--settings", out / "settings.yaml")
    status = lab(out, out, "group", *given)
    return status, out / "lab" / "task-made_card.json"


def test_with_repeats_the_card_has_a_ceiling_and_a_normalised_score(repeated):
    status, path = made_group(repeated, write_model(repeated / "model", KINDS))
    assert status == 0
    told = json.loads(path.read_text())
    for one in told["recordings"]:
        assert one["ceiling"]["low"] < 0.5 < one["ceiling"]["high"]  # half of the sites at a reliability of one half
        assert one["normalised"] == pytest.approx(one["raw"] / one["ceiling"]["value"])
    assert told["means"]["model"]["low"] is not None
    assert told["model_less_control"]["noise features"]["p_adjusted"] < 0.05
    table = pd.read_csv(repeated / "lab" / "task-made_sites.tsv", sep="\t")
    responding = table["name"].isin(["s0", "s1"])
    assert table.loc[responding, "reliability"].mean() == pytest.approx(0.5, abs=0.1)
    assert (table.loc[responding, "normalised"].mean() > 0.85) & (table.loc[responding, "p"] < 0.05).all()


def test_a_module_has_a_row_a_layer_and_random_weights_beside(repeated):
    (repeated / "model").mkdir()
    (repeated / "model" / "inputs.tsv").write_text("trial_type\tsize\tedges\nlow\t1\t0\nhigh\t-1\t2\n")
    text = "module: tests.lab_modules:made\ninputs: inputs.tsv\nlayers: ['0', '2']\nprecision: float16\ncomponents: 1\n"
    status, path = made_group(repeated, write_model(repeated / "model", KINDS, text))
    assert status == 0
    told = json.loads(path.read_text())
    names = {"model", "layer 0", "layer 2", "random weights", "random vectors", "surface", "noise features"}
    assert set(told["recordings"][0]["scores"]) == names
    assert told["model"]["precision"] == "float16"
    assert len(told["recordings"][0]["scores"]["random weights"]) == 2


def test_a_recording_whose_stimuli_the_table_lacks_is_skipped_and_the_others_are_analysed(repeated):
    odd = made_recording(repeated=True, subject="04")
    odd.events.loc[3, "trial_type"] = "middle"
    place(repeated, odd)
    status, path = made_group(repeated, write_model(repeated / "model", KINDS))
    assert status == 0
    assert "no row for stimulus 'middle'" in json.loads(path.read_text())["skipped"]["sub-04"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("stimulus: trial_type\n", "names no model; give exactly one of"),
        ("table: features.tsv\ntext: some\n", "names table and text"),
        ("table: features.tsv\nlayer: [1]\n", "'layer' is not known; did you mean layers"),
        ("table: features.tsv\nlayers: [fourth]\n", "layer 'fourth' does not exist; this model has table"),
        ("table: features.tsv\nwords: nowhere.tsv\n", "cannot be read as a table"),
        ("table: nowhere.tsv\n", "cannot be read as a table"),
        ("text: no-such-model\n", "neither a folder nor in the cache"),
        ("module: tests.lab_modules:made\n", "needs `inputs`"),
        ("- table\n", "holds list, not names with values"),
        ("table: [\n", "cannot be read as YAML"),
    ],
)
def test_a_model_file_that_cannot_be_used_is_refused(text, message, tmp_path):
    with pytest.raises(BadInput, match=message):
        read_model(write_model(tmp_path, KINDS, text))


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"methods": "ridge"}, "'methods' is not known; did you mean method"),
        ({"method": "lasso"}, "'lasso' is not known"),
        ({"lag": "long"}, "lag is 'long'; give a float"),
        ({"permutations": 0}, "permutations is 0; give a number above 0"),
        ({"blocks": 1}, "give at least 2"),
    ],
)
def test_a_setting_of_the_fit_that_cannot_be_is_refused(told, message):
    with pytest.raises(BadInput, match=message):
        encoding(told)


def test_a_task_of_two_modalities_is_refused(tmp_path):
    for folder in ("eeg", "func"):
        (tmp_path / "sub-01" / folder).mkdir(parents=True)
        (tmp_path / "sub-01" / folder / "sub-01_task-rest_x.tsv").touch()
    with pytest.raises(BadInput, match="was recorded as fmri and eeg"):
        find_datatype(tmp_path, "rest")
    shutil.rmtree(tmp_path / "sub-01" / "eeg")
    assert find_datatype(tmp_path, "rest") == "fmri"


def test_settings_have_two_parts(tmp_path):
    (tmp_path / "settings.yaml").write_text("preprocessing: {conditions: [target]}\nencoding: {method: ridge}\n")
    chosen = read_settings(tmp_path / "settings.yaml", "eeg")
    assert chosen.preprocessing.conditions == ("target",)
    assert chosen.encoding == Encoding(method="ridge")
    (tmp_path / "settings.yaml").write_text("fit: {method: ridge}\n")
    with pytest.raises(BadInput, match="'fit' is not known"):
        read_settings(tmp_path / "settings.yaml", "eeg")


STORIES = Path(os.environ.get("INTERPBENCH_MIRROR", "nowhere")) / "stories260K" / "hf"


@pytest.mark.skipif(not STORIES.is_dir(), reason="INTERPBENCH_MIRROR names no mirror of stories260K")
def test_a_language_model_reads_the_words_of_every_run_with_its_controls_beside(tmp_path):
    place(tmp_path, made_recording(runs=2))
    text = "once upon a time there was a little girl who liked to play with her ball in the park"
    said = text.split(" ") * 3
    rows = [f"{number + 0.5}\t0.4\t{word}" for number, word in enumerate(said[:55])]
    (tmp_path / "words.tsv").write_text("\n".join(["onset\tduration\tword", *rows]) + "\n")
    (tmp_path / "model.yaml").write_text(
        f"text: {STORIES}\nwords: words.tsv\nstimulus: word\nlayers: [0, 3]\ncontext: 64\ncomponents: 2\n"
    )
    status, path = made_group(tmp_path, tmp_path / "model.yaml")
    assert status == 0
    told = json.loads(path.read_text())
    assert told["model"]["context"] == 64
    names = {"model", "layer 0", "layer 3", "random weights", "random vectors", "surface", "noise features"}
    assert set(told["recordings"][0]["scores"]) == names
    assert told["recordings"][0]["ceiling"]["repeats"] == 2  # the same words at the same times in both runs
