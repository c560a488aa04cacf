"""Listening to a story: fMRI of six regions against the layers of a language model.

27 listeners heard the first chapter of Alice in Wonderland (12 minutes). Each seed is a listener, the targets are that
listener's six regions. The feature spaces are word rate (band 0), sound power (band 1) and the residual stream of a
small language model at its embedding (band 2) and after each of its five layers (bands 3 to 7).

A word's activation is the mean over its tokens, in the first 20 principal components over the training words; it enters
as an impulse when the word ends and is convolved with the canonical haemodynamic response. Features and responses are
high-passed at 128 s, each contiguous stretch by itself. A third of the story is held out at a time, with 16 s between
training and test.

Reliability is the mean correlation between pairs of listeners on the held-out volumes, so that r / sqrt(reliability) is
*shared-signal normalised*. Regions are scored where the listeners agree on the training volumes.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from bench.core.contract import BadInput
from bench.core.problems import Workspace
from bench.models.activations import read_text
from bench.models.llama import load_llama
from bench.neuro.blocks import Split, equal_blocks, split_blocks
from bench.neuro.haemodynamics import SPM, convolve_events, frame_times, high_pass
from bench.neuro.intersubject import pairwise_correlation
from bench.tracks.encoding.types import Problem, Truth

VERSION = 1
BOARD = "proxy"
SEED_CHANGES = "inputs"
MAX_SEEDS = 27
SEEDS = 27
DATA = ("alice", "stories260k")
REFERENCE = "Brennan et al. (2016), Brain and Language 157-158:81-94, doi:10.1016/j.bandl.2016.04.008"
INSTANCES = {
    "beginning": {"size": "small", "null": False, "title": "the first four minutes held out"},
    "middle": {"size": "small", "null": False, "title": "the second four minutes held out"},
    "end": {"size": "small", "null": False, "title": "the last four minutes held out"},
}
FOLDS = {"beginning": 0, "middle": 1, "end": 2}

GAP = 8  # volumes of 2 s
GROUPS = 6  # stretches of two minutes, of which four train: cross-validation within the training rows needs a few
CUTOFF = 128.0  # s
AGREEMENT = 0.03  # least correlation between listeners on training volumes; with 351 pairs its error is about .01
COMPONENTS = 20  # of each depth
STRIDE = 256  # tokens; every token but the first ones has at least 255 before it
START = 1  # the token that begins a text


class Story(NamedTuple):
    """What all listeners and folds share."""

    responses: np.ndarray  # [listeners, time, regions], scanner units
    word_rows: np.ndarray  # [words], the volume during which each word ends
    word_rate: np.ndarray  # [time], convolved, 1/s
    activations: np.ndarray  # [words, depths, d_model]
    convolved: np.ndarray  # [time, depths, d_model], 1/s
    sound_power: np.ndarray  # [time], convolved by the authors
    repetition_time: float  # s


class Fold(NamedTuple):
    """What all listeners share in one fold."""

    split: Split
    features: np.ndarray  # [time, features]
    bands: np.ndarray  # [features]
    responses: np.ndarray  # [listeners, time, regions], % signal change
    reliability: np.ndarray  # [regions], on the test volumes
    selected: np.ndarray  # [regions], from the training volumes


def generate(instance: str, seed: int, rng: np.random.Generator, workspace: Workspace) -> tuple[Problem, Truth]:
    story = read_story(workspace.data["alice"], workspace.data["stories260k"])
    if not 0 <= seed < len(story.responses):
        raise BadInput(f"encoding/alice: seed {seed} is no listener; choose one from 0 to {len(story.responses) - 1}")
    fold = make_fold(workspace.data["alice"], workspace.data["stories260k"], FOLDS[instance])
    split, responses = fold.split, fold.responses[seed]
    problem = Problem(
        train_features=fold.features[split.train],
        train_responses=responses[split.train],
        train_groups=equal_blocks(len(fold.features), GROUPS)[split.train],
        test_features=fold.features[split.test],
        test_groups=split.test_groups,
        bands=fold.bands,
        sampling_rate=1 / story.repetition_time,
        max_lag=0,
        units="% signal change",
        response_kind="continuous",
    )
    return problem, Truth(False, responses[split.test], fold.selected, fold.reliability, None)


@cache
def read_story(recording: Path, model: Path) -> Story:
    """Responses, and what the words alone say: their rate and the model's activations, convolved."""
    arrays = load_file(recording / "recording.safetensors")
    facts = json.loads((recording / "recording.json").read_text())
    words = pd.read_csv(recording / "words.csv", keep_default_na=False)
    ends, tr = words["offset"].to_numpy(), facts["repetition_time"]
    # Volume i was taken at (i + dropped) TR of the clock of the words: its beginning counts, not its middle.
    frames = frame_times(facts["dropped"] + facts["volumes"], tr, slice_reference=0.0)[facts["dropped"] :]
    activations = activations_of_words(words["word"].tolist(), model)
    impulses = np.column_stack([np.ones(len(ends)), activations.reshape(len(ends), -1)])
    convolved = convolve_events(ends, np.zeros(len(ends)), impulses, frames, SPM)
    by_depth = convolved[:, 1:].reshape(len(frames), *activations.shape[1:])
    rows = np.searchsorted(frames, ends, side="right") - 1
    return Story(arrays["responses"], rows, convolved[:, 0], activations, by_depth, arrays["sound_power"], tr)


def activations_of_words(words: list[str], folder: Path) -> np.ndarray:
    """Mean residual stream over the tokens of each word, [words, depths, d_model]."""
    text, ends = spelled(words)
    encoded = Tokenizer.from_file(str(folder / "tokenizer.json")).encode(text, add_special_tokens=False)
    stream = read_text(load_llama(folder), np.array(encoded.ids), START, STRIDE)
    owner = np.searchsorted(ends, [end for _, end in encoded.offsets])
    belongs = owner == np.arange(len(words))[:, None]
    return np.einsum("wp,dpe->wde", belongs / belongs.sum(axis=1, keepdims=True), stream, optimize=True)


def spelled(words: list[str]) -> tuple[str, np.ndarray]:
    """The words as running text, and where each ends in it; clitics ('s, n't) stand without a blank."""
    pieces = [word if word.startswith("'") or word == "n't" else f" {word}" for word in words]
    return "".join(pieces)[1:], np.cumsum([len(piece) for piece in pieces]) - 1


@cache
def make_fold(recording: Path, model: Path, held_out: int) -> Fold:
    """Split, features and responses of all listeners with one third of the story held out."""
    story = read_story(recording, model)
    thirds = equal_blocks(len(story.word_rate), len(FOLDS))
    split = split_blocks(thirds, np.arange(len(FOLDS)) == held_out, GAP)
    features, bands = features_of(story, split)
    changes = np.moveaxis(percent_change(story.responses, split), 0, -1)
    responses = np.moveaxis(filter_stretches(changes, split, story.repetition_time), -1, 0)
    reliability, agreement = (pairwise_correlation(responses[:, rows]) for rows in (split.test, split.train))
    filtered = filter_stretches(features, split, story.repetition_time)
    return Fold(split, filtered, bands, responses, reliability, agreement > AGREEMENT)


def features_of(story: Story, split: Split) -> tuple[np.ndarray, np.ndarray]:
    """Word rate, sound power and the layers, [time, features], and the band of each column.

    Layers are taken less their mean over the training words: with it, all would repeat the word rate.
    """
    training = story.activations[np.isin(story.word_rows, split.train)]
    mean = training.mean(axis=0)
    layers = story.convolved - story.word_rate[:, None, None] * mean
    # [depths, d_model, components]: the words' principal axes, on which few directions do not drown the others.
    axes = np.linalg.svd((training - mean).swapaxes(0, 1), full_matrices=False)[2][:, :COMPONENTS].swapaxes(1, 2)
    projected = np.einsum("tde,dec->tdc", layers, axes).reshape(len(layers), -1)
    features = np.column_stack([story.word_rate, story.sound_power, projected])
    return features, np.concatenate([[0, 1], 2 + np.repeat(np.arange(len(axes)), COMPONENTS)])


def percent_change(responses: np.ndarray, split: Split) -> np.ndarray:
    """Scanner units as % of each listener's and region's mean over the training volumes."""
    baseline = responses[:, split.train].mean(axis=1, keepdims=True)
    return 100 * (responses / baseline - 1)


def filter_stretches(signal: np.ndarray, split: Split, repetition_time: float) -> np.ndarray:
    """High-pass each third by itself, [time, ...]; volumes of the gap become NaN, since nothing may use them."""
    filtered = np.full_like(signal, np.nan)
    for rows, groups in ((split.train, split.train_groups), (split.test, split.test_groups)):
        for third in np.unique(groups):
            stretch = rows[groups == third]
            filtered[stretch] = high_pass(signal[stretch], repetition_time, CUTOFF)
    return filtered
