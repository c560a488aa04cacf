"""Broken scorers of temporal responses are rejected by the sentences that the sound one keeps."""

import dataclasses

import numpy as np
import pytest

from bench.core.catalogue import load_plugin
from bench.core.config import ROOT
from bench.core.contract import InvalidAnswer, generator
from bench.kernels.lags import peak_lags
from bench.tracks.temporal_response import score as scorer
from bench.tracks.temporal_response.types import Answer, check

TRACK = ROOT / "bench" / "tracks" / "temporal_response"
TASKS = {name: load_plugin(TRACK / "tasks" / f"{name}.py") for name in ("electric", "blood")}
ORACLE, RANDOM = (load_plugin(TRACK / "controls" / f"{name}.py") for name in ("oracle", "random_kernels"))


def unit(task, instance, seed=0):
    return TASKS[task].generate(instance, seed, generator("scorer", instance, seed), None)


# -- scorers: (problem, truth, answer) -> metrics -------------------------------------------------------------------

sound = scorer.score


def with_replaced(**functions):
    def scored(problem, truth, answer):
        with pytest.MonkeyPatch.context() as patch:
            for name, function in functions.items():
                patch.setattr(scorer, name, function)
            return scorer.score(problem, truth, answer)

    return scored


def absolute_correlation(truth, kernels):
    pairs = [array.transpose(1, 0, 2)[:, truth.acts] for array in (kernels, truth.kernels)]
    return float(np.abs(scorer.correlate_columns(*pairs)).mean())


def flat_correlation(truth, kernels):
    """All features of a target as one list, in whatever units they have."""
    flat = [array.reshape(-1, array.shape[2]) for array in (kernels, truth.kernels)]
    return float(scorer.correlate_columns(*flat).mean())


def positive_peaks(problem, answer):
    return problem.lags[answer.kernels.argmax(axis=1)] / problem.sampling_rate


def peaks_from_the_window_s_beginning(problem, answer):
    return (peak_lags(answer.kernels, problem.lags) - problem.lags[0]) / problem.sampling_rate


def p_read_backwards(problem, truth, answer):
    return scorer.score(problem, truth, dataclasses.replace(answer, p_values=1 - answer.p_values))


def energies_in_the_stimuli_s_units(problem, truth, kernels):
    return SOUND_ENERGIES(
        dataclasses.replace(problem, stimuli=problem.stimuli / problem.stimuli.std(axis=0)), truth, kernels
    )


SOUND_ENERGIES = scorer.energies


# -- sentences ------------------------------------------------------------------------------------------------------


def the_oracle_is_perfect(score):
    for at in (("electric", "correlated"), ("electric", "spectrogram_words"), ("blood", "late")):
        problem, truth = unit(*at)
        found = score(problem, truth, ORACLE.solve(problem, None, truth=truth))
        late = found.get("peak_error_ms", found.get("peak_error_s"))
        assert found["kernel_correlation"] == pytest.approx(1)
        assert (late, found["kernel_error"], found["acausal_energy"], found["detected"]) == (0, 0, 0, 1)


def planted_kernels_without_their_peaks_are_within_half_a_sample(score):
    for at, least in ((("electric", "words"), 4.0), (("blood", "events"), 0.25)):
        problem, truth = unit(*at)
        found = score(problem, truth, Answer(truth.kernels, np.zeros(truth.kernels.shape[2])))
        assert found.get("peak_error_ms", found.get("peak_error_s")) < least


def kernels_of_the_wrong_sign_are_wrong(score):
    problem, truth = unit("electric", "words")
    found = score(problem, truth, Answer(-truth.kernels, np.zeros(truth.kernels.shape[2])))
    assert found["kernel_correlation"] == pytest.approx(-1)
    assert found["kernel_error"] == pytest.approx(4)


def random_kernels_score_0_on_average(score):
    problem, truth = unit("electric", "envelope_noisy")
    draws = [score(problem, truth, RANDOM.solve(problem, np.random.default_rng(n))) for n in range(100)]
    assert abs(np.mean([draw["kernel_correlation"] for draw in draws])) < 0.05


def a_feature_counts_alike_in_all_units(score):
    """One kernel of two is right: r is about one half, and the wrong energy is half of it all, whatever the units."""
    problem, truth = unit("electric", "correlated")
    for units in ((1.0, 1.0), (1e-6, 1.0), (1.0, 1e-6)):
        scale = np.array(units)
        changed = dataclasses.replace(problem, stimuli=problem.stimuli * scale)
        kernels = truth.kernels / scale[:, None, None]
        both = dataclasses.replace(
            truth, kernels=kernels[:, :, 2::3], acts=truth.acts[:, 2::3], peaks=truth.peaks[:, 2::3]
        )
        cut = dataclasses.replace(changed, responses=changed.responses[:, 2::3])
        wrong = both.kernels.copy()
        wrong[1] = 0
        found = score(cut, both, Answer(wrong, np.zeros(wrong.shape[2])))
        assert found["kernel_correlation"] == pytest.approx(0.5)
        assert 0.2 < found["kernel_error"] < 0.8


def p_values_of_chance_find_responses_as_often_as_they_say(score):
    problem, truth = unit("electric", "null_envelope")
    p = np.linspace(0.0125, 0.9875, problem.responses.shape[1])
    assert score(problem, truth, Answer(truth.kernels, p)) == {"false_response_rate": pytest.approx(0.05)}
    assert score(problem, truth, Answer(truth.kernels, np.zeros_like(p))) == {"false_response_rate": 1.0}


SENTENCES = [
    the_oracle_is_perfect, planted_kernels_without_their_peaks_are_within_half_a_sample,
    kernels_of_the_wrong_sign_are_wrong, random_kernels_score_0_on_average, a_feature_counts_alike_in_all_units,
    p_values_of_chance_find_responses_as_often_as_they_say,
]  # fmt: skip
BROKEN = [
    (with_replaced(kernel_correlation=absolute_correlation), kernels_of_the_wrong_sign_are_wrong),
    (with_replaced(kernel_correlation=absolute_correlation), random_kernels_score_0_on_average),
    (with_replaced(kernel_correlation=flat_correlation), a_feature_counts_alike_in_all_units),
    (with_replaced(energies=energies_in_the_stimuli_s_units), a_feature_counts_alike_in_all_units),
    (with_replaced(peaks=positive_peaks), planted_kernels_without_their_peaks_are_within_half_a_sample),
    (
        with_replaced(peaks=peaks_from_the_window_s_beginning),
        planted_kernels_without_their_peaks_are_within_half_a_sample,
    ),
    (p_read_backwards, p_values_of_chance_find_responses_as_often_as_they_say),
]


@pytest.mark.parametrize("sentence", SENTENCES, ids=lambda sentence: sentence.__name__)
def test_the_sound_scorer_keeps(sentence):
    sentence(sound)


@pytest.mark.parametrize(("broken", "sentence"), BROKEN)
def test_a_broken_scorer_breaks(broken, sentence):
    with pytest.raises(AssertionError):
        sentence(broken)


def test_the_sum_of_energies_says_what_idle_features_took():
    problem, truth = unit("electric", "correlated")
    kernels = np.ones_like(truth.kernels) / problem.stimuli.std(axis=0)[:, None, None]
    found = sound(problem, truth, Answer(kernels, np.zeros(kernels.shape[2])))
    assert found["idle_energy"] == pytest.approx(0.5)
    assert found["acausal_energy"] == pytest.approx(8 / 37)
    silent = sound(problem, truth, Answer(0 * kernels, np.ones(kernels.shape[2])))
    assert "acausal_energy" not in silent
    assert (silent["kernel_correlation"], silent["kernel_error"], silent["detected"]) == (0, pytest.approx(1), 0)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kernels": np.zeros((1, 2, 8))}, "kernels have shape"),
        ({"kernels": np.full((1, 37, 8), np.nan)}, "296 values that are not finite"),
        ({"p_values": np.full(8, 1.5)}, "numbers from 0 to 1"),
        ({"p_values": np.full(8, np.nan)}, "numbers from 0 to 1"),
        ({"peaks": np.zeros((2, 8))}, "peaks must be finite"),
    ],
)
def test_answers_that_do_not_fit_are_refused(change, words):
    problem, truth = unit("electric", "words")
    with pytest.raises(InvalidAnswer, match=words):
        check(problem, dataclasses.replace(ORACLE.solve(problem, None, truth=truth), **change))
