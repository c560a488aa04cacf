"""The Tracr rows of the ACDC paper's table of AUCs (Conmy et al. 2023, NeurIPS, arXiv:2304.14997), and how attribution
ranks the same edges.

The table's AUC is pessimistic and its truth is the circuit that zero ablation leaves, whichever intervention is scored.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from bench.core.catalogue import load_plugin
from bench.core.config import ROOT
from bench.core.contract import Blob
from bench.kernels.ranking import auroc, pessimistic_auc, rates
from bench.models import checkpoint, exhaustive
from bench.models.compiled.acdc import GRANULARITY, METRIC, SETUPS, Setup
from bench.models.graph import Graph
from bench.tracks.circuits.types import Problem

METHODS = ROOT / "bench" / "tracks" / "circuits" / "methods"
ACDC, EAP, EAP_IG = (load_plugin(METHODS / f"{name}.py") for name in ("acdc", "eap", "eap_ig_inputs"))

# |E| and |T| of the paper: what an ACDC run leaves under zero ablation, at one threshold for both programs. (Far below
# it what Tracr's softmax leaks counts too, and two more edges of `reverse` stay.)
EDGES = {"reverse": 106, "xproportion": 38}
TRUE = {"reverse": 15, "xproportion": 10}
LEAKLESS = 1e-10

AUC = {
    ("reverse", "resample"): 0.200,
    ("reverse", "zero"): 1.000,
    ("xproportion", "resample"): 0.600,
    ("xproportion", "zero"): 1.000,
}
SHARES = np.geomspace(1e-30, 1e2, 9)

LEAK = 1e-5  # docs/circuits-truth.md: effects below it are Tracr's softmax


@cache
def setup_of(name: str) -> Setup:
    return SETUPS[name]()


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    for name in SETUPS:
        checkpoint.save(folder / f"{name}.safetensors", setup_of(name).config, setup_of(name).weights)
    return folder


def problem_of(models: Path, name: str, intervention: str, granularity: str, metric: str) -> Problem:
    setup = setup_of(name)
    graph = Graph(setup.config, granularity)
    outputs = [exhaustive.forward(setup.config, setup.weights, tokens) for tokens in (setup.clean, setup.corrupted)]
    return Problem(
        Blob.of(models / f"{name}.safetensors"), setup.clean, setup.corrupted, setup.scored, outputs[0] - outputs[1],
        metric, intervention, granularity, list(graph.nodes), list(graph.edges), 10**6,
    )  # fmt: skip


def table_problem(models: Path, name: str, intervention: str) -> Problem:
    return problem_of(models, name, intervention, GRANULARITY, METRIC)


def live(name: str, granularity: str) -> np.ndarray:
    setup = setup_of(name)
    corrupted = exhaustive.node_outputs(setup.config, setup.weights, setup.corrupted)
    graph = Graph(setup.config, granularity)
    given = setup.config, setup.weights, graph, setup.clean
    threshold = max(LEAK, 10 * exhaustive.placebo(*given, setup.scored))
    return exhaustive.edge_effects(*given, corrupted, setup.scored) > threshold


@pytest.mark.parametrize("name", SETUPS)
def test_what_zero_ablation_leaves_has_the_papers_size(models: Path, name: str) -> None:
    problem = table_problem(models, name, "zero")
    assert len(problem.edges) == EDGES[name]
    assert ACDC.solve(problem, None, share=LEAKLESS).circuit.sum() == TRUE[name]


@pytest.mark.parametrize(("case", "expected"), AUC.items())
def test_the_pessimistic_auc_of_the_table(models: Path, case: tuple[str, str], expected: float) -> None:
    name, intervention = case
    truth = ACDC.solve(table_problem(models, name, "zero"), None, share=LEAKLESS).circuit
    problem = table_problem(models, name, intervention)
    found = [rates(ACDC.solve(problem, None, share=share).circuit, truth) for share in SHARES]
    assert pessimistic_auc(best_at_each_false_rate(found)) == pytest.approx(expected, abs=0.005)


def best_at_each_false_rate(found: list[tuple[float, float]]) -> np.ndarray:
    """One point per false positive rate, ordered."""
    best: dict[float, float] = {}
    for false, true in found:
        best[false] = max(true, best.get(false, 0.0))
    return np.array(sorted(best.items()))


@pytest.mark.parametrize("method", [ACDC, EAP_IG], ids=["acdc", "eap_ig_inputs"])
@pytest.mark.parametrize("metric", ["signed_output", "mse_to_clean"])
@pytest.mark.parametrize("name", SETUPS)
def test_resample_truth_is_ranked_almost_without_fault(models: Path, name: str, metric: str, method) -> None:
    problem = problem_of(models, name, "resample", "head", metric)
    assert auroc(method.solve(problem, None).edge_scores, live(name, "head")) >= 0.98


@pytest.mark.parametrize("name", SETUPS)
def test_attribution_of_a_distance_to_the_clean_output_is_exactly_zero(models: Path, name: str) -> None:
    problem = problem_of(models, name, "resample", "head", "mse_to_clean")
    assert not EAP.solve(problem, None).edge_scores.any()
