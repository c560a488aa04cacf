"""Broken scorers of variance partitions are rejected by the sentences that the sound one keeps."""

import dataclasses

import numpy as np
import pytest

from bench.core.catalogue import load_plugin
from bench.core.config import ROOT
from bench.core.contract import InvalidAnswer, generator
from bench.kernels.correlation import correlate_columns
from bench.kernels.shares import ESTIMANDS
from bench.tracks.partition import score as scorer
from bench.tracks.partition.types import Answer, check

TASK = load_plugin(ROOT / "bench" / "tracks" / "partition" / "tasks" / "mixtures.py")


def unit(instance="correlated", seed=0):
    return TASK.generate(instance, seed, generator("partition-scorer", instance, seed), None)


def answered(truth, sense, factor=1.0, shares=None):
    right = truth.shares[ESTIMANDS.index(sense)]
    return Answer(factor * right if shares is None else shares(right), sense, truth.test_signal)


# -- scorers: (problem, truth, answer) -> metrics -------------------------------------------------------------------

sound = scorer.score


def always_against_the_product_measure(problem, truth, answer):
    return sound(problem, truth, dataclasses.replace(answer, estimand="product"))


def shares_brought_to_the_right_sum(problem, truth, answer):
    """Shares renormalised, so that how much is explained no longer matters."""
    right = truth.shares[ESTIMANDS.index(answer.estimand)]
    return sound(
        problem, truth, dataclasses.replace(answer, shares=answer.shares * right.sum(0) / answer.shares.sum(0))
    )


def one_divisor_for_all_senses(problem, truth, answer):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scorer, "LEAST", 1.0)
        return scorer.score(problem, truth, answer)


def signed_false_share(problem, truth, answer):
    return {"false_share": float(answer.shares.sum(axis=0).mean())}


def correlation_for_r2(problem, truth, answer):
    r = correlate_columns(answer.predictions, truth.test_signal)
    return sound(problem, truth, answer) | {"joint_r2": float((r**2).mean())}


# -- sentences ------------------------------------------------------------------------------------------------------


def the_truth_is_perfect_in_every_sense(score):
    for instance in ("separate", "correlated", "irrelevant", "compressed"):
        problem, truth = unit(instance)
        for sense in ESTIMANDS:
            found = score(problem, truth, answered(truth, sense))
            assert found["share_error"] == pytest.approx(0, abs=1e-12)
            assert found["top_space"] == 1


def to_claim_twice_as_much_is_wrong(score):
    problem, truth = unit()
    found = score(problem, truth, answered(truth, "product", 2.0))
    assert found["share_error"] > 0.5
    assert found["absolute_error"] == pytest.approx(np.mean(np.abs(truth.shares[2]).mean(0) / truth.explained))


def silence_on_what_is_unique_is_no_good_answer_where_spaces_are_entangled(score):
    problem, truth = unit("entangled")
    assert score(problem, truth, answered(truth, "unique", 0.0))["share_error"] > 0.6


def excess_in_one_space_does_not_make_up_for_a_lack_in_another(score):
    problem, truth = unit("null_correlated")
    shares = np.tile(np.array([[0.2], [-0.2], [0.0]]), (1, problem.responses.shape[1]))
    assert score(problem, truth, Answer(shares, "product", truth.test_signal)) == {"false_share": pytest.approx(0.2)}


def predictions_of_the_wrong_size_explain_less(score):
    problem, truth = unit()
    mean = problem.responses.mean(axis=0)
    half = dataclasses.replace(answered(truth, "lmg"), predictions=mean + 0.5 * (truth.test_signal - mean))
    assert score(problem, truth, half)["joint_r2"] == pytest.approx(0.75)


SENTENCES = [
    the_truth_is_perfect_in_every_sense, to_claim_twice_as_much_is_wrong,
    silence_on_what_is_unique_is_no_good_answer_where_spaces_are_entangled,
    excess_in_one_space_does_not_make_up_for_a_lack_in_another, predictions_of_the_wrong_size_explain_less,
]  # fmt: skip
BROKEN = [
    (always_against_the_product_measure, the_truth_is_perfect_in_every_sense),
    (shares_brought_to_the_right_sum, to_claim_twice_as_much_is_wrong),
    (one_divisor_for_all_senses, silence_on_what_is_unique_is_no_good_answer_where_spaces_are_entangled),
    (signed_false_share, excess_in_one_space_does_not_make_up_for_a_lack_in_another),
    (correlation_for_r2, predictions_of_the_wrong_size_explain_less),
]


@pytest.mark.parametrize("sentence", SENTENCES, ids=lambda sentence: sentence.__name__)
def test_the_sound_scorer_keeps(sentence):
    sentence(sound)


@pytest.mark.parametrize(("broken", "sentence"), BROKEN, ids=lambda one: one.__name__)
def test_a_broken_scorer_breaks(broken, sentence):
    with pytest.raises(AssertionError):
        sentence(broken)


def test_what_is_given_to_a_space_without_a_part_is_counted_where_its_share_is_0():
    problem, truth = unit("irrelevant")
    idle = np.abs(truth.shares[2]) < 1e-9
    np.testing.assert_array_equal(idle.sum(axis=0), 2)
    found = sound(problem, truth, answered(truth, "product", shares=lambda right: right + 0.1 * idle))
    assert found["irrelevant_share"] == pytest.approx(np.mean(0.2 / truth.explained))
    assert "irrelevant_share" not in sound(problem, truth, answered(truth, "lmg"))  # all spaces see common latents


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"estimand": "sole"}, "name one of unique, common, product, lmg"),
        ({"shares": np.zeros((2, 20))}, "shares have shape"),
        ({"shares": np.full((3, 20), np.inf)}, "60 values that are not finite"),
        ({"predictions": np.zeros((7, 20))}, "predictions have shape"),
    ],
)
def test_answers_that_do_not_fit_are_refused(change, words):
    problem, truth = unit()
    with pytest.raises(InvalidAnswer, match=words):
        check(problem, dataclasses.replace(answered(truth, "product"), **change))
