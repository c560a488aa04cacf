"""The canonical form of brain data: stored and read as it was, refused where it is not usable."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from bench.core import store
from bench.core.contract import BadInput
from bench.neuro.recording import Recording, Trials, check_recording, step, steps


def recording(**changes) -> Recording:
    values = np.random.default_rng(0).normal(size=(20, 2)) * 1e-6
    sites = pd.DataFrame({"name": ["Cz", "Pz"], "kind": ["eeg", "eeg"]})
    events = pd.DataFrame({"onset": [0.5], "duration": [0.0], "trial_type": ["target"], "run": [1]})
    runs = np.repeat([0, 1], 10)
    made = Recording(values, runs, sites, events, 10.0, 0.0, "V", "01", 2, [step("filter", low_hz=0.5)])
    return dataclasses.replace(made, **changes)


def test_a_recording_is_stored_and_read_as_it_was(tmp_path):
    before = recording()
    check_recording(before)
    store.write(before, tmp_path / "r")
    after = store.read(Recording, tmp_path / "r")
    assert np.array_equal(after.values, before.values)
    pd.testing.assert_frame_equal(after.events, before.events, check_like=True)
    assert steps(after) == [{"step": "filter", "low_hz": 0.5}]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"sites": pd.DataFrame({"name": ["Cz"], "kind": ["eeg"]})}, "1 rows in sites for 2 columns"),
        ({"sites": pd.DataFrame({"name": ["Cz", "Pz"], "kind": ["eeg", "egg"]})}, "'egg'"),
        ({"sampling_rate": 0.0}, "above 0 Hz"),
        ({"values": np.full((20, 2), np.nan)}, "2 sites hold NaN or infinite values, first Cz"),
        ({"runs": np.arange(20) % 2}, "comes in pieces"),
        (
            {"events": pd.DataFrame({"onset": [7.0], "duration": [0.0], "trial_type": ["t"], "run": [1]})},
            "'t' at 7 s lies outside run 1 of 1 s",
        ),
    ],
)
def test_what_is_not_usable_is_refused_with_subject_and_thing(changes, says):
    with pytest.raises(BadInput, match="subject 01") as refusal:
        check_recording(recording(**changes))
    assert says in str(refusal.value)


def test_trials_need_one_event_each():
    one = recording()
    trials = Trials(np.zeros((3, 2, 5)), np.zeros(3, int), one.sites, one.events, 10.0, -0.1, "V", "01", None, [])
    with pytest.raises(BadInput, match="1 events for 3 trials"):
        check_recording(trials)
