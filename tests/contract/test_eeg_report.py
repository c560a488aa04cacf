"""A prepared subject's page and sidecars: complete, self-contained, the same each time, readable again."""

import json
import re

import numpy as np
import pytest

from bench.core import store
from bench.neuro.eeg.derivatives import write_derivatives
from bench.neuro.eeg.pipeline import prepare
from bench.neuro.eeg.report import write_report
from bench.neuro.eeg.settings import REASONS, choose
from bench.neuro.recording import Recording, Trials, steps
from tests.neuro_trees import EEG, TASK, write_eeg_tree


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    root = write_eeg_tree(tmp_path_factory.mktemp("eeg"), (("02", "day1", "1"),))
    return prepare(root, "02", TASK, choose(ica_iterations=100))


@pytest.fixture(scope="module")
def page(prepared, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "page.html"
    write_report(prepared, path)
    return path


def test_the_page_shows_what_a_person_looks_at(prepared, page):
    text = page.read_text(encoding="utf-8")
    for heading in ("Sensors", "Spectrum", "Evoked responses", "Components", "Trials", "What was done", "Settings"):
        assert f"<h2>{heading}" in text
    assert text.count("<svg") == 5
    for word in (*EEG, "eye blink", "standard (18 trials)", "extended infomax", *REASONS):
        assert word in text
    assert len(text) < 2_000_000


def test_the_page_needs_nothing_from_elsewhere(page):
    text = page.read_text(encoding="utf-8")
    assert "<script" not in text
    assert not re.findall(r'(?:src|href)="(?!#|data:image/png)', text.replace("xlink:href", "href"))


def test_the_page_has_the_same_bytes_each_time(prepared, page, tmp_path):
    write_report(prepared, tmp_path / "again.html")
    assert (tmp_path / "again.html").read_bytes() == page.read_bytes()


def test_derivatives_are_read_again_and_say_what_was_done(prepared, tmp_path):
    folder = write_derivatives(prepared, tmp_path)
    stem = f"sub-02_ses-day1_task-{TASK}_desc-clean"
    assert folder == tmp_path / "sub-02" / "ses-day1" / "eeg"
    recording = store.read(Recording, folder / f"{stem}_recording")
    trials = store.read(Trials, folder / f"{stem}_trials")
    assert np.array_equal(recording.values, prepared.recording.values)
    assert np.array_equal(trials.values, prepared.trials.values)
    assert trials.events["trial_type"].tolist() == prepared.trials.events["trial_type"].tolist()
    said = json.loads((folder / f"{stem}_eeg.json").read_text())
    assert said["Steps"] == steps(prepared.trials)
    assert said["Sources"] == [f"sub-02_ses-day1_task-{TASK}_run-1_eeg.vhdr"]
    assert said["Rank"] == prepared.recording.rank
    assert set(said["Settings"]) == set(REASONS)
    described = json.loads((tmp_path / "dataset_description.json").read_text())
    assert described["DatasetType"] == "derivative"
    assert {"InterpBench", "mne"} <= {entry["Name"] for entry in described["GeneratedBy"]}
