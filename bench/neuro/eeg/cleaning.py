"""Continuous data of one band, reference and rate, from runs that were read.

Order, and why: external fields (MEG) and line noise first, on every run by itself; bad channels on data without drifts
and before any reference spreads them; two copies from there, a wide one (1 to 100 Hz) that artefacts are learnt on and
a narrow one that is kept, each low-passed before it is sampled down; artefacts taken off good channels; bad channels
interpolated from clean neighbours; the reference last, over all. No step looks at the unit of the data.
"""

from __future__ import annotations

from dataclasses import dataclass

import mne
import numpy as np
import pandas as pd
from jaxtyping import Int

from bench.core.catalogue import pick
from bench.core.contract import BadInput
from bench.neuro.eeg import filtering
from bench.neuro.eeg.artefacts import Components, numerical_rank, regression_map, unmix
from bench.neuro.eeg.bad_channels import find_bad
from bench.neuro.eeg.meg import ORIGIN, is_filtered, remove_external
from bench.neuro.eeg.reading import Run, brain_picks
from bench.neuro.eeg.settings import Settings
from bench.neuro.recording import step

REFERENCES = ("eog", "ecg")


@dataclass(frozen=True)
class Cleaned:
    """All runs one after another, `raw` without a bad channel left, and how they became so. `component_sites` are the
    channels that `components` were learnt on."""

    raw: mne.io.BaseRaw
    runs: Int[np.ndarray, "time"]
    bad_channels: pd.DataFrame
    components: Components | None
    component_sites: list[str]
    rank: int
    provenance: list[str]


def clean(runs: list[Run], settings: Settings, rng: np.random.Generator) -> Cleaned:
    """Clean runs of one subject; none is changed. Raises `BadInput` where the settings do not fit the recording."""
    done = list[str]()
    started = [_start(run, settings, done) for run in runs]
    bad = _bad_channels(started, runs, settings)
    done.append(step("bad_channels", found=dict(zip(bad["name"], bad["reason"], strict=True))))
    narrow, lengths = _joined(started, bad, settings.high_hz, settings.low_hz, settings.sampling_rate)
    nyquist = runs[0].raw.info["sfreq"] / 2
    done.append(step("band_pass", high_hz=settings.high_hz, low_hz=min(settings.low_hz, nyquist)))
    done.append(step("sampling_rate", hz=narrow.info["sfreq"], recorded_hz=2 * nyquist))
    if settings.correction == "ica" and settings.datatype == "eeg" and runs[0].positions == "none":
        raise BadInput(
            f"{runs[0].path.name} has no sensor positions, by which components are classified; add electrodes.tsv, or "
            "set correction to 'regression' or 'none'"
        )
    components = _correct(started, narrow, bad, settings, rng, done)
    sites = [narrow.ch_names[i] for i in brain_picks(narrow, settings.datatype)] if components else []
    narrow = _whole_head(narrow, bad, runs[0].positions, settings, done)
    rank = numerical_rank(narrow.get_data(brain_picks(narrow, settings.datatype, ())).T)
    done.append(step("rank", measured=rank))
    return Cleaned(narrow, np.repeat([r.number for r in runs], lengths), bad, components, sites, rank, done)


def _start(run: Run, settings: Settings, done: list[str]) -> mne.io.BaseRaw:
    """A run without external fields and line noise. Raises `BadInput` where the line frequency is not known."""
    line = settings.line_hz or run.line_hz
    if line is None:
        raise BadInput(f"{run.path.name} has no line frequency; add PowerLineFrequency to its sidecar, or give line_hz")
    filtering.check_length(run.raw, min(settings.high_hz, settings.ica_high_hz), run.path.name)
    raw = run.raw
    if settings.datatype == "meg" and settings.maxwell:
        raw, said = remove_external(raw, settings)
        done.append(step("remove_external_fields", run=run.number, **said))
    raw, notches = filtering.remove_line(raw, line, settings.notch_width_hz)
    done.append(step("remove_line", run=run.number, line_hz=line, notches_hz=notches))
    return raw


def _bad_channels(started: list[mne.io.BaseRaw], runs: list[Run], settings: Settings) -> pd.DataFrame:
    """Bad channels with `name`, `reason`, `amount` and `run`; one that is bad in a run is bad in all.

    Raises `BadInput` where more than the share `bad_share` is.
    """
    tables = [_bad_of_run(raw, settings).assign(run=run.number) for raw, run in zip(started, runs, strict=True)]
    every = pd.concat([t for t in tables if len(t)] or tables[:1], ignore_index=True)
    every = every.drop_duplicates("name", ignore_index=True)
    count = len(brain_picks(started[0], settings.datatype, ()))
    if len(every) > settings.bad_share * count:
        raise BadInput(
            f"{runs[0].path.name}: {len(every)} of {count} channels are bad, more than {settings.bad_share:.0%} "
            f"({every['name'][0]}: {every['reason'][0]}, ...); look at the recording, or leave this subject out"
        )
    return every


def _bad_of_run(raw: mne.io.BaseRaw, settings: Settings) -> pd.DataFrame:
    """Those marked already and those found, each kind of sensor compared with its like. Where external fields were
    separated, sensors were compared before, and none is left to find."""
    names = np.array(raw.ch_names)[brain_picks(raw, settings.datatype, ())]
    marked = [name for name in names if name in raw.info["bads"]]
    tables = [pd.DataFrame({"name": marked, "reason": "marked or constant in the file", "amount": np.nan})]
    wide = filtering.band_pass(raw, settings.ica_high_hz, settings.ica_low_hz)
    kinds = np.array(raw.get_channel_types())
    picks = brain_picks(wide, settings.datatype) if not is_filtered(raw) else np.array([], int)
    for kind in sorted(set(kinds[picks])):
        alike = picks[kinds[picks] == kind]
        values, known = wide.get_data(alike).T, [wide.ch_names[i] for i in alike]
        tables.append(find_bad(values, known, raw.info["sfreq"], settings, kind == "eeg"))
    filled = [table for table in tables if len(table)]
    return pd.concat(filled, ignore_index=True) if filled else tables[0]


def _joined(
    started: list[mne.io.BaseRaw], bad: pd.DataFrame, high_hz: float, low_hz: float, sampling_rate: float
) -> tuple[mne.io.BaseRaw, list[int]]:
    """Runs filtered and sampled down one by one, then one after another; and their lengths in samples."""
    parts = []
    for raw in started:
        part = filtering.sample_down(filtering.band_pass(raw, high_hz, low_hz), sampling_rate)
        part.info["bads"] = list(bad["name"])
        parts.append(part)
    lengths = [part.n_times for part in parts]
    return mne.concatenate_raws(parts, preload=True, verbose="error"), lengths


def _correct(
    started: list[mne.io.BaseRaw],
    narrow: mne.io.BaseRaw,
    bad: pd.DataFrame,
    settings: Settings,
    rng: np.random.Generator,
    done: list[str],
) -> Components | None:
    """Average reference over good channels, then artefacts off the good channels of `narrow`, in place."""
    _average(narrow)
    if settings.correction == "none":
        return None
    wide, _ = _joined(started, bad, settings.ica_high_hz, settings.ica_low_hz, 2.5 * settings.ica_low_hz)
    _average(wide)
    names = [wide.ch_names[i] for i in brain_picks(wide, settings.datatype)]
    if settings.correction == "regression":
        _regress(wide, narrow, names, done)
        return None
    wide.pick([*names, *_references(wide)])
    components = unmix(wide, settings, rng)
    narrow.apply_function(lambda x: components.cleaning() @ x, picks=names, channel_wise=False, verbose="error")
    gone = components.table[components.table["removed"]]
    removed = {str(row.Index): f"{row.label} {row.probability:.3f}" for row in gone.itertuples()}
    done.append(step("remove_components", of=len(components.table), removed=removed, method="extended infomax"))
    return components


def _references(raw: mne.io.BaseRaw) -> list[str]:
    """Names of ocular and cardiac channels."""
    kinds = zip(raw.ch_names, raw.get_channel_types(), strict=True)
    return [name for name, kind in kinds if kind in REFERENCES]


def _average(raw: mne.io.BaseRaw) -> None:
    """The average over good EEG channels as reference of all; nothing for MEG."""
    if "eeg" in raw:
        raw.set_eeg_reference("average", projection=False, verbose="error")


def _regress(wide: mne.io.BaseRaw, narrow: mne.io.BaseRaw, names: list[str], done: list[str]) -> None:
    """Take what ocular (and cardiac) channels predict off `narrow`, in place."""
    references = _references(narrow)
    if not references:
        raise BadInput(
            "eeg setting correction: there is no ocular or cardiac channel to regress on; give them their type in "
            "channels.tsv, or set correction to 'ica' or 'none'"
        )
    weights = regression_map(wide.get_data(names).T, wide.get_data(references).T)
    predicted = weights @ narrow.get_data(references)
    narrow.apply_function(lambda x: x - predicted, picks=names, channel_wise=False, verbose="error")
    done.append(step("regress", references=references))


def _whole_head(
    narrow: mne.io.BaseRaw, bad: pd.DataFrame, positions: str, settings: Settings, done: list[str]
) -> mne.io.BaseRaw:
    """Bad channels interpolated, then the final reference. Raises `BadInput` where positions are needed and missing."""
    if len(bad):
        if positions == "none":
            raise BadInput(
                f"channel {bad['name'][0]} is bad ({bad['reason'][0]}) and there are no positions to interpolate it "
                "from; add electrodes.tsv, or name channels as in the 10-05 system"
            )
        narrow = narrow.copy().interpolate_bads(
            reset_bads=True, origin=ORIGIN if settings.datatype == "meg" else "auto", verbose="error"
        )
        done.append(step("interpolate", channels=list(bad["name"]), positions=positions))
    if settings.datatype == "eeg":
        _average(narrow)
        if settings.reference != ("average",):
            names = [pick(name, narrow.ch_names, "eeg setting reference") for name in settings.reference]
            narrow.set_eeg_reference(names, projection=False, verbose="error")
        done.append(step("reference", to=list(settings.reference)))
    return narrow
