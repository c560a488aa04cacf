"""What a laboratory chooses: the settings file of `interpbench lab`, in two parts, and the reason for every default.

    preprocessing: {high_hz: 0.5}      # a setting of bench.neuro.eeg.settings or bench.neuro.fmri.settings
    encoding: {method: banded_ridge}   # a field of `Encoding`

Nothing is inherited silently: what is not written in the file stands here or there with its reason, and the page shows
what was changed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bench.core.catalogue import pick
from bench.core.contract import BadInput
from bench.neuro.eeg import settings as eeg
from bench.neuro.fmri import settings as fmri

DATATYPES = {"func": "fmri", "eeg": "eeg", "meg": "meg"}
"""Folder of a modality in BIDS, and what it is called here."""
CHOICES = {
    "method": ("ridge", "lagged_ridge", "banded_ridge"),
    "alignment": ("auto", "glover", "spm", "average", "lanczos"),
    "correction": ("max", "fdr"),
}
ABOVE_ZERO = ("rate", "gap", "block", "blocks", "permutations", "draws", "targets_mb")


@dataclass(frozen=True)
class Encoding:
    """Times in s, rates in Hz."""

    method: str = "lagged_ridge"
    """Of the encoding track. Without lags it is plain ridge with a penalty a target; `banded_ridge` has one a band."""
    alignment: str = "auto"
    """How stimuli become a time course. `auto`: fMRI is convolved with `glover`; samples of EEG and MEG hold the mean
    of what starts in them, and lags do the rest."""
    lag: float = -1.0
    """Longest delay of the response. -1: 0 where a haemodynamic response was convolved, 10 s for fMRI where it was not
    (its delays are then fitted), .6 s for EEG and MEG, which holds the late positive components."""
    rate: float = 64.0
    """EEG and MEG are resampled to this before the fit: evoked responses lie below 30 Hz, and lags cost columns."""
    gap: float = -1.0
    """What is left out between training and test where a run is cut into blocks. -1: 16 s for fMRI (a response and its
    undershoot), the longest lag and a second for EEG and MEG."""
    blocks: int = 4
    """Contiguous blocks of a single run: fewer train on too little, more have gaps take too much."""
    block: float = -1.0
    """Length of what is permuted, beyond the memory of signal and noise. -1: 16 s for fMRI, 2 s for EEG and MEG."""
    permutations: int = 200
    """Every one is a fit of its own, so that they are what takes the time; the smallest p is then 1 / 201."""
    correction: str = "max"
    """Over sites: the largest of all sites in each permutation (family-wise), or the false discovery rate."""
    draws: int = 3
    """Random vectors, random weights and noise features are drawn so often; their mean and range are shown."""
    targets_mb: float = 256.0
    """Sites are fitted in batches whose predictions take no more than this."""
    private: bool = True
    """Recordings of people are private until somebody decides otherwise; the leaderboard refuses what is so marked."""


@dataclass(frozen=True)
class Chosen:
    """`preprocessing` is a `Settings` of the modality."""

    datatype: str
    preprocessing: eeg.Settings | fmri.Settings
    encoding: Encoding


def read_settings(path: Path | None, datatype: str) -> Chosen:
    """The settings file, or the defaults. Raises `BadInput` with name, value and what is allowed."""
    told = {} if path is None else read_yaml(path)
    for part in told:
        pick(str(part), ("preprocessing", "encoding"), f"{path}: part")
    return Chosen(
        datatype,
        _preprocessing(told.get("preprocessing") or {}, datatype),
        encoding(told.get("encoding") or {}),
    )


def _preprocessing(told: Mapping[str, Any], datatype: str) -> eeg.Settings | fmri.Settings:
    if datatype == "fmri":
        return fmri.read_settings(told)
    plain = {name: tuple(value) if isinstance(value, list) else value for name, value in told.items()}
    return eeg.choose(**{"datatype": datatype, **plain})


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML mapping. Raises `BadInput` where the file is missing, malformed, or something else."""
    try:
        told = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadInput(f"{path}: cannot be read as YAML ({' '.join(str(error).split())}); correct it") from error
    if not isinstance(told, dict):
        raise BadInput(f"{path}: holds {type(told).__name__}, not names with values; write for example `layers: [1]`")
    return told


def encoding(told: Mapping[str, Any]) -> Encoding:
    """`Encoding` with some fields changed."""
    known = {field.name: type(field.default) for field in dataclasses.fields(Encoding)}
    for name, value in told.items():
        kind = known[pick(str(name), known, "encoding setting")]
        number = kind is float and isinstance(value, int | float) and not isinstance(value, bool)
        if type(value) is not kind and not number:
            raise BadInput(f"encoding setting {name} is {value!r}; give a {kind.__name__}")
    made = Encoding(**told)
    for name, choices in CHOICES.items():
        pick(getattr(made, name), choices, f"encoding setting {name}")
    for name in ABOVE_ZERO:
        value = getattr(made, name)
        if not (value > 0 or (value == -1 and getattr(Encoding(), name) == -1)):
            raise BadInput(f"encoding setting {name} is {value}; give a number above 0")
    if made.blocks < 2:
        raise BadInput("encoding setting blocks is 1; give at least 2, one to train on and one to test on")
    return made


def completed(chosen: Encoding, datatype: str) -> Encoding:
    """The settings with everything that depends on the modality filled in."""
    slow = datatype == "fmri"
    alignment = chosen.alignment
    if alignment == "auto":
        alignment = "glover" if slow else "average"
    usual = 0.0 if alignment in ("glover", "spm") else (10.0 if slow else 0.6)
    lag = usual if chosen.lag < 0 else chosen.lag
    gap = (16.0 if slow else lag + 1.0) if chosen.gap < 0 else chosen.gap
    block = (16.0 if slow else 2.0) if chosen.block < 0 else chosen.block
    return dataclasses.replace(chosen, alignment=alignment, lag=lag, gap=gap, block=block)
