"""Variance partitioning: population shares by two routes, solvers against libraries, methods against large samples."""

import dataclasses
from itertools import permutations

import numpy as np
import pytest
from himalaya.scoring import r2_score_split
from scipy.optimize import minimize
from sklearn.linear_model import Lasso, Ridge

from bench.core.catalogue import load_plugin
from bench.core.config import ROOT
from bench.core.contract import generator
from bench.kernels import shares
from bench.kernels.regression import group_folds
from bench.tracks.partition import fitting, score

TRACK = ROOT / "bench" / "tracks" / "partition"
TASK = load_plugin(TRACK / "tasks" / "mixtures.py")
METHODS = {path.stem: load_plugin(path) for path in (TRACK / "methods").glob("*.py")}
LIVE = [name for name, facts in TASK.INSTANCES.items() if not facts["null"]]


def make(instance, seed=0, **changes):
    """A unit as the suite makes it, with its design changed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            TASK, "DESIGNS", TASK.DESIGNS | {instance: dataclasses.replace(TASK.DESIGNS[instance], **changes)}
        )
        return TASK.generate(instance, seed, generator("partition", instance, seed), None)


def triangular(features, responses):
    """Features and responses with as few rows as columns and the same regressions: R of a QR decomposition."""
    return np.split(np.linalg.qr(np.concatenate([features, responses], axis=1), mode="r"), [features.shape[1]], axis=1)


def regressed(features, responses):
    """R^2 and weights of a plain regression of centred data."""
    weights = np.linalg.lstsq(features, responses, rcond=None)[0]
    left = responses - features @ weights
    return 1 - np.square(left).sum(axis=0) / np.square(responses).sum(axis=0), weights


@pytest.mark.parametrize("instance", ["entangled", "irrelevant", "compressed"])
def test_population_shares_are_those_of_regressions_on_a_very_large_sample(instance):
    """Second route to the truth: subsets are regressed, orders gone through; nothing of the closed forms is used."""
    problem, truth = make(instance, samples=3000, targets=4)
    centred = [part - part.mean(axis=0) for part in (problem.features, problem.responses)]
    x, y = triangular(*centred)
    spaces = int(problem.spaces.max()) + 1

    def explained(some):
        return regressed(x[:, np.isin(problem.spaces, some)], y)[0] if some else np.zeros(4)

    every, weights = regressed(x, y)
    unique = [every - explained([b for b in range(spaces) if b != space]) for space in range(spaces)]
    common = [explained([space]) - unique[space] for space in range(spaces)]
    parts = [x[:, problem.spaces == space] @ weights[problem.spaces == space] for space in range(spaces)]
    product = [(part * y).sum(axis=0) / np.square(y).sum(axis=0) for part in parts]
    orders = list(permutations(range(spaces)))
    known = {members: explained(list(members)) for members in subsets(spaces)}
    lmg = np.zeros((spaces, 4))
    for order in orders:
        for place, space in enumerate(order):
            before, after = tuple(sorted(order[:place])), tuple(sorted(order[: place + 1]))
            lmg[space] += (known[after] - known[before]) / len(orders)
    np.testing.assert_allclose(truth.shares, np.stack([unique, common, product, lmg]), atol=0.03)
    np.testing.assert_allclose(truth.explained, every, atol=0.02)


def subsets(spaces):
    return [tuple(b for b in range(spaces) if number >> b & 1) for number in range(2**spaces)]


def test_senses_hang_together_as_they_must():
    for instance in LIVE:
        truth = make(instance)[1]
        unique, common, product, lmg = truth.shares
        np.testing.assert_allclose(product.sum(axis=0), truth.explained)
        np.testing.assert_allclose(lmg.sum(axis=0), truth.explained)
        assert (unique >= -1e-9).all()
        assert (lmg >= unique.min() - 1e-9).all()
        if instance == "separate":
            np.testing.assert_allclose(common, 0, atol=1e-9)
            np.testing.assert_allclose(unique, product, atol=1e-9)
            np.testing.assert_allclose(unique, lmg, atol=1e-9)
    unique, common, _, _ = make("entangled")[1].shares
    assert unique.sum() < 0.5 * common.sum()


def test_features_have_their_units_and_spaces_share_what_they_are_said_to_share():
    problem, _ = make("unequal", samples=2000)
    units = np.array(TASK.DESIGNS["unequal"].units)[problem.spaces]
    np.testing.assert_allclose(problem.features.std(axis=0) / units, 1, atol=0.03)
    world = TASK.draw_world(TASK.DESIGNS["entangled"], np.random.default_rng(0))
    common = TASK.DESIGNS["entangled"].common
    shared = np.square(world.mixing[:common]).sum(axis=0)
    np.testing.assert_allclose(shared, np.array([0.9, 0.9, 0.6])[world.spaces])
    np.testing.assert_allclose(np.diag(world.covariance), 1)
    across = world.covariance[world.spaces == 0][:, world.spaces == 1]
    rank = np.linalg.matrix_rank(across, tol=1e-9)
    assert rank == common


def test_noise_and_signal_have_the_stated_variances_and_nulls_no_signal():
    problem, truth = make("noise_graded", samples=2000)
    snr = np.geomspace(*TASK.DESIGNS["noise_graded"].snr, 20)
    np.testing.assert_allclose(problem.responses.var(axis=0), 1 + 1 / snr, rtol=0.06)
    np.testing.assert_allclose(truth.explained, snr / (1 + snr))
    np.testing.assert_allclose(truth.test_signal.var(axis=0), 1, atol=0.6)
    problem, truth = make("null_correlated")
    assert truth.null
    assert not truth.shares.any()
    assert not np.ptp(truth.test_signal, axis=0).any()
    assert problem.responses.var() > 0.5


def test_the_kernels_of_shares_are_a_loop_over_orders_and_himalayas_product_measure():
    rng = np.random.default_rng(0)
    explained = np.concatenate([np.zeros((1, 3)), rng.uniform(size=(15, 3))])
    number = {members: index for index, members in enumerate(subsets(4))}
    orders = list(permutations(range(4)))
    expected = np.zeros((4, 3))
    for order in orders:
        for place, space in enumerate(order):
            after, before = tuple(sorted(order[: place + 1])), tuple(sorted(order[:place]))
            expected[space] += (explained[number[after]] - explained[number[before]]) / len(orders)
    np.testing.assert_allclose(shares.lmg_shares(explained), expected)
    np.testing.assert_allclose(shares.unique_shares(explained)[2], explained[15] - explained[number[0, 1, 3]])
    np.testing.assert_allclose(
        shares.common_shares(explained)[1], explained[2] - explained[15] + explained[number[0, 2, 3]]
    )
    parts, observed = rng.normal(size=(3, 40, 5)), rng.normal(size=(40, 5))
    observed = observed - observed.mean(axis=0)
    found = shares.product_shares(parts, 1e-13 * observed / 1e-13)
    np.testing.assert_allclose(found, r2_score_split(observed, parts))
    np.testing.assert_allclose(shares.product_shares(1e-13 * parts, 1e-13 * observed), found)


def test_weighted_ridge_is_scikit_learns_on_scaled_spaces_with_group_folds():
    problem, _ = make("correlated", targets=3, runs=6, samples=15)
    data, _, _ = fitting.standardise(problem, np.arange(len(problem.groups)))
    choices = np.array([[1.0, 1.0, 1.0], [1.0, 0.01, 0.0]])
    found = fitting.fit_weighted(data, choices)
    folds = group_folds(data.groups, fitting.INNER)
    for target in range(3):
        tried = {}
        for number, choice in enumerate(choices):
            x = data.features * np.sqrt(choice)[data.spaces]
            for penalty in fitting.GRID:
                error = 0.0
                for held in folds:
                    kept = np.setdiff1d(np.arange(len(x)), held)
                    model = Ridge(penalty * len(kept)).fit(x[kept], data.responses[kept, target])
                    error += np.square(data.responses[held, target] - model.predict(x[held])).sum()
                tried[number, penalty] = error
        number, penalty = min(tried, key=tried.__getitem__)
        x = data.features * np.sqrt(choices[number])[data.spaces]
        expected = Ridge(penalty * len(x), fit_intercept=False).fit(x, data.responses[:, target]).coef_
        np.testing.assert_allclose(found[:, target], expected * np.sqrt(choices[number])[data.spaces], atol=1e-8)


def test_ridge_weights_are_the_same_from_either_gram_matrix():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, 30)), rng.normal(size=(20, 2))
    expected = Ridge(0.7 * 20, fit_intercept=False).fit(x, y).coef_.T
    np.testing.assert_allclose(fitting.ridge_weights(x, y, 0.7), expected)
    expected = Ridge(0.7 * 20, fit_intercept=False).fit(x[:, :9], y).coef_.T
    np.testing.assert_allclose(fitting.ridge_weights(x[:, :9], y, 0.7), expected)


def test_group_lasso_is_the_lasso_for_single_features_and_meets_its_optimality_conditions_for_groups():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 6)), rng.normal(size=(60, 2))
    y = y + x[:, :2]
    lasso = METHODS["group_lasso"]
    path = list(lasso.weights_path(x, y, np.arange(6), 2000))
    for target in range(2):
        strongest = np.abs(x.T @ y[:, target]).max() / 60
        for share, weights in zip(lasso.SHARES, path, strict=True):
            model = Lasso(share * strongest, fit_intercept=False, tol=1e-10).fit(x, y[:, target])
            np.testing.assert_allclose(weights[:, target], model.coef_, atol=1e-5)
    spaces = np.array([0, 0, 0, 1, 2, 2])
    roots = np.sqrt(np.bincount(spaces))
    path = list(lasso.weights_path(x, y, spaces, 2000))
    assert not path[0].any()
    slopes = [x.T @ (y - x @ weights) / 60 for weights in path]
    strongest = np.max([np.linalg.norm(slopes[0][spaces == b], axis=0) / roots[b] for b in range(3)], axis=0)
    for share, weights, slope in zip(lasso.SHARES, path, slopes, strict=True):
        for space in range(3):
            own = spaces == space
            limit = share * strongest * roots[space]
            norm = np.linalg.norm(weights[own], axis=0)
            inside = np.linalg.norm(slope[own], axis=0) <= limit * (1 + 1e-6)
            along = np.abs(slope[own] - limit * weights[own] / np.where(norm > 0, norm, 1)).max(axis=0) < 1e-5
            assert (np.where(norm > 0, along, inside)).all()


def test_stacking_mixes_as_a_general_optimiser_does():
    rng = np.random.default_rng(0)
    parts, observed = rng.normal(size=(3, 50)), rng.normal(size=50)
    observed = observed + 0.5 * parts[0] + 0.3 * parts[1]
    found = METHODS["stacking"].mix(parts, observed)
    best = minimize(
        lambda a: np.square(observed - a @ parts).sum(), np.full(3, 1 / 3), bounds=[(0, 1)] * 3,
        constraints={"type": "eq", "fun": lambda a: a.sum() - 1}, tol=1e-12,
    ).x  # fmt: skip
    np.testing.assert_allclose(found, best, atol=1e-4)
    assert found.sum() == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("method", [name for name in METHODS if name != "stacking"])
def test_on_large_samples_a_method_answers_in_the_sense_that_it_declares(method):
    problem, truth = make("correlated", sizes=(3, 5, 7), samples=300, targets=6)
    answer = METHODS[method].solve(problem, np.random.default_rng(0))
    right = truth.shares[shares.ESTIMANDS.index(answer.estimand)]
    np.testing.assert_allclose(answer.shares, right, atol=0.07)
    others = [truth.shares[i] for i, name in enumerate(shares.ESTIMANDS) if name != answer.estimand]
    own = np.abs(answer.shares - right).mean()
    assert all(own < 0.3 * np.abs(answer.shares - other).mean() for other in others)


def test_stacking_underestimates_unrelated_spaces_whose_weights_should_all_be_1():
    """What convex weights cannot say: three spaces that each explain a third need weights that sum to 3."""
    problem, truth = make("separate", sizes=(3, 5, 7), samples=200, targets=8)
    answer = METHODS["stacking"].solve(problem, np.random.default_rng(0))
    mixed = truth.shares[2].max(axis=0) < 0.7 * truth.explained
    assert mixed.any()
    assert (answer.shares.sum(axis=0) < 0.9 * truth.explained)[mixed].all()


def test_controls_score_what_they_are_there_for():
    problem, truth = make("correlated")
    oracle, equal = (load_plugin(TRACK / "controls" / f"{name}.py") for name in ("oracle", "equal_shares"))
    found = score.score(problem, truth, oracle.solve(problem, None, truth=truth))
    assert (found["share_error"], found["top_space"], found["joint_r2"]) == (0, 1, 1)
    draws = [
        score.score(problem, truth, equal.solve(problem, np.random.default_rng(n), truth=truth)) for n in range(60)
    ]
    assert np.mean([draw["share_error"] for draw in draws]) == pytest.approx(1, abs=1e-3)
    assert np.mean([draw["top_space"] for draw in draws]) == pytest.approx(1 / 3, abs=0.06)
    assert draws[0]["joint_r2"] <= 0.01
