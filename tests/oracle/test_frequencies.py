"""Frequencies of modular addition: closed forms of the two measures, the methods by other routes, gates, the score."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from bench.core.catalogue import load_plugin, read_tracks
from bench.core.config import ROOT
from bench.core.contract import Blob, InvalidAnswer, Unsupported, generator
from bench.core.problems import Workspace
from bench.models import checkpoint, exhaustive
from bench.models.checkpoint import Config, random_weights
from bench.models.compiled.certificate import Uncertified
from bench.models.fitting import run_swapped
from bench.models.trained.behaviours import random_table, sums
from bench.models.transformer import Transformer
from bench.tracks.frequencies import score as scorer
from bench.tracks.frequencies import spectrum
from bench.tracks.frequencies.tasks import modular_addition
from bench.tracks.frequencies.types import Answer, Problem, Truth, check

TRACK = read_tracks(ROOT)["frequencies"]
TASK = load_plugin(ROOT / "bench/tracks/frequencies/tasks/modular_addition.py")
P = 11
CONFIG = Config(1, 2, 2, 8, 4, 12, P + 1, P, 3)


@pytest.fixture(scope="module")
def problem(tmp_path_factory):
    """A random network and all pairs: identities do not ask for a trained one."""
    path = tmp_path_factory.mktemp("network") / "model.safetensors"
    checkpoint.save(path, CONFIG, random_weights(CONFIG, np.random.default_rng(0)))
    strings = sums(P)
    return Problem(Blob.of(path), P, strings.tokens[:, :2], strings.right[:, -1].argmax(1), budget=100_000)


@pytest.fixture(scope="module")
def unit(tmp_path_factory):
    folder = tmp_path_factory.mktemp("frequencies")
    return lambda name, seed=0: TASK.generate(name, seed, generator("frequencies", name, seed), Workspace(folder, {}))


def solved(problem, method):
    return load_plugin(TRACK.methods[method].path).solve(problem, np.random.default_rng(0))


def weights_of(problem):
    return checkpoint.load_arrays(problem.model.path)[1]


def planted(frequencies, modulus=P, direction=1):
    """Logits cos(2 pi k (a + b - c) / p), summed over frequencies with their weights; of a - b for direction -1."""
    a, b = np.divmod(np.arange(modulus**2), modulus)
    angle = 2 * np.pi * ((a + direction * b)[:, None] - np.arange(modulus)) / modulus
    return sum(weight * np.cos(k * angle) for k, weight in frequencies.items())


# The truth -------------------------------------------------------------------------------------------------------


def test_energy_of_planted_logits_is_in_closed_form():
    found = spectrum.energy(planted({2: 3.0, 5: 1.0}))
    np.testing.assert_allclose(found, [0, 0.9, 0, 0, 0.1], atol=1e-12)
    np.testing.assert_allclose(spectrum.energy(planted({2: 3.0}, direction=-1)), 0, atol=1e-12)


def test_energy_of_random_logits_is_what_chance_gives():
    rng = np.random.default_rng(3)
    found = np.mean([spectrum.energy(rng.normal(size=(P * P, P))) for _ in range(200)], axis=0)
    np.testing.assert_allclose(found, 2 / (P * P - 1), rtol=0.05)


def test_waves_are_an_orthonormal_basis_without_the_constant_and_ablation_removes_one_frequency_alone():
    waves = spectrum.waves(P).reshape(-1, P)
    np.testing.assert_allclose(waves @ waves.T, np.eye(P - 1), atol=1e-12)
    np.testing.assert_allclose(waves.sum(1), 0, atol=1e-12)
    weights = random_weights(CONFIG, np.random.default_rng(1))
    left = spectrum.without(weights, spectrum.waves(P)[1])["embed"]
    power = [np.abs(np.fft.fft(table[:P], axis=0)) for table in (weights["embed"], left)]
    kept = np.isin(np.arange(P), (2, P - 2), invert=True)
    np.testing.assert_allclose(power[1][~kept], 0, atol=1e-12)
    np.testing.assert_allclose(power[1][kept], power[0][kept], atol=1e-12)
    np.testing.assert_array_equal(left[P], weights["embed"][P])


def falls_in_torch(config, weights, strings):
    """Losses of margin with another projection (an inverse Fourier transform) and the torch model that trains."""
    right = torch.as_tensor(strings.right[:, -1])

    def margin(embed):
        double = {name: torch.as_tensor(np.array(array, np.float64)) for name, array in weights.items()}
        double["embed"] = torch.as_tensor(embed)
        output = run_swapped(Transformer.of_tensors(config, double), torch.as_tensor(strings.tokens))[0][:, -1]
        return float((output[right] - output.mean(1)).mean())

    embed, modulus = np.array(weights["embed"], float), config.d_out
    found = []
    for k in range(1, (modulus + 1) // 2):
        spectrum_of = np.fft.fft(embed[:modulus], axis=0)
        spectrum_of[[k, modulus - k]] = 0
        found.append(margin(np.vstack([np.fft.ifft(spectrum_of, axis=0).real, embed[modulus:]])))
    return 1 - np.array(found) / margin(embed)


def test_losses_without_a_frequency_are_those_of_the_torch_model_with_the_inverse_transform():
    weights, strings = random_weights(CONFIG, np.random.default_rng(2)), sums(P)
    np.testing.assert_allclose(
        spectrum.falls(CONFIG, weights, strings), falls_in_torch(CONFIG, weights, strings), rtol=1e-8
    )


@pytest.mark.parametrize("name", ["p17", "p29", "beside"])
def test_output_and_embedding_name_the_same_few_frequencies(name, unit):
    truths = [unit(name, seed)[1] for seed in range(3)]
    for truth in truths:
        seen = spectrum.above_gap(truth.energy)
        assert 2 <= seen.sum() <= 6
        assert truth.energy[seen].sum() > 0.85
        assert truth.falls[seen].min() > 3 * truth.falls[~seen].max()
        assert not truth.certified or np.array_equal(truth.uses, seen)
    assert sum(truth.certified for truth in truths) >= 2


def test_relabelled_numbers_are_added_as_before_with_other_frequencies():
    config, weights = modular_addition.load(modular_addition.SETTINGS["p17"], 0)
    strings, unit = sums(17), 5
    other = spectrum.relabelled(config, weights, unit)
    turned = spectrum.relabelled_strings(strings, 17, unit)
    np.testing.assert_array_equal(turned.tokens, strings.tokens)
    np.testing.assert_array_equal(turned.right, strings.right)  # u a + u b = u (a + b): sums stay sums
    before, after = (exhaustive.forward(config, w, strings.tokens)[:, -1].reshape(17, 17, 17) for w in (weights, other))
    order = unit * np.arange(17) % 17
    np.testing.assert_allclose(after[np.ix_(order, order, order)], before, atol=1e-9)
    found = [spectrum.energy(spectrum.all_logits(config, w, strings)) for w in (weights, other)]
    k = np.arange(1, 9)
    moved = np.minimum(k * pow(unit, -1, 17) % 17, 17 - k * pow(unit, -1, 17) % 17)
    np.testing.assert_allclose(found[1][moved - 1], found[0], atol=1e-9)


def test_a_random_table_is_relabelled_with_its_answers():
    table = random_table(17, 1)
    turned = spectrum.relabelled_strings(table, 17, 7)
    order = 7 * np.arange(17) % 17
    answers = [strings.right[:, -1].argmax(1).reshape(17, 17) for strings in (table, turned)]
    np.testing.assert_array_equal(answers[1][np.ix_(order, order)], order[answers[0]])


def test_null_units_hold_no_frequency_and_an_adding_network_is_refused_as_one(unit):
    for name in ("table", "table_beside"):
        truth = unit(name)[1]
        assert truth.null
        assert not truth.uses.any()
    config, weights = modular_addition.load(modular_addition.SETTINGS["p17"], 0)
    with pytest.raises(Uncertified, match="null unit"):
        spectrum.make_truth(config, weights, sums(17), null=True)


def test_measures_that_name_other_sets_certify_none(monkeypatch):
    config, weights = modular_addition.load(modular_addition.SETTINGS["p17"], 0)
    energy = spectrum.energy
    monkeypatch.setattr(spectrum, "energy", lambda logits: np.roll(energy(logits), 1))
    truth = spectrum.make_truth(config, weights, sums(17), null=False)
    assert not truth.certified
    assert not truth.uses.any()


# The methods -----------------------------------------------------------------------------------------------------


def half(power):
    return power[1 : (P + 1) // 2]


def test_powers_of_embedding_and_unembedding_are_those_of_the_fast_transform(problem):
    weights = weights_of(problem)
    for method, table in (("embedding_power", weights["embed"][:P]), ("unembedding_power", weights["unembed"].T)):
        expected = half(np.square(np.abs(np.fft.fft(table, axis=0))).sum(1))
        np.testing.assert_allclose(solved(problem, method).scores, expected, rtol=1e-9)


def test_power_of_the_mlp_is_the_diagonal_of_the_transform_of_its_table(problem):
    tokens = np.concatenate([problem.pairs, np.full((P * P, 1), P)], axis=1)
    table = exhaustive.node_outputs(CONFIG, weights_of(problem), tokens)[-1, :, -1].reshape(P, P, -1)
    power = np.square(np.abs(np.fft.fft2(table, axes=(0, 1)) / P**2)).sum(2)
    np.testing.assert_allclose(solved(problem, "mlp_power").scores, half(np.diag(power)), rtol=1e-9)


def test_power_of_logits_is_the_transform_of_their_table_at_k_k_and_minus_k(problem):
    logits = spectrum.all_logits(CONFIG, weights_of(problem), sums(P)).reshape(P, P, P)
    power = np.square(np.abs(np.fft.fftn(logits) / P**3))
    k = np.arange(1, (P + 1) // 2)
    expected = 2 * power[k, k, P - k] / np.square(logits).mean()
    np.testing.assert_allclose(solved(problem, "logit_power").scores, expected, rtol=1e-9)


def test_ablation_of_frequencies_on_all_pairs_is_the_second_measure(problem):
    expected = falls_in_torch(CONFIG, weights_of(problem), sums(P))
    np.testing.assert_allclose(solved(problem, "frequency_ablation").scores, np.maximum(expected, 0), atol=1e-9)


def test_one_frequency_alone_is_what_is_left_when_all_others_are_projected_out(problem):
    weights, right = weights_of(problem), sums(P).right[:, -1]
    whole = spectrum.all_logits(CONFIG, weights, sums(P))[right].mean()
    for number in range((P - 1) // 2):
        left = weights
        for other in set(range((P - 1) // 2)) - {number}:
            left = spectrum.without(left, spectrum.waves(P)[other])
        share = spectrum.all_logits(CONFIG, left, sums(P))[right].mean() / whole
        assert solved(problem, "frequency_alone").scores[number] == pytest.approx(max(share, 0), abs=1e-9)


def test_gradient_attribution_is_the_derivative_of_ablation(problem):
    weights, right, small = weights_of(problem), sums(P).right[:, -1], 1e-5
    for number in range((P - 1) // 2):
        part = weights["embed"] - spectrum.without(weights, spectrum.waves(P)[number])["embed"]
        ends = [
            spectrum.all_logits(CONFIG, {**weights, "embed": weights["embed"] + sign * small * part}, sums(P))[right]
            for sign in (1, -1)
        ]
        slope = (ends[0].mean() - ends[1].mean()) / (2 * small)
        assert solved(problem, "gradient_attribution").scores[number] == pytest.approx(max(slope, 0), abs=1e-6)


def test_passes_beyond_the_budget_are_declined(problem):
    with pytest.raises(Unsupported, match="more passes"):
        solved(dataclasses.replace(problem, budget=P * P), "frequency_alone")


# The score -------------------------------------------------------------------------------------------------------

TRUTH = Truth(
    null=False, certified=True, energy=np.array([0.5, 0, 0.4, 0]), falls=np.array([0.4, 0.01, 0.5, 0.0]),
    uses=np.array([True, False, True, False]),
)  # fmt: skip


def scored(scores, uses=(0, 0, 0, 0), truth=TRUTH):
    return scorer.score(None, truth, Answer(np.array(scores, float), np.array(uses, bool)))


def test_agreement_is_the_area_under_the_curve_where_the_set_is_certified():
    assert scored([3, 1, 2, 0])["agreement"] == 1
    assert scored([2, 3, 2, 0])["agreement"] == 0.5
    assert scored([0, 0, 0, 0])["agreement"] == 0.5
    assert scored([0, 1, 0, 1])["agreement"] == 0
    assert scored(TRUTH.falls, TRUTH.uses) == {"agreement": 1, "set_f1": 1, "exact_set": 1}
    assert scored(TRUTH.falls, [1, 0, 0, 0])["set_f1"] == pytest.approx(2 / 3)


def test_without_a_set_losses_are_ranked_and_small_differences_are_none():
    unclear = dataclasses.replace(TRUTH, certified=False)
    assert scored([1, 0, 2, 0.5], truth=unclear) == {"agreement": 1.0}
    assert scored([2, 0, 1, 0], truth=unclear)["agreement"] == 4 / 5


def test_on_a_null_unit_any_name_is_false():
    null = dataclasses.replace(TRUTH, null=True)
    assert scored([0, 0, 0, 0], truth=null) == {"named_in_nulls": 0}
    assert scored([0, 0, 0, 0], [0, 1, 0, 0], null) == {"named_in_nulls": 1}


@pytest.mark.parametrize("broken", [lambda s, v, m=0.0: float((s[v > m] > 0).mean()), lambda s, v, m=0.0: 1.0])
def test_a_broken_agreement_is_told_from_the_sound_one(broken, monkeypatch):
    sound = [scored(case)["agreement"] for case in ([3, 1, 2, 0], [0, 1, 0, 1], [1, 1, 1, 1])]
    monkeypatch.setattr(scorer, "concordance", broken)
    assert [scored(case)["agreement"] for case in ([3, 1, 2, 0], [0, 1, 0, 1], [1, 1, 1, 1])] != sound


def test_an_answer_of_another_length_or_without_a_number_is_invalid(problem):
    good = np.ones(5), np.zeros(5, bool)
    check(problem, Answer(*good))
    with pytest.raises(InvalidAnswer, match="the problem has 5 frequencies"):
        check(problem, Answer(np.ones(4), good[1]))
    with pytest.raises(InvalidAnswer, match="1 values that are NaN"):
        check(problem, Answer(np.array([1, 2, np.nan, 4, 5]), good[1]))
