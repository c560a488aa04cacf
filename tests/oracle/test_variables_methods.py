"""Methods that find causal variables against implementations of their own, closed forms, and planted answers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from scipy.special import logsumexp
from sklearn.decomposition import PCA

from bench.core.catalogue import load_plugin
from bench.core.config import ROOT
from bench.core.contract import generator
from bench.core.problems import Workspace
from bench.kernels.autoencoder import Autoencoder
from bench.models.checkpoint import load_arrays
from bench.models.transformer import Transformer
from bench.tracks.variables import entities
from bench.tracks.variables.experiment import Experiment, values_of
from bench.tracks.variables.pairs import draw_pairs
from bench.tracks.variables.tasks import compiled, planted
from bench.tracks.variables.training import interchange_loss, orthonormal, train_mask
from bench.tracks.variables.types import Problem, Truth
from tests.interchange_by_hand import interchanged, run, value_at
from tests.variables_units import READ, turned_switches

METHODS = ROOT / "bench" / "tracks" / "variables" / "methods"
SITE = "a0.h0"  # of planted units: the head that copies the entity whose city is asked for


def method(name: str):
    return load_plugin(METHODS / f"{name}.py")


@dataclass(frozen=True)
class Case:
    """A unit with its experiment, and interchanges by hand."""

    problem: Problem
    truth: Truth
    experiment: Experiment

    @cached_property
    def model(self):
        return load_arrays(self.problem.model.path)

    def outputs(self, site: str, basis: np.ndarray, rows: np.ndarray) -> np.ndarray:
        p = self.problem
        return interchanged(*self.model, p.base[rows], p.source[rows], site, basis, p.intervened)

    def loss(self, site: str, basis: np.ndarray, rows: np.ndarray) -> float:
        gap = self.outputs(site, basis, rows) - self.problem.labels[rows]
        return float(np.square(gap[:, self.problem.scored]).mean())

    def planted(self, site: str) -> np.ndarray:
        return self.truth.bases[self.problem.sites.index(site)]


def case(problem: Problem, truth: Truth, pairs: int | None = None, exact: bool = True) -> Case:
    """With the first pairs alone, if so asked; `exact` in float64 where methods run in float32."""
    if pairs:
        names = ("base", "source", "labels", "base_values", "source_values")
        problem = replace(problem, **{name: getattr(problem, name)[:pairs] for name in names})
    experiment = Experiment(problem, np.random.default_rng(0))
    if not exact:
        return Case(problem, truth, experiment)
    experiment.model = Transformer.load(problem.model.path, torch.float64)
    for of in ("base", "source"):
        experiment.nodes[of] = experiment.model.node_outputs(getattr(problem, of))
    experiment.labels = torch.as_tensor(problem.labels, dtype=torch.float64)
    return Case(problem, truth, experiment)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("blobs")


@pytest.fixture(scope="module")
def made(folder):
    def make(task, instance: str) -> tuple[Problem, Truth]:
        return task.generate(instance, 1, generator("test methods", instance), Workspace(folder, {}))

    return make


@pytest.fixture(scope="module")
def noisy(made) -> Case:
    return case(*made(planted, "loud_noise"))


@pytest.fixture(scope="module")
def on_axes(folder) -> Case:
    """A planted unit whose residual stream was not turned: every attribute lies along axes of its own."""
    rng = np.random.default_rng(3)
    world = entities.World.draw(entities.Design(noise=1.0), rng)
    world = replace(world, turn=np.eye(world.design.width))
    pairs = draw_pairs(partial(planted.draw_pair, world, np.arange(48), False), 96, False, rng)
    problem = planted.make_problem(world, pairs, False, Workspace(folder, {}))
    return case(problem, planted.make_truth(world, problem, pairs, False))


def projector(basis: np.ndarray) -> np.ndarray:
    return basis @ np.linalg.pinv(basis)


# -- the interchange and the choice among sites -----------------------------------------------------------------------


@pytest.mark.parametrize(("task", "instance"), [(planted, "tilted"), (compiled, "two_sums_stream")])
def test_the_differentiable_interchange_is_that_of_a_loop_over_strings(made, task, instance: str):
    one = case(*made(task, instance), pairs=8)
    rows, rng = np.arange(8), np.random.default_rng(0)
    for site in one.problem.sites:
        basis = np.linalg.qr(rng.normal(size=(one.problem.width, 3)))[0]
        change = one.experiment.change(site) @ torch.as_tensor(basis @ basis.T)
        found = one.experiment.output(site, change, rows).numpy()
        np.testing.assert_allclose(found, one.outputs(site, basis, rows), atol=1e-10)


def test_values_for_fitting_are_the_sites_values_where_the_variable_has_one(noisy: Case):
    values, codes = values_of(noisy.experiment, SITE)
    problem, expected, known = noisy.problem, [], []
    for strings, of in ((problem.base, problem.base_values), (problem.source, problem.source_values)):
        for row in noisy.experiment.fit:
            at = value_at(*noisy.model, strings[row], SITE)
            for place in np.flatnonzero(problem.intervened & (of[row] >= 0)):
                expected.append(at[place])
                known.append(of[row, place])
    np.testing.assert_allclose(values, expected, atol=1e-10)
    np.testing.assert_array_equal(codes, known)


def test_full_vector_takes_the_site_whose_exchange_is_right_in_most_cells_by_brute_force(made):
    problem, truth = made(planted, "orthogonal")
    answer = method("full_vector").solve(problem, np.random.default_rng(0))
    one = Case(problem, truth, Experiment(problem, np.random.default_rng(0)))
    rows, whole = one.experiment.validation, np.eye(problem.width)
    wanted, own, other = (
        found[:, -1].argmax(axis=-1)
        for found in (
            problem.labels[rows],
            one.outputs(SITE, whole[:, :0], rows),
            interchanged(*one.model, problem.source[rows], problem.base[rows], SITE, whole[:, :0], problem.intervened),
        )
    )
    telling = (own != other) | (own != wanted)
    shares = [(one.outputs(site, whole, rows)[:, -1].argmax(-1) == wanted)[telling].mean() for site in problem.sites]
    inert = [site not in one.experiment.active for site in problem.sites]
    np.testing.assert_allclose(answer.site_scores, np.where(inert, 0, shares))
    assert answer.site == problem.sites[int(np.argmax(np.where(inert, 0, shares)))]
    np.testing.assert_array_equal(answer.basis, whole)


def test_sites_whose_full_exchange_moves_nothing_are_left_out_and_no_other(noisy: Case):
    rows, whole = noisy.experiment.validation, np.eye(noisy.problem.width)
    for site in noisy.problem.sites:
        moved = np.abs(noisy.outputs(site, whole, rows) - noisy.outputs(site, whole[:, :0], rows))[:, -1].max()
        assert (site in noisy.experiment.active) == (moved > noisy.problem.tolerance)


# -- subspaces read off activations -----------------------------------------------------------------------------------


def test_pca_is_that_of_scikit_learn(noisy: Case):
    values = values_of(noisy.experiment, SITE)[0]
    found = method("pca").principal(values, 4)
    expected = PCA(4, svd_solver="full").fit(values).components_
    np.testing.assert_allclose(found.T @ found, np.eye(4), atol=1e-12)
    np.testing.assert_allclose(np.abs(np.sum(found.T * expected, axis=1)), 1, atol=1e-9)


def test_difference_of_means_is_the_difference_of_two_means():
    rng = np.random.default_rng(0)
    values, classes = rng.normal(size=(40, 5)), np.arange(40) % 3 == 0
    apart = values[classes].sum(axis=0) / classes.sum() - values[~classes].sum(axis=0) / (~classes).sum()
    found = method("difference_of_means").between_means(values, classes)
    assert found.shape == (5, 1)
    np.testing.assert_allclose(projector(found), np.outer(apart, apart) / (apart @ apart), atol=1e-12)


def test_between_four_means_lie_the_three_differences_to_the_first(noisy: Case):
    values, classes = values_of(noisy.experiment, SITE)
    means = [
        np.mean([value for value, one in zip(values, classes, strict=True) if one == code], 0) for code in range(4)
    ]
    found = method("difference_of_means").between_means(values, classes)
    assert found.shape[1] == 3
    np.testing.assert_allclose(projector(found), projector(np.stack([m - means[0] for m in means[1:]], 1)), atol=1e-9)


@pytest.mark.parametrize("count", [2, 4])
def test_a_probes_weights_minimise_the_penalised_likelihood(count: int):
    """Written anew: softmax over all classes (over one score and 0 for two), minimised by BFGS."""
    rng = np.random.default_rng(count)
    classes = np.arange(120) % count
    values = rng.normal(size=(count, 6))[classes] + rng.normal(size=(120, 6)) * [1, 1, 1, 3, 0.3, 1]
    centred = values - values.mean(axis=0)
    inputs = centred / np.sqrt((centred**2).sum() / 120)

    def objective(flat: np.ndarray) -> float:
        weights, offsets = flat[: 6 * count].reshape(count, 6), flat[6 * count :]
        if count == 2:
            weights, offsets = weights * [[0], [1]], offsets * [0, 1]
        scores = inputs @ weights.T + offsets
        return (logsumexp(scores, axis=1) - scores[np.arange(120), classes]).sum() + 0.5 * (weights**2).sum()

    best = minimize(objective, np.zeros(7 * count), method="BFGS", options={"gtol": 1e-6}).x[: 6 * count]
    best = best.reshape(count, 6)
    apart = best[1:] if count == 2 else best - best.mean(axis=0)
    found = method("probe").weight_span(values, classes, 1.0)
    assert found.shape == (6, count - 1)
    expected = np.linalg.svd(apart)[2][: count - 1].T
    np.testing.assert_allclose(projector(found), projector(expected), atol=2e-3)


# -- subspaces trained through the model ------------------------------------------------------------------------------


def test_the_gradient_of_the_interchange_loss_is_that_of_finite_differences_by_hand(made):
    """Of the loss of B B^T with B the orthonormal factor of a free matrix, in a few directions of that matrix."""
    one = case(*made(planted, "tilted"), pairs=12)
    rng, change = np.random.default_rng(1), one.experiment.change(SITE)[one.experiment.fit]
    free = torch.as_tensor(rng.normal(size=(one.problem.width, 3))).requires_grad_()
    basis = orthonormal(free)
    interchange_loss(one.experiment, SITE, basis @ basis.T, change).backward()

    def loss(matrix: np.ndarray) -> float:
        return one.loss(SITE, np.linalg.qr(matrix)[0], one.experiment.fit)

    start = free.detach().numpy()
    for _ in range(3):
        step = rng.normal(size=start.shape)
        slope = (loss(start + 1e-5 * step) - loss(start - 1e-5 * step)) / 2e-5
        assert float((free.grad.numpy() * step).sum()) == pytest.approx(slope, rel=1e-5, abs=1e-9)


@pytest.mark.parametrize("name", ["distributed_alignment_search", "boundless_das"])
def test_where_one_direction_alone_is_exact_alignment_search_finds_it(tmp_path, name: str):
    """The direction in closed form (`tests.variables_units`); what boundless search adds to it is next to unread."""
    problem, truth = turned_switches(tmp_path, np.random.default_rng(5))
    answer = method(name).solve(problem, np.random.default_rng(0))
    basis, planted_one = answer.basis, truth.bases[0][:, 0]
    np.testing.assert_allclose(basis.T @ basis, np.eye(basis.shape[1]), atol=1e-12)
    assert answer.site == "embed"
    assert np.linalg.norm(basis.T @ planted_one) > 0.99
    read = load_arrays(problem.model.path)[1]["unembed"][:, 0]
    assert np.linalg.norm(basis @ basis.T @ read - READ[0] * planted_one) < 0.15 * np.linalg.norm(read)


def test_das_on_a_planted_unit_is_right_though_it_may_stop_short_of_the_planted_subspace(made):
    """By hand, on pairs that it did not see; relu units that are off at the start give it no gradient."""
    one = case(*made(planted, "tilted"), exact=False)
    found = method("distributed_alignment_search").search(one.experiment, SITE, 120, 0.05)
    np.testing.assert_allclose(found.T @ found, np.eye(3), atol=1e-12)
    rows = one.experiment.validation
    said = one.outputs(SITE, found, rows)[:, -1].argmax(-1)
    assert (said == one.problem.labels[rows][:, -1].argmax(-1)).mean() > 0.9
    assert one.loss(SITE, found, rows) > 100 * one.loss(SITE, one.planted(SITE), rows)


def test_what_das_minimises_has_its_minimum_at_the_planted_subspace(noisy: Case):
    """Loss 0 there by hand, and more for what any method that only looks at values takes."""
    rows, values = noisy.experiment.fit[:24], values_of(noisy.experiment, SITE)
    assert noisy.loss(SITE, noisy.planted(SITE), rows) < 1e-20
    for basis in (method("pca").principal(values[0], 3), method("probe").weight_span(*values, 1.0)):
        assert noisy.loss(SITE, basis, rows) > 1e-3


def test_the_boundary_of_boundless_das_moves_by_its_gradient(made):
    """d loss / d share of (Q * sigmoid((share width - i - 1/2) / T)) Q^T, by finite differences of the loss by hand."""
    one = case(*made(planted, "tilted"), pairs=12)
    rows, width = one.experiment.fit, one.problem.width
    turn = np.linalg.qr(np.random.default_rng(2).normal(size=(width, width)))[0]
    change = one.experiment.change(SITE)[rows]

    def exchanged(share: float) -> float:
        soft = 1 / (1 + np.exp(-(share * width - np.arange(width) - 0.5) / 2.0))
        return one.loss(SITE, turn * np.sqrt(soft), rows)

    share, columns = torch.tensor(0.3, dtype=torch.float64, requires_grad=True), torch.as_tensor(turn)
    boundary = torch.sigmoid((share * width - torch.arange(width) - 0.5) / 2.0)
    interchange_loss(one.experiment, SITE, (columns * boundary) @ columns.T, change).backward()
    slope = (exchanged(0.3 + 1e-5) - exchanged(0.3 - 1e-5)) / 2e-5
    assert float(share.grad) == pytest.approx(slope, rel=1e-5)


def test_a_mask_over_axes_picks_those_of_the_variable(on_axes: Case):
    axes = train_mask(on_axes.experiment, SITE, np.eye(on_axes.problem.width), 120, 0.1, 0.02)
    expected = np.flatnonzero(on_axes.planted(SITE).any(axis=1))
    np.testing.assert_array_equal(np.flatnonzero(axes.any(axis=1)), expected)
    answer = method("binary_mask").solve(on_axes.problem, np.random.default_rng(0))
    assert answer.site in ("a0.h0", "resid0")
    np.testing.assert_array_equal(np.flatnonzero(answer.basis.any(axis=1)), expected)


def test_a_mask_over_few_directions_is_the_best_of_all_masks(on_axes: Case):
    """All 2^6 masks of six directions by hand: city's, turned among themselves, and three that it has no part in."""
    rng, width = np.random.default_rng(0), on_axes.problem.width
    city = on_axes.planted(SITE) @ np.linalg.qr(rng.normal(size=(3, 3)))[0]
    directions = np.concatenate([city, np.eye(width)[:, 3:5], np.eye(width)[:, -1:]], axis=1)[:, rng.permutation(6)]
    found = train_mask(on_axes.experiment, SITE, directions, 120, 0.1, 0.02)
    rows = on_axes.experiment.fit[:16]
    masks = [np.array(mask, bool) for mask in product([False, True], repeat=6) if any(mask)]
    costs = [on_axes.loss(SITE, directions[:, mask], rows) + 0.02 * mask.mean() for mask in masks]
    np.testing.assert_array_equal(found, directions[:, masks[int(np.argmin(costs))]])


def test_a_mask_over_pca_holds_principal_components_that_are_better_than_the_first_ones(noisy: Case):
    values = values_of(noisy.experiment, SITE)[0]
    found = method("mask_over_pca").search(noisy.experiment, SITE, 120, 0.1, 0.02)
    components = PCA(svd_solver="full").fit(values).components_
    nearest = np.abs(components @ found).max(axis=0)
    np.testing.assert_allclose(nearest, 1, atol=1e-6)
    rows = noisy.experiment.fit
    assert noisy.loss(SITE, found, rows) < noisy.loss(SITE, components[: found.shape[1]].T, rows)


def test_a_mask_over_features_keeps_those_that_carry_the_variable(on_axes: Case):
    """A dictionary by hand: what each axis has above zero and below it. City's axes are kept, each by one or both."""
    width = on_axes.problem.width
    both_ways = torch.cat([torch.eye(width), -torch.eye(width)]).double()
    found = Autoencoder(both_ways.T, torch.zeros(2 * width).double(), both_ways, torch.zeros(width).double(), 1.0)
    basis = method("sae_mask").exchanged(on_axes.experiment, SITE, found, 120, 0.1, 0.02)
    expected = np.flatnonzero(on_axes.planted(SITE).any(axis=1))
    np.testing.assert_array_equal(np.flatnonzero(np.abs(basis).max(axis=1) > 1e-9), expected)


def test_exchanging_features_is_what_their_definition_says(made):
    """h + sum_j m_j (f_j(source) - f_j(base)) d_j, string by string."""
    one = case(*made(planted, "tilted"), pairs=8)
    rng, rows = np.random.default_rng(0), one.experiment.fit
    encoder, offset, decoder = (rng.normal(size=shape) for shape in ((one.problem.width, 6), 6, (6, one.problem.width)))
    kept = np.array([1, 0, 1, 1, 0, 0.5])
    loss = 0.0
    for row in rows:
        values = [value_at(*one.model, strings[row], SITE)[-1] for strings in (one.problem.base, one.problem.source)]
        own, other = (np.maximum(value @ encoder + offset, 0) for value in values)
        moved = (kept * (other - own)) @ decoder

        def edit(name: str, value: np.ndarray, moved: np.ndarray = moved) -> np.ndarray:
            return value + np.outer(one.problem.intervened, moved) if name == SITE else value

        loss += np.square(run(*one.model, one.problem.base[row], edit) - one.problem.labels[row])[-1].mean() / len(rows)
    found = Autoencoder(*(torch.as_tensor(a) for a in (encoder, offset, decoder, np.zeros(one.problem.width))), 1.0)
    base, source = (found.encode(one.experiment.value(SITE, of)) for of in ("base", "source"))
    change = ((source - base) * one.experiment.intervened[:, None])[rows]
    masked = torch.as_tensor(kept)[:, None] * found.decoder
    assert float(interchange_loss(one.experiment, SITE, masked, change)) == pytest.approx(loss)
