"""What is planted is there: likelihoods by two routes, drawn covariances, onsets, labels, nulls, exchanged channels."""

import dataclasses
from functools import cache

import numpy as np
import pytest
from scipy import stats
from scipy.special import log_softmax

from bench.core.catalogue import load_plugin
from bench.core.config import ROOT
from bench.core.contract import generator
from bench.neuro.simulate import sources
from bench.tracks.decoding import planting, probing

TRACK = ROOT / "bench" / "tracks" / "decoding"
PLANTED = load_plugin(TRACK / "tasks" / "planted.py")
SCORE = load_plugin(TRACK / "score.py")
LIVE = [name for name, facts in PLANTED.INSTANCES.items() if not facts["null"]]
NULL = [name for name, facts in PLANTED.INSTANCES.items() if facts["null"]]
SMALL = {"channels": 5, "time": 50, "test_runs": 3}


@cache
def make(instance, seed=0):
    return PLANTED.generate(instance, seed, generator("test", instance, seed), None)


def world_of(instance, seed=0, **changes):
    design = dataclasses.replace(PLANTED.DESIGNS[instance], **changes)
    return design, planting.draw_world(design, np.random.default_rng(seed))


def by_eigenvectors(design, world, trials):
    """Log-odds of two evoked classes with cortical and white noise: both are diagonal in the eigenvectors of space and
    time, where every coefficient has variance s k + w."""
    (cortex, power), (white, _) = world.noise
    space, across = np.linalg.eigh(cortex @ cortex.T)
    time, along = np.linalg.eigh(
        sources.stationary_covariance(power, planting.RATE, design.time, planting.PERIOD * design.time)
    )
    variance = np.outer(space, time) + white[0, 0] ** 2
    turned = [across.T @ part @ along for part in (trials, world.means[0], world.means[1])]
    first, second = (np.square(turned[0] - mean).__truediv__(variance).sum(axis=(1, 2)) for mean in turned[1:])
    return (first - second) / 2


@pytest.mark.parametrize("instance", ["evoked_weak", "chain", "reactivated", "imbalanced"])
def test_log_odds_are_those_of_the_common_eigenvectors(instance):
    design, world = world_of(instance, **SMALL)
    labels = planting.draw_labels(design, 3, np.random.default_rng(1))
    trials = planting.draw_trials(design, world, labels, np.random.default_rng(2))
    found = planting.log_likelihoods(design, world, trials)
    np.testing.assert_allclose(found[:, 1] - found[:, 0], by_eigenvectors(design, world, trials), rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("instance", ["evoked_weak", "imbalanced", "average_reference", "four_tesla"])
def test_the_ideal_observer_is_as_right_as_the_distance_of_two_gaussians_says(instance):
    """Of equally likely Gaussians with one covariance d' apart, Phi(d' / 2) are told apart; d'^2 is the mean of the
    log-odds of either class over half. Tried on trials drawn by Fourier coefficients, not by covariances."""
    design, world = world_of(instance)
    rng = np.random.default_rng(1)
    pair = np.repeat([0, 1], 200)
    trials = planting.draw_trials(design, world, pair, rng)
    if design.average:
        trials = sources.average_reference(trials)
    found = planting.log_likelihoods(design, world, trials)
    odds = (found[:, 1] - found[:, 0]) * np.where(pair, 1, -1)
    centre = sources.average_reference(world.means[:2]) if design.average else world.means[:2]
    stated = planting.log_likelihoods(design, world, centre)
    square = 2 * np.mean([stated[1, 1] - stated[1, 0], stated[0, 0] - stated[0, 1]])  # d'^2, at the means themselves
    assert stats.ttest_1samp(odds, square / 2).pvalue > 0.001
    assert odds.var() == pytest.approx(square, rel=0.3)
    assert (odds > 0).mean() == pytest.approx(stats.norm.cdf(np.sqrt(square) / 2), abs=0.07)


@pytest.mark.parametrize("instance", ["induced_clear", "cancelling"])
def test_drawn_trials_have_the_covariance_that_the_likelihood_uses(instance):
    design, world = world_of(instance, channels=4, time=50)
    for label in (0, 1):
        trials = planting.draw_trials(design, world, np.full(600, label), np.random.default_rng(label))
        flat = (trials - world.means[label]).reshape(600, -1)
        stated = planting.covariance(design, world, label)
        error = np.sqrt((np.square(stated) + np.outer(np.diag(stated), np.diag(stated))) / 600)
        assert (np.abs(flat.T @ flat / 600 - stated) / error).max() < 6


@pytest.mark.parametrize("instance", ["induced_clear", "induced_weak"])
def test_likelihoods_of_rhythms_are_calibrated(instance):
    """Mean of p over trials of the other class equals mean of 1 - p over those of the class: E[p | 0] = E[1 - p | 1]
    for equally likely classes, and trials given p are of class 1 in a share p."""
    design, world = world_of(instance)
    labels = np.repeat([0, 1], 150)
    trials = planting.draw_trials(design, world, labels, np.random.default_rng(1))
    chance = np.exp(log_softmax(planting.log_likelihoods(design, world, trials), axis=1))[:, 1]
    assert stats.ttest_1samp(chance - labels, 0).pvalue > 0.001
    assert np.mean((chance > 0.5) == labels) > 0.7


@pytest.mark.parametrize("instance", LIVE)
def test_classes_do_not_differ_before_the_onset_and_do_from_it_on(instance):
    design, world = world_of(instance)
    differences = np.abs(world.means - world.means[0]).max(axis=(0, 1))
    if design.kind == "induced":
        differences = world.envelope
    assert (differences[: world.onset] == 0).all()
    assert differences[world.onset] > 0


def test_a_chain_passes_on_and_a_reactivated_source_falls_silent():
    for dynamics, sources_, silent in (("chain", 3, False), ("reactivated", 1, True), ("sustained", 1, False)):
        courses = planting.time_courses(dataclasses.replace(PLANTED.DESIGNS["chain"], dynamics=dynamics), 15)
        assert len(courses) == sources_
        active = courses.sum(axis=0) > 0.01
        first, last = np.flatnonzero(active)[[0, -1]]
        assert active[first:last].all() != silent
        assert courses.max() == pytest.approx(1)


@pytest.mark.parametrize("instance", LIVE)
def test_an_exchanged_trial_is_its_original_but_for_one_channel(instance):
    problem, truth = make(instance)
    (test,), (original,), (exchanged,), (labels,) = (
        problem.test_trials, truth.original, truth.exchanged, truth.test_labels
    )  # fmt: skip
    differ = (test != test[original]).any(axis=2)
    np.testing.assert_array_equal(differ.sum(axis=1), exchanged >= 0)
    assert differ[exchanged >= 0].argmax(axis=1).tolist() == exchanged[exchanged >= 0].tolist()
    np.testing.assert_array_equal(labels == -1, exchanged >= 0)
    assert np.bincount(exchanged[exchanged >= 0]).tolist() == [probing.EXCHANGES] * len(problem.channels)


@pytest.mark.parametrize("instance", LIVE + NULL)
def test_runs_hold_the_stated_share_of_every_class(instance):
    design = PLANTED.DESIGNS[instance]
    problem, _ = make(instance)
    for labels, groups in zip(problem.train_labels, problem.train_groups, strict=True):
        counts = np.array([np.bincount(labels[groups == run], minlength=design.classes) for run in np.unique(groups)])
        expected = [design.share, 1 - design.share] if design.classes == 2 else [0.25] * 4
        np.testing.assert_allclose(counts, np.tile(expected, (len(counts), 1)) * design.trials)


@pytest.mark.parametrize("instance", NULL)
def test_in_null_units_labels_say_nothing_and_there_are_many_realisations(instance):
    problem, truth = make(instance)
    assert truth.null
    assert len(problem.train_trials) >= 10
    difference = []
    for seed in range(2):
        problem, _ = make(instance, seed)
        for trials, labels in zip(problem.train_trials, problem.train_labels, strict=True):
            means = [trials[labels == label].mean(axis=0) for label in (0, 1)]
            difference.append((means[1] - means[0]).mean())
    assert stats.ttest_1samp(difference, 0).pvalue > 0.001


def test_the_reference_sensors_see_the_environment_and_no_source():
    design, world = world_of("cancelling")
    assert (world.topographies[:, -design.references :] == 0).all()
    assert (world.means[:, -design.references :] == 0).all()
    environment = world.noise[2][0][:, 0]
    np.testing.assert_allclose(environment[-design.references :], design.environment)


@pytest.mark.parametrize("instance", LIVE)
def test_the_ideal_observer_beats_chance(instance):
    found = SCORE.closed_form(*make(instance))["balanced_accuracy"]
    assert found["ceiling"] > found["floor"] + 0.1
