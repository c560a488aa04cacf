"""Broken scorers of decoders are rejected by the sentences that the sound one keeps."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import log_softmax, softmax
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from bench.core.catalogue import load_plugin
from bench.core.config import ROOT
from bench.core.contract import generator
from bench.kernels.ranking import concordance

TRACK = ROOT / "bench" / "tracks" / "decoding"
PLANTED, SCORE = load_plugin(TRACK / "tasks" / "planted.py"), load_plugin(TRACK / "score.py")


# -- scorers: (scores, labels) -> score -----------------------------------------------------------------------------


def plain_accuracy(scores, labels):
    return float((scores.argmax(axis=1) == labels).mean())


def first_of_ties(scores, labels):
    """Balanced accuracy in which a tie goes to the first class."""
    right = scores.argmax(axis=1) == labels
    return float(np.mean([right[labels == label].mean() for label in np.unique(labels)]))


def any_of_ties(scores, labels):
    top = scores == scores.max(axis=1, keepdims=True)
    right = top[np.arange(len(labels)), labels]
    return float(np.mean([right[labels == label].mean() for label in np.unique(labels)]))


def auc_without_ties(scores, labels):
    """Share of pairs in which the trial of the class is strictly above."""
    margin = scores[:, 1] - scores[:, 0]
    return float((margin[labels == 1][:, None] > margin[labels == 0]).mean())


def auc_of_probabilities(scores, labels):
    """Probabilities of confident decoders round to 1 and tie."""
    return float(roc_auc_score(labels, softmax(scores, axis=1)[:, 1]))


def auc_of_first_score(scores, labels):
    """The score of the class without that of the other, which says nothing up to a constant a trial."""
    return float(roc_auc_score(labels, scores[:, 1]))


def bits_not_normalised(scores, labels):
    gained = scores[np.arange(len(labels)), labels] + np.log(scores.shape[1])
    return float(np.mean([gained[labels == label].mean() for label in np.unique(labels)]) / np.log(2))


def bits_clipped(scores, labels):
    """Confidence in the wrong class costs no more than one bit."""
    gained = np.maximum(log_softmax(scores, axis=1)[np.arange(len(labels)), labels] / np.log(2) + 1, -1)
    return float(gained.mean())


# -- sentences: true of the sound scorer ----------------------------------------------------------------------------


def a_constant_answer_scores_chance_however_rare_a_class_is(accuracy):
    labels = np.repeat([0, 1], [90, 10])
    for constant in ([1.0, 0.0], [0.0, 1.0], [0.0, 0.0]):
        assert accuracy(np.tile(constant, (100, 1)), labels) == pytest.approx(0.5)


def equal_scores_are_worth_one_class_in_four(accuracy):
    labels = np.arange(40) % 4
    assert accuracy(np.zeros((40, 4)), labels) == pytest.approx(0.25)
    half = np.where(np.arange(40)[:, None] % 4 // 2 == np.array([0, 0, 1, 1]), 1.0, 0.0)  # knows the pair
    assert accuracy(half, labels) == pytest.approx(0.5)


def renaming_the_classes_changes_nothing(accuracy):
    rng = np.random.default_rng(0)
    labels, scores = rng.integers(3, size=60), rng.integers(2, size=(60, 3)).astype(float)
    found = [accuracy(scores[:, order], np.argsort(order)[labels]) for order in ([0, 1, 2], [1, 2, 0], [2, 1, 0])]
    assert found[1:] == pytest.approx([found[0]] * 2)


def equal_scores_have_an_auc_of_a_half(auc):
    assert auc(np.zeros((20, 2)), np.arange(20) % 2) == pytest.approx(0.5)


def sure_answers_keep_their_order(auc):
    labels = np.arange(20) % 2
    sure = np.stack([np.zeros(20), 200.0 + labels], axis=1)  # both probabilities round to 1
    assert auc(sure, labels) == pytest.approx(1)


def what_is_added_to_all_classes_of_a_trial_changes_nothing(scorer):
    rng, labels = np.random.default_rng(0), np.arange(60) % 2
    scores = rng.normal(size=(60, 2)) + np.eye(2)[labels]
    assert scorer(scores, labels) == pytest.approx(scorer(scores + 50 * rng.normal(size=(60, 1)), labels))


def no_answer_gains_more_than_the_probabilities_that_are_true(bits):
    """Trials drawn with stated probabilities: sharpened, flattened and shifted ones are worse on average."""
    rng = np.random.default_rng(0)
    odds = rng.normal(size=4000)
    labels = (rng.random(4000) < 1 / (1 + np.exp(-odds))).astype(int)
    labels[:2] = 0, 1
    honest = bits(np.stack([-odds, odds], axis=1) / 2, labels)
    for factor in (0.3, 3.0, 10.0):
        assert honest > bits(factor * np.stack([-odds, odds], axis=1) / 2, labels)
    assert bits(np.zeros((4000, 2)), labels) == pytest.approx(0, abs=1e-12)


SOUND = {
    a_constant_answer_scores_chance_however_rare_a_class_is: SCORE.balanced_accuracy,
    equal_scores_are_worth_one_class_in_four: SCORE.balanced_accuracy,
    renaming_the_classes_changes_nothing: SCORE.balanced_accuracy,
    equal_scores_have_an_auc_of_a_half: SCORE.auc,
    sure_answers_keep_their_order: SCORE.auc,
    what_is_added_to_all_classes_of_a_trial_changes_nothing: SCORE.auc,
    no_answer_gains_more_than_the_probabilities_that_are_true: SCORE.bits,
}
REJECTIONS = (
    (plain_accuracy, a_constant_answer_scores_chance_however_rare_a_class_is),
    (any_of_ties, a_constant_answer_scores_chance_however_rare_a_class_is),
    (first_of_ties, renaming_the_classes_changes_nothing),
    (any_of_ties, equal_scores_are_worth_one_class_in_four),
    (auc_without_ties, equal_scores_have_an_auc_of_a_half),
    (auc_of_probabilities, sure_answers_keep_their_order),
    (auc_of_first_score, what_is_added_to_all_classes_of_a_trial_changes_nothing),
    (bits_not_normalised, what_is_added_to_all_classes_of_a_trial_changes_nothing),
    (bits_clipped, no_answer_gains_more_than_the_probabilities_that_are_true),
)


@pytest.mark.parametrize("sentence", SOUND, ids=lambda one: one.__name__)
def test_the_sound_scorer_keeps_every_sentence(sentence):
    sentence(SOUND[sentence])


@pytest.mark.parametrize(("scorer", "sentence"), REJECTIONS, ids=lambda one: one.__name__)
def test_a_broken_scorer_breaks_its_sentence(scorer, sentence):
    with pytest.raises(AssertionError):
        sentence(scorer)


def test_without_ties_balanced_accuracy_and_auc_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    labels, scores = rng.integers(3, size=90), rng.normal(size=(90, 3))
    assert SCORE.balanced_accuracy(scores, labels) == pytest.approx(
        balanced_accuracy_score(labels, scores.argmax(axis=1))
    )
    theirs = roc_auc_score(labels, softmax(scores, axis=1), multi_class="ovr", average="macro")
    assert SCORE.auc(scores, labels) == pytest.approx(theirs)


def test_two_gaussians_have_the_auc_of_their_distance():
    """Phi(d' / sqrt 2)."""
    labels = np.arange(20_000) % 2
    odds = 1.5 * labels + np.random.default_rng(0).normal(size=20_000)
    expected = stats.norm.cdf(1.5 / np.sqrt(2))
    assert SCORE.auc(np.stack([0 * odds, odds], axis=1), labels) == pytest.approx(expected, abs=0.01)


# -- interpretation -------------------------------------------------------------------------------------------------


def linear_answer(weights, instance="cancelling"):
    """Truth and the scores of a linear decoder of mean amplitudes with these weights of the channels."""
    problem, truth = PLANTED.generate(instance, 0, generator("scorer", instance), None)
    odds = problem.test_trials.mean(axis=3) @ weights
    return truth, np.stack([-odds, odds], axis=-1)


def test_channel_changes_are_those_of_the_decoder_and_not_of_the_sources():
    """A decoder of two reference sensors depends on them alone, though no source is seen there."""
    weights = np.zeros(19)
    weights[[16, 17]] = 2.0, 1.0
    truth, scores = linear_answer(weights)
    changes = SCORE.channel_changes(truth, scores, 19)[0]
    assert (changes[:16] == 0).all()
    assert changes[18] == 0
    assert changes[16] > changes[17] > 0
    assert concordance(weights, changes) == 1
    assert SCORE.closest(weights[None], truth.topographies)[0] == 0


def test_exchanged_trials_count_for_no_accuracy():
    truth, scores = linear_answer(np.ones(19))
    spoiled = np.where((truth.exchanged >= 0)[..., None], -scores, scores)
    first, second = (SCORE.labelled(one, truth)[0] for one in (scores, spoiled))
    assert SCORE.balanced_accuracy(*first) == SCORE.balanced_accuracy(*second)
    assert len(first[0]) == 176


def test_a_pattern_counts_up_to_sign_and_factor_and_not_for_its_size():
    _, truth = PLANTED.generate("chain", 0, generator("scorer", "chain"), None)
    for source in truth.topographies[0]:
        assert SCORE.closest(-1e-9 * source[None], truth.topographies)[0] == pytest.approx(1)
    assert SCORE.closest(np.zeros((1, 16)), truth.topographies)[0] == 0


def test_no_onset_costs_the_whole_trial_and_a_sample_ten_milliseconds():
    problem, truth = PLANTED.generate("chain", 0, generator("scorer", "chain"), None)
    assert SCORE.onset_errors(problem, truth.onset, np.array([-1])) == 500
    assert SCORE.onset_errors(problem, truth.onset, truth.onset + 3) == pytest.approx(30)
