"""From a subject's BIDS files to a clean `Recording`, its `Trials`, and what a report tells of how they came about."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import mne
import numpy as np
import pandas as pd
from jaxtyping import Float

from bench.core.contract import BadInput, generator
from bench.neuro.eeg import epochs
from bench.neuro.eeg.cleaning import Cleaned, clean
from bench.neuro.eeg.epochs import Rejection
from bench.neuro.eeg.preflight import Preflight, preflight
from bench.neuro.eeg.reading import Run, brain_picks, noting, read_runs
from bench.neuro.eeg.settings import Settings, check_settings
from bench.neuro.recording import Recording, Trials, check_recording, step

UNITS = {"eeg": "V", "mag": "T", "grad": "T/m"}
SPECTRUM_WINDOW = 4.0  # s: bins of a quarter of a hertz


@dataclass(frozen=True)
class Spectra:
    """Power spectral density by Welch's method, in squared units per Hz: of the files as they are, and cleaned."""

    before_hz: Float[np.ndarray, "before_bins"]
    before: Float[np.ndarray, "sites before_bins"]
    after_hz: Float[np.ndarray, "after_bins"]
    after: Float[np.ndarray, "sites after_bins"]


@dataclass(frozen=True)
class Prepared:
    """A subject after cleaning. `recording` and `trials` are what is analysed; all else says how they came about.

    `cleaned` holds bad channels, components and rank; `rejection` is of all trials and `candidates` their events, of
    which `trials` are those that stayed; `covariance` is that of the sites before the event (None without samples
    there); `files` are the recordings that were read and `notes` what libraries warned of.
    """

    recording: Recording
    trials: Trials
    task: str
    session: str | None
    settings: Settings
    preflight: Preflight
    cleaned: Cleaned
    candidates: pd.DataFrame
    rejection: Rejection
    covariance: Float[np.ndarray, "sites sites"] | None
    spectra: Spectra
    files: tuple[Path, ...]
    notes: tuple[str, ...]


def prepare(root: Path, subject: str, task: str, settings: Settings, session: str | None = None) -> Prepared:
    """Read, check, clean and cut one subject's recordings of a task.

    Raises `BadInput` in one sentence with subject, file and remedy for what cannot be prepared.
    """
    check_settings(settings)
    facts = preflight(root, subject, task, settings, session)
    if facts.faults:
        raise BadInput(facts.faults[0])
    runs, notes = read_runs(root, subject, task, settings, session), list[str]()
    rng = generator("eeg", settings.seed, subject, facts.session, task)
    try:
        with noting(notes):
            cleaned = clean(runs, settings, rng)
            recording = make_recording(runs, cleaned, settings, subject)
            made = make_trials(recording, settings, rng)
    except BadInput as error:
        raise BadInput(_with_subject(str(error), subject)) from error
    trials, candidates, rejection, covariance = made
    check_recording(trials)
    said = {note: None for run in runs for note in run.notes} | dict.fromkeys(notes)
    return Prepared(
        recording, trials, task, facts.session, settings, facts, cleaned, candidates, rejection, covariance,
        measure_spectra(runs, recording, settings), tuple(run.path for run in runs), tuple(said),
    )  # fmt: skip


def _with_subject(sentence: str, subject: str) -> str:
    return sentence if sentence.startswith(f"subject {subject}") else f"subject {subject}: {sentence}"


def make_recording(runs: list[Run], cleaned: Cleaned, settings: Settings, subject: str) -> Recording:
    """The canonical form of cleaned data: brain channels only, events of all runs, positions in metres."""
    raw = cleaned.raw
    picks = brain_picks(raw, settings.datatype, ())
    kinds = np.array(raw.get_channel_types())[picks]
    where = np.array([raw.info["chs"][i]["loc"][:3] for i in picks])
    sites = pd.DataFrame({"name": np.array(raw.ch_names)[picks], "kind": kinds})
    sites[["x", "y", "z"]] = where
    events = pd.concat([run.events.assign(run=run.number) for run in runs], ignore_index=True)
    unit = ", ".join(sorted({UNITS[kind] for kind in kinds}))
    first = step("read", files=[run.path.name for run in runs], positions=runs[0].positions)
    recording = Recording(
        raw.get_data(picks).T, cleaned.runs, sites, events, float(raw.info["sfreq"]), 0.0, unit, subject, cleaned.rank,
        [first, *cleaned.provenance],
    )  # fmt: skip
    check_recording(recording)
    return recording


def make_trials(
    recording: Recording, settings: Settings, rng: np.random.Generator
) -> tuple[Trials, pd.DataFrame, Rejection, Float[np.ndarray, "sites sites"] | None]:
    """Trials that stay, the events of all that were cut, what was learnt of them, and the covariance of those kept."""
    rate = recording.sampling_rate
    every, events = epochs.cut(recording.values, recording.runs, recording.events, rate, settings)
    rejection = epochs.learn_rejection(every, settings, rng)
    kept = ~rejection.bad
    if not kept.any():
        raise BadInput(f"all {len(kept)} trials exceed their thresholds; look at the recording, or raise consensus")
    times = epochs.trial_times(settings, rate) / rate
    done = [
        *recording.provenance,
        step("cut", start=settings.start, stop=settings.stop, baseline=settings.baseline, trials=len(kept)),
        step("reject", rule=settings.rejection, kept=int(kept.sum()), consensus=settings.consensus),
    ]
    stayed = events[kept].reset_index(drop=True)
    trials = Trials(
        every[kept], stayed["run"].to_numpy(), recording.sites, stayed, rate, float(times[0]), recording.unit,
        recording.subject, recording.rank, done,
    )  # fmt: skip
    return trials, events, rejection, epochs.noise_covariance(every[kept], times)


def measure_spectra(runs: list[Run], recording: Recording, settings: Settings) -> Spectra:
    """Spectra of the first run as it was read, and of the same run cleaned."""
    raw = runs[0].raw
    before = raw.get_data(brain_picks(raw, settings.datatype, ()))
    after = recording.values[recording.runs == runs[0].number].T
    return Spectra(*_welch(before, raw.info["sfreq"]), *_welch(after, recording.sampling_rate))


def _welch(values: Float[np.ndarray, "sites time"], sampling_rate: float) -> tuple[np.ndarray, np.ndarray]:
    window = min(values.shape[1], round(SPECTRUM_WINDOW * sampling_rate))
    power, hz = mne.time_frequency.psd_array_welch(
        values, sampling_rate, fmax=sampling_rate / 2, n_fft=window, n_overlap=window // 2, window="hann",
        verbose="error",
    )  # fmt: skip
    return hz, power
