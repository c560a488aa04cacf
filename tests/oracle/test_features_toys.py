"""Toy models of superposition as problems: what is stored where, found again by other routes."""

from __future__ import annotations

import numpy as np
import pytest

from bench.core.catalogue import load_plugin
from bench.core.config import ROOT
from bench.core.contract import generator

TASK = load_plugin(ROOT / "bench/tracks/features/tasks/toy_superposition.py")
QUICK = TASK.Toy(12, 4, 0.9, 14)


@pytest.fixture(scope="module")
def twelve():
    return TASK.generate("twelve", 0, generator("toys"), None)


def test_directions_are_found_again_by_regression_of_the_hidden_layer_on_the_inputs(twelve):
    """Least squares, which knows nothing of weights."""
    problem, truth = twelve
    found, *_ = np.linalg.lstsq(truth.codes.astype(np.float64), problem.test.astype(np.float64), rcond=None)
    left = problem.test - truth.codes @ found
    assert np.abs(left).std() <= 1.2 * truth.noise + 1e-6 * problem.test.std()
    np.testing.assert_allclose(found, truth.directions, atol=0.05 * truth.noise + 1e-4)


def test_all_twelve_are_stored_and_crowd_each_other(twelve):
    _, truth = twelve
    assert len(truth.directions) == 12  # in 4 dimensions
    np.testing.assert_allclose(np.linalg.norm(truth.directions, axis=1), 1, rtol=1e-5)
    overlap = np.abs(truth.directions @ truth.directions.T) - np.eye(12)
    assert 0.2 < overlap.max() <= 1.0 + 1e-5


def test_the_null_has_the_hidden_layer_s_mean_and_covariance_and_no_features():
    rng = generator("toy null")
    weights = rng.standard_normal((4, 12))
    live = QUICK.inputs(rng, 200_000) @ weights.T
    null = QUICK.lookalike(weights, rng, 200_000)
    scale = np.abs(np.cov(live.T)).max()
    np.testing.assert_allclose(np.cov(null.T), np.cov(live.T), atol=0.03 * scale)
    np.testing.assert_allclose(null.mean(axis=0), live.mean(axis=0), atol=0.02 * np.sqrt(scale))


def test_a_null_unit_names_no_feature(monkeypatch):
    monkeypatch.setitem(TASK.TOYS, "null_forty", TASK.Toy(12, 4, 0.9, 14, null=True, steps=20))
    problem, truth = TASK.generate("null_forty", 0, generator("toy null unit"), None)
    assert truth.null
    assert truth.directions.shape == (0, 4)
    assert truth.codes.shape == (len(problem.test), 0)
