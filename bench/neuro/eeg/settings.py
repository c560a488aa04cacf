"""Every choice that preprocessing of EEG and MEG makes, with its default and the reason for it.

Nothing is inherited silently: what a library would choose for us stands here, and `REASONS` has a sentence for each
field (a test holds the two together). No setting is an amplitude but `plausible`, which guards the reading of files;
all decisions on the signal are relative to the data.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bench.core.catalogue import pick
from bench.core.contract import BadInput

CORRECTIONS = ("ica", "regression", "none")
REJECTIONS = ("learnt", "none")
DATATYPES = ("eeg", "meg")
COMPONENTS = ("brain", "muscle artifact", "eye blink", "heart beat", "line noise", "channel noise", "other")


@dataclass(frozen=True)
class Settings:
    """Frequencies in Hz, times in s, shares between 0 and 1. See `REASONS` for why each default is what it is."""

    datatype: str = "eeg"
    seed: int = 0
    conditions: tuple[str, ...] = ()
    template_montage: str | None = "colin27_1005"
    plausible: bool = True
    constant_channels: str = "refuse"
    line_hz: float | None = None
    notch_width_hz: float = 1.0
    high_hz: float = 0.1
    low_hz: float = 40.0
    sampling_rate: float = 250.0
    bad_deviation: float = 5.0
    bad_ratio: float = 4.0
    bad_correlation: float = 0.4
    bad_windows: float = 0.4
    bad_share: float = 0.25
    reference: tuple[str, ...] = ("average",)
    correction: str = "ica"
    ica_high_hz: float = 1.0
    ica_low_hz: float = 100.0
    ica_samples: int = 30
    ica_iterations: int = 500
    remove: tuple[str, ...] = ("eye blink", "heart beat")
    remove_probability: float = 0.8
    start: float = -0.2
    stop: float = 0.8
    baseline: tuple[float, float] | None = (-0.2, 0.0)
    rejection: str = "learnt"
    folds: int = 5
    consensus: float = 0.1
    maxwell: bool = True
    maxwell_window: float | None = None


REASONS: Mapping[str, str] = {
    "datatype": "EEG unless said: the folder of the modality in the BIDS tree, and the kind of sensor that is kept.",
    "seed": "The unmixing starts at random weights and trials are dealt to folds at random; one seed decides both.",
    "conditions": "Empty: every trial type of the events file becomes trials; the analysis chooses, not the cleaning.",
    "template_montage": "Where a file holds no positions, idealised ones of the 10-05 system are near enough to "
    "interpolate and to classify components; they never replace measured ones, and the provenance says which it was.",
    "plausible": "Scalp potentials lie between tens of nanovolts and a millivolt, so that a median outside of it means "
    "that microvolts were read as volts or the reverse. Off for data in other units; it changes no value.",
    "constant_channels": "A channel that never moves and is called good is a recording fault or an online reference; "
    "guessing which would change the reference of all others, so the user says (`interpolate` treats it as bad).",
    "line_hz": "From PowerLineFrequency of the sidecar, which BIDS requires; a value here overrides it.",
    "notch_width_hz": "Mains wanders by well under 0.5 Hz; a wider notch would cut into the gamma band and ring more.",
    "high_hz": "Slow components (P3, N400) are distorted and new ones appear above about 0.3 Hz; below 0.1 Hz sweat "
    "and electrode drift dominate.",
    "low_hz": "Evoked responses hold little above 40 Hz and scalp muscle most of its power there.",
    "sampling_rate": "More than six times the low-pass, so that its slope ends far below the Nyquist frequency and "
    "onsets move by at most 2 ms; recordings are never sampled up.",
    "bad_deviation": "A channel's log amplitude (or share of high frequencies) is compared in robust standard "
    "deviations; five leave about one normal channel in two million.",
    "bad_ratio": "Where channels agree closely five deviations are little, so that the amplitude must also differ "
    "fourfold from the median channel: sites near the reference or far from muscle are quieter by nature.",
    "bad_correlation": "Volume conduction makes neighbours alike; a window in which no other channel correlates by 0.4 "
    "has lost contact.",
    "bad_windows": "Contact may come and go, and central sites of a small cap lie near the median of all: a channel is "
    "bad when two fifths of its one-second windows are.",
    "bad_share": "Interpolation needs neighbours: with more than a quarter bad the recording, not the channel, is bad.",
    "reference": "The average over the head is the least arbitrary reference of a cap that covers it and the one that "
    "component classification was trained on; it costs one rank. Names of channels instead (mastoids) are subtracted "
    "at the very end, which loses nothing.",
    "correction": "Independent components need no ocular channel and remove less brain than regression does where "
    "ocular channels see the brain as well; `regression` is for caps too small to unmix.",
    "ica_high_hz": "Drifts are not stationary and take components for themselves; unmixing weights are learnt above "
    "1 Hz and applied to the data of the chosen band.",
    "ica_low_hz": "Muscle and line components are told by high frequencies: the classifier was trained to 100 Hz.",
    "ica_samples": "Samples for each of the k * k weights; more change little and cost time, and unmixing ignores time "
    "order, so that every n-th sample serves.",
    "ica_iterations": "Passes over the data at most; past a few hundred labels of large components no longer change.",
    "remove": "Eyes and heart are what every recording has and what is classified most surely; muscle is left to the "
    "low-pass and to the rejection of trials.",
    "remove_probability": "A component that is kept by mistake costs noise, one that is removed by mistake costs "
    "signal that nothing brings back: only sure ones go.",
    "start": "Long enough before the event for a baseline that averages two alpha cycles.",
    "stop": "Covers the late positive components; longer trials overlap with the next event in fast designs.",
    "baseline": "Takes off what the high-pass leaves of drifts, ends at the event so that no response enters it.",
    "rejection": "Amplitudes differ between people and caps: thresholds are learnt from the data, not given in volts.",
    "folds": "Five leave four fifths of the trials to average, near to what all of them give.",
    "consensus": "A trial goes when more than a tenth of its sites exceed their own threshold; fewer are local and "
    "average out.",
    "maxwell": "External fields exceed the brain's a thousandfold; where the file has sensor geometry of a Neuromag "
    "type system they are separated by their source being outside of the array.",
    "maxwell_window": "None is without the temporal extension, which can remove brain signal that is phase-locked to "
    "an artefact; ten seconds where implants or magnetised objects are near.",
}


def choose(**changes: Any) -> Settings:
    """Settings with some defaults changed. Raises `BadInput` for an unknown name or an impossible value."""
    known = [field.name for field in dataclasses.fields(Settings)]
    made = Settings(**{pick(name, known, "eeg setting"): value for name, value in changes.items()})
    check_settings(made)
    return made


def check_settings(settings: Settings) -> None:
    """Raise `BadInput` with setting, value and remedy."""
    options = {"datatype": DATATYPES, "correction": CORRECTIONS, "rejection": REJECTIONS}
    for name, known in {**options, "constant_channels": ("refuse", "interpolate")}.items():
        pick(getattr(settings, name), known, f"eeg setting {name}")
    for name in settings.remove:
        pick(name, COMPONENTS, "eeg setting remove")
    for smaller, larger in (("high_hz", "low_hz"), ("ica_high_hz", "ica_low_hz"), ("start", "stop")):
        _ordered(settings, smaller, larger)
    if settings.sampling_rate < 3 * settings.low_hz:
        raise BadInput(
            f"eeg setting sampling_rate is {settings.sampling_rate:g} Hz with low_hz {settings.low_hz:g}; "
            f"give at least {3 * settings.low_hz:g} Hz, or a lower low_hz"
        )
    if settings.baseline and not settings.start <= settings.baseline[0] < settings.baseline[1] <= settings.stop:
        raise BadInput(f"eeg setting baseline is {settings.baseline}; keep it between start and stop, or give None")
    if settings.folds < 2:
        raise BadInput(f"eeg setting folds is {settings.folds}; give at least 2")


def _ordered(settings: Settings, smaller: str, larger: str) -> None:
    low, high = getattr(settings, smaller), getattr(settings, larger)
    if not low < high:
        raise BadInput(f"eeg setting {smaller} is {low:g} and {larger} {high:g}; give {smaller} below {larger}")
