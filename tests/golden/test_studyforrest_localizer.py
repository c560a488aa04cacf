"""Scenes against faces in the raw localiser run, through the whole pipeline; CI sees a slab of it without motion."""

import os
import shutil
from pathlib import Path

import nibabel
import numpy as np
import pytest

from bench.core import data
from bench.core.contract import BadInput
from bench.neuro.fmri import preflight
from bench.neuro.fmri.pipeline import contrast_map
from bench.neuro.fmri.sets import read_studyforrest_localizer
from bench.neuro.fmri.settings import read_settings

pytestmark = pytest.mark.skipif(
    "INTERPBENCH_MIRROR" not in os.environ, reason="INTERPBENCH_MIRROR names no data mirror"
)
DATASETS = Path(data.__file__).parents[2] / "datasets"
LOCALISER = {"smoothing": 5.0, "single_trial": "none", "confounds": "motion6"}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    store, mirror = tmp_path_factory.mktemp("store"), Path(os.environ["INTERPBENCH_MIRROR"])
    return data.obtain("studyforrest_localizer", DATASETS, store, mirror)


@pytest.fixture
def slab(prepared, tmp_path):
    """Eight axial slices through the place areas of ventral cortex: a copy that takes seconds."""
    shutil.copytree(prepared, tmp_path / "slab", ignore=shutil.ignore_patterns("*.nii.gz"))
    name = "sub-01/func/sub-01_task-oneback_run-01_bold.nii.gz"
    nibabel.load(prepared / name).slicer[:, :40, 9:17].to_filename(tmp_path / "slab" / name)
    return tmp_path / "slab"


@pytest.mark.slow
def test_scenes_against_faces_peak_above_six_in_a_slab(slab):
    """The back half of eight slices; motion, which a slab cannot tell, is left alone."""
    found = read_studyforrest_localizer(slab, read_settings({**LOCALISER, "motion": "none", "confounds": "none"}))
    z = contrast_map(found, {"scene": 1.0, "face": -1.0})
    assert z.max() > 6
    assert -z.min() < z.max()
    assert np.median(np.abs(z)) < 1.5


def test_preflight_knows_that_one_run_leaves_none_to_hold_out(prepared):
    flight = preflight.inspect(prepared, "01", "oneback", read_settings({}))
    assert flight.repeats[1].to_dict() == dict.fromkeys(["body", "face", "house", "object", "scene", "scramble"], 32)
    assert flight.missing[0].startswith("SliceTiming")
    with pytest.raises(BadInput, match="leave_one_run_out is not valid: there is one run"):
        preflight.require(flight, "leave_one_run_out")


@pytest.mark.full
def test_scenes_against_faces_peak_above_six_in_the_whole_brain(prepared):
    """Motion, mask, smoothing of 5 mm, autoregressive noise: found 9.46 in 45,978 voxels, 454 of them above 4.5."""
    found = read_studyforrest_localizer(prepared, read_settings(LOCALISER))
    z = contrast_map(found, {"scene": 1.0, "face": -1.0})
    assert 9.0 < z.max() < 10.0
    assert 400 < (z > 4.5).sum() < 540
    assert 0.05 < found.motion["framewise_displacement"].mean() < 0.2
    assert 130 < np.median(found.tsnr[found.mask]) < 160
