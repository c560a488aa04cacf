"""Methods that take gradients at other points than the clean run, against runs of their own for every edge."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from bench.core.catalogue import load_plugin
from bench.core.config import ROOT
from bench.core.contract import Blob, Unsupported
from bench.models import checkpoint
from bench.models.checkpoint import Config, random_weights
from bench.models.graph import Graph
from bench.tracks.circuits.experiment import Experiment
from bench.tracks.circuits.types import Problem

FOLDER = ROOT / "bench" / "tracks" / "circuits"
PATHS, ENDS, HISP, STAR, EAP = (
    load_plugin(FOLDER / "methods" / f"{name}.py")
    for name in ("eap_ig_activations", "clean_corrupted", "hisp", "attribution_patching_star", "eap")
)
MAGNITUDE, NORM, DEGREES = (
    load_plugin(FOLDER / "controls" / f"{name}.py")
    for name in ("activation_magnitude", "weight_norm", "degree_matched")
)
CONFIG = Config(
    n_layers=2, n_heads=2, n_kv_heads=1, d_model=6, d_head=3, d_mlp=5, d_vocab=5, d_out=3, n_ctx=4, norm="none",
    activation="gelu",
)  # fmt: skip


@pytest.fixture(scope="module")
def make(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")

    def problem(granularity="qkv", intervention="resample", silent=(), **changes):
        """A random model; weights whose name ends as in `silent` are zero."""
        config, rng = replace(CONFIG, **changes), np.random.default_rng(3)
        weights = random_weights(config, rng)
        weights |= {name: 0 * weights[name] for name in weights if name.endswith(tuple(silent))} if silent else {}
        path = folder / f"{abs(hash((config, tuple(silent))))}.safetensors"
        if not path.exists():
            checkpoint.save(path, config, weights)
        clean, corrupted = rng.integers(config.d_vocab, size=(2, 4, 4))
        graph = Graph(config, granularity)
        return Problem(
            Blob.of(path), clean, corrupted, np.array([False, True, True, True]), rng.normal(size=(4, 4, 3)),
            "signed_output", intervention, granularity, list(graph.nodes), list(graph.edges), 10**6,
        )  # fmt: skip

    return problem


def metric_with(experiment: Experiment, values: np.ndarray) -> float:
    """The metric with every edge patched as far as its value says."""
    mask = torch.as_tensor(experiment.graph.patch_matrix(values))
    return float(experiment.metric(experiment.model.patched(experiment.problem.clean, experiment.donors, mask)))


def slope(experiment: Experiment, at: np.ndarray, edge: int, step: float = 1e-5) -> float:
    """The derivative of the metric by how far one edge is patched."""
    one = step * (np.arange(len(at)) == edge)
    return (metric_with(experiment, at + one) - metric_with(experiment, at - one)) / (2 * step)


# -- a path for every node ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("norm", ["none", "layernorm"])
def test_the_gradient_is_averaged_over_patchings_of_the_source_at_all_its_edges(make, steps, norm):
    problem = make(norm=norm)
    experiment = Experiment(problem)
    found = PATHS.solve(problem, None, steps=steps).edge_scores
    for edge in range(0, len(problem.edges), 7):
        source = problem.edges[edge].split("->")[0]
        whole = np.array([name.startswith(f"{source}->") for name in problem.edges], float)
        slopes = [slope(experiment, (1 - k / steps) * whole, edge) for k in range(1, steps + 1)]
        assert found[edge] == pytest.approx(abs(np.mean(slopes)), rel=1e-5, abs=1e-8)


def test_over_the_edges_of_a_source_the_path_adds_up_to_patching_the_source(make):
    """The integral of a total derivative (completeness of integrated gradients, Sundararajan et al. 2017)."""
    problem = make()
    experiment = Experiment(problem)
    for source in ("embed", "a0.h1", "m0"):
        whole = np.array([name.startswith(f"{source}->") for name in problem.edges], float)
        found = PATHS.along_path(experiment, experiment.graph.sources.index(source), 200)
        feeds = experiment.read_by(experiment.graph.sources.index(source))
        change = metric_with(experiment, whole) - metric_with(experiment, 0 * whole)
        assert abs(change) > 1e-3
        assert float(found[torch.as_tensor(feeds)].sum()) == pytest.approx(change, rel=0.02)


def test_one_step_is_attribution_at_the_clean_run(make):
    problem = make()
    one = PATHS.solve(problem, None, steps=1).edge_scores
    np.testing.assert_allclose(one, EAP.solve(problem, None).edge_scores, rtol=1e-9, atol=1e-14)


# -- both ends ------------------------------------------------------------------------------------------------------


def test_both_ends_are_the_mean_of_two_attributions(make):
    """Of the attribution from the clean run, and of the one from the corrupted run towards the clean one."""
    problem = make()
    experiment = Experiment(problem)
    other = Experiment(replace(problem, clean=problem.corrupted, corrupted=problem.clean))
    expected = np.abs(experiment.attribute() - other.attribute()) / 2
    np.testing.assert_allclose(ENDS.solve(problem, None).edge_scores, expected, rtol=1e-9, atol=1e-14)


def test_without_a_corrupted_run_there_is_no_second_end(make):
    with pytest.raises(Unsupported, match="zero ablation has no corrupted run"):
        ENDS.solve(make(intervention="zero"), None)


# -- head importance ------------------------------------------------------------------------------------------------


def test_importance_is_the_mean_size_over_examples_of_the_slope_by_the_node(make):
    problem = make()
    found = HISP.importances(Experiment(problem))
    for source in ("embed", "a0.h0", "m0", "a1.h1"):
        whole = np.array([name.startswith(f"{source}->") for name in problem.edges], float)
        slopes = []
        for example in range(len(problem.clean)):
            kept = slice(example, example + 1)
            alone = Experiment(
                replace(
                    problem, clean=problem.clean[kept], corrupted=problem.corrupted[kept],
                    direction=problem.direction[kept],
                )
            )  # fmt: skip
            step = 1e-5
            slopes.append((metric_with(alone, step * whole) - metric_with(alone, -step * whole)) / (2 * step))
        assert found[source] == pytest.approx(np.mean(np.abs(slopes)), rel=1e-5)


# -- attribution patching with corrections --------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [{}, {"qk_norm": True}])
def test_effects_into_queries_and_keys_are_exact_where_all_behind_the_head_is_linear(make, shape):
    """No MLP and one layer: what follows a head is the unembedding alone, so that only the attention is not linear."""
    problem = make(n_layers=1, d_mlp=0, **shape)
    experiment = Experiment(problem)
    found = STAR.solve(problem, None).edge_scores
    plain = EAP.solve(problem, None).edge_scores
    clean = metric_with(experiment, np.zeros(len(problem.edges)))
    exact = np.array([abs(metric_with(experiment, row) - clean) for row in np.eye(len(problem.edges))])
    np.testing.assert_allclose(found, exact, rtol=1e-9, atol=1e-12)
    into = np.array([edge.endswith((".q", ".k")) for edge in problem.edges])
    assert np.abs(plain - exact)[into].max() > 1e-3
    np.testing.assert_allclose(plain[~into], exact[~into], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("norm", ["layernorm", "rmsnorm"])
def test_with_a_norm_the_query_is_computed_anew_behind_it(make, norm):
    """A final norm is linearised; the change of the head's own output is exact: compared with a patched run."""
    problem = make(norm=norm, n_layers=1, d_mlp=0)
    experiment = Experiment(problem)
    (found,) = STAR.gradients(experiment)  # the plain one: its layer is the only one
    slot, head = "a0.h1.q", experiment.graph.sources.index("a0.h1")
    gradient = found.gradients[experiment.graph.slots.index("output")]
    effects = STAR.through_attention(experiment, 0, 1, 0, experiment.graph.slots.index(slot), gradient)
    embed = problem.edges.index(f"embed->{slot}")
    mask = experiment.graph.patch_matrix((np.arange(len(problem.edges)) == embed).astype(float))
    stream = head_output(experiment, mask, head)
    expected = ((stream - experiment.nodes[head]) * gradient).sum()
    assert float(effects[experiment.graph.sources.index("embed")]) == pytest.approx(float(expected), rel=1e-9)


def head_output(experiment: Experiment, mask: np.ndarray, head: int) -> torch.Tensor:
    """A head's output in a run with its query patched, from the weights by hand."""
    model, weights = experiment.model, experiment.model.weights
    clean = experiment.nodes[:2].sum(0)
    read = clean + mask[experiment.graph.slots.index("a0.h1.q"), 0] * (experiment.donors[0] - experiment.nodes[0])
    q = model.norm(read, "layers.0.norm1") @ weights["layers.0.q"][1] + weights["layers.0.q_bias"][1]
    k, v = (
        model.norm(clean, "layers.0.norm1") @ weights[f"layers.0.{name}"][0] + weights[f"layers.0.{name}_bias"][0]
        for name in "kv"
    )
    odds = (q @ k.transpose(1, 2) / model.config.d_head**0.5).masked_fill(torch.ones(4, 4).triu(1).bool(), -torch.inf)
    return odds.softmax(-1) @ v @ weights["layers.0.o"][1]


def test_a_layer_held_constant_passes_no_gradient_back(make):
    """The derivative by the embedding with layer 0 constant is that of a model in which layer 0 adds a constant."""
    problem = make()
    experiment = Experiment(problem)
    sources, feeds = experiment.graph.sources, torch.as_tensor(experiment.graph.feeds)
    found = experiment.model.slot_gradients(problem.clean, experiment.metric, constant_layer=0)
    later = torch.tensor([slot.startswith(("a1", "m1", "output")) for slot in experiment.graph.slots])
    expected = found.gradients[later & feeds[:, sources.index("embed")]].sum(0)
    inputs = experiment.nodes[0].clone().requires_grad_()
    fixed = experiment.nodes[2:5].sum(0)
    (gradient,) = torch.autograd.grad(experiment.metric(second_layer(experiment, inputs, fixed)), inputs)
    np.testing.assert_allclose(expected, gradient, rtol=1e-9, atol=1e-12)
    assert not torch.allclose(
        found.gradients, experiment.model.slot_gradients(problem.clean, experiment.metric).gradients
    )


def second_layer(experiment: Experiment, embedded: torch.Tensor, fixed: torch.Tensor) -> torch.Tensor:
    """The output of the second layer by hand, given the embedding and what layer 0 added."""
    model, weights = experiment.model, experiment.model.weights
    x = embedded + experiment.nodes[1] + fixed + weights["layers.0.o_bias"]
    heads = model.mix(*model.project(x[None, None, None], 1).unbind(2))
    x = x + torch.einsum("khbpe,hed->bpd", heads, model.attention[1].o) + weights["layers.1.o_bias"]
    return model.unembed(x + model.mlp(x, 1))


def test_effects_are_averaged_over_a_gradient_for_each_layer(make):
    problem = make(silent=(".q", ".k"))  # without queries and keys nothing but the gradients differs from attribution
    experiment = Experiment(problem)
    found = STAR.solve(problem, None).edge_scores
    plain = experiment.attribute()
    sizes = []
    for layer in range(2):
        one = experiment.model.slot_gradients(problem.clean, experiment.metric, constant_layer=layer)
        held = experiment.graph.reduce(one.products(experiment.change)).numpy()
        into = np.array([edge.split("->")[1][:2] in (f"a{layer}", f"m{layer}") for edge in problem.edges])
        assert not held[into & [edge.endswith(".v") for edge in problem.edges]].any()
        sizes.append(np.abs(np.where(into, plain, held)))
    values = [n for n, edge in enumerate(problem.edges) if not edge.endswith((".q", ".k"))]
    np.testing.assert_allclose(found[values], np.mean(sizes, axis=0)[values], rtol=1e-9, atol=1e-14)


# -- controls -------------------------------------------------------------------------------------------------------


def test_virtual_weights_are_products_of_what_is_written_and_what_is_read(make):
    problem = make("head", n_kv_heads=1)
    _, weights = checkpoint.load_arrays(problem.model.path)
    found = dict(zip(problem.edges, NORM.solve(problem, None).edge_scores, strict=True))
    written = {"embed": weights["embed"], "pos": weights["pos"], "m0": weights["layers.0.mlp_out"]}
    written |= {f"a{layer}.h{head}": weights[f"layers.{layer}.o"][head] for layer in range(2) for head in range(2)}
    read = {"output": [weights["unembed"]], "m1": [weights["layers.1.mlp_in"]]}
    read["a1.h1"] = [weights["layers.1.q"][1], weights["layers.1.k"][0], weights["layers.1.v"][0]]
    for source, into in (("embed", "output"), ("m0", "a1.h1"), ("pos", "a1.h1"), ("a0.h1", "m1"), ("a1.h0", "output")):
        expected = max(np.linalg.norm(written[source] @ matrix) for matrix in read[into])
        assert found[f"{source}->{into}"] == pytest.approx(expected)


def test_magnitude_is_that_of_the_change_of_the_source(make):
    problem = make()
    model = Experiment(problem).model
    change = (model.node_outputs(problem.corrupted) - model.node_outputs(problem.clean)).numpy()
    found = MAGNITUDE.solve(problem, None).edge_scores
    for edge, score in zip(problem.edges, found, strict=True):
        assert score == pytest.approx(float(np.sqrt(np.square(change[model.sources.index(edge.split("->")[0])]).sum())))


def test_degrees_alone_set_the_odds(make):
    problem, rng = make(), np.random.default_rng(0)
    answers = [DEGREES.solve(problem, rng) for _ in range(3000)]
    weights = DEGREES.degree_products(problem.edges)
    assert weights[problem.edges.index("embed->output")] == weights.max()
    scores = np.mean([answer.edge_scores for answer in answers], axis=0)
    np.testing.assert_allclose(scores / weights, 1, rtol=0.1)
    odds = np.mean([answer.circuit for answer in answers], axis=0)
    np.testing.assert_allclose(odds, np.minimum(1, 0.5 * weights / weights.mean()), atol=0.05)
