"""Generated activations against the theory of their world, and truths found again from what a problem holds."""

from __future__ import annotations

import dataclasses
from functools import cache

import numpy as np
import pytest
from scipy.stats import kstest, multivariate_normal, norm

from bench.core.catalogue import load_plugin
from bench.core.config import ROOT
from bench.core.contract import BadInput, generator
from bench.tracks.features.planting import Plan
from bench.tracks.features.world import FACTORS, World, draw_active, draw_codes, draw_directions

TASK = load_plugin(ROOT / "bench/tracks/features/tasks/planted_dictionary.py")
LIVE = [name for name, facts in TASK.INSTANCES.items() if not facts["null"]]
NULLS = [name for name, facts in TASK.INSTANCES.items() if facts["null"]]
ROWS = 20_000


@cache
def made(name: str, seed: int = 0):
    return TASK.generate(name, seed, generator("features", name, seed), None)


def within(found, expected, deviation, sigmas: float = 5.0) -> bool:
    return bool((np.abs(found - expected) <= sigmas * deviation).all())


@pytest.mark.parametrize("name", LIVE)
def test_features_are_active_as_often_as_planned(name):
    world = TASK.PLANS[name].world
    active = draw_active(world, generator("frequencies", name), ROWS)
    p = world.frequencies
    assert p.sum() == pytest.approx(world.active)
    assert within(active.mean(axis=0), p, np.sqrt(p * (1 - p) / ROWS))


def test_frequencies_fall_as_a_power_of_rank():
    p = World(50, 10, 2.0, zipf=0.7).frequencies
    assert p[0] / p[31] == pytest.approx(32**0.7)


def test_a_feature_cannot_be_active_most_of_the_time():
    with pytest.raises(BadInput, match=r"would be active on 0\.75 of samples"):
        _ = World(4, 4, 3.0).frequencies


def test_codes_have_the_moments_of_folded_normals():
    world = World(6, 6, 2.0, spread=0.8)
    codes = draw_codes(world, generator("moments"), 200_000)
    first, second = world.code_moments
    assert within(codes.mean(axis=0), first, codes.std(axis=0) / np.sqrt(len(codes)))
    assert within(np.square(codes).mean(axis=0), second, np.square(codes).std(axis=0) / np.sqrt(len(codes)))


def test_flat_features_are_independent_and_correlated_ones_follow_the_copula():
    """Two features are active together as two correlated normal variables exceed their thresholds together."""
    world = World(6, 6, 1.5, correlation=0.5)
    active = draw_active(world, generator("pairs"), ROWS)
    weights = generator("pairs").standard_normal((6, FACTORS))
    weights *= np.sqrt(0.5) / np.linalg.norm(weights, axis=1, keepdims=True)
    threshold = norm.isf(world.frequencies)
    for one, other in ((0, 1), (2, 5), (3, 4)):
        r = weights[one] @ weights[other]
        joint = multivariate_normal([0, 0], [[1, r], [r, 1]]).cdf([-threshold[one], -threshold[other]])
        assert within((active[:, one] & active[:, other]).mean(), joint, np.sqrt(joint / ROWS))
    free = draw_active(dataclasses.replace(world, correlation=0.0), generator("free"), ROWS)
    joint = world.frequencies[0] * world.frequencies[1]
    assert within((free[:, 0] & free[:, 1]).mean(), joint, np.sqrt(joint / ROWS))


@pytest.mark.parametrize("name", ["tree", "deep_tree"])
def test_a_child_needs_its_parent_and_bears_no_sibling(name):
    world = TASK.PLANS[name].world
    active, parents = draw_active(world, generator("tree", name), ROWS), world.parents
    for node in range(world.features):
        if parents[node] >= 0:
            assert not (active[:, node] & ~active[:, parents[node]]).any()
        children = active[:, parents == node]
        assert children.shape[1] in (0, world.branching)
        assert (children.sum(axis=1) <= 1).all()
    inner = [node for node in range(world.features) if (parents == node).any()]
    shares = [active[:, parents == node].any(axis=1)[active[:, node]].mean() for node in inner]
    counts = active[:, inner].sum(axis=0)
    assert within(np.array(shares), world.handed_down, np.sqrt(world.handed_down * 0.3 / counts))


def test_directions_have_length_one_and_are_uniform_or_orthonormal():
    directions = draw_directions(World(4000, 5, 1.0), generator("directions"))
    np.testing.assert_allclose(np.linalg.norm(directions, axis=1), 1)
    assert kstest((directions[:, 0] + 1) / 2, "beta", args=(2, 2)).pvalue > 0.001
    complete = draw_directions(World(4, 5, 1.0, orthogonal=True), generator("orthonormal"))
    np.testing.assert_allclose(complete @ complete.T, np.eye(4), atol=1e-12)


@pytest.mark.parametrize("name", LIVE)
def test_directions_are_found_again_by_regression_of_the_activations_on_the_codes(name):
    """The second route to the truth: least squares, which knows nothing of how activations were made."""
    problem, truth = made(name)
    design = np.hstack([truth.codes, np.full((len(truth.codes), 1), truth.codes.max())]).astype(np.float64)
    seen = np.append((truth.codes > 0).sum(axis=0) > 3, True)
    found, *_ = np.linalg.lstsq(design[:, seen], problem.test.astype(np.float64), rcond=None)
    spread = np.sqrt(np.diag(np.linalg.pinv(design[:, seen].T @ design[:, seen])))[:, None] * truth.noise
    rounding = 2e-5 * np.abs(problem.test).max() / truth.codes.max()
    assert within(found[:-1], truth.directions[seen[:-1]], spread[:-1] + rounding)
    left = problem.test.astype(np.float64) - truth.codes @ truth.directions.astype(np.float64) - truth.offset
    assert left.std() == pytest.approx(truth.noise, rel=0.03, abs=1e-6 * float(np.abs(problem.test).max()))


@pytest.mark.parametrize("name", NULLS)
def test_a_null_has_mean_and_covariance_of_its_live_twin_and_no_features(name):
    problem, truth = made(name)
    assert truth.null
    assert truth.directions.shape == (0, problem.test.shape[1])
    world = TASK.PLANS[name].world
    twin = Plan(world, 1, samples=ROWS).unit(generator("features", name, 0))  # the same directions and unit
    values, live = (np.asarray(p.activations, np.float64) for p in (problem, twin[0]))
    expected = np.cov(live.T)
    error = np.abs(np.cov(values.T) - expected).max() / np.abs(expected).max()
    assert error < (0.15 if "elliptical" in name else 0.08)


def test_the_covariance_of_a_null_is_that_of_independent_codes():
    world = World(7, 4, 1.5, zipf=0.5, noise=0.3)
    directions = draw_directions(world, generator("covariance"))
    rng = generator("covariance of samples")
    values = draw_codes(world, rng, 200_000) @ directions + world.noise_deviation * rng.standard_normal((200_000, 4))
    np.testing.assert_allclose(np.cov(values.T), world.covariance(directions), atol=0.01)


@pytest.mark.parametrize("name", NULLS)
def test_a_null_is_gaussian_or_elliptical(name):
    """Certified: whitened lengths follow the chi law, or do not and then directions on the sphere are uniform."""
    problem, _ = made(name)
    values = problem.activations.astype(np.float64)
    values = (values - values.mean(axis=0)) / values.std()
    whitened = np.linalg.solve(np.linalg.cholesky(np.cov(values.T)), values.T).T
    lengths = np.square(whitened).sum(axis=1)
    d = values.shape[1]
    gaussian = kstest(lengths, "chi2", args=(d,)).pvalue > 1e-4
    assert gaussian == ("elliptical" not in name)
    share = np.square(whitened[:, 0]) / lengths
    assert kstest(share, "beta", args=(0.5, (d - 1) / 2)).pvalue > 1e-4


def test_units_differ_by_seed_and_repeat_by_generator():
    first, again, other = made("superposed")[0], made.__wrapped__("superposed")[0], made("superposed", 1)[0]
    np.testing.assert_array_equal(first.test, again.test)
    assert not np.array_equal(first.test, other.test)
