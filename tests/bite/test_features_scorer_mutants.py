"""Broken scorers of features are rejected by the sentences that the sound one keeps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench.core.config import ROOT
from tests.bite.rejecting import (  # noqa: F401
    test_a_broken_scorer_breaks_its_sentence,
    test_the_sound_scorer_keeps_every_sentence,
)
from tests.features_units import CODES, answer, problem, truth

SCORE_FILE = ROOT / "bench" / "tracks" / "features" / "score.py"


# -- what replaces a part of the scorer: (loaded score module) -> None ----------------------------------------------


def recovery_over_the_latents(score):
    exact = score.score

    def changed(p, t, a):
        pairs = score.match(t, a, a.confidence >= score.CLAIMED)
        return exact(p, t, a) | {"recovery": pairs.similarity.sum() / len(a.directions)}

    score.score = changed


def recovery_over_the_pairs(score):
    exact = score.score

    def changed(p, t, a):
        pairs = score.match(t, a, a.confidence >= score.CLAIMED)
        return exact(p, t, a) | {"recovery": pairs.similarity.mean()}

    score.score = changed


def floor_assumed_zero(score):
    score.METRICS = {**score.METRICS, "recovery": score.METRICS["recovery"] | {"floor": 0.0}}


def matching_by_the_nearest(score):
    def nearest(similarity):
        return np.arange(len(similarity)), similarity.argmax(axis=1)

    score.assign = nearest


def matching_of_the_least_alike(score):
    exact = score.assign
    score.assign = lambda similarity: exact(-similarity)


def latents_that_are_not_claimed_count(score):
    exact = score.match
    score.match = lambda t, a, claimed: exact(t, a, np.ones_like(claimed))


def silence_is_false_too(score):
    exact = score.score
    score.score = lambda p, t, a: exact(p, t, a) | ({"false_features": 1.0} if t.null else {})


def false_features_over_the_claimed(score):
    exact = score.score

    def changed(p, t, a):
        claimed = a.confidence >= score.CLAIMED
        return exact(p, t, a) | ({"false_features": claimed.sum() / max(claimed.sum(), 1)} if t.null else {})

    score.score = changed


def detection_over_the_matched(score):
    exact = score.detection

    def changed(t, pairs, codes):
        share = len(pairs.features) / len(t.directions)
        return {name: value / share for name, value in exact(t, pairs, codes).items()}

    score.detection = changed


def detectors_by_absolute_cosine(score):
    score.match_detectors = lambda t, a, claimed, codes: score.match(t, a, claimed)


def detectors_by_the_directions_as_given(score):
    exact = score.match_detectors
    score.match_detectors = lambda t, a, claimed, codes: exact(t, a, claimed, np.abs(codes))


def precision_and_recall_change_places(score):
    exact = score.detection

    def changed(t, pairs, codes):
        found = exact(t, pairs, codes)
        return found | {"precision": found["recall"], "recall": found["precision"]}

    score.detection = changed


def variance_about_the_origin(score):
    def changed(p, a, codes):
        again = codes @ a.directions + a.offset
        return {"explained_variance": 1 - np.square(p.test - again).sum() / np.square(p.test).sum(), "shrinkage": 1.0}

    score.reconstruction = changed


def shrinkage_upside_down(score):
    exact = score.reconstruction
    score.reconstruction = lambda p, a, codes: exact(p, a, codes) | {"shrinkage": 1 / exact(p, a, codes)["shrinkage"]}


def tree_transposed(score):
    exact = score.tree_f1

    def changed(t, a, pairs, claimed):
        turned = np.full_like(a.parents, -1)
        turned[a.parents[a.parents >= 0]] = np.flatnonzero(a.parents >= 0)
        return exact(t, answer(a.directions, a.codes.toarray(), a.confidence, turned), pairs, claimed)

    score.tree_f1 = changed


def absorption_of_the_child(score):
    exact = score.absorption

    def changed(t, pairs, codes):
        turned = codes.copy()
        turned[:, [0, 1]] = codes[:, [1, 0]]
        return exact(t, pairs, turned)

    score.absorption = changed


# -- sentences: true of the sound scorer ----------------------------------------------------------------------------


def the_truth_scores_full_marks(score):
    found = score.score(problem(), truth(), answer())
    for name in ("recovery", "found", "f1", "precision", "recall", "uniqueness", "explained_variance", "tree_f1"):
        assert found[name] == pytest.approx(1)
    for name in ("duplicated", "dead", "absorption"):
        assert found[name] == 0
    assert found["l0"] == 10 / 8


def one_good_latent_of_three_recovers_a_third(score):
    found = score.score(problem(), truth(), answer(np.eye(3)[:1], CODES[:, :1], parents=None))
    assert (found["recovery"], found["f1"]) == (pytest.approx(1 / 3), pytest.approx(1 / 3))


def a_latent_more_costs_no_recovery(score):
    found = score.score(
        problem(),
        truth(),
        answer(np.vstack([np.eye(3), np.ones(3)]), np.hstack([CODES, np.zeros((8, 1))]), parents=None),
    )
    assert found["recovery"] == pytest.approx(1)
    assert found["dead"] == 0.25


def copies_of_one_latent_recover_one_feature(score):
    found = score.score(problem(), truth(), answer(np.eye(3)[[0, 0, 0]], CODES[:, [0, 0, 0]], parents=None))
    assert (found["recovery"], found["duplicated"]) == (pytest.approx(1 / 3), 1)


def a_latent_between_features_stands_for_one(score):
    found = score.score(problem(), truth(), answer(np.ones((1, 3)), CODES[:, :1], parents=None))
    assert found["recovery"] == pytest.approx(np.sqrt(1 / 3) / 3)


def what_is_not_claimed_finds_nothing(score):
    found = score.score(problem(), truth(), answer(confidence=[1, 0.4, 0.4], parents=None))
    assert found["recovery"] == pytest.approx(1 / 3)
    assert score.score(problem(), truth(), answer(confidence=[0, 0, 0]))["recovery"] == 0


def silence_is_right_on_a_null(score):
    assert score.score(problem(), truth(null=True), answer(confidence=[0, 0, 0]))["false_features"] == 0


def false_features_are_a_share_of_those_allowed(score):
    assert score.score(problem(), truth(null=True), answer(confidence=[1, 0, 0.6]))["false_features"] == 0.5


def a_latent_that_fires_too_seldom_is_precise(score):
    """Each latent fires on the first of its feature's samples alone."""
    first = np.where(np.cumsum(CODES > 0, axis=0) == 1, CODES, 0)
    found = score.score(problem(), truth(), answer(codes=first))
    assert found["precision"] == 1
    assert found["recall"] == pytest.approx((1 / 5 + 1 / 2 + 1 / 3) / 3)
    assert found["f1"] == pytest.approx((2 / 6 + 2 / 3 + 2 / 4) / 3)


def opposite_features_have_detectors_of_their_own(score):
    """The third feature points against the first; the answer lists latents the other way round, one with its sign."""
    directions = np.array([[1, 0, 0], [0, 1, 0], [-1, 0, 0]], np.float32)
    opposite = replace(truth(), directions=directions, parents=np.full(3, -1))
    given = answer(directions[[2, 1, 0]], CODES[:, [2, 1, 0]], parents=None)
    assert score.score(problem(), opposite, given)["f1"] == 1
    turned = answer(-directions[[2, 1, 0]], -CODES[:, [2, 1, 0]], parents=None)
    assert score.score(problem(), opposite, turned)["f1"] == 1


def a_constant_explains_nothing(score):
    found = score.score(problem(), truth(), answer(codes=np.tile(CODES.mean(axis=0), (8, 1))))
    assert found["explained_variance"] == pytest.approx(0, abs=1e-6)


def halved_codes_are_shrunk_by_half(score):
    assert score.score(problem(), truth(), answer(codes=CODES / 2))["shrinkage"] == pytest.approx(0.5)


def a_tree_upside_down_is_wrong(score):
    assert score.score(problem(), truth(), answer(parents=(1, -1, -1)))["tree_f1"] == 0
    assert score.score(problem(), truth(), answer(parents=(-1, 0, 0)))["tree_f1"] == pytest.approx(2 / 3)


def a_parent_that_is_silent_with_its_child_is_absorbed(score):
    absorbed = CODES.copy()
    absorbed[:2, 0] = 0
    assert score.score(problem(), truth(), answer(codes=absorbed))["absorption"] == 1


def a_random_dictionary_is_the_floor(score):
    assert score.METRICS["recovery"]["floor"] == {"control": "random_dictionary"}


REJECTIONS = (
    (recovery_over_the_latents, a_latent_more_costs_no_recovery),
    (recovery_over_the_pairs, one_good_latent_of_three_recovers_a_third),
    (floor_assumed_zero, a_random_dictionary_is_the_floor),
    (matching_by_the_nearest, a_latent_between_features_stands_for_one),
    (matching_of_the_least_alike, the_truth_scores_full_marks),
    (latents_that_are_not_claimed_count, what_is_not_claimed_finds_nothing),
    (silence_is_false_too, silence_is_right_on_a_null),
    (false_features_over_the_claimed, false_features_are_a_share_of_those_allowed),
    (detection_over_the_matched, one_good_latent_of_three_recovers_a_third),
    (detectors_by_absolute_cosine, opposite_features_have_detectors_of_their_own),
    (detectors_by_the_directions_as_given, opposite_features_have_detectors_of_their_own),
    (precision_and_recall_change_places, a_latent_that_fires_too_seldom_is_precise),
    (variance_about_the_origin, a_constant_explains_nothing),
    (shrinkage_upside_down, halved_codes_are_shrunk_by_half),
    (tree_transposed, the_truth_scores_full_marks),
    (absorption_of_the_child, a_parent_that_is_silent_with_its_child_is_absorbed),
)
FURTHER = (copies_of_one_latent_recover_one_feature, a_tree_upside_down_is_wrong)
