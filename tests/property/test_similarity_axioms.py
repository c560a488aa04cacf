"""Every similarity method keeps the invariances that it declares, and no others; p of its best score is valid."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from bench.core.catalogue import literal_facts, load_plugin, read_tracks
from bench.core.config import ROOT
from bench.core.contract import Unsupported
from bench.kernels.similarity_cka import alignment, linear_gram
from bench.tracks.similarity import axioms, panel
from bench.tracks.similarity.types import Problem

METHODS = read_tracks(ROOT)["similarity"].methods
every = pytest.mark.parametrize("name", METHODS)


@every
def test_declared_invariances_are_those_that_are_measured(name):
    found = axioms.invariances(load_plugin(METHODS[name].path), np.random.default_rng(0))
    assert set(found) == set(literal_facts(METHODS[name].path)[1]["INVARIANT_TO"])


@every
def test_nothing_is_more_like_activations_than_they_are_themselves(name):
    method = load_plugin(METHODS[name].path)
    features, responses = axioms.related(np.random.default_rng(1))
    itself = axioms.similarity(method, features, features)
    other = np.random.default_rng(2).normal(size=features.shape)
    assert itself > axioms.similarity(method, features, responses) > axioms.similarity(method, features, other)


def test_an_invariance_that_does_not_hold_is_not_measured():
    """Uncentred CKA, which a declared translation would belie."""
    mutant = load_plugin(ROOT / "bench/tracks/similarity/mutants/linear_cka_uncentred.py")
    assert "translation" not in axioms.invariances(mutant, np.random.default_rng(3))


def noise(seed, runs=5, length=8):
    rng = np.random.default_rng(seed)
    features, responses = rng.normal(size=(runs * length, 6)), rng.normal(size=(3, 2, runs * length, 4))
    offsets = np.repeat(rng.normal(size=(2, runs)), length, axis=1) * 3  # each run starts anew, on both sides
    return Problem(
        ["c0", "c1"], features + offsets[0][:, None], np.repeat([0, 1], 3), responses + offsets[1][:, None],
        np.repeat(np.arange(runs), length),
    )  # fmt: skip


def compare(features, responses):
    return alignment(linear_gram(responses), np.stack([linear_gram(one) for one in features]))


def test_p_is_at_most_any_level_as_often_as_that_level_though_runs_start_anew():
    """Binomial upper bounds at 99.9 %, of one region a problem: regions of one problem are not independent."""
    p = np.array([panel.judge(noise(seed), np.random.default_rng(seed), compare, 19).p[0] for seed in range(300)])
    for level, most in ((0.05, 29), (0.1, 47), (0.5, 177)):
        assert (p <= level).sum() <= most
    assert p.min() == pytest.approx(1 / 20)


def test_moving_features_gives_the_p_of_the_inverse_orders_of_responses():
    problem = noise(0, runs=3)
    found = [
        panel.judge(problem, np.random.default_rng(1), compare, 5, moved=side) for side in ("features", "responses")
    ]
    np.testing.assert_array_equal(found[0].p, found[1].p)  # all five other orders: a set that holds its inverses


def test_orders_are_of_whole_runs_distinct_and_never_the_present_one():
    runs = np.repeat(np.arange(4), 3)
    orders = panel.drawn_orders(runs, np.random.default_rng(0), 50)
    assert len({tuple(rows) for rows in orders}) == 23
    for rows in orders:
        assert (np.diff(rows.reshape(4, 3), axis=1) == 1).all()
        assert not np.array_equal(rows, np.arange(12))
    assert len(panel.drawn_orders(np.repeat(np.arange(8), 2), np.random.default_rng(0), 7)) == 7


def test_runs_of_different_lengths_are_declined():
    problem = dataclasses.replace(noise(0), runs=np.r_[np.zeros(10, int), np.ones(30, int)])
    with pytest.raises(Unsupported, match="runs of different lengths"):
        panel.judge(problem, np.random.default_rng(0), compare, 5)
