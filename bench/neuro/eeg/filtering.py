"""Line noise, band and sampling rate of one run: zero-phase FIR filters, low-pass before sampling down.

Runs are filtered one by one, so that no filter reaches over the gap between two of them. Frequencies in Hz.
"""

from __future__ import annotations

import mne
import numpy as np

from bench.core.contract import BadInput

HAMMING = 3.3  # a Hamming-windowed filter needs this many periods of its transition width
SLOPE = 0.25  # width of a transition as a share of its edge frequency


def signals(raw: mne.io.BaseRaw) -> np.ndarray:
    """Indices of what is filtered: brain, eye and heart, bad ones too; triggers stay as they are."""
    return mne.pick_types(raw.info, meg=True, ref_meg=True, eeg=True, eog=True, ecg=True, exclude=[])


def transition(edge: float) -> float:
    """Width of the slope below a high-pass edge: a quarter of the edge, at least 2 Hz, never below 0 Hz."""
    return min(max(SLOPE * edge, 2.0), edge)


def check_length(raw: mne.io.BaseRaw, high_hz: float, who: str) -> None:
    """Raise `BadInput` where a run is shorter than the filter that its high-pass needs."""
    seconds, needed = raw.n_times / raw.info["sfreq"], HAMMING / transition(high_hz)
    if seconds < needed:
        raise BadInput(
            f"{who} lasts {seconds:g} s, a high-pass at {high_hz:g} Hz needs {needed:.3g} s; set high_hz to "
            f"{HAMMING / seconds * 1.05:.2g} or more, or leave this run out"
        )


def remove_line(raw: mne.io.BaseRaw, line_hz: float, width_hz: float) -> tuple[mne.io.BaseRaw, list[float]]:
    """Notches at the mains frequency and its harmonics below the Nyquist frequency; the run, and where they are."""
    nyquist = raw.info["sfreq"] / 2
    notches = np.arange(line_hz, nyquist - 2 * width_hz, line_hz)
    if not len(notches):
        return raw.copy(), []
    filtered = raw.copy().notch_filter(
        notches, picks=signals(raw), method="fir", notch_widths=width_hz, trans_bandwidth=width_hz, phase="zero",
        fir_window="hamming", fir_design="firwin", verbose="error",
    )  # fmt: skip
    return filtered, notches.tolist()


def band_pass(raw: mne.io.BaseRaw, high_hz: float, low_hz: float) -> mne.io.BaseRaw:
    """A copy between two edges (half amplitude half a slope further out). A low-pass at or above the Nyquist frequency
    is what the amplifier did already, and is left out."""
    nyquist = raw.info["sfreq"] / 2
    slope = min(max(SLOPE * low_hz, 2.0), nyquist - low_hz)
    low = low_hz if low_hz < nyquist and slope > 0 else None
    return raw.copy().filter(
        high_hz, low, picks=signals(raw), method="fir", l_trans_bandwidth=transition(high_hz),
        h_trans_bandwidth=slope if low else "auto", phase="zero", fir_window="hamming", fir_design="firwin",
        verbose="error",
    )  # fmt: skip


def sample_down(raw: mne.io.BaseRaw, sampling_rate: float) -> mne.io.BaseRaw:
    """A copy at a lower rate; as it is where its rate is not above. To be called on low-passed data."""
    if raw.info["sfreq"] <= sampling_rate:
        return raw
    return raw.copy().resample(sampling_rate, npad="auto", method="fft", window="auto", verbose="error")
