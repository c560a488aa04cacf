"""The geometry that small models learn, against published constants (Elhage et al. 2022)."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bench.models.superposition import dimensionality, draw_inputs, reconstruct, train_toys

MODELS = 4
CONSTANTS = (  # configuration, columns of W, dimensions of each feature
    ("digon", [[1, -1]], 1 / 2),
    ("triangle", np.array([[1, -1 / 2, -1 / 2], [0, np.sqrt(3) / 2, -np.sqrt(3) / 2]]), 2 / 3),
    ("tetrahedron", np.array([[1, 1, -1, -1], [1, -1, 1, -1], [1, -1, -1, 1]]), 3 / 4),
    ("pentagon", np.array([f(2 * np.pi * np.arange(5) / 5) for f in (np.cos, np.sin)]), 2 / 5),
)


@pytest.mark.parametrize(("name", "columns", "share"), CONSTANTS)
def test_known_configurations_have_their_dimensionality(name, columns, share):
    weights = 1.3 * torch.as_tensor(np.asarray(columns), dtype=torch.float64)[None]
    np.testing.assert_allclose(dimensionality(weights), share)


def test_a_square_antiprism_has_three_eighths_of_a_dimension():
    """At the height where its frame is tight: 8 points in 3 dimensions."""
    angles = np.pi / 2 * np.arange(4)
    rings = [
        np.array([np.cos(angles + turn), np.sin(angles + turn), np.full(4, z)]) for turn, z in ((0, 1), (np.pi / 4, -1))
    ]
    weights = np.hstack(rings) * np.array([1, 1, np.sqrt(1 / 2)])[:, None]
    np.testing.assert_allclose(dimensionality(torch.as_tensor(weights)[None]), 3 / 8)


def test_inputs_are_as_sparse_as_asked_for():
    inputs = draw_inputs(torch.tensor([0.0, 0.9]), 20_000, 5, torch.Generator().manual_seed(0))
    active = (inputs > 0).float().mean((1, 2))
    assert active.tolist() == pytest.approx([1.0, 0.1], abs=0.005)
    assert float(inputs[0].mean()) == pytest.approx(0.5, abs=0.005)


def test_the_reconstruction_is_the_paper_s():
    source = torch.Generator().manual_seed(1)
    weights, biases = torch.randn(1, 2, 3, generator=source), torch.randn(1, 3, generator=source)
    inputs = torch.rand(1, 4, 3, generator=source)
    expected = [
        np.maximum(weights[0].numpy().T @ (weights[0].numpy() @ x) + biases[0].numpy(), 0) for x in inputs[0].numpy()
    ]
    np.testing.assert_allclose(reconstruct(inputs, weights, biases)[0], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.slow
def test_five_features_in_two_dimensions_end_as_published():
    """|W|^2 / 2 is 1.007 for dense inputs and 2.45 on average at sparsity .9 (two minima: two antipodal pairs, and a
    pentagon); at .97 a pentagon, of which each feature has 2/5 of a dimension."""
    sparsity = [0.0] * MODELS + [0.9] * MODELS + [0.97] * MODELS
    weights, _ = train_toys(5, 2, sparsity, torch.Generator().manual_seed(0), steps=1500, rows=256)
    stored = weights.square().sum((1, 2)).reshape(3, MODELS) / 2
    assert stored[0].mean() == pytest.approx(1.007, abs=0.02)
    assert ((stored[1] - 2.13).abs().minimum((stored[1] - 3.02).abs()) < 0.06).all()
    assert stored[1].mean() == pytest.approx(2.45, abs=0.45)
    np.testing.assert_allclose(dimensionality(weights)[2 * MODELS :], 0.4, atol=0.01)
