"""The laboratory's model: its YAML file, the stimuli of a recording, and the features of each, beside their controls.

    table: features.tsv        # or text: FOLDER or NAME, checkpoint: FILE, module: package.module:function
    stimulus: trial_type       # the column that names a stimulus (or holds its word, for `text`)
    words: words.tsv           # where stimuli are not the events: onset, duration, the stimulus column, perhaps run
    layers: [1, 3]             # all there are where none is named

Further names: `context`, `stride`, `position`, `precision`, `device` (of `bench.models.sources`), `inputs` (of a
module), `bands` (of a table), `components` (principal components of a layer over its stimuli), `surface` (columns of
events or words that are numbers, such as sound power, for the surface control), `budget_mb`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from bench.core.catalogue import pick
from bench.core.contract import BadInput, generator
from bench.kernels.irregular import average_within, lanczos
from bench.lab.settings import Encoding, read_yaml
from bench.models.activation_cache import BUDGET, activations, check_layers
from bench.models.sources import Checkpoint, Module, Source, Table, TextModel
from bench.neuro.haemodynamics import GLOVER, SPM, convolve_events
from bench.neuro.recording import Recording

KINDS = ("table", "text", "checkpoint", "module")
OPTIONS = {
    "table": ("bands",),
    "text": ("context", "stride", "position", "precision", "device"),
    "checkpoint": ("position", "precision", "device"),
    "module": ("inputs", "precision", "device"),
}
COMMON = ("stimulus", "words", "layers", "components", "surface", "budget_mb")
RESPONSES = {"glover": GLOVER, "spm": SPM}
RESOLUTION = 1e-6  # s: nearer than this to a sample is at it


@dataclass(frozen=True)
class Model:
    """A source, the column that names its stimuli, the layers that are read, and how."""

    source: Source
    kind: str
    stimulus: str
    words: pd.DataFrame | None
    layers: list[str]
    components: int | None
    surface: tuple[str, ...]
    budget: float


@dataclass(frozen=True)
class Features:
    """Features of one recording's samples. `bands[j]` is the band of column j; `names` are those of the bands."""

    values: Float[np.ndarray, "time features"]
    bands: Int[np.ndarray, "features"]
    names: list[str]


def read_model(path: Path) -> Model:
    """The model file; paths in it are relative to its folder. Raises `BadInput` with name, value and remedy."""
    told, base = read_yaml(path), path.parent
    kinds = [kind for kind in KINDS if kind in told]
    if len(kinds) != 1:
        raise BadInput(f"{path}: names {' and '.join(kinds) or 'no model'}; give exactly one of {', '.join(KINDS)}")
    kind = kinds[0]
    for name in told:
        pick(str(name), (kind, *OPTIONS[kind], *COMMON), f"{path}: setting")
    stimulus = str(told.get("stimulus", "trial_type"))
    source = _source(kind, told, base, stimulus)
    layers = [str(layer) for layer in told.get("layers", source.layers)]
    check_layers(source, layers)
    words = _read_words(base / told["words"], stimulus) if "words" in told else None
    return Model(
        source, kind, stimulus, words, layers, told.get("components"), tuple(told.get("surface", ())),
        float(told.get("budget_mb", BUDGET)),
    )  # fmt: skip


def _source(kind: str, told: Mapping[str, Any], base: Path, stimulus: str) -> Source:
    options = {name: told[name] for name in OPTIONS[kind] if name in told}
    if kind == "text":
        folder = base / told["text"]
        return TextModel.load(folder if folder.is_dir() else str(told["text"]), **options)
    if kind == "module":
        if "inputs" not in options:
            raise BadInput("a module needs `inputs`, a table of numbers by stimulus; name it")
        return Module.load(told["module"], base / options.pop("inputs"), stimulus, **options)
    if kind == "checkpoint":
        return Checkpoint.load(base / told["checkpoint"], **options)
    return Table.load(base / told["table"], stimulus, **options)


def _read_words(path: Path, stimulus: str) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, sep="\t", dtype={stimulus: str}, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise BadInput(f"{path}: cannot be read as a table ({' '.join(str(error).split())}); write TSV") from error
    lost = [name for name in ("onset", "duration", stimulus) if name not in table]
    if lost:
        raise BadInput(f"{path}: has no column {lost[0]!r} (columns: {', '.join(table)}); add it")
    return table


def stimuli_of(model: Model, recording: Recording) -> pd.DataFrame:
    """What was shown when: onset and duration (s), run, and the stimulus column as text.

    The recording's events, or the words file: its rows for the run, or all of them in every run where it names none.
    """
    who, runs = f"subject {recording.subject}", np.unique(recording.runs)
    if model.words is None:
        table = recording.events
        if model.stimulus not in table:
            raise BadInput(
                f"{who}: its events have no column {model.stimulus!r} (columns: {', '.join(table)}); set `stimulus`"
            )
    elif "run" in model.words:
        table = model.words[model.words["run"].isin(runs)]
    else:
        table = pd.concat([model.words.assign(run=run) for run in runs], ignore_index=True)
    kept = table[~table[model.stimulus].isin(["", "n/a"]) & table[model.stimulus].notna()]
    if kept.empty:
        raise BadInput(f"{who}: no stimulus in column {model.stimulus!r} for its runs; look at the events or `words`")
    return kept.astype({model.stimulus: str}).sort_values(["run", "onset"], kind="stable", ignore_index=True)


def read_layers(
    model: Model, source: Source, stimuli: pd.DataFrame, cache: Path
) -> list[Float[np.ndarray, "stimuli width"]]:
    """One array a layer, rows in the order of `stimuli`. A text is read run by run, all else each stimulus once."""
    names = stimuli[model.stimulus].tolist()
    if model.kind == "text":
        texts = [stimuli.loc[stimuli["run"] == run, model.stimulus].tolist() for run in stimuli["run"].unique()]
        parts = [activations(source, text, model.layers, cache, budget=model.budget) for text in texts]
        layers = [np.concatenate(layer) for layer in zip(*parts, strict=True)]
    else:
        known, index = np.unique(names, return_inverse=True)
        each = activations(source, known.tolist(), model.layers, cache, budget=model.budget)
        layers = [layer[index] for layer in each]
    return [principal(layer, model.components) for layer in layers]


def principal(layer: Float[np.ndarray, "stimuli width"], count: int | None) -> Float[np.ndarray, "stimuli kept"]:
    """The stimuli in their first principal components, or as they are. No response has a part in it."""
    if count is None or count >= min(layer.shape):
        return layer
    centred = layer - layer.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    return centred @ axes[:count].T


def surface_columns(model: Model, stimuli: pd.DataFrame) -> pd.DataFrame:
    """What needs no model: that something began, how long it lasted, the length of its word, and named columns."""
    table = pd.DataFrame({"rate": np.ones(len(stimuli)), "duration": stimuli["duration"].to_numpy(float)})
    if model.kind == "text":
        table["length"] = stimuli[model.stimulus].str.len().to_numpy(float)
    for name in model.surface:
        if name not in stimuli:
            raise BadInput(f"surface: column {name!r} is in neither events nor words; take it out or add it")
        table[name] = pd.to_numeric(stimuli[name], errors="coerce").fillna(0.0).to_numpy()
    return table.loc[:, table.nunique() > 1].assign(rate=1.0)  # a constant column repeats the rate


def random_vectors(names: list[str], widths: list[int], rng: np.random.Generator) -> list[np.ndarray]:
    """A Gaussian vector for each stimulus, the same wherever it returns, as wide as each layer."""
    known, index = np.unique(names, return_inverse=True)
    return [rng.standard_normal((len(known), width))[index] for width in widths]


def align(
    stimuli: pd.DataFrame, vectors: list[np.ndarray], names: list[str], recording: Recording, chosen: Encoding
) -> Features:
    """The stimuli's vectors as time courses at the recording's samples, run by run."""
    together = np.concatenate(vectors, axis=1)
    values = np.zeros((len(recording.runs), together.shape[1]))
    for run in np.unique(recording.runs):
        rows, shown = recording.runs == run, (stimuli["run"] == run).to_numpy()
        onsets, durations = (stimuli.loc[shown, name].to_numpy(float) for name in ("onset", "duration"))
        frames = (np.arange(rows.sum()) + recording.time_reference) / recording.sampling_rate
        values[rows] = _course(onsets, durations, together[shown], frames, recording.sampling_rate, chosen.alignment)
    bands = np.repeat(np.arange(len(vectors)), [vector.shape[1] for vector in vectors])
    return Features(values, bands, names)


def _course(
    onsets: np.ndarray, durations: np.ndarray, vectors: np.ndarray, frames: np.ndarray, rate: float, alignment: str
) -> np.ndarray:
    if alignment in RESPONSES:
        return convolve_events(onsets, durations, vectors, frames, RESPONSES[alignment])
    if alignment == "lanczos":
        return lanczos(onsets + durations / 2, vectors, frames, 1 / rate)
    return average_within(onsets + RESOLUTION, vectors, frames, 1 / rate)


def feature_sets(
    model: Model, recording: Recording, chosen: Encoding, cache: Path
) -> Iterator[tuple[str, list[Features]]]:
    """The model's features, each layer's alone where there are several, and the controls' draws, by name."""
    stimuli = stimuli_of(model, recording)
    layers = read_layers(model, model.source, stimuli, cache)

    def aligned(vectors: list[np.ndarray], names: list[str]) -> Features:
        return align(stimuli, vectors, names, recording, chosen)

    yield "model", [aligned(layers, model.layers)]
    if len(layers) > 1:
        for name, layer in zip(model.layers, layers, strict=True):
            yield f"layer {name}", [aligned([layer], [name])]
    if model.kind != "table":
        weights = [model.source.redrawn(generator("lab weights", draw)) for draw in range(chosen.draws)]
        read = [read_layers(model, source, stimuli, cache) for source in weights]
        yield "random weights", [aligned(one, model.layers) for one in read]
    widths, names = [layer.shape[1] for layer in layers], stimuli[model.stimulus].tolist()
    vectors = [random_vectors(names, widths, generator("lab vectors", draw)) for draw in range(chosen.draws)]
    yield "random vectors", [aligned(one, model.layers) for one in vectors]
    yield "surface", [aligned([surface_columns(model, stimuli).to_numpy()], ["surface"])]
