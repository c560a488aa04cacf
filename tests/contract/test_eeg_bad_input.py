"""A damaged or incomplete EEG recording is refused in one sentence with subject, file and remedy; others go on."""

import json
import re
import shutil

import numpy as np
import pandas as pd
import pytest

from bench.core.contract import BadInput
from bench.neuro.eeg.pipeline import prepare
from bench.neuro.eeg.preflight import demand_ceiling, demand_scheme, preflight, preflight_group
from bench.neuro.eeg.settings import choose
from tests.neuro_trees import EEG, TASK, write_eeg_tree

NAME = "sub-01_ses-day1_task-oddball_run-1"


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return write_eeg_tree(tmp_path_factory.mktemp("eeg"))


@pytest.fixture
def tree(study, tmp_path):
    """A copy with the one run 1 of day 1 of subject 01, to be damaged."""
    shutil.copytree(study, tmp_path / "bids")
    for path in (*(tmp_path / "bids").rglob("*run-2*"), *(tmp_path / "bids").rglob("ses-day2")):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    return tmp_path / "bids"


def file(tree, ending):
    return tree / "sub-01" / "ses-day1" / "eeg" / f"{NAME}_{ending}"


def refusal(tree, settings=None):
    with pytest.raises(BadInput) as caught:
        prepare(tree, "01", TASK, settings or choose())
    said = str(caught.value)
    assert said.startswith("subject 01")
    assert "\n" not in said
    return said


def rewrite(tree, change):
    """The 16-bit samples (time x channels) of the run, changed."""
    path = file(tree, "eeg.eeg")
    values = np.fromfile(path, "<i2").reshape(-1, len(EEG) + 1).copy()
    change(values).astype("<i2").tofile(path)


def set_events(tree, change):
    table = pd.read_csv(file(tree, "events.tsv"), sep="\t", dtype=str)
    change(table).to_csv(file(tree, "events.tsv"), sep="\t", index=False)


def set_sidecar(tree, **changes):
    path = file(tree, "eeg.json")
    said = {**json.loads(path.read_text()), **changes}
    path.write_text(json.dumps({key: value for key, value in said.items() if value is not None}))


def test_a_header_that_is_no_brainvision(tree):
    file(tree, "eeg.vhdr").write_text("nonsense")
    said = refusal(tree)
    assert f"{NAME}_eeg.vhdr cannot be read" in said
    assert said.endswith("copy or export the file again")


def test_a_set_file_that_is_no_eeglab_file(tree):
    file(tree, "eeg.vhdr").unlink()
    file(tree, "eeg.set").write_bytes(b"MATLAB 5.0 MAT-file" + bytes(200))
    said = refusal(tree)
    assert f"{NAME}_eeg.set cannot be read" in said
    assert said.endswith("copy or export the file again")


def test_a_file_without_samples(tree):
    file(tree, "eeg.eeg").unlink()
    assert f"{NAME}_eeg.vhdr cannot be read" in refusal(tree)


def test_a_truncated_file(tree):
    rewrite(tree, lambda values: values[:3000])
    said = refusal(tree)
    assert "events outside of the recording of 24 s" in said
    set_events(tree, lambda table: table.head(10))
    assert "has a RecordingDuration of 24, its sidecar says 35.992; copy the file again" in refusal(tree)


def test_a_rate_that_disagrees_with_the_sidecar(tree):
    set_sidecar(tree, SamplingFrequency=250.0)
    assert "has a SamplingFrequency of 125, its sidecar says 250" in refusal(tree)


def test_a_sidecar_that_is_not_json(tree):
    file(tree, "eeg.json").write_text("{")
    assert f"{NAME}_eeg" in refusal(tree)


def test_microvolts_that_are_called_volts(tree):
    path = file(tree, "eeg.vhdr")
    path.write_text(re.sub("µV", "V", path.read_text()))
    table = file(tree, "channels.tsv")
    table.write_text(re.sub("µV", "V", table.read_text()))
    said = refusal(tree)
    assert re.search(r"typical eeg amplitude of \S+ V, outside of 2e-08 to 0.001; correct the units", said)


def test_a_constant_channel_is_refused_or_interpolated_as_the_user_says(tree):
    def flat(values):
        values[:, EEG.index("C3")] = 7
        return values

    rewrite(tree, flat)
    assert "1 constant channels that channels.tsv calls good, first C3; mark them bad" in refusal(tree)
    made = prepare(tree, "01", TASK, choose(constant_channels="interpolate", correction="none"))
    assert made.cleaned.bad_channels["name"].tolist() == ["C3"]
    assert made.recording.rank == len(EEG) - 2


def test_nan(tree):
    path = file(tree, "eeg.vhdr")
    path.write_text(path.read_text().replace("INT_16", "IEEE_FLOAT_32"))
    values = np.fromfile(file(tree, "eeg.eeg"), "<i2").reshape(-1, len(EEG) + 1).astype("<f4")
    values[100, 6] = np.nan
    values.tofile(file(tree, "eeg.eeg"))
    assert "NaN or infinite values in 1 channels, first Cz" in refusal(tree)


def test_mostly_bad_channels(tree):
    def noise(values):
        values[:, :4] = np.random.default_rng(0).normal(size=(len(values), 4)) * 300
        return values

    rewrite(tree, noise)
    assert re.search(r"4 of 12 channels are bad, more than 25%", refusal(tree))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda table: table.iloc[:0], "events.tsv has no event; add the events"),
        (lambda table: table.assign(onset=table["onset"].astype(float) + 30), "outside of the recording of 36 s"),
        (lambda table: table.assign(onset="soon"), "has onset 'soon' in row 1; give seconds as a number"),
        (lambda table: table.drop(columns=["trial_type", "value"]), "add onset and trial_type"),
        (lambda table: table.head(4), "4 trials are too few to learn thresholds in 5 folds"),
        (lambda table: table.head(1).assign(onset="0.0"), "no event has -0.2 to 0.8 s of recording around it"),
    ],
)
def test_events(tree, change, says):
    set_events(tree, change)
    assert says in refusal(tree, choose(correction="none"))


def test_an_events_file_that_is_no_table(tree):
    file(tree, "events.tsv").write_bytes(b"onset\tduration\ttrial_type\n1.0\t0\ta\n" + b"\xff\xfe\n")
    assert "events.tsv is no table" in refusal(tree)


def test_a_reference_that_is_no_channel(tree):
    said = refusal(tree, choose(correction="none", reference=("P3", "P9")))
    assert "eeg setting reference: 'P9' is not known; did you mean" in said


def test_derivatives_in_the_folder_are_not_taken_for_recordings(tree):
    shutil.copytree(tree / "sub-01", tree / "derivatives" / "other" / "sub-01")
    assert len(preflight(tree, "01", TASK, choose()).runs) == 1


def test_no_events_file(tree):
    file(tree, "events.tsv").unlink()
    assert f"{NAME}_events.tsv is missing; add it" in refusal(tree)


def test_no_line_frequency(tree):
    set_sidecar(tree, PowerLineFrequency=None)
    assert "has no line frequency; add PowerLineFrequency" in refusal(tree)
    assert any("line frequency" in line for line in preflight(tree, "01", TASK, choose()).missing)
    assert not preflight(tree, "01", TASK, choose(line_hz=50.0)).missing


def test_what_does_not_exist_is_named_with_what_does(study):
    for arguments, says in (
        (("04", TASK, choose(), None), "'04' is not known; did you mean"),
        (("01", "odball", choose(), "day1"), "did you mean oddball"),
        (("02", TASK, choose(), "day2"), "session: 'day2' is not known; did you mean day1"),
        (("01", TASK, choose(), None), "there are sessions day1, day2; name the one to prepare"),
        (("01", TASK, choose(datatype="meg"), None), "no meg recording"),
        (("02", TASK, choose(conditions=("targets",), correction="none"), None), "'targets' is not in the events file"),
    ):
        with pytest.raises(BadInput) as caught:
            prepare(study, *arguments)
        assert says in str(caught.value)
    with pytest.raises(BadInput, match="give the root folder of a BIDS data set"):
        prepare(study / "sub-01", "01", TASK, choose())


def test_a_regression_without_an_ocular_channel(tree):
    table = file(tree, "channels.tsv")
    table.write_text(table.read_text().replace("\tEOG\t", "\tMISC\t"))
    assert "there is no ocular or cardiac channel to regress on" in refusal(tree, choose(correction="regression"))


def test_preflight_looks_at_every_subject_and_says_what_each_can_carry(study):
    found, skipped = preflight_group(study, TASK, choose())
    assert not skipped
    table = {(one.subject, one.session): one for one in found}
    assert list(table) == [("01", "day1"), ("01", "day2"), ("02", "day1"), ("03", "day1")]
    assert table["01", "day1"].runs["events"].tolist() == [28, 28]
    assert table["01", "day1"].trials["count"].tolist() == [18, 18, 10, 10]
    assert table["01", "day1"].repeats == 20
    assert "has no event" in table["03", "day1"].faults[0]
    demand_scheme(table["01", "day1"], "leave_one_run_out")
    demand_ceiling(table["02", "day1"], "between_subjects")
    for subject, scheme in ((("01", "day2"), "leave_one_run_out"), (("01", "day1"), "shuffled_trials")):
        with pytest.raises(BadInput, match=rf"subject 01: cross-validation '{scheme}' is not valid: .*; valid are: "):
            demand_scheme(table[subject], scheme)
    with pytest.raises(BadInput, match="ceiling 'split_half' is not valid"):
        demand_ceiling(table["03", "day1"], "split_half")


def test_a_file_that_cannot_be_opened_skips_its_subject_alone(tree):
    file(tree, "eeg.vhdr").write_text("nonsense")
    found, skipped = preflight_group(tree, TASK, choose())
    assert [one.subject for one in found] == ["02", "03"]
    assert list(skipped) == ["01"]


def test_positions_of_a_template_are_used_only_where_none_were_measured(tree):
    for path in tree.rglob("*electrodes.tsv"):
        path.unlink()
    for path in tree.rglob("*coordsystem.json"):
        path.unlink()
    facts = preflight(tree, "01", TASK, choose())
    assert facts.runs["positions"].tolist() == ["template"]
    assert facts.missing == ("measured sensor positions: those of colin27_1005 are used",)
    assert preflight(tree, "01", TASK, choose(template_montage=None)).runs["positions"].tolist() == ["none"]
    assert "set correction to 'regression' or 'none'" in refusal(tree, choose(template_montage=None))
