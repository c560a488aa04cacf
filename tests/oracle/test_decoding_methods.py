"""Decoders against independent implementations and closed forms."""

import dataclasses
from functools import cache

import mne
import numpy as np
import pytest
import torch
from pyriemann.classification import MDM
from pyriemann.estimation import ERPCovariances
from pyriemann.geometry.distance import distance_riemann
from pyriemann.geometry.mean import mean_riemann
from pyriemann.geometry.tangentspace import tangent_space as their_tangent_space
from pyriemann.spatialfilters import Xdawn
from sklearn.covariance import ledoit_wolf
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression

from bench.core.catalogue import load_plugin
from bench.core.config import ROOT
from bench.core.contract import generator
from bench.kernels import discriminant, riemann, spatial
from bench.kernels.regression import group_folds
from bench.tracks.decoding import timing
from bench.tracks.decoding.experiment import DataSet, data_sets, p_value, run_aucs

TRACK = ROOT / "bench" / "tracks" / "decoding"
PLANTED, SCORE = load_plugin(TRACK / "tasks" / "planted.py"), load_plugin(TRACK / "score.py")
LINEAR = ("windowed_lda", "time_resolved_lda", "logistic_regression")


def method(name):
    return load_plugin(TRACK / "methods" / f"{name}.py")


@cache
def unit(instance, seed=0):
    return PLANTED.generate(instance, seed, generator("methods", instance, seed), None)


@cache
def data(instance):
    return data_sets(unit(instance)[0])[0]


def draws(seed=0):
    """Correlated rows of three classes."""
    rng = np.random.default_rng(seed)
    labels = np.arange(60) % 3
    return rng.normal(size=(60, 7)) @ rng.normal(size=(7, 7)) + rng.normal(size=(3, 7))[labels] + 5, labels


def matrices(seed=0, count=20, size=5):
    root = np.random.default_rng(seed).normal(size=(count, size, 3 * size))
    return root @ root.swapaxes(1, 2)


# -- linear discriminants -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1.0, 1e-13])
def test_the_shrunk_covariance_is_that_of_scikit_learn(scale):
    x = scale * (draws()[0] - draws()[0].mean(axis=0))
    np.testing.assert_allclose(discriminant.shrunk_covariance(x), ledoit_wolf(x, assume_centered=True)[0], rtol=1e-10)


def test_discriminants_are_those_of_scikit_learn_with_the_same_covariance():
    x, labels = draws()
    whole = discriminant.shrunk_covariance(x - discriminant.class_means(x, labels, 3)[labels])

    class Known:
        def fit(self, rows):
            self.covariance_ = whole
            return self

    theirs = LinearDiscriminantAnalysis("lsqr", covariance_estimator=Known(), priors=[1 / 3] * 3).fit(x, labels)
    weights, offsets = discriminant.fit_lda(x, labels, 3)
    ours = x @ weights + offsets
    expected = theirs.decision_function(x)
    np.testing.assert_allclose(ours - ours[:, :1], expected - expected[:, :1], rtol=1e-8, atol=1e-8)


def test_many_discriminants_at_once_are_those_one_by_one():
    x, labels = draws()
    both = np.stack([x, np.square(x)])
    weights, offsets = discriminant.fit_lda(both, labels, 3)
    for one in range(2):
        for found, alone in zip((weights[one], offsets[one]), discriminant.fit_lda(both[one], labels, 3), strict=True):
            np.testing.assert_allclose(found, alone, rtol=1e-8)


def test_patterns_are_those_of_mne_and_recover_what_weights_hide():
    """Haufe et al. 2014, example of two sensors: x1 = signal + noise, x2 = noise. Weights (1, -1), pattern (1, 0)."""
    rng = np.random.default_rng(0)
    signal, noise = rng.normal(size=(2, 20_000))
    x, weights = np.stack([signal + noise, noise], axis=1), np.array([1.0, -1.0])
    pattern = discriminant.activation_pattern(x, weights)
    np.testing.assert_allclose(pattern, [1, 0], atol=0.05)
    model = mne.decoding.LinearModel(LinearDiscriminantAnalysis("lsqr")).fit(x, (signal > 0).astype(int))
    theirs = mne.decoding.get_coef(model, "patterns_")
    ours = discriminant.activation_pattern(x, mne.decoding.get_coef(model, "filters_"))
    assert abs(ours @ theirs) / np.linalg.norm(ours) / np.linalg.norm(theirs) == pytest.approx(1)


def test_attribution_of_a_linear_score_is_the_spread_of_each_term():
    rng = np.random.default_rng(0)
    trials, weights = rng.normal(size=(50, 3, 4)) * [[1], [2], [0]], rng.normal(size=(3, 4))
    found = discriminant.linear_attribution(trials, weights)
    np.testing.assert_allclose(found, [np.std([np.sum(weights[c] * x[c]) for x in trials]) for c in range(3)])
    assert found[2] == 0


def test_logistic_regression_in_principal_axes_is_that_of_scikit_learn_on_all_columns():
    logistic, here = method("logistic_regression"), data("evoked_clear")
    flat = here.trials[:, :5, 15:25].reshape(len(here.trials), -1)
    x = (flat - flat.mean(axis=0)) / flat.std(axis=0)
    axes = np.linalg.svd(x, full_matrices=False)[2].T
    weights, offsets = logistic.fit_logistic(x @ axes, here, 50.0)
    theirs = LogisticRegression(C=1 / 50, class_weight="balanced", max_iter=1000, tol=1e-8).fit(x, here.labels)
    odds = (x @ axes @ weights + offsets) @ [-1, 1]
    np.testing.assert_allclose(odds, theirs.decision_function(x), atol=2e-3)


# -- covariances and filters ---------------------------------------------------------------------------------------


def test_the_geometry_is_that_of_pyriemann():
    found = matrices()
    mean = riemann.geometric_mean(found)
    np.testing.assert_allclose(mean, mean_riemann(found, tol=1e-10), rtol=1e-6)
    np.testing.assert_allclose(riemann.distance(found, mean), distance_riemann(found, mean), rtol=1e-8)
    np.testing.assert_allclose(riemann.tangent_vectors(found, mean), their_tangent_space(found, mean), atol=1e-8)


def test_the_geometric_mean_of_matrices_that_commute_is_that_of_their_eigenvalues():
    values = np.random.default_rng(0).uniform(1, 9, size=(10, 4))
    found = riemann.geometric_mean(1e-26 * np.stack([np.diag(one) for one in values]))
    np.testing.assert_allclose(found, 1e-26 * np.diag(np.exp(np.log(values).mean(axis=0))), atol=1e-34)


def test_distances_do_not_see_a_change_of_sensors():
    found, mixing = matrices(), np.random.default_rng(1).normal(size=(5, 5))
    turned = mixing @ found @ mixing.T
    np.testing.assert_allclose(riemann.distance(turned, turned[0]), riemann.distance(found, found[0]), atol=1e-8)


def test_spatial_patterns_are_those_of_mne():
    here, (low, high) = data("induced_clear"), (7.0, 30.0)
    trials = 1e6 * spatial.band_pass(here.trials, here.sampling_rate, low, high)
    covariances = np.stack([trial @ trial.T for trial in trials])
    filters, ratios = spatial.common_spatial_patterns(covariances, here.labels, 2, 2)
    patterns = spatial.filter_patterns(filters, covariances.mean(axis=0))
    theirs = mne.decoding.CSP(4, norm_trace=False, cov_est="epoch", component_order="alternate")
    with mne.use_log_level("error"):
        theirs.fit(trials, here.labels)
    for ours, rows in ((filters.T, theirs.filters_[:4]), (patterns.T, theirs.patterns_[:4])):
        cosine = np.abs(unit_rows(ours) @ unit_rows(rows).T)
        np.testing.assert_allclose(np.sort(cosine.max(axis=1)), 1, atol=1e-6)
    assert ratios[0] < 0.7 < 1.3 < ratios[-1]


def unit_rows(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_xdawn_filters_are_those_of_pyriemann():
    here = data("evoked_clear")
    trials = 1e5 * (here.trials - here.trials.mean(axis=2, keepdims=True))  # they take the mean over time off
    theirs = Xdawn(3).fit(trials, here.labels)
    found = [spatial.xdawn_filters(trials, here.labels, label, 3) for label in (0, 1)]
    filters = unit_rows(np.concatenate([ours.T for ours, _ in found]))
    np.testing.assert_allclose(np.abs((filters * unit_rows(theirs.filters_)).sum(axis=1)), 1, atol=1e-6)
    np.testing.assert_allclose(found[1][1], trials[here.labels == 1].mean(axis=0))


def test_stacked_covariances_are_those_of_pyriemann():
    """Of trials without filters: theirs are the empirical ones of the trial below the mean responses, ours shrunk."""
    here, xdawn = data("evoked_clear"), method("xdawn_tangent")
    trials = 1e5 * (here.trials - here.trials.mean(axis=2, keepdims=True))[:, :3]
    responses = np.concatenate([trials[here.labels == label].mean(axis=0) for label in (0, 1)])
    found = xdawn.stacked_covariances(trials, np.eye(3), responses)
    theirs = ERPCovariances(estimator="scm").fit_transform(trials, here.labels)
    off = ~np.eye(9, dtype=bool)
    share = found[:, off] / theirs[:, off]  # shrinking multiplies what lies off the diagonal by one number a trial
    np.testing.assert_allclose(share, np.broadcast_to(share[:, :1], share.shape), rtol=1e-6)
    assert ((share > 0.5) & (share <= 1 + 1e-9)).all()


def test_minimum_distance_decides_as_pyriemann_does():
    here, chosen = data("induced_clear"), method("minimum_distance")
    covariances = spatial.trial_covariances(spatial.band_pass(here.trials, here.sampling_rate, 7.0, 30.0))
    theirs = MDM().fit(1e12 * covariances, here.labels)
    ours = chosen.fit(here, 7.0, 30.0).scores(here.trials).argmax(axis=1)
    np.testing.assert_array_equal(ours, theirs.predict(1e12 * covariances))


def test_the_band_pass_keeps_its_band_and_takes_the_rest():
    time = np.arange(400) / 100
    waves = np.sin(2 * np.pi * np.array([1.0, 15.0, 45.0])[:, None] * time)[None]
    kept = spatial.band_pass(waves, 100.0, 7.0, 30.0)[0, :, 100:300].std(axis=1) / waves[0, :, 100:300].std(axis=1)
    assert kept[1] == pytest.approx(1, abs=0.03)
    assert max(kept[0], kept[2]) < 0.05


# -- the network, evidence and time ---------------------------------------------------------------------------------


def test_the_networks_convolution_is_that_of_torch():
    network_file = method("compact_network")
    torch.manual_seed(0)
    network, trials = network_file.Network(6, 50, 2).eval(), torch.randn(4, 6, 50)
    filtered = torch.nn.functional.conv1d(  # which slides the kernel without turning it
        torch.einsum("fc,nct->nft", network.space, trials),
        network.time.flip(1)[:, None],
        padding="same",
        groups=network_file.FILTERS,
    )
    assert (network(trials) - network.tail(filtered + network.offset)).abs().max().item() < 1e-5


def test_the_networks_gradients_are_those_of_finite_differences():
    network_file = method("compact_network")
    torch.manual_seed(0)
    network, trials = network_file.Network(3, 12, 2).double().eval(), torch.randn(2, 3, 12, dtype=torch.float64)
    found = network_file.gradients(network, trials)

    def value(inputs):
        scores = network(inputs)
        return (scores.max(dim=1).values - scores.mean(dim=1)).sum().item()

    moved = trials.clone()
    moved[1, 2, 5] += 1e-6
    assert found[1, 2, 5] == pytest.approx((value(moved) - value(trials)) / 1e-6, rel=1e-4)


def test_a_p_value_is_that_of_students_test_and_uniform_without_information():
    rng = np.random.default_rng(0)
    found = np.array([p_value(0.5 + 0.2 * rng.normal(size=6)) for _ in range(2000)])
    assert abs((found <= 0.05).mean() - 0.05) < 0.015
    assert p_value(np.full(4, 0.5)) == 1
    assert p_value(np.ones(4)) == 0


def test_halves_in_turn_are_not_independent_and_one_of_them_is_enough():
    """Two hundred data sets of white noise: the halves' decoders agree by chance in both directions or in neither."""
    rng, windowed = np.random.default_rng(0), method("windowed_lda")
    labels, groups = np.tile([0, 0, 0, 0, 1, 1, 1, 1], 12), np.repeat(np.arange(12), 8)
    values = []
    for _ in range(200):
        here = DataSet(rng.normal(size=(96, 4, 5)), labels, groups, 2, 100.0)
        folds = group_folds(groups, 2)
        values.append([p_value(run_aucs(lambda one: windowed.fit(one, 5), here, held)) for held in (folds[1:], folds)])
    one, both = (np.array(values) <= 0.05).mean(axis=0)
    assert one < 0.09  # 99 % of binomial draws
    assert both > 0.08


def test_flips_find_no_onset_more_often_than_they_say():
    """Two thousand sets of margins that are symmetric about 0, correlated over time."""
    rng = np.random.default_rng(0)
    walks = np.cumsum(rng.normal(size=(2000, 20, 6)), axis=1)
    found = np.mean([timing.stands_out(margins).any() for margins in walks])
    assert found < 0.066
    assert timing.stands_out(np.concatenate([0.01 * walks[0], np.ones((5, 6))])).tolist() == [False] * 20 + [True] * 5


def test_margins_are_of_the_right_class_and_0_for_equal_scores():
    labels, groups = np.array([0, 1, 1, 0, 0, 1]), np.array([0, 0, 0, 1, 1, 1])
    here = DataSet(np.zeros((6, 1, 1)), labels, groups, 2, 1.0)
    right = np.where(labels[:, None] == [0, 1], 50.0, -50.0)
    np.testing.assert_allclose(timing.run_margins(right, here), 0.5)
    np.testing.assert_allclose(timing.run_margins(-right, here), -0.5)
    np.testing.assert_allclose(timing.run_margins(np.zeros((6, 2)), here), 0)


@pytest.mark.parametrize("dynamics", ["sustained", "chain", "reactivated"])
def test_dynamics_are_named_from_their_matrices(dynamics):
    """Matrices [trained, tried] without noise: inner products of the planted responses."""
    general = method("temporal_generalisation")
    planting = load_plugin(TRACK / "planting.py")
    courses = planting.time_courses(dataclasses.replace(PLANTED.DESIGNS["chain"], dynamics=dynamics), 15)
    matrix = courses.T @ courses
    assert general.name_dynamics(matrix, np.diag(matrix) > 0.2, 100.0, 0.5, 0.05) == dynamics


# -- all methods -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(path.stem for path in (TRACK / "methods").glob("[a-z]*.py")))
def test_volts_and_tesla_change_no_decision(name):
    problem, _ = unit("induced_clear" if name in ("csp_lda", "tangent_space", "minimum_distance") else "evoked_clear")
    scaled = dataclasses.replace(
        problem, train_trials=1e-8 * problem.train_trials, test_trials=1e-8 * problem.test_trials, units="T"
    )
    first, second = (method(name).solve(one, np.random.default_rng(0)) for one in (problem, scaled))
    spread = np.abs(first.scores).max()
    if name == "compact_network":  # trained in single precision
        assert (first.scores.argmax(axis=2) == second.scores.argmax(axis=2)).mean() > 0.97
    else:
        np.testing.assert_allclose(first.scores, second.scores, atol=1e-5 * spread)


@pytest.mark.parametrize("name", LINEAR)
def test_a_linear_attribution_is_what_exchanging_a_channel_does(name):
    """Four hundred exchanges by hand, of every channel, against the stated spread."""
    here, rng = data("evoked_clear"), np.random.default_rng(0)
    chosen = method(name)
    fitted = chosen.fit(here, next(iter(chosen.solve.__kwdefaults__.values())))
    changes = []
    for channel in range(here.trials.shape[1]):
        moved = here.trials.copy()
        moved[:, channel] = moved[rng.permutation(len(moved)), channel]
        changes.append(np.abs((fitted.scores(moved) - fitted.scores(here.trials)) @ [-1, 1]).mean())
    assert np.corrcoef(changes, fitted.attribution)[0, 1] > 0.97
