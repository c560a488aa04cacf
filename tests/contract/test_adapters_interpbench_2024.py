"""The layout of the released models of InterpBench 2024, made small: read without running what its pickles hold."""

from __future__ import annotations

import dataclasses
import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from bench.core.catalogue import load_plugin
from bench.core.config import ROOT
from bench.core.contract import BadInput, generator
from bench.core.problems import Workspace
from bench.models import checkpoint
from bench.models.adapters import __main__ as adapters
from bench.models.adapters.of_interpbench_2024 import read_case
from bench.models.adapters.of_transformer_lens import converted
from bench.models.checkpoint import load_arrays
from bench.models.compiled.certificate import Uncertified
from bench.models.siit.programs import PROGRAMS
from bench.peers import lens_cases
from bench.tracks.circuits import score
from bench.tracks.circuits.types import check

TOLD = lens_cases.CASES["no_norm"]
PAIRS = [
    ("hook_embed", "blocks.0.hook_mlp_in"),
    ("hook_pos_embed", "blocks.1.hook_k_input[2]"),
    ("blocks.0.hook_mlp_in", "blocks.0.hook_mlp_out"),
    ("blocks.0.hook_mlp_out", "blocks.1.hook_q_input[2]"),
    ("blocks.0.hook_mlp_out", "blocks.1.hook_v_input[2]"),
    ("blocks.1.hook_q_input[2]", "blocks.1.attn.hook_q[2]"),
    ("blocks.1.attn.hook_q[2]", "blocks.1.attn.hook_result[2]"),
    ("blocks.1.attn.hook_result[2]", "blocks.1.hook_resid_post"),
]
EDGES = ("embed->m0", "pos->a1.h2", "m0->a1.h2", "a1.h2->output")


@dataclasses.dataclass
class Configuration:
    """Some released configurations are objects of TransformerLens; ours stands in for its class."""

    n_layers: int
    act_fn: str
    dtype: torch.dtype


class Trap:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


@pytest.fixture
def released(tmp_path: Path) -> Path:
    folder = tmp_path / "3"
    folder.mkdir()
    torch.save(
        {key: torch.as_tensor(array) for key, array in lens_cases.drawn("no_norm").items()}, folder / "ll_model.pth"
    )
    (folder / "ll_model_cfg.pkl").write_bytes(pickle.dumps(TOLD | {"dtype": torch.float32}))
    (folder / "meta.json").write_text("{}")
    (folder / "edges.pkl").write_bytes(pickle.dumps(PAIRS))
    return folder


def unpickle(folder: Path, stem: str) -> None:
    assert adapters.main(["unpickle", str(folder / f"{stem}.pkl"), str(folder / f"{stem}.json")]) == 0


def test_a_case_is_read_after_its_pickles_were_made_json(released: Path) -> None:
    unpickle(released, "ll_model_cfg")
    unpickle(released, "edges")
    case = read_case(released)
    config, weights = converted(TOLD, lens_cases.drawn("no_norm"))
    assert case.config == config
    assert case.edges == EDGES
    assert case.nodes == ("embed", "pos", "m0", "a1.h2")
    assert set(case.weights) == set(weights)
    np.testing.assert_array_equal(case.weights["layers.1.o"], weights["layers.1.o"])


def test_the_configuration_may_come_from_the_release_metadata(released: Path, tmp_path: Path) -> None:
    metadata = tmp_path / "benchmark_metadata.json"
    metadata.write_text(json.dumps({"cases": [{"case_id": "3", "transformer_cfg": TOLD}]}))
    unpickle(released, "edges")
    assert read_case(released, metadata).edges == EDGES
    moved = released.rename(tmp_path / "4")
    with pytest.raises(BadInput, match="has no case '4'; the folder's name must be one of 3"):
        read_case(moved, metadata)


@pytest.mark.parametrize("kept", ["edges", "ll_model_cfg"])
def test_pickles_are_refused_with_the_remedy(released: Path, kept: str) -> None:
    unpickle(released, kept)
    with pytest.raises(BadInput, match=r"pickles are not read.*unpickle"):
        read_case(released)


def test_a_configuration_that_is_an_object_becomes_its_attributes(tmp_path: Path) -> None:
    path = tmp_path / "cfg.pkl"
    path.write_bytes(pickle.dumps(Configuration(2, "gelu", torch.float32)))
    assert adapters.main(["unpickle", str(path), str(tmp_path / "cfg.json")]) == 0
    told = json.loads((tmp_path / "cfg.json").read_text())
    assert told == {"n_layers": 2, "act_fn": "gelu", "dtype": "torch.float32"}


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_nothing_that_a_pickle_names_is_run(tmp_path: Path, protocol: int) -> None:
    """The ordinary reader would open the file for writing."""
    path, sprung = tmp_path / "trap.pkl", tmp_path / "sprung"
    path.write_bytes(pickle.dumps([("a", "b"), Trap(sprung)], protocol=protocol))
    assert adapters.main(["unpickle", str(path), str(tmp_path / "out.json")]) == 0
    assert not sprung.exists()
    assert json.loads((tmp_path / "out.json").read_text())[1].endswith(".open")


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        (("hook_embed", "blocks.0.hook_resid_post"), "'blocks.0.hook_resid_post' is no place of this model"),
        (("blocks.1.hook_mlp_out", "blocks.0.hook_mlp_in"), "'m1->m0' that the model has not"),
        (("blocks.0.attn.hook_result[7]", "blocks.1.hook_mlp_in"), "'a0.h7->m1' that the model has not"),
    ],
)
def test_a_circuit_of_another_model_is_refused(released: Path, pair: tuple[str, str], message: str) -> None:
    (released / "edges.json").write_text(json.dumps([*PAIRS, pair]))
    unpickle(released, "ll_model_cfg")
    with pytest.raises(BadInput, match=message):
        read_case(released)


def test_the_command_writes_checkpoint_and_circuit(released: Path, tmp_path: Path) -> None:
    unpickle(released, "edges")
    unpickle(released, "ll_model_cfg")
    out = tmp_path / "model.safetensors"
    assert adapters.main(["convert", str(released), str(out)]) == 0
    assert load_arrays(out)[0] == converted(TOLD, lens_cases.drawn("no_norm"))[0]
    assert json.loads(out.with_suffix(".json").read_text())["nodes"] == ["embed", "pos", "m0", "a1.h2"]


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory):
    """The template of the docs beside a converted model: `reverse` as trained here, its circuit known."""
    folder = tmp_path_factory.mktemp("plugins")
    shutil.copy(ROOT / "docs" / "plugins" / "circuits" / "tasks" / "released_2024.py", folder)
    (folder / "case").mkdir()
    program = PROGRAMS["reverse"]
    trained = Path(checkpoint.__file__).parent / "siit" / "weights" / "reverse" / "0.safetensors"
    shutil.copy(trained, folder / "case" / "model.safetensors")
    inside = ["embed", *(variable.node for variable in program.variables)]
    (folder / "case" / "model.json").write_text(json.dumps({"nodes": inside}))
    rng = np.random.default_rng(0)
    inputs = {name: program.strings(120, rng) for name in ("clean", "corrupted")}
    save_file(inputs, folder / "case" / "inputs.safetensors")
    return folder / "released_2024.py"


def test_the_template_of_the_docs_makes_a_unit_that_methods_solve(plugin: Path, tmp_path: Path) -> None:
    problem, truth = load_plugin(plugin).generate("case", 0, generator("released"), Workspace(tmp_path, {}))
    assert not truth.null
    assert truth.gap >= 10
    methods = ROOT / "bench" / "tracks" / "circuits" / "methods"
    answer = load_plugin(methods / "node_patching.py").solve(problem, generator("released", "answer"))
    check(problem, answer)
    assert score.score(problem, truth, answer)["edge_auroc"] == 1


def test_a_claim_that_effects_do_not_bear_out_makes_no_unit(plugin: Path, tmp_path: Path) -> None:
    told = plugin.parent / "case" / "model.json"
    kept = told.read_text()
    told.write_text(json.dumps({"nodes": ["embed", "a0.h0", "m1"]}))
    try:
        with pytest.raises(Uncertified, match="times as far as the strongest outside"):
            load_plugin(plugin).generate("case", 0, generator("released"), Workspace(tmp_path, {}))
    finally:
        told.write_text(kept)
