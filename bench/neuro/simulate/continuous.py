"""Continuous stimuli and noise with known spectra: speech-like envelopes, words, EEG-like and BOLD-like noise.

Series of stated spectrum are Gaussian and circular: a draw of n samples has exactly the autocovariance
irfft(spectrum), so that theory needs no window. Spectra are normalised to variance 1. Times in s, frequencies in Hz.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int


def normalise(power: Float[np.ndarray, "frequencies"], samples: int) -> Float[np.ndarray, "frequencies"]:
    """A power spectrum at the frequencies of `rfft`, scaled so that a series of it has variance 1."""
    return power / np.fft.irfft(power, samples)[0]


def envelope_spectrum(samples: int, sampling_rate: float, cutoff: float = 8.0) -> Float[np.ndarray, "frequencies"]:
    """1/f above .5 Hz and little above `cutoff` (Hz): modulations of speech (Voss and Clarke 1975; Ding et al. 2017).

    No power at 0 Hz.
    """
    frequencies = np.fft.rfftfreq(samples, 1 / sampling_rate)
    power = 1 / np.maximum(frequencies, 0.5) / (1 + (frequencies / cutoff) ** 4)
    return normalise(np.where(frequencies > 0, power, 0.0), samples)


def eeg_spectrum(samples: int, sampling_rate: float) -> Float[np.ndarray, "frequencies"]:
    """1/f above .5 Hz, an alpha rhythm at 10 Hz and white sensor noise, as of EEG at rest."""
    frequencies = np.fft.rfftfreq(samples, 1 / sampling_rate)
    power = 1 / np.maximum(frequencies, 0.5) + 0.4 * np.exp(-0.5 * (frequencies - 10) ** 2) + 0.01
    return normalise(power, samples)


def bold_spectrum(samples: int, sampling_rate: float, memory: float = 0.4) -> Float[np.ndarray, "frequencies"]:
    """An autoregressive process of first order (`memory` per second) and slow drift, 1/f below .02 Hz."""
    frequencies = np.fft.rfftfreq(samples, 1 / sampling_rate)
    phi = memory ** (1 / sampling_rate)
    angle = 2 * np.pi * frequencies / sampling_rate
    process = (1 - phi**2) / (1 - 2 * phi * np.cos(angle) + phi**2)
    drift = 1 / np.maximum(frequencies, 0.002) / (1 + (frequencies / 0.02) ** 4)
    return 0.8 * normalise(process, samples) + 0.2 * normalise(drift, samples)


def draw_series(
    spectrum: Float[np.ndarray, "frequencies"], samples: int, columns: int, rng: np.random.Generator
) -> Float[np.ndarray, "time columns"]:
    """Independent Gaussian series with this power spectrum (at the frequencies of `rfft`)."""
    white = np.fft.rfft(rng.normal(size=(columns, samples)))
    return np.fft.irfft(white * np.sqrt(spectrum), samples).T


def autocovariance(spectrum: Float[np.ndarray, "frequencies"], samples: int) -> Float[np.ndarray, "time"]:
    """Covariance of two samples of such a series, by their distance."""
    return np.fft.irfft(spectrum, samples)


def draw_onsets(duration: float, shortest: float, rate: float, rng: np.random.Generator) -> Float[np.ndarray, "events"]:
    """Times (s) of events of `rate` (1/s) that are at least `shortest` (s) apart, exponential beyond: words, trials.

    The first interval starts before 0, so that events are as likely at the start as later.
    """
    mean = 1 / rate - shortest
    gaps = shortest + rng.exponential(mean, size=int(2 * (duration + 20 / rate) * rate) + 20)
    times = np.cumsum(gaps) - 20 / rate
    return times[(times >= 0) & (times < duration)]


def impulses(
    onsets: Float[np.ndarray, "events"], heights: Float[np.ndarray, "events"], samples: int, sampling_rate: float
) -> Float[np.ndarray, "time"]:
    """A series that is 0 but at the samples nearest to the events, where their heights stand (added up)."""
    series = np.zeros(samples)
    at: Int[np.ndarray, "events"] = np.minimum((onsets * sampling_rate).round().astype(int), samples - 1)
    np.add.at(series, at, heights)
    return series
