"""The cases that are timed: folders with `case.safetensors` (weights and inputs, single precision) and `case.json`."""

from __future__ import annotations

import dataclasses
import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from bench.core.catalogue import load_plugin, read_tracks
from bench.core.config import ROOT
from bench.core.contract import Blob, generator
from bench.core.problems import Workspace
from bench.models import checkpoint
from bench.models.checkpoint import Config
from bench.models.graph import Graph
from bench.models.llama import llama_arrays
from bench.models.transformer import Transformer
from bench.tracks.circuits.experiment import Experiment
from bench.tracks.circuits.types import Problem

GRANULARITY = "qkv"
INPUTS = ("clean", "corrupted", "direction")
IG_STEPS = 5
LENGTH, EXAMPLES = 16, 8  # of a language model's prompts
SHARE = 0.02  # ACDC's threshold, in units of the metric's scale


def reverse_of_acdc(folder: Path) -> Problem:
    """Tracr's `reverse` as in ACDC's paper, resampled."""
    from bench.models.compiled.acdc import reverse  # the compiler is slow to load and only this case needs it

    setup = reverse()
    return _problem(setup.config, setup.weights, setup.clean, setup.corrupted, folder)


def dyck2(folder: Path) -> Problem:
    """The unit `shuffle_dyck2` of task `tracr` with its first seed: two kinds of balanced brackets."""
    task = load_plugin(read_tracks(ROOT)["circuits"].tasks["tracr"].path)
    problem, _ = task.generate("shuffle_dyck2", 0, generator("peers", "dyck2"), Workspace(folder, {}))
    config, weights = checkpoint.load_arrays(problem.model.path)
    return _problem(config, weights, problem.clean, problem.corrupted, folder)


def _problem(
    config: Config, weights: Mapping[str, np.ndarray], clean: np.ndarray, corrupted: np.ndarray, folder: Path
) -> Problem:
    """Squared distance to the clean output after the first position; the direction is that of the clean output."""
    path = folder / "model.safetensors"
    checkpoint.save(path, config, {name: np.asarray(array, np.float32) for name, array in weights.items()})
    graph = Graph(config, GRANULARITY)
    scored = np.arange(clean.shape[1]) >= 1
    output = Transformer.load(path).run(clean).numpy().astype(float)
    return Problem(
        Blob.of(path), clean, corrupted, scored, output * scored[:, None], "mse_to_clean", "resample", GRANULARITY,
        list(graph.nodes), list(graph.edges), 10**9,
    )  # fmt: skip


def language_model(folder: Path) -> Callable[[Path], Problem]:
    """A Llama-family Hugging Face folder, on random words of which the last has occurred once before.

    Logits at the last position are asked for: that of the word which followed there, minus that of the one which
    follows in the corrupted text. Keys and values are repeated for the query heads that share them, because no peer has
    edges into shared ones; the model's function stays what it was.
    """

    def make(workplace: Path) -> Problem:
        config, weights = llama_arrays(folder)
        config, weights = unshared(config, weights)
        rng = generator("peers", "language_model")
        words = np.stack([rng.choice(config.d_vocab, LENGTH // 2 + 1, replace=False) for _ in range(EXAMPLES)])
        words, other = words[:, :-1], words[:, -1]
        clean = np.concatenate([words, words[:, :-1]], axis=1)
        corrupted = np.where(clean == words[:, -1:], other[:, None], clean)
        direction = np.zeros((*clean.shape, config.d_out))
        direction[np.arange(EXAMPLES), -1, words[:, -1]] = 1
        direction[np.arange(EXAMPLES), -1, other] = -1
        path = workplace / "model.safetensors"
        checkpoint.save(path, config, weights)
        graph = Graph(config, GRANULARITY)
        return Problem(
            Blob.of(path), clean, corrupted, np.arange(clean.shape[1]) == clean.shape[1] - 1, direction,
            "signed_output", "resample", GRANULARITY, list(graph.nodes), list(graph.edges), 10**9,
        )  # fmt: skip

    return make


def unshared(config: Config, weights: Mapping[str, np.ndarray]) -> tuple[Config, dict[str, np.ndarray]]:
    """The same function of short texts with as many key and value heads as query heads."""
    shared = tuple(f".{name}" for name in ("k", "v", "k_bias", "v_bias"))
    repeated = {name: array[config.kv_head_of] if name.endswith(shared) else array for name, array in weights.items()}
    return dataclasses.replace(config, n_kv_heads=config.n_heads, n_ctx=LENGTH), repeated


COMPILED: dict[str, Callable[[Path], Problem]] = {"reverse": reverse_of_acdc, "dyck2": dyck2}


def write(make: Callable[[Path], Problem], folder: Path) -> None:
    """Make a case's folder."""
    with tempfile.TemporaryDirectory() as workplace:
        problem = make(Path(workplace))
        config, weights = checkpoint.load_arrays(problem.model.path)
        model = Transformer.load(problem.model.path)
        arrays = {f"weights.{key}": array for key, array in weights.items()}
        arrays |= {key: getattr(problem, key) for key in INPUTS}
        arrays["output"] = model.run(problem.clean).numpy()
        threshold = SHARE * Experiment(replace(problem, metric="mse_to_clean")).scale
    folder.mkdir(parents=True, exist_ok=True)
    save_file({key: np.ascontiguousarray(array) for key, array in arrays.items()}, folder / "case.safetensors")
    asked = {
        "config": dataclasses.asdict(config), "threshold": threshold, "ig_steps": IG_STEPS,
        "first_scored": int(problem.scored.argmax()),
    }  # fmt: skip
    (folder / "case.json").write_text(json.dumps(asked))


def read(folder: Path, workplace: Path, metric: str) -> Problem:
    """The case as a problem of the track `circuits`, under one of its metrics."""
    arrays = load_file(folder / "case.safetensors")
    asked = json.loads((folder / "case.json").read_text())
    config = Config(**asked["config"])
    weights = {key.removeprefix("weights."): array for key, array in arrays.items() if key.startswith("weights.")}
    path = workplace / "model.safetensors"
    checkpoint.save(path, config, weights)
    graph = Graph(config, GRANULARITY)
    return Problem(
        Blob.of(path), arrays["clean"], arrays["corrupted"],
        np.arange(arrays["clean"].shape[1]) >= asked["first_scored"], arrays["direction"].astype(float), metric,
        "resample", GRANULARITY, list(graph.nodes), list(graph.edges), 10**9,
    )  # fmt: skip
