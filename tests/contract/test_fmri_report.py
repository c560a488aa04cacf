"""The page of a subject needs no other file, shows every picture, and its derivative says where everything is from."""

import base64
import dataclasses
import json
import re

import nibabel
import numpy as np
import pytest

from bench.core import store
from bench.neuro.fmri import derivatives, pipeline, report
from bench.neuro.fmri.settings import read_settings
from bench.neuro.recording import Recording, Trials
from tests import fmri_trees


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    tree = fmri_trees.derived_tree(tmp_path_factory.mktemp("tree"))
    return pipeline.prepare(tree.root, "01", "listen", read_settings({"confounds": "motion6"}))


@pytest.fixture(scope="module")
def written(prepared, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    return out, derivatives.write_derivatives(prepared, out)


def test_the_page_is_whole_by_itself(written):
    text = written[1][-1].read_text()
    assert not re.findall(r'(?:src|href)="(?!data:)', text)
    images = [base64.b64decode(one) for one in re.findall(r'src="data:image/png;base64,([^"]+)"', text)]
    assert len(images) == 4 + 2  # mean, tSNR, motion, carpet, and a design for each run
    assert all(one.startswith(b"\x89PNG") for one in images)
    for name in ("Mean image and mask", "Motion", "Carpet", "Design", "Provenance", "Settings", "not valid: neigh"):
        assert name in text


def test_the_page_names_changed_settings_and_sources(written, prepared):
    text = written[1][-1].read_text()
    assert re.search(r"<td>confounds</td><td>&#39;motion6&#39;</td><td>changed</td>", text)
    assert all(name in text for name in prepared.sources)


def test_names_from_files_cannot_become_markup(prepared):
    hostile = dataclasses.replace(prepared, task="<script>alert(1)</script>")
    assert "<script>" not in report.page_text(hostile, [])


def test_key_figures_are_those_of_the_arrays(prepared):
    figures = dict(report.key_figures(prepared))
    assert figures["volumes"] == str(2 * fmri_trees.VOLUMES)
    assert figures["repetition time"] == "2.5 s"
    assert figures["median tSNR"] == f"{np.median(prepared.tsnr[prepared.mask]):.0f}"


def test_signal_to_noise_is_what_was_generated(prepared):
    quiet = prepared.mask & ~np.logical_or.reduce(list(fmri_trees.head()[2].values()))
    assert np.median(prepared.tsnr[quiet]) == pytest.approx(100 / fmri_trees.NOISE, rel=0.08)


def test_the_derivative_is_read_back_as_it_was(written, prepared):
    folder = written[0] / "sub-01" / "func"
    recording = store.read(Recording, folder / "sub-01_task-listen_desc-clean_timeseries")
    trials = store.read(Trials, folder / "sub-01_task-listen_desc-trials_betas")
    np.testing.assert_array_equal(recording.values, prepared.recording.values)
    np.testing.assert_array_equal(trials.values, prepared.trials.values)
    mask = nibabel.load(folder / "sub-01_task-listen_desc-brain_mask.nii.gz")
    np.testing.assert_array_equal(np.asarray(mask.dataobj) > 0, prepared.mask)
    np.testing.assert_allclose(mask.affine, prepared.affine)


def test_every_file_has_a_sidecar_with_sources_timing_and_steps(written, prepared):
    out, made = written
    for path in made[:-1]:
        facts = json.loads(derivatives.sidecar_of(path).read_text())
        assert facts["Sources"] == [f"bids:raw:{name}" for name in prepared.sources]
        assert (facts["RepetitionTime"], facts["StartTime"], facts["SliceTimingCorrected"]) == (2.5, 1.25, True)
        assert [one["step"] for one in facts["Steps"]][-1] == "estimate trials"
        assert facts["Settings"]["confounds"] == "motion6"
    description = json.loads((out / "dataset_description.json").read_text())
    assert description["DatasetType"] == "derivative"
    assert description["GeneratedBy"][0]["Name"] == "InterpBench"


def test_the_same_subject_gives_the_same_page(prepared, written, tmp_path):
    report.write_report(prepared, tmp_path / "page.html")
    assert (tmp_path / "page.html").read_bytes() == written[1][-1].read_bytes()
