"""Slices taken at other times are brought to one, and samples count as taken when the sidecar says."""

import numpy as np
import pytest

from bench.core.contract import BadInput
from bench.neuro.fmri.slice_timing import correct_slices, slice_axis, slice_times, time_reference

TR, VOLUMES, PERIOD = 2.0, 80, 20.0
TIMES = np.array([0.0, 1.0, 0.25, 1.25, 0.5, 1.5, 0.75, 1.75])


def sine(at):
    return 100 + 5 * np.sin(2 * np.pi * at / PERIOD)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_sine_sampled_slice_by_slice_becomes_one_sine(axis):
    frames = np.arange(VOLUMES) * TR
    lines = np.stack([sine(frames + start) for start in TIMES])
    series = np.broadcast_to(np.moveaxis(lines[None, None], 2, axis), [*np.insert([3, 3], axis, 8), VOLUMES])
    corrected = correct_slices(series, TIMES, TR, 0.5, axis)
    inner = slice(3, -3)
    error = np.abs(corrected - sine(frames + TR / 2))[..., inner].max()
    before = np.abs(series - sine(frames + TR / 2))[..., inner].max()
    assert error < 0.03
    assert before > 1


def test_the_error_grows_with_a_wrong_sign():
    """The mutant that moves slices the other way is found by the same sine."""
    frames = np.arange(VOLUMES) * TR
    series = np.stack([sine(frames + start) for start in TIMES])[None, None]
    wrong = correct_slices(series, TR - TIMES, TR, 0.5, 2)
    assert np.abs(wrong - sine(frames + TR / 2))[..., 3:-3].max() > 1


def test_a_slice_at_the_wanted_time_stays_as_it_is():
    series = np.random.default_rng(0).normal(size=(2, 2, 8, VOLUMES))
    corrected = correct_slices(series, TIMES, TR, 0.5, 2)
    np.testing.assert_allclose(corrected[:, :, 1], series[:, :, 1], atol=1e-12)


@pytest.mark.parametrize(
    ("sidecar", "share"),
    [
        ({"SliceTimingCorrected": True, "StartTime": 0.9}, 0.45),
        ({"SliceTimingCorrected": True, "StartTime": 0.0}, 0.0),
        ({"SliceTimingCorrected": True}, 0.5),
        ({"SliceTimingCorrected": False, "SliceTiming": [0.0, 1.0, 0.5]}, 0.25),
        ({"SliceTimingCorrected": False}, 0.5),
        ({}, 0.5),
    ],
)
def test_the_time_reference_is_read_from_the_sidecar(sidecar, share):
    assert time_reference(sidecar, TR, "subject 01") == pytest.approx(share)


def test_slices_may_be_counted_from_the_other_end_and_lie_along_another_axis():
    sidecar = {"SliceTiming": [0.0, 0.5, 1.0], "SliceEncodingDirection": "j-"}
    np.testing.assert_array_equal(slice_times(sidecar, (5, 3, 4), TR, "subject 01"), [1.0, 0.5, 0.0])
    assert slice_axis(sidecar, "subject 01") == 1
    assert slice_times({}, (5, 3, 4), TR, "subject 01") is None


@pytest.mark.parametrize(
    ("sidecar", "says"),
    [
        ({"SliceTiming": [0.0, 500.0, 1000.0]}, "reaches 1000 s in volumes of 2 s; give it in seconds"),
        ({"SliceTiming": [0.0, 1.0]}, "2 entries for 3 slices"),
        ({"SliceTiming": [0.0, 1.0, 1.5], "SliceEncodingDirection": "up"}, "'up'; it is i, j or k"),
    ],
)
def test_slice_times_that_cannot_be_are_refused(sidecar, says):
    with pytest.raises(BadInput, match="subject 01") as refusal:
        slice_times(sidecar, (4, 4, 3), TR, "subject 01")
    assert says in str(refusal.value)


def test_milliseconds_in_start_time_are_refused():
    with pytest.raises(BadInput, match="give them in seconds"):
        time_reference({"SliceTimingCorrected": True, "StartTime": 900}, TR, "subject 01")
