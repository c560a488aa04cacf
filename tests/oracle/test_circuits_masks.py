"""Learned masks against closed forms, enumeration, finite differences and circuits written by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch
from scipy.stats import rankdata

from bench.core.catalogue import load_plugin
from bench.core.config import ROOT
from bench.core.contract import PASSES, Blob, Unsupported, generator
from bench.core.problems import Workspace
from bench.models import checkpoint
from bench.models.checkpoint import Config, random_weights
from bench.models.graph import GRANULARITIES, Graph
from bench.tracks.circuits import masks
from bench.tracks.circuits.experiment import Experiment
from bench.tracks.circuits.masks import Course, HardConcrete, adam, distance, sample_window
from bench.tracks.circuits.types import Problem

FOLDER = ROOT / "bench" / "tracks" / "circuits"
LEARNED = ("subnetwork_probing", "edge_pruning", "optimal_ablation")
METHODS = {
    name: load_plugin(FOLDER / "methods" / f"{name}.py")
    for name in (*LEARNED, "ensemble", "eap", "eap_ig_inputs", "node_patching")
}
CONFIG = Config(
    n_layers=2, n_heads=2, n_kv_heads=2, d_model=6, d_head=3, d_mlp=5, d_vocab=5, d_out=3, n_ctx=4, norm="none",
    activation="gelu",
)  # fmt: skip
EXAMPLES, POSITIONS = 4, 4
QUANTILES = (torch.arange(200_000, dtype=torch.float64) + 0.5) / 200_000


@pytest.fixture(scope="module")
def make(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "random.safetensors"
    rng = np.random.default_rng(3)
    checkpoint.save(path, CONFIG, random_weights(CONFIG, rng))
    clean, corrupted = rng.integers(CONFIG.d_vocab, size=(2, EXAMPLES, POSITIONS))
    direction = rng.normal(size=(EXAMPLES, POSITIONS, CONFIG.d_out))

    def problem(granularity="qkv", intervention="resample", metric="signed_output"):
        graph = Graph(CONFIG, granularity)
        return Problem(
            Blob.of(path), clean, corrupted, np.array([False, True, True, True]), direction, metric, intervention,
            granularity, list(graph.nodes), list(graph.edges), 10**6,
        )  # fmt: skip

    return problem


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """A circuit written into weights, with its truth."""
    task, workspace = load_plugin(FOLDER / "tasks" / "planted.py"), Workspace(tmp_path_factory.mktemp("blobs"), {})
    return lambda instance: task.generate(instance, 7, generator("masks", instance), workspace)


# -- distributions --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("logit", [-3.0, -0.4, 0.0, 1.0, 4.0])
@pytest.mark.parametrize("mask", [HardConcrete(), HardConcrete(0.4, -0.2, 1.3)])
def test_the_distribution_of_a_hard_concrete_mask_is_that_of_its_samples(mask, logit):
    logits = torch.tensor(logit, dtype=torch.float64)
    drawn = mask.at(logits, QUANTILES)
    for value in (0.0, 0.1, 0.5, 0.99):
        assert float(mask.cdf(value, logits)) == pytest.approx(float((drawn <= value).double().mean()), abs=1e-5)
    assert float(mask.expected_l0(logits)) == pytest.approx(float((drawn > 0).double().mean()), abs=1e-5)
    assert float(mask.expected_l0(logits)) == pytest.approx(1 - float(mask.cdf(0.0, logits)), rel=1e-12)


def test_a_hard_concrete_mask_has_the_mass_at_its_ends_that_the_paper_gives():
    """Logit 0, temperature 2/3, stretch -0.1 to 1.1: at either end sigmoid((2/3) log(0.1 / 1.1)) = 0.168."""
    drawn = HardConcrete().at(torch.zeros((), dtype=torch.float64), QUANTILES)
    expected = 1 / (1 + 11 ** (2 / 3))
    assert float((drawn == 0).double().mean()) == pytest.approx(expected, abs=1e-5)
    assert float((drawn == 1).double().mean()) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("logit", [-4.0, -1.0, 0.0, 2.0])
def test_window_masks_have_the_chances_that_they_state(logit):
    logits = torch.full_like(QUANTILES, logit)
    drawn = sample_window(logits, QUANTILES)
    p = 1 / (1 + math.exp(-logit))
    width = masks.WINDOW * p * (1 - p)
    assert float((drawn == 1).double().mean()) == pytest.approx(p - width / 2, abs=2e-5)
    assert float((drawn == 0).double().mean()) == pytest.approx(1 - p - width / 2, abs=2e-5)
    assert float(drawn.mean()) == pytest.approx(p, abs=2e-5)
    inside = np.sort(drawn[(drawn > 0) & (drawn < 1)].numpy())
    np.testing.assert_allclose(inside, (np.arange(len(inside)) + 0.5) / len(inside), atol=2 / len(inside))


def difference_by_enumeration(loss, p: np.ndarray) -> np.ndarray:
    """p (1 - p) times the expected loss with a mask at 1 minus at 0, the others over their whole distribution; uniform
    masks by Gauss-Legendre quadrature, exact for polynomials of degree 5."""
    nodes, weights = np.polynomial.legendre.leggauss(3)
    values = np.array([0, 1, *(nodes + 1) / 2])
    width = masks.WINDOW * p * (1 - p)
    chances = np.stack([1 - p - width / 2, p - width / 2, *(width * w / 2 for w in weights)], 1)
    found = np.zeros(len(p))
    for edge in range(len(p)):
        others = [n for n in range(len(p)) if n != edge]
        for states in product(range(len(values)), repeat=len(others)):
            chance = np.prod([chances[n, state] for n, state in zip(others, states, strict=True)])
            kept = np.zeros((2, len(p)))
            kept[:, others] = values[list(states)]
            kept[0, edge] = 1
            with_edge, without = loss(torch.as_tensor(kept)).numpy()
            found[edge] += chance * (with_edge - without)
    return p * (1 - p) * found


def test_uniform_gradient_sampling_is_unbiased(make):
    """Against enumeration, for a cubic and a quadratic form of four masks and for edges of a transformer."""
    experiment = Experiment(make())
    edges = [n for n, edge in enumerate(experiment.graph.edges) if edge.endswith("->output")][:4]

    def form(kept):
        a, b, c, d = kept.unbind(-1)
        return (a + b * c - 2 * d).square() - a * b * c + d

    def of_edges(kept):
        whole = torch.ones((len(kept), len(experiment.graph.edges)), dtype=torch.float64)
        columns = torch.as_tensor(edges).expand(len(kept), -1)
        return distance(experiment, whole.scatter(1, columns, kept), torch.tensor([1]), experiment.donors)

    generator_ = torch.Generator().manual_seed(5)
    for loss in (form, of_edges):
        logits = torch.tensor([0.5, -1.0, 2.0, 0.0], dtype=torch.float64).repeat(20_000, 1).requires_grad_()
        uniform = torch.rand(logits.shape, generator=generator_, dtype=torch.float64)
        loss(sample_window(logits, uniform)).sum().backward()
        expected = difference_by_enumeration(loss, torch.sigmoid(logits[0].detach()).numpy())
        found, error = logits.grad.mean(0).numpy(), logits.grad.std(0).numpy() / math.sqrt(len(logits))
        assert (np.abs(expected) > 5 * error).any()
        assert (np.abs(found - expected) <= 4 * error).all()


# -- the loss -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("metric", ["signed_output", "mse_to_clean"])
@pytest.mark.parametrize("granularity", GRANULARITIES)
def test_the_gradient_of_the_loss_is_that_of_finite_differences(make, metric, granularity):
    experiment = Experiment(make(granularity, metric=metric))
    drawn = torch.rand((2, len(experiment.graph.edges)), generator=torch.Generator().manual_seed(1)).double()
    kept, examples = (0.1 + 0.8 * drawn).requires_grad_(), torch.tensor([0, 2])

    def loss(kept):
        return distance(experiment, kept, examples, experiment.donors).mean()

    loss(kept).backward()
    steps = 1e-5 * torch.eye(kept.numel(), dtype=torch.float64)[:: max(1, kept.numel() // 12)].unflatten(1, kept.shape)
    with torch.no_grad():
        slopes = torch.stack([loss(kept + step) - loss(kept - step) for step in steps]) / 2e-5
    found = torch.stack([(kept.grad * step).sum() for step in steps]) / 1e-5
    torch.testing.assert_close(found, slopes, rtol=1e-5, atol=1e-8)
    assert slopes.abs().max() > 1e-3


@pytest.mark.parametrize("metric", ["signed_output", "mse_to_clean"])
def test_the_loss_counts_squared_changes_of_the_output_by_hand(make, metric):
    """Nothing patched costs nothing; everything patched costs the donors' own output, in units of the variance."""
    problem = make(metric=metric)
    experiment = Experiment(problem)
    kept = torch.stack([torch.ones(len(problem.edges)), torch.zeros(len(problem.edges))]).double()
    whole, nothing = distance(experiment, kept, torch.arange(EXAMPLES), experiment.donors).numpy()
    clean, other = (experiment.model.run(tokens).numpy() for tokens in (problem.clean, problem.corrupted))
    weight = problem.direction**2 if metric == "signed_output" else np.ones_like(clean)
    weight = weight * problem.scored[:, None]
    drawn = product(range(EXAMPLES), repeat=2)
    variance = np.mean([(weight[one] * (clean[one] - clean[two]) ** 2).sum() for one, two in drawn]) / 2
    assert whole == pytest.approx(0, abs=1e-25)
    assert nothing == pytest.approx((weight * (other - clean) ** 2).sum((1, 2)).mean() / variance, rel=1e-10)


def test_an_output_that_never_varies_is_declined(make):
    problem = make()
    same = replace(problem, clean=np.repeat(problem.clean[:1], EXAMPLES, 0))
    with pytest.raises(Unsupported, match="the same for all examples"):
        METHODS["subnetwork_probing"].solve(same, np.random.default_rng(0))


# -- optimal constants ----------------------------------------------------------------------------------------------


def test_the_optimal_constant_of_a_linear_edge_is_the_weighted_mean(make):
    """The output is linear in the embedding that it reads. Where only that edge is ablated, the constant that costs
    least gives at each position and coordinate the mean of the clean value, weighted by the squared direction."""
    problem = make()
    experiment = Experiment(problem)
    constants = METHODS["optimal_ablation"].Constants.of(experiment.nodes, by_position=True)
    kept = torch.as_tensor([edge != "embed->output" for edge in problem.edges]).double()[None]

    def loss(step):
        return distance(experiment, kept, torch.arange(EXAMPLES), constants.donors).mean()

    before = float(loss(0).detach())
    course = Course(experiment, 3000, torch.Generator())
    course.train([adam([(constants.moved, 0.01)])], loss)
    unembed = experiment.model.weights["unembed"]
    written, weight = experiment.nodes[0] @ unembed, experiment.direction.square()
    expected = (weight * written).sum(0)[1:] / weight.sum(0)[1:]
    assert float(loss(0).detach()) < 0.9 * before
    torch.testing.assert_close((constants.donors[0, 0] @ unembed)[1:].detach(), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("by_position", [True, False])
def test_constants_begin_at_the_mean_and_move_in_units_of_the_spread(make, by_position):
    nodes = Experiment(make()).nodes
    constants = METHODS["optimal_ablation"].Constants.of(nodes, by_position)
    expected = nodes.mean(1) if by_position else nodes.mean((1, 2))[:, None]
    torch.testing.assert_close(constants.donors[:, 0].detach(), expected)
    still = constants.spread.flatten() == 0
    named = dict(zip(Experiment(make()).graph.sources, still.tolist(), strict=True))
    assert named["pos"] == by_position  # what every example shares cannot be told from its mean at each position
    assert not named["embed"]


# -- training -------------------------------------------------------------------------------------------------------


def test_multipliers_drive_sparsity_to_a_target(make):
    """With a target that faithfulness does not contradict, half of the edges end up as good as gone."""
    problem, pruning = make(), METHODS["edge_pruning"]
    found = pruning.solve(problem, np.random.default_rng(2), steps=400, edge_target=0.5, node_target=0.1, pressure=0.1)
    assert 1 - found.probabilities.mean() == pytest.approx(0.5, abs=0.06)
    free = pruning.solve(problem, np.random.default_rng(2), steps=400, edge_target=0.0, node_target=0.0, pressure=0.1)
    assert free.probabilities.mean() > 0.9


def test_the_cost_of_sparsity_is_the_lagrangian_of_a_target_that_rises():
    pruning = METHODS["edge_pruning"]
    multipliers = torch.tensor([2.0, 3.0], dtype=torch.float64)
    cost = pruning.Lagrangian(0.8, multipliers)
    sparsity = torch.tensor(0.2, dtype=torch.float64)
    for progress, target in ((0.0, 0.0), (0.45, 0.4), (0.9, 0.8), (1.0, 0.8)):
        missing = target - 0.2
        assert float(cost.cost(sparsity, progress)) == pytest.approx(2 * missing + 3 * missing**2)


@pytest.mark.parametrize("granularity", GRANULARITIES)
def test_an_edge_is_kept_as_far_as_its_own_and_its_writers_mask_allow(make, granularity):
    problem, pruning = make(granularity), METHODS["edge_pruning"]
    writer = pruning.writers(problem).numpy()
    sources = [edge.split("->")[0] for edge in problem.edges]
    for edge, other in product(range(len(sources)), repeat=2):
        assert (writer[edge] == writer[other]) == (sources[edge] == sources[other])
    edges = torch.linspace(-2, 2, len(writer), dtype=torch.float64)
    nodes = torch.linspace(-1, 3, writer.max() + 1, dtype=torch.float64)
    found = pruning.log_chances(edges, nodes, torch.as_tensor(writer)).exp()
    chance = HardConcrete().expected_l0
    by_hand = [float(chance(edges[n]) * chance(nodes[writer[n]])) for n in range(len(writer))]
    np.testing.assert_allclose(found, by_hand, rtol=1e-12)


@pytest.mark.parametrize("name", LEARNED)
@pytest.mark.parametrize("instance", ["all_of_four", "negative_head"])
def test_a_circuit_written_by_hand_is_recovered(planted, name, instance):
    problem, truth = planted(instance)
    found = METHODS[name].solve(problem, np.random.default_rng(1))
    right = truth.circuits[0]
    assert found.edge_scores[right].min() > found.edge_scores[~right].max()
    assert (found.circuit & right).sum() == right.sum()
    assert (found.circuit & ~right).sum() <= 2  # a decoy that was hit by chance; most are gone


def test_of_two_bits_that_each_suffice_subnetwork_probing_keeps_one_and_edge_pruning_both(planted):
    """Masks that are pruned at random while they are trained keep the second bit against the loss of the first."""
    problem, truth = planted("any_of_two")
    one, both = (
        METHODS[name].solve(problem, np.random.default_rng(1)).circuit
        for name in ("subnetwork_probing", "edge_pruning")
    )
    assert len(truth.circuits) == 2
    assert any((one == circuit).all() for circuit in truth.circuits)
    np.testing.assert_array_equal(both, truth.circuits.any(0))


@pytest.mark.parametrize("name", LEARNED)
def test_steps_follow_from_the_budget_and_too_small_a_one_is_said(make, name):
    problem = make()
    least = (masks.SETUP + 2 * masks.LEAST_STEPS) * EXAMPLES
    spent = []
    for budget in (least, 2 * least, 10**6):
        PASSES.clear()
        METHODS[name].solve(replace(problem, budget=budget), np.random.default_rng(0))
        assert sum(PASSES.values()) <= budget
        assert abs(PASSES["forward"] - PASSES["backward"]) <= masks.SETUP * EXAMPLES
        spent.append(sum(PASSES.values()))
    assert spent[0] < spent[1] < spent[2] == pytest.approx(2 * masks.STEPS * EXAMPLES, rel=0.05)
    with pytest.raises(Unsupported, match=f"takes {least} example passes, the budget is {least - 1}"):
        METHODS[name].solve(replace(problem, budget=least - 1), np.random.default_rng(0))


@pytest.mark.parametrize("name", LEARNED)
def test_the_generator_alone_decides(make, name):
    """Torch's own random state neither counts nor changes."""
    problem, answers = replace(make(), budget=60 * 2 * EXAMPLES), []
    for seed, state in ((1, 10), (1, 11), (2, 10)):
        torch.manual_seed(state)
        before = torch.get_rng_state()
        answers.append(METHODS[name].solve(problem, np.random.default_rng(seed)).edge_scores)
        assert torch.equal(before, torch.get_rng_state())
    np.testing.assert_array_equal(answers[0], answers[1])
    assert (answers[0] != answers[2]).any()


# -- ensemble -------------------------------------------------------------------------------------------------------


def test_an_ensemble_averages_the_ranks_of_methods_that_stand_alone(make):
    """The donor's end is attribution with the embedding replaced; all else are methods of their own."""
    problem = make()
    experiment = Experiment(problem)
    at_donor = np.abs(experiment.attribute(experiment.donors[0]))
    alone = [METHODS[name].solve(problem, None).edge_scores for name in ("eap", "eap_ig_inputs", "node_patching")]
    members = [alone[0], at_donor, alone[1], alone[2]]
    expected = np.zeros(len(problem.edges))
    for scores in members:
        below = (scores[None] < scores[:, None]).sum(1)
        equal = (scores[None] == scores[:, None]).sum(1)
        expected += (below + (equal + 1) / 2) / len(scores) / 4
    found = METHODS["ensemble"].solve(problem, None)
    # node effects that are equal up to rounding may be ranked either way
    np.testing.assert_allclose(rankdata(found.edge_scores), rankdata(expected), atol=2)
    np.testing.assert_allclose(found.edge_scores, expected, atol=0.01)
    chosen = experiment.graph.prune(np.sum([m > 0.02 * experiment.scale for m in members], 0) >= 3)
    np.testing.assert_array_equal(found.circuit, chosen)
