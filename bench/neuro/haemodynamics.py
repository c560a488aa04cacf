"""What the blood-oxygen signal makes of events in time, and the slow drifts of the scanner.

Times are in seconds. A frame time is when a volume counts as taken: volume i of repetition time TR, whose slices are
referred to the share `slice_reference` of the TR, lies at (i + slice_reference) TR (`frame_times`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import stats


@dataclass(frozen=True)
class DoubleGamma:
    """A response h(t) = [g(t; p/d, d) - c g(t; u/e, e)] / (1 - c); g(t; a, s): gamma density of shape a, scale s.

    `peak` p, `undershoot` u, and their dispersions d, e are in s, `ratio` c has no unit; the integral of h is 1.
    """

    peak: float
    undershoot: float
    dispersion: float
    undershoot_dispersion: float
    ratio: float

    def density(self, time: Float[np.ndarray, "*any"]) -> Float[np.ndarray, "*any"]:
        """h(t) in 1/s: the response to an impulse at time 0 s."""
        rise, fall = self._gammas()
        return (rise.pdf(time) - self.ratio * fall.pdf(time)) / (1 - self.ratio)

    def integral(self, time: Float[np.ndarray, "*any"]) -> Float[np.ndarray, "*any"]:
        """The response at t to a stimulus of height 1 that starts at 0 s and never ends; tends to 1."""
        rise, fall = self._gammas()
        return (rise.cdf(time) - self.ratio * fall.cdf(time)) / (1 - self.ratio)

    def slope(self, time: Float[np.ndarray, "*any"]) -> Float[np.ndarray, "*any"]:
        """h'(t) in 1/s^2; 0 up to the onset. A gamma density of shape a, scale s has g'(t) = g(t) ((a - 1)/t - 1/s)."""
        rise, fall = self._gammas()
        after = np.where(time > 0, time, 1.0)
        slopes = [one.pdf(after) * ((one.args[0] - 1) / after - 1 / one.kwds["scale"]) for one in (rise, fall)]
        return np.where(time > 0, (slopes[0] - self.ratio * slopes[1]) / (1 - self.ratio), 0.0)

    def _gammas(self) -> tuple[stats.rv_frozen, stats.rv_frozen]:
        rise = stats.gamma(self.peak / self.dispersion, scale=self.dispersion)
        return rise, stats.gamma(self.undershoot / self.undershoot_dispersion, scale=self.undershoot_dispersion)


GLOVER = DoubleGamma(6.0, 12.0, 0.9, 0.9, 0.48)
"""Glover 1999, NeuroImage 9:416-429 (auditory response), in the constants of nilearn: largest at 5.01 s.

Glover gives the undershoot .35 of the height of the rise; between densities, which have area 1, nilearn writes .48.
"""
SPM = DoubleGamma(6.0, 16.0, 1.0, 1.0, 1 / 6)
"""The canonical response of SPM (Friston et al. 1998, NeuroImage 7:30-40): largest at 5.00 s."""


def frame_times(volumes: int, repetition_time: float, slice_reference: float = 0.5) -> Float[np.ndarray, "time"]:
    """When the volumes count as taken, in s. Slices interpolated to the middle of the volume (fMRIPrep) have .5."""
    return (np.arange(volumes) + slice_reference) * repetition_time


def convolve_events(
    onsets: Float[np.ndarray, "events"],
    durations: Float[np.ndarray, "events"],
    amplitudes: Float[np.ndarray, "events features"],
    frames: Float[np.ndarray, "time"],
    response: DoubleGamma,
) -> Float[np.ndarray, "time features"]:
    """Predicted signal at `frames` (s) of events with `onsets` and `durations` (s): x(t) = sum_e a_e r_e(t).

    An event of duration 0 is an impulse, r_e(t) = h(t - onset) in 1/s; a longer one has height 1,
    r_e(t) = H(t - onset) - H(t - onset - duration). In closed form: there is no oversampled grid.
    """
    since = frames[:, None] - onsets
    impulse = durations == 0
    shape = np.empty_like(since)
    shape[:, impulse] = response.density(since[:, impulse])
    lasting = since[:, ~impulse]
    shape[:, ~impulse] = response.integral(lasting) - response.integral(lasting - durations[~impulse])
    return shape @ amplitudes


def cosine_drifts(volumes: int, repetition_time: float, cutoff: float) -> Float[np.ndarray, "time drifts"]:
    """The constant and the slow cosines cos(pi k (i + 1/2) / n), k <= 2 n TR / cutoff, as an orthonormal basis.

    `cutoff` is the shortest period that is taken out, in s (128 s is the custom).
    """
    order = int(np.floor(2 * volumes * repetition_time / cutoff))
    waves = np.cos(np.pi / volumes * (np.arange(volumes)[:, None] + 0.5) * np.arange(order + 1))
    return waves / np.linalg.norm(waves, axis=0)


def high_pass(
    signal: Float[np.ndarray, "time *any"], repetition_time: float, cutoff: float = 128.0
) -> Float[np.ndarray, "time *any"]:
    """The signal without its mean and its drifts of periods above `cutoff` (s), by least squares, in its own units.

    Filter stretches that are trained and tested on one by one: over both, the test rows would shape the training rows.
    """
    drifts = cosine_drifts(len(signal), repetition_time, cutoff)
    return signal - np.tensordot(drifts, np.tensordot(drifts.T, signal, 1), 1)
