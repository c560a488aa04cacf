"""External magnetic fields: simulated ones of known shape go, the field of a source inside of the head stays."""

import warnings

import mne
import mne_bids
import numpy as np
import pytest
from mne.channels.montage import read_meg_canonical_info

from bench.core.contract import generator
from bench.neuro.eeg.meg import not_possible, remove_external
from bench.neuro.eeg.pipeline import prepare
from bench.neuro.eeg.settings import choose

RATE = 100.0


def array():
    """A whole-head array of 102 magnetometers and 204 planar gradiometers around the origin of the head."""
    info = read_meg_canonical_info("neuromag")
    with info._unlock():
        info["sfreq"] = RATE
        info["lowpass"] = RATE / 2
    shift = np.eye(4)
    shift[2, 3] = 0.04
    info["dev_head_t"] = mne.transforms.Transform("meg", "head", shift)
    return info


def internal(info):
    """Field in each sensor of a tangential current dipole of 1 A m in a sphere (MNE's forward model)."""
    sphere = mne.make_sphere_model((0, 0, 0.04), head_radius=0.075, info=None, verbose="error")
    dipole = mne.Dipole([0], [[0.0, 0.03, 0.085]], [1.0], [[1.0, 0, 0]], [1.0])
    return mne.make_forward_dipole(dipole, sphere, info, verbose="error")[0]["sol"]["data"][:, 0]


def external(info, rng):
    """Fields of far sources, by their formula: uniform ones, and ones that change linearly (three and five of them).

    With B(r) = b + G r, G symmetric and without trace (Maxwell's equations in free space), a magnetometer with normal n
    has n B(r) and a planar gradiometer along u the derivative n G u.
    """
    fields = []
    for _ in range(8):
        b, g = rng.normal(size=3), rng.normal(size=(3, 3))
        g = (g + g.T) / 2
        g -= np.eye(3) * np.trace(g) / 3
        rows = []
        for channel in info["chs"]:
            where, along, normal = channel["loc"][:3], channel["loc"][3:6], channel["loc"][9:12]
            magnetometer = int(channel["unit"]) == mne._fiff.constants.FIFF.FIFF_UNIT_T
            rows.append(normal @ (b + g @ where) if magnetometer else normal @ g @ along)
        fields.append(rows)
    return np.array(fields).T


@pytest.fixture(scope="module")
def made():
    rng, info = generator("test", "meg"), array()
    time = np.arange(round(4 * RATE)) / RATE
    brain = np.outer(internal(info), 2e-8 * np.sin(2 * np.pi * 10 * time))
    far = external(info, rng) @ (1e-11 * rng.normal(size=(8, len(time))))
    return info, brain, far


@pytest.fixture(scope="module")
def separated(made):
    """`remove_external` of far fields, of the brain's, and of both, one after another in one recording."""
    info, brain, far = made
    values, said = filtered(info, np.hstack([far, brain, brain + far]))
    assert said["applied"]
    return np.split(values, 3, axis=1)


def filtered(info, values, scale=1.0):
    raw = mne.io.RawArray(values * scale, info, verbose="error")
    done, said = remove_external(raw, choose(datatype="meg"))
    return done.get_data() / scale, said


def test_far_fields_go(made, separated):
    (info, _, far), left = made, separated[0]
    kinds = np.array(mne.io.RawArray(far, info, verbose="error").get_channel_types())
    for kind in ("mag", "grad"):
        assert left[kinds == kind].std() < 0.005 * far[kinds == kind].std()


def test_a_source_in_the_head_stays(made, separated):
    (_, brain, far), (_, kept, both) = made, separated
    assert np.corrcoef(kept.ravel(), brain.ravel())[0, 1] > 0.99
    before = np.corrcoef((brain + far).ravel(), brain.ravel())[0, 1]
    after = np.corrcoef(both.ravel(), brain.ravel())[0, 1]
    assert before < 0.1
    assert after > 0.98


def test_rank_is_that_of_the_inside_expansion(made):
    info, brain, far = made
    values, said = filtered(info, brain + far + 1e-13 * generator("test", "noise").normal(size=brain.shape))
    spread = values / values.std(axis=1, keepdims=True)
    assert said["rank"] <= 80
    assert np.linalg.matrix_rank(spread, tol=1e-6 * np.linalg.norm(spread, 2)) == said["rank"]


def test_the_unit_plays_no_part(made):
    info, brain, far = made
    one, said = filtered(info, brain + far)
    other, also = filtered(info, brain + far, scale=1e-6)
    assert one.std() > 0
    np.testing.assert_allclose(other, one, atol=1e-9 * np.abs(one).max())
    assert said == also


def test_where_it_is_not_possible_the_reason_stands_in_the_provenance(made):
    info, brain, _ = made
    few = mne.io.RawArray(brain, info, verbose="error").pick(list(range(60)))
    assert not_possible(few) == "60 sensors are fewer than 150"
    assert remove_external(few, choose(datatype="meg"))[1] == {
        "applied": False,
        "reason": "60 sensors are fewer than 150",
    }


def test_a_sensor_that_disagrees_is_found_and_computed_from_the_others(made):
    info, brain, _ = made
    rng = generator("test", "sensor")
    noise = np.where(np.array(info.get_channel_types()) == "mag", 3e-15, 1e-13)[:, None]
    values = brain + noise * rng.normal(size=brain.shape)
    values[20] = 100 * noise[20] * rng.normal(size=values.shape[1])
    done, said = filtered(info, np.tile(values, 3))
    assert said["computed_from_others"] == [info["ch_names"][20]]
    assert np.corrcoef(done[20], np.tile(brain[20], 3))[0, 1] > 0.5


def test_a_meg_recording_goes_the_same_way_in_tesla(tmp_path):
    """Responses of a source in the head at every event, below external fields a hundred times as strong, and noise."""
    rng, info, times = generator("test", "meg study"), array(), np.arange(round(36 * RATE)) / RATE
    onsets = np.arange(1.0, 34.0, 1.1).round(2)
    course = 1e-7 * np.exp(-0.5 * ((times[:, None] - onsets - 0.2) / 0.04) ** 2).sum(axis=1)
    drifts = np.cumsum(rng.normal(size=(8, len(times))), axis=1) / 10
    values = np.outer(internal(info), course) + external(info, rng) @ (1e-11 * drifts)
    values += np.where(np.array(info.get_channel_types()) == "mag", 3e-15, 1e-13)[:, None] * rng.normal(
        size=values.shape
    )
    raw = mne.io.RawArray(values, info, verbose="error")
    raw.info["line_freq"] = 50.0
    path = mne_bids.BIDSPath(subject="01", task="tones", datatype="meg", suffix="meg", root=tmp_path)
    table = np.column_stack([np.round(onsets * RATE), 0 * onsets, 0 * onsets + 1]).astype(int)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mne_bids.write_raw_bids(
            raw, path, events=table, event_id={"tone": 1}, format="FIF", allow_preload=True, verbose="error"
        )
    made = prepare(tmp_path, "01", "tones", choose(datatype="meg", correction="none", low_hz=30.0))
    assert made.recording.unit == "T, T/m"
    assert made.recording.sites["kind"].value_counts().to_dict() == {"grad": 204, "mag": 102}
    assert made.cleaned.bad_channels.empty
    times = made.trials.start + np.arange(made.trials.values.shape[2]) / RATE
    for kind in ("mag", "grad"):
        chosen = (made.recording.sites["kind"] == kind).to_numpy()
        evoked = made.trials.values[:, chosen].mean(axis=0)
        best = int(evoked.std(axis=0).argmax())
        assert abs(times[best] - 0.2) < 0.03
        assert abs(np.corrcoef(evoked[:, best], internal(info)[chosen])[0, 1]) > 0.9
