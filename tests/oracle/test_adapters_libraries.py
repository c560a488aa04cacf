"""Adapters against the libraries themselves, each in its own environment from `envs/peers/` (made from PyPI)."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from bench.core.config import ROOT
from bench.models import checkpoint
from bench.models.adapters import __main__ as adapters
from bench.models.checkpoint import Config, random_weights
from bench.models.transformer import Transformer
from bench.peers import lens_cases
from bench.peers.run import environment

pytestmark = pytest.mark.full

ENVIRONMENTS = ROOT / "results" / "peers"
SAID = json.loads((ROOT / "tests" / "golden" / "transformer_lens.json").read_text())


def run(peer: str, script: str, *words: object, ours: bool = False) -> None:
    """A script of bench/peers in a peer's environment; with `ours` it may import this repository too."""
    settings = {**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(ROOT) if ours else ""}
    command = [environment(ENVIRONMENTS, peer), ROOT / "bench" / "peers" / script, *words]
    done = subprocess.run([str(word) for word in command], env=settings, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize("lock", ["auto-circuit", "transformer-lens-3"])
@pytest.mark.parametrize("name", lens_cases.CASES)
def test_transformer_lens_still_says_what_is_recorded(lock: str, name: str) -> None:
    said = lens_cases.said(name, environment(ENVIRONMENTS, lock))
    np.testing.assert_allclose(said, SAID[name], rtol=0, atol=2e-5)


@pytest.mark.parametrize("lock", ["auto-circuit", "transformer-lens-3"])
def test_an_export_of_a_hooked_transformer_is_converted(lock: str, tmp_path: Path) -> None:
    """The command compares what the converted model says with what the original said."""
    name = "rms_norm_rotary_gated_shared"
    tensors = {key: torch.as_tensor(array) for key, array in lens_cases.drawn(name).items()}
    save_file(tensors | {"tokens": torch.as_tensor(lens_cases.tokens_of(name))}, tmp_path / "case.safetensors")
    (tmp_path / "case.json").write_text(json.dumps(lens_cases.CASES[name]))
    run(lock, "run_transformer_lens.py", tmp_path)
    assert adapters.main(["convert", str(tmp_path / "export"), str(tmp_path / "model.safetensors")]) == 0


def test_bridges_of_transformer_lens_4_are_converted_plain_and_folded(tmp_path: Path) -> None:
    run("transformer-lens-4", "run_bridge.py", tmp_path)
    for kind in ("gpt2-plain", "gpt2-folded", "llama-plain", "llama-folded"):
        out = tmp_path / f"{kind}.safetensors"
        assert adapters.main(["convert", str(tmp_path / kind), str(out)]) == 0
        said = load_file(tmp_path / kind / "tl_said.safetensors")
        assert said["output"].std() > 0.5
        torch.testing.assert_close(Transformer.load(out).run(said["tokens"]), said["output"], rtol=0, atol=1e-4)


@pytest.mark.parametrize("library", ["nnsight", "pyvene"])
def test_interventions_of_another_library_patch_nodes_as_ours_do(library: str, tmp_path: Path) -> None:
    config = Config(
        n_layers=2, n_heads=2, n_kv_heads=1, d_model=8, d_head=4, d_mlp=6, d_vocab=5, d_out=3, n_ctx=4,
        norm="layernorm", activation="gelu",
    )  # fmt: skip
    checkpoint.save(tmp_path / "model.safetensors", config, random_weights(config, np.random.default_rng(0)))
    model = Transformer.load(tmp_path / "model.safetensors", torch.float64)
    clean, corrupted = torch.as_tensor(np.random.default_rng(1).integers(5, size=(2, 3, 4)))
    donors = model.node_outputs(corrupted)
    save_file({"clean": clean.contiguous(), "donors": donors}, tmp_path / "inputs.safetensors")
    run(library, "run_hooks.py", library, tmp_path, ours=True)
    found, unpatched = load_file(tmp_path / "patched.safetensors"), model.run(clean)
    assert set(found) == set(model.sources)
    for number, node in enumerate(model.sources):
        mask = model.feeds.double() * (torch.arange(len(model.sources)) == number)
        expected = model.patched(clean, donors, mask)
        assert node == "pos" or (expected - unpatched).abs().max() > 1e-3
        torch.testing.assert_close(found[node], expected, rtol=0, atol=1e-12)
