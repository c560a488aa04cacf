"""Rankings measured with the public EAP-IG code (github.com/hannamw/EAP-IG, 795f560) on the Tracr programs `reverse`
and `xproportion`, at 77 and 23 edges, 200 random pairs.

Ours are the inputs of the ACDC set-ups at the granularity "head", at which both put every live edge first, whichever
the metric.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from bench.core.catalogue import load_plugin
from bench.core.config import ROOT
from bench.core.contract import Blob
from bench.kernels.ranking import auroc
from bench.models import checkpoint, exhaustive
from bench.models.compiled.acdc import SETUPS, Setup
from bench.models.graph import Graph
from bench.tracks.circuits.types import Problem

METHODS = ROOT / "bench" / "tracks" / "circuits" / "methods"
LEAK = 1e-5  # docs/circuits-truth.md: effects below it are Tracr's softmax

PUBLIC_AUROC = {"eap_ig_activations": 1.000, "clean_corrupted": 1.000}


@cache
def setup_of(name: str) -> Setup:
    return SETUPS[name]()


def problem_of(folder: Path, name: str, granularity: str, metric: str) -> Problem:
    setup = setup_of(name)
    graph = Graph(setup.config, granularity)
    outputs = [exhaustive.forward(setup.config, setup.weights, tokens) for tokens in (setup.clean, setup.corrupted)]
    path = folder / "model.safetensors"
    checkpoint.save(path, setup.config, setup.weights)
    return Problem(
        Blob.of(path), setup.clean, setup.corrupted, setup.scored, outputs[0] - outputs[1], metric, "resample",
        granularity, list(graph.nodes), list(graph.edges), 10**6,
    )  # fmt: skip


def live(name: str, granularity: str) -> np.ndarray:
    setup = setup_of(name)
    graph = Graph(setup.config, granularity)
    donors = exhaustive.node_outputs(setup.config, setup.weights, setup.corrupted)
    effects = exhaustive.edge_effects(setup.config, setup.weights, graph, setup.clean, donors, setup.scored)
    return effects > LEAK


@pytest.mark.parametrize("metric", ["signed_output", "mse_to_clean"])
@pytest.mark.parametrize("name", SETUPS)
@pytest.mark.parametrize("method", PUBLIC_AUROC)
def test_live_edges_are_ranked_as_by_the_public_code(tmp_path: Path, method: str, name: str, metric: str) -> None:
    scores = load_plugin(METHODS / f"{method}.py").solve(problem_of(tmp_path, name, "head", metric), None).edge_scores
    assert auroc(scores, live(name, "head")) == pytest.approx(PUBLIC_AUROC[method], abs=5e-4)


@pytest.mark.parametrize("name", SETUPS)
@pytest.mark.parametrize("method", ["hisp", "attribution_patching_star"])
def test_no_first_order_method_sees_a_distance_to_the_clean_output(tmp_path: Path, method: str, name: str) -> None:
    """The gradient vanishes at the clean run, and so do all scores.

    Hence the areas of head importance with this metric in Conmy et al. 2023, .656 and .679, are not compared: their
    script takes the same gradient at the same run, and what order it finds there is not one of importance.
    """
    problem = problem_of(tmp_path, name, "acdc", "mse_to_clean")
    assert not load_plugin(METHODS / f"{method}.py").solve(problem, None).edge_scores.any()
