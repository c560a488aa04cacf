"""Every default of the EEG pipeline has its reason, and an impossible value is refused with its remedy."""

import dataclasses

import pytest

from bench.core.contract import BadInput
from bench.neuro.eeg.settings import REASONS, Settings, check_settings, choose


def test_every_setting_has_a_reason_and_every_reason_a_setting():
    assert list(REASONS) == [field.name for field in dataclasses.fields(Settings)]
    assert all(len(reason.split()) > 10 for reason in REASONS.values())
    check_settings(Settings())


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"high": 0.1}, "'high' is not known; did you mean high_hz"),
        ({"correction": "icaa"}, "did you mean ica"),
        ({"high_hz": 50.0}, "high_hz is 50 and low_hz 40; give high_hz below low_hz"),
        ({"sampling_rate": 100.0}, "give at least 120 Hz, or a lower low_hz"),
        ({"baseline": (-0.5, 0.0)}, "baseline is (-0.5, 0.0); keep it between start and stop"),
        ({"remove": ("blink",)}, "did you mean eye blink"),
        ({"folds": 1}, "give at least 2"),
        ({"datatype": "ieeg"}, "eeg setting datatype: 'ieeg' is not known"),
    ],
)
def test_an_impossible_setting_is_refused(changes, says):
    with pytest.raises(BadInput) as refusal:
        choose(**changes)
    assert says in str(refusal.value)
