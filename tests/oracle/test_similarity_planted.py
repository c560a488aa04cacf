"""Planted regions meet their theory: geometry, gain, warp, noise; networks against automatic differentiation."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import gamma

from bench.core.catalogue import load_plugin
from bench.core.config import ROOT
from bench.core.contract import generator
from bench.kernels.correlation import correlate_columns
from bench.models import layered
from bench.neuro.ceilings import reliability
from bench.neuro.simulate import responses

LAYERS = load_plugin(ROOT / "bench/tracks/similarity/tasks/layer_identification.py")
GAUSSIAN = np.random.default_rng(0).normal(size=(4000, 30))


def rng(seed=1):
    return np.random.default_rng(seed)


def test_mixtures_have_the_geometry_of_their_units_and_selections_are_units_with_gains():
    units = GAUSSIAN[:20] * np.arange(1, 31)
    centred = units - units.mean(axis=0)
    mixed = responses.mix_linearly(units, 20000, rng())
    np.testing.assert_allclose(mixed @ mixed.T / 20000, centred @ centred.T / 30, atol=15)  # entries of about 300
    assert np.abs(centred @ centred.T / 30).max() > 200
    chosen = responses.select_sparsely(np.hstack([units, np.ones((20, 3))]), 30, rng())
    r = np.abs(np.corrcoef(chosen.T, units.T)[:30, 30:])
    np.testing.assert_allclose(np.sort(r.argmax(axis=1)), np.arange(30))  # each unit once, the still ones never
    np.testing.assert_allclose(r.max(axis=1), 1)


def test_the_best_linear_model_of_a_gain_explains_the_stated_share():
    drive = np.random.default_rng(2)
    signal = responses.mix_with_gain(GAUSSIAN, 12, drive, depth=0.6)
    fitted = GAUSSIAN @ np.linalg.lstsq(GAUSSIAN, signal)[0]
    found = 1 - np.square(signal - fitted).sum(axis=0) / np.square(signal - signal.mean(axis=0)).sum(axis=0)
    assert found.mean() == pytest.approx(np.exp(-(0.6**2)), abs=0.04)


@pytest.mark.parametrize("power", [0.5, 3.0])
def test_a_warped_mixture_correlates_with_the_plain_one_as_its_moments_say(power):
    def moment(k):
        return 2 ** (k / 2) * gamma((k + 1) / 2) / np.sqrt(np.pi)

    plain = responses.mix_linearly(GAUSSIAN, 12, rng(3))
    r = correlate_columns(responses.warp(GAUSSIAN, 12, rng(3), power=power), plain)
    assert r.mean() == pytest.approx(moment(power + 1) / np.sqrt(moment(2 * power)), abs=0.02)


@pytest.mark.parametrize(("memory", "shared"), [(0.0, 0.0), (0.8, 0.0), (0.0, 0.7)])
def test_noise_has_the_stated_variance_memory_and_share_and_leaves_the_stated_reliability(memory, shared):
    runs = np.arange(8000) // 400
    noise = responses.draw_noise(runs, 10, rng(4), repeats=2, memory=memory, shared=shared)
    assert noise.var() == pytest.approx(1, abs=0.08)
    inside = np.diff(runs) == 0
    lagged = (noise[:, 1:] * noise[:, :-1])[:, inside].mean()
    across = (noise[:, 1:] * noise[:, :-1])[:, ~inside].mean()
    assert (lagged, across) == (pytest.approx(memory, abs=0.05), pytest.approx(0, abs=0.2))
    between = np.abs(np.corrcoef(noise[0].T)[np.triu_indices(10, 1)])
    assert between.mean() == pytest.approx(shared, abs=0.07)
    signal = rng(5).normal(size=(8000, 10))
    measured = responses.repeat_noisily(signal, 4.0, noise)
    assert np.corrcoef(noise[0].ravel(), noise[1].ravel())[0, 1] == pytest.approx(0, abs=0.05)
    r = correlate_columns(measured.mean(axis=0), signal)
    assert np.square(r).mean() == pytest.approx(reliability(1 / 4, 2), abs=0.04)


def test_responses_that_do_not_vary_are_refused():
    with pytest.raises(ValueError, match="none of 3 units varies"):
        responses.select_sparsely(np.ones((5, 3)), 2, rng())
    with pytest.raises(ValueError, match="column 0 does not vary"):
        responses.standardise(np.ones((5, 1)))


@pytest.mark.parametrize(("kind", "local"), [("relu", 0), ("tanh", 1)])
def test_gradients_of_the_network_are_those_of_torch(kind, local):
    network = layered.initialise(rng(6), kind=kind, width=64, layers=2, local=local)
    inputs, labels = (some[:7] for some in layered.digits())
    parameters = [torch.tensor(one, requires_grad=True) for one in (*network.weights, *network.biases)]
    values, squash = torch.tensor(inputs), torch.relu if kind == "relu" else torch.tanh
    for at in range(2):
        values = squash(values @ parameters[at] + parameters[3 + at])
        np.testing.assert_allclose(layered.hidden(network, inputs)[at], values.detach().numpy(), atol=1e-12)
    torch.nn.functional.cross_entropy(values @ parameters[2] + parameters[5], torch.tensor(labels)).backward()
    for at, found in enumerate(layered.gradients(network, inputs, labels)):
        expected = parameters[at].grad.numpy()
        np.testing.assert_allclose(found, expected * network.masks[at] if at < 3 else expected, atol=1e-12)


def test_trained_networks_read_digits_that_they_have_not_seen():
    images, labels = layered.digits()
    network = LAYERS.trained(generator("digits"))
    found = layered.logits(network, images[LAYERS.TRAINED :]).argmax(axis=1)
    assert np.mean(found == labels[LAYERS.TRAINED :]) > 0.88


@pytest.mark.parametrize(("shown", "shared"), [("drawn", True), ("disjoint", False), ("across", False)])
def test_candidates_share_units_with_the_drive_only_where_they_should(shown, shared):
    design = LAYERS.Design(0, shown=shown)
    stimuli, _ = LAYERS.draw_stimuli(design, rng(7))
    for drive, other in zip(*LAYERS.draw_layers(design, stimuli, rng(8)), strict=True):
        same = sum(any(np.array_equal(one, two) for two in other.T) for one in drive.T if one.any())
        assert (same > 5) == shared


def test_the_source_is_the_layer_that_explains_a_noiseless_region_by_a_route_of_its_own():
    """All units of a layer, those that drive among them, span what it drives; no other layer's do."""
    design = LAYERS.Design(0, stimuli=200)
    made = generator("route", 0)
    stimuli, _ = LAYERS.draw_stimuli(design, made)
    network = LAYERS.trained(made)
    whole = layered.hidden(network, stimuli)
    for source in range(LAYERS.LAYERS):
        region = responses.mix_linearly(whole[source][:, :48], 24, made)
        left = [unexplained(layer, region) for layer in whole]
        assert np.argmin(left) == source
        assert left[source] < 1e-10 < 1e-3 < np.delete(left, source).min()


def unexplained(layer, region):
    centred = layer - layer.mean(axis=0)
    residual = region - centred @ np.linalg.lstsq(centred, region)[0]
    return np.square(residual).sum() / np.square(region).sum()


def test_truth_names_the_candidate_whose_columns_are_the_layers_units():
    """The planted order is read back from the columns: each candidate's are those of its layer."""
    seed = ("similarity-truth", 0)
    problem, truth = LAYERS.generate("linear_0", 0, generator(*seed), None)
    again = generator(*seed)
    design = LAYERS.DESIGNS["linear_0"]
    stimuli, _ = LAYERS.draw_stimuli(design, again)
    _, shown = LAYERS.draw_layers(design, stimuli, again)
    for candidate in range(LAYERS.LAYERS):
        np.testing.assert_array_equal(
            problem.features[:, problem.owner == candidate], shown[int(truth.depth[candidate])]
        )
    assert (truth.sources.sum(axis=1) == 1).all()
    assert (truth.sources.sum(axis=0) == 2).all()


@pytest.mark.parametrize("instance", [name for name, facts in LAYERS.INSTANCES.items() if facts["null"]])
def test_null_regions_have_nothing_to_do_with_any_layer(instance):
    problem, truth = LAYERS.generate(instance, 0, generator("null", instance), None)
    assert truth.null
    assert not truth.sources.any()
    assert problem.responses.var() == pytest.approx(1, abs=0.2)


def test_blocked_stimuli_come_in_blocks_of_one_digit_within_runs():
    design = LAYERS.DESIGNS["slow_noise"]
    stimuli, runs = LAYERS.draw_stimuli(design, rng(9))
    images, labels = layered.digits()
    kinds = np.array([labels[np.flatnonzero((images == one).all(axis=1))[0]] for one in stimuli])
    for run in np.unique(runs):
        inside = kinds[runs == run]
        assert (np.diff(inside) != 0).sum() == len(np.unique(inside)) - 1
