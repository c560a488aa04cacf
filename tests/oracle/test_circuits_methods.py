"""Circuit methods against slow independent routes, on small random transformers."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from bench.core.catalogue import load_plugin
from bench.core.config import ROOT
from bench.core.contract import PASSES, Blob, Unsupported
from bench.models import checkpoint
from bench.models.checkpoint import Config, random_weights
from bench.models.graph import GRANULARITIES, Graph
from bench.models.patching import INTERVENTIONS
from bench.tracks.circuits.experiment import Experiment
from bench.tracks.circuits.types import OUTPUT_METRICS, Problem

METHODS = {
    path.stem: load_plugin(path) for path in sorted((ROOT / "bench" / "tracks" / "circuits" / "methods").glob("*.py"))
}
CONFIG = Config(
    n_layers=2, n_heads=2, n_kv_heads=2, d_model=6, d_head=3, d_mlp=5, d_vocab=5, d_out=3, n_ctx=4, norm="none",
    activation="gelu",
)  # fmt: skip
EXAMPLES, POSITIONS = 4, 4
SHARES_OF_A_WHOLE = ("edge_pruning", "ensemble", "information_flow_routes", "optimal_ablation", "subnetwork_probing")


@pytest.fixture(scope="module")
def make(tmp_path_factory):
    """Problems on one random model; `unit` is that of its output and of the direction."""
    folder = tmp_path_factory.mktemp("models")

    def problem(metric="signed_output", intervention="resample", granularity="qkv", unit=1.0, **changes):
        config, rng = replace(CONFIG, **changes), np.random.default_rng(3)
        weights = random_weights(config, rng)
        weights = weights | {name: unit * weights[name] for name in ("unembed", "unembed_bias") if name in weights}
        path = folder / f"{config.norm}_{unit}.safetensors"
        if not path.exists():
            checkpoint.save(path, config, weights)
        clean, corrupted = rng.integers(config.d_vocab, size=(2, EXAMPLES, POSITIONS))
        direction = unit * rng.normal(size=(EXAMPLES, POSITIONS, config.d_out))
        graph = Graph(config, granularity)
        return Problem(
            Blob.of(path), clean, corrupted, np.array([False, True, True, True]), direction, metric, intervention,
            granularity, list(graph.nodes), list(graph.edges), 10**6,
        )  # fmt: skip

    return problem


def solve(name, problem):
    return METHODS[name].solve(problem, np.random.default_rng(5))


def patched(experiment, edges):
    """Metric and deviation of the clean run with these edges patched together."""
    flags = np.isin(np.arange(len(experiment.graph.edges)), edges).astype(float)
    mask = torch.as_tensor(experiment.graph.patch_matrix(flags))
    output = experiment.model.patched(experiment.problem.clean, experiment.donors, mask)
    return float(experiment.metric(output)), float(experiment.deviation(output))


def clean_metric(experiment):
    return float(experiment.metric(experiment.output))


# -- attribution ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("intervention", INTERVENTIONS)
def test_attribution_is_exact_where_the_metric_is_linear_in_the_edge(make, intervention):
    """Without a final norm a signed output is linear in every edge into the output."""
    problem = make(intervention=intervention)
    experiment = Experiment(problem)
    scores = METHODS["eap"].solve(problem, None).edge_scores
    last = [n for n, edge in enumerate(problem.edges) if edge.endswith("->output")]
    exact = [abs(patched(experiment, [n])[0] - clean_metric(experiment)) for n in last]
    assert min(exact) > 1e-3 or intervention != "zero"  # the position embedding is the same under resample
    np.testing.assert_allclose(scores[last], exact, rtol=0, atol=1e-12)


@pytest.mark.parametrize("norm", ["none", "layernorm", "rmsnorm"])
@pytest.mark.parametrize("granularity", GRANULARITIES)
def test_attribution_is_the_derivative_of_the_metric_by_the_mask(make, granularity, norm):
    experiment = Experiment(make(granularity=granularity, norm=norm))
    step, count = 1e-5, len(experiment.graph.edges)
    values = []
    for sign in (1, -1):
        masks = torch.as_tensor(experiment.graph.patch_matrix(sign * step * np.eye(count)))
        outputs = experiment.model.patched(experiment.problem.clean, experiment.donors, masks)
        values.append([float(experiment.metric(output)) for output in outputs])
    slopes = (np.array(values[0]) - np.array(values[1])) / (2 * step)
    assert np.abs(slopes).max() > 0.01
    np.testing.assert_allclose(experiment.attribute(), slopes, rtol=1e-6, atol=1e-8)


def test_integrated_gradients_out_of_the_embedding_add_up_to_the_change_of_the_metric(make):
    """The edges out of the embedding are an exact cut: the gradient of a slot carries all that happens behind it, so
    that over the slots it sums to the total derivative by the embedding, whose integral is the change."""
    problem, steps = make(), 100
    experiment = Experiment(problem)
    start, end = experiment.donors[0], experiment.nodes[0]
    points = [start + (k - 0.5) / steps * (end - start) for k in range(1, steps + 1)]
    out = [edge.startswith("embed->") for edge in problem.edges]
    found = np.mean([experiment.attribute(at) for at in points], axis=0)[out].sum()
    change = float(experiment.metric(experiment.model.run(problem.corrupted))) - clean_metric(experiment)
    assert abs(change) > 0.1
    assert found == pytest.approx(change, abs=1e-3)


def test_one_step_of_integrated_gradients_is_attribution_at_the_clean_run(make):
    problem = make()
    one = METHODS["eap_ig_inputs"].solve(problem, None, steps=1).edge_scores
    np.testing.assert_allclose(one, METHODS["eap"].solve(problem, None).edge_scores, rtol=1e-12)


@pytest.mark.parametrize("steps", [2, 5])
def test_integrated_gradients_average_evenly_spaced_points_up_to_the_clean_one(make, steps):
    problem = make()
    experiment = Experiment(problem)
    clean, donor = experiment.nodes[0], experiment.donors[0]
    by_hand = sum(experiment.attribute(clean + (1 - k / steps) * (donor - clean)) for k in range(1, steps + 1)) / steps
    scores = METHODS["eap_ig_inputs"].solve(problem, None, steps=steps).edge_scores
    np.testing.assert_allclose(scores, np.abs(by_hand), rtol=1e-9, atol=1e-12)


# -- patching -------------------------------------------------------------------------------------------------------


def prune_one_by_one(experiment, threshold):
    """Algorithm 1 of Conmy et al. 2023 as it reads."""
    removed, scores, before = [], np.zeros(len(experiment.graph.edges)), 0.0
    for edge in reversed(range(len(scores))):
        after = patched(experiment, [*removed, edge])[1]
        scores[edge] = after - before
        if after - before < threshold:
            removed, before = [*removed, edge], after
    return ~np.isin(np.arange(len(scores)), removed), scores


@pytest.mark.parametrize("metric", OUTPUT_METRICS)
@pytest.mark.parametrize("granularity", GRANULARITIES)
def test_batched_pruning_equals_one_edge_at_a_time(make, granularity, metric):
    problem = make(metric, granularity=granularity)
    experiment = Experiment(problem)
    for share in (0.002, 0.05):
        kept, scores = prune_one_by_one(experiment, share * experiment.scale)
        found = METHODS["acdc"].solve(problem, None, share=share)
        assert 0 < kept.sum() < len(kept)
        np.testing.assert_array_equal(found.circuit, kept)
        np.testing.assert_allclose(found.edge_scores, scores, rtol=0, atol=1e-12)


@pytest.mark.parametrize("metric", OUTPUT_METRICS)
@pytest.mark.parametrize("intervention", INTERVENTIONS)
def test_a_node_scores_what_patching_all_its_edges_together_does(make, intervention, metric):
    problem = make(metric, intervention)
    experiment = Experiment(problem)
    found = METHODS["node_patching"].solve(problem, None)
    effects = {
        node: patched(experiment, [n for n, edge in enumerate(problem.edges) if edge.startswith(f"{node}->")])[1]
        for node in problem.nodes[:-1]
    }
    by_hand = [*effects.values(), max(effects.values())]
    np.testing.assert_allclose(found.node_scores, by_hand, rtol=0, atol=1e-12)
    at = problem.edges.index("a0.h1->a1.h0.k")
    weaker = min(effects["a0.h1"], effects["a1.h0"])
    assert found.edge_scores[at] == pytest.approx(weaker, abs=1e-12)


@pytest.mark.parametrize("metric", OUTPUT_METRICS)
@pytest.mark.parametrize("granularity", GRANULARITIES)
def test_exact_patching_scores_each_edge_by_a_run_of_its_own(make, granularity, metric):
    problem = make(metric, granularity=granularity)
    experiment = Experiment(problem)
    by_hand = [patched(experiment, [n])[1] for n in range(len(problem.edges))]
    scores = METHODS["exact_patching"].solve(problem, None).edge_scores
    np.testing.assert_allclose(scores, by_hand, rtol=0, atol=1e-12)


# -- promises of every method ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("metric", OUTPUT_METRICS)
@pytest.mark.parametrize("unit", [1e-6, 1e-13])
def test_the_unit_of_the_output_changes_no_circuit_and_no_ranking(make, name, metric, unit):
    plain, scaled = (solve(name, make(metric, unit=one)) for one in (1.0, unit))
    np.testing.assert_array_equal(scaled.circuit, plain.circuit)
    # Scores have the unit squared in both metrics (the direction has it too), or none where they are shares.
    power = 0 if name in SHARES_OF_A_WHOLE else 2
    largest = np.abs(plain.edge_scores).max()
    np.testing.assert_allclose(scaled.edge_scores / unit**power, plain.edge_scores, rtol=0, atol=1e-9 * largest)


@pytest.mark.parametrize(("name", "runs"), {"eap": 7, "eap_ig_inputs": 15}.items())
def test_too_small_a_budget_is_said_in_numbers(make, name, runs):
    problem = make()
    needed = runs * EXAMPLES
    METHODS[name].solve(replace(problem, budget=needed), None)
    with pytest.raises(Unsupported, match=f"takes {needed} example passes, the budget is {needed - 1}"):
        METHODS[name].solve(replace(problem, budget=needed - 1), None)


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("metric", OUTPUT_METRICS)
def test_no_method_spends_more_than_it_asked_for(make, name, metric):
    """The least budget that is not refused covers what is counted."""
    problem = make(metric)
    with pytest.raises(Unsupported, match="takes") as refused:
        solve(name, replace(problem, budget=0))
    asked = int(str(refused.value).split("takes ")[1].split()[0])
    PASSES.clear()
    solve(name, replace(problem, budget=asked))
    assert 0 < sum(PASSES.values()) <= asked


def test_attribution_takes_two_runs_and_one_run_with_gradients_and_the_clean_output(make):
    PASSES.clear()
    METHODS["eap"].solve(make(), None)
    assert PASSES == {"forward": 4 * EXAMPLES, "backward": EXAMPLES}


@pytest.mark.parametrize("name", METHODS)
def test_a_large_model_is_run_in_single_precision_and_says_the_same(make, name, monkeypatch):
    problem = make()
    double = solve(name, problem).edge_scores
    monkeypatch.setattr("bench.tracks.circuits.experiment.LARGE", problem.model.path.stat().st_size - 1)
    assert Experiment(problem).model.dtype == torch.float32
    assert np.corrcoef(solve(name, problem).edge_scores, double)[0, 1] > 0.99
