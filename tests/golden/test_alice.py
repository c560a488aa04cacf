"""The story's data against what its authors published and what was found in it before."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

from bench.core import data
from bench.neuro.haemodynamics import SPM, convolve_events, frame_times
from bench.neuro.intersubject import leave_one_out_correlation

pytestmark = pytest.mark.skipif(
    "INTERPBENCH_MIRROR" not in os.environ, reason="INTERPBENCH_MIRROR names no data mirror"
)
DATASETS = Path(data.__file__).parents[2] / "datasets"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    return data.obtain("alice", DATASETS, tmp_path_factory.mktemp("store"), Path(os.environ["INTERPBENCH_MIRROR"]))


def test_our_word_rate_is_the_published_one(prepared):
    ends = pd.read_csv(prepared / "words.csv", keep_default_na=False)["offset"].to_numpy()
    frames = frame_times(372, 2.0, slice_reference=0.0)[10:]
    ours = convolve_events(ends, np.zeros(len(ends)), np.ones((len(ends), 1)), frames, SPM)[:, 0]
    published = load_file(prepared / "recording.safetensors")["word_rate"]
    assert np.corrcoef(ours, published)[0, 1] > 0.98


def test_a_volume_more_or_less_would_be_noticed(prepared):
    ends = pd.read_csv(prepared / "words.csv", keep_default_na=False)["offset"].to_numpy()
    published = load_file(prepared / "recording.safetensors")["word_rate"]
    for dropped in (9, 11):
        frames = frame_times(373, 2.0, slice_reference=0.0)[dropped : dropped + 362]
        shifted = convolve_events(ends, np.zeros(len(ends)), np.ones((len(ends), 1)), frames, SPM)[:, 0]
        assert np.corrcoef(shifted, published)[0, 1] < 0.85


def test_listeners_agree_as_much_as_was_found_before(prepared):
    responses = load_file(prepared / "recording.safetensors")["responses"]
    assert responses.shape == (27, 362, 6)
    known = [0.281, 0.137, 0.385, 0.268, 0.186, 0.120]  # LATL RATL LPTL LIPL LPreM LIFG, leave one out, not filtered
    standard = responses / responses.std(axis=1, keepdims=True)  # scanner units differ between listeners
    np.testing.assert_allclose(leave_one_out_correlation(standard), known, atol=0.0006)
