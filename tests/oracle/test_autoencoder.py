"""Sparse autoencoders: the loss by loops, a planted dictionary found again, and no dependence on units."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bench.kernels import autoencoder


def planted(
    rows: int = 600, width: int = 12, features: int = 18, active: float = 0.12
) -> tuple[np.ndarray, np.ndarray]:
    """Values that are sums of few of 18 directions in 12 dimensions, and the directions."""
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(features, width))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    sizes = rng.uniform(0.5, 1.5, size=(rows, features)) * (rng.random((rows, features)) < active)
    return sizes @ directions, directions


@pytest.fixture(scope="module")
def trained() -> autoencoder.Autoencoder:
    return autoencoder.train(torch.as_tensor(planted()[0]), 24, 0.2, torch.Generator().manual_seed(0), steps=600)


def test_the_loss_is_squared_error_plus_the_sum_of_features():
    rng = np.random.default_rng(1)
    values, encoder, offset, decoder = (rng.normal(size=shape) for shape in ((4, 3), (3, 5), (5,), (5, 3)))
    total = 0.0
    for value in values:
        features = [max(0.0, value @ encoder[:, j] + offset[j]) for j in range(5)]
        again = sum(feature * decoder[j] for j, feature in enumerate(features))
        total += ((value - again) ** 2).sum() + 0.3 * sum(features)
    found = autoencoder.loss(*(torch.as_tensor(one) for one in (values, encoder, offset, decoder)), 0.3)
    assert float(found) == pytest.approx(total / 4)


def test_a_planted_dictionary_is_found_again(trained):
    """Each direction has a feature near it, which principal components are not."""
    values, directions = planted()
    cosines = (directions @ trained.decoder.numpy().T).max(axis=1)
    components = np.abs(directions @ np.linalg.svd(values - values.mean(0))[2].T).max(axis=1)
    assert np.median(cosines) > 0.95
    assert np.median(components) < 0.8


def test_features_are_few_and_give_the_values_back(trained):
    values = torch.as_tensor(planted()[0])
    features = trained.encode(values)
    lost = (values - trained.decode(features)).square().sum() / (values - values.mean(0)).square().sum()
    assert lost < 0.1
    assert (features > 0.05).double().mean() < 0.3
    np.testing.assert_allclose(trained.decoder.norm(dim=1).numpy(), 1, atol=1e-12)


def test_units_and_origin_of_the_values_do_not_matter(trained):
    values = torch.as_tensor(planted()[0])
    moved = 1000 * values + 7.0
    again = autoencoder.train(moved, 24, 0.2, torch.Generator().manual_seed(0), steps=600)
    np.testing.assert_allclose(again.decoder, trained.decoder, atol=1e-6)
    np.testing.assert_allclose(again.encode(moved), 1000 * trained.encode(values), atol=1e-3)


def test_constant_values_have_no_features():
    found = autoencoder.train(torch.ones(5, 3), 4, 0.1, torch.Generator().manual_seed(0), steps=20)
    np.testing.assert_allclose(found.decode(found.encode(torch.ones(1, 3))), 1, atol=0.2)
