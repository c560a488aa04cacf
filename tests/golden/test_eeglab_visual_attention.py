"""The EEGLAB sample recording: what everyone who has followed its tutorial finds in it."""

import os
from pathlib import Path

import numpy as np
import pytest

from bench.core import data
from bench.neuro.eeg.pipeline import prepare
from bench.neuro.eeg.reading import read_runs
from bench.neuro.eeg.settings import choose

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif("INTERPBENCH_MIRROR" not in os.environ, reason="INTERPBENCH_MIRROR names no data mirror"),
]
DATASETS = Path(data.__file__).parents[2] / "datasets"
SUBJECT, TASK = "01", "visattention"


@pytest.fixture(scope="module")
def mirror():
    return Path(os.environ["INTERPBENCH_MIRROR"])


@pytest.fixture(scope="module")
def tree(tmp_path_factory, mirror):
    return data.obtain("eeglab_visual_attention", DATASETS, tmp_path_factory.mktemp("store"), mirror)


@pytest.fixture(scope="module")
def prepared(tree):
    return prepare(tree, SUBJECT, TASK, choose(conditions=("square",)))


def test_our_bids_folder_holds_what_mne_bids_and_pybv_wrote(tree, mirror):
    theirs = mirror / "eeglab_visual_attention_eeg" / "bids"
    ours, other = (read_runs(root, SUBJECT, TASK, choose(), None)[0] for root in (tree, theirs))
    assert ours.raw.ch_names == other.raw.ch_names
    assert ours.raw.get_channel_types() == other.raw.get_channel_types()
    assert ours.line_hz == other.line_hz == 60
    np.testing.assert_allclose(ours.raw.get_data(), other.raw.get_data(), atol=2e-11)  # float32 of tens of microvolts
    where = [np.array([run.raw.info["chs"][i]["loc"][:3] for i in range(4, 30)]) for run in (ours, other)]
    np.testing.assert_allclose(where[0], where[1], atol=1e-6)
    assert ours.events["trial_type"].tolist() == other.events["trial_type"].tolist()
    assert (ours.events["onset"] - other.events["onset"]).abs().max() <= 0.5 / 128  # theirs are rounded to samples


def test_the_attended_square_evokes_a_p3_at_cz(prepared):
    trials = prepared.trials
    assert len(trials.values) >= 70
    times = trials.start + np.arange(trials.values.shape[2]) / trials.sampling_rate
    evoked = trials.values.mean(axis=0)[trials.sites["name"].tolist().index("Cz")]
    window = np.flatnonzero((times >= 0.25) & (times <= 0.6))
    peak = window[evoked[window].argmax()]
    assert 0.300 <= times[peak] <= 0.420
    assert evoked[peak] > 8e-6
    assert np.abs(evoked[times < 0]).max() < 0.4 * evoked[peak]


def test_a_blink_component_is_found_and_goes(prepared):
    table = prepared.cleaned.components.table
    blinks = table[(table["label"] == "eye blink") & (table["probability"] > 0.95)]
    assert 1 <= len(blinks) <= 2
    assert blinks["removed"].all()
    assert (table["label"] == "brain").sum() >= 10
    component = prepared.cleaned.components.mixing[:, blinks.index[0]]
    sites = prepared.cleaned.component_sites
    assert sites[np.abs(component).argmax()] in ("FPz", "F3", "F4", "Fz")


def test_rank_and_channels_are_accounted_for(prepared):
    removed = int(prepared.cleaned.components.table["removed"].sum())
    assert prepared.cleaned.bad_channels.empty
    assert prepared.recording.rank == 30 - 1 - removed
    assert prepared.recording.unit == "V"
    assert prepared.preflight.trials["count"].tolist() == [80]
