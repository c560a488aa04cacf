"""Matching, pursuit and the test of sphericity against brute force, scikit-learn, quadrature and simulation."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import binomtest, kstest
from sklearn.linear_model import orthogonal_mp

from bench.core.contract import generator
from bench.kernels.matching import assign, copied, cosines, matched_cosine
from bench.kernels.pursuit import keep_largest, orthogonal_matching_pursuit
from bench.kernels.sphericity import direction_p_values, sphere_moments, statistic, whiten


def unit_rows(rng, rows: int, width: int) -> np.ndarray:
    drawn = rng.standard_normal((rows, width))
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


# -- matching -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("features", "latents"), [(4, 6), (5, 5), (6, 3)])
def test_the_matching_is_the_best_of_all(features, latents):
    rng = generator("matching", features, latents)
    similarity = rng.random((features, latents))
    wide = similarity if features <= latents else similarity.T
    best = max(
        sum(wide[i, j] for i, j in enumerate(chosen)) for chosen in permutations(range(wide.shape[1]), len(wide))
    )
    assert similarity[assign(similarity)].sum() == pytest.approx(best)


def test_cosines_do_not_depend_on_scale_and_a_row_of_zeros_has_none():
    rng = generator("cosines")
    first, second = rng.standard_normal((3, 5)), rng.standard_normal((4, 5))
    second[2] = 0
    by_hand = [[a @ b / np.sqrt((a @ a) * (b @ b)) if b.any() else 0.0 for b in second] for a in first]
    np.testing.assert_allclose(cosines(1e-200 * first, 1e13 * second), by_hand, atol=1e-12)


def test_few_latents_find_few_directions():
    truth = np.eye(8)
    assert matched_cosine(truth, truth[:2]) == 0.25
    assert matched_cosine(truth, np.vstack([truth[:2]] * 4)) == 0.25
    assert matched_cosine(truth, -truth[::-1]) == 1


def test_copies_are_counted_on_both_sides():
    rows = np.array([[1.0, 0, 0], [2.0, 0, 0], [0, 1, 0], [0, 0, -1], [0, 0, 3]])  # the last two are opposites
    assert copied(rows, 0.95) == pytest.approx(2 / 5)
    assert copied(rows[:0], 0.95) == 0


# -- pursuit --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("active", [1, 3, 6])
def test_pursuit_is_that_of_scikit_learn(active):
    rng = generator("pursuit", active)
    directions, values = unit_rows(rng, 15, 8), rng.standard_normal((40, 8))
    theirs = orthogonal_mp(directions.T, values.T, n_nonzero_coefs=active).T
    np.testing.assert_allclose(orthogonal_matching_pursuit(values, directions, active), theirs, atol=1e-7)


def test_pursuit_stops_where_nothing_is_left():
    rng = generator("pursuit stops")
    directions = unit_rows(rng, 12, 30)
    codes = np.zeros((6, 12))
    codes[:, 4], codes[3:, 7] = 2.0, -1.0
    codes[0] = 0
    found = orthogonal_matching_pursuit(codes @ directions, directions, 5, tolerance=1e-9)
    np.testing.assert_allclose(found, codes, atol=1e-8)
    assert ((found != 0) == (codes != 0)).all()


def test_two_copies_share_a_code():
    directions = np.array([[1.0, 0], [1.0, 0], [0, 1.0]])
    found = orthogonal_matching_pursuit(np.array([[2.0, 1.0]]), directions, 2)
    np.testing.assert_allclose(found @ directions, [[2, 1]], atol=1e-8)


def test_the_largest_codes_are_kept():
    codes = np.array([[1.0, 3, 2, 0], [5, 4, 6, 7]])
    np.testing.assert_array_equal(keep_largest(codes, 2), [[0, 3, 2, 0], [0, 0, 6, 7]])
    np.testing.assert_array_equal(keep_largest(codes, 9), codes)


# -- sphericity -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("d", [3, 6, 20])
def test_moments_on_the_sphere_are_those_of_the_projection_s_density(d):
    def density(t):
        return (1 - t * t / d) ** ((d - 3) / 2)

    edge = np.sqrt(d)
    mass = quad(density, -edge, edge)[0]
    by_quadrature = [quad(lambda t, k=k: t**k * density(t), -edge, edge)[0] / mass for k in (4, 6, 8)]
    assert sphere_moments(d) == pytest.approx(by_quadrature, rel=1e-6)


def test_the_statistic_is_chi_squared_on_the_sphere():
    """Mean 2 and variance 4, over many draws."""
    rng = generator("sphere statistic")
    points = rng.standard_normal((400, 6, 3000))
    along = np.sqrt(6) * points[:, 0] / np.linalg.norm(points, axis=1)
    found = statistic(along, 6)
    assert found.mean() == pytest.approx(2, abs=6 * 2 / np.sqrt(3000))
    assert found.var() == pytest.approx(4, rel=0.3)


def elliptical_p_values(law: str, draws: int = 300, samples: int = 2000, width: int = 8) -> np.ndarray:
    """Mean and covariance estimated, which the harmonics are not to feel."""
    rng = generator("elliptical", law)
    mixing = np.diag(np.geomspace(1, 30, width)) @ unit_rows(rng, width, width)
    scales = {"gaussian": 0.0, "heavy": 0.6}[law]
    rows = np.exp(scales * rng.standard_normal((draws, samples, 1)))
    values = (rows * rng.standard_normal((draws, samples, width))) @ mixing + 5
    return np.array([direction_p_values(one, rng.standard_normal((1, width)))[0] for one in values])


@pytest.mark.parametrize("law", ["gaussian", "heavy"])
def test_elliptical_values_have_no_special_direction(law):
    found = elliptical_p_values(law)
    assert kstest(found, "uniform").pvalue > 0.001
    assert binomtest(int((found < 0.05).sum()), len(found), 0.05).pvalue > 0.001


def test_planted_directions_are_special_and_units_do_not_matter():
    rng = generator("special")
    directions = unit_rows(rng, 12, 8)
    values = ((rng.random((2000, 12)) < 0.1) * rng.uniform(0.5, 1.5, (2000, 12))) @ directions
    found = direction_p_values(values, directions)
    assert found.max() < 1e-6
    np.testing.assert_allclose(direction_p_values(1e-13 * values + 1e-13, directions), found, rtol=1e-6)


def test_axes_without_variance_are_left_out_and_directions_there_are_not_special():
    rng = generator("flat")
    values = np.hstack([rng.laplace(size=(3000, 3)), np.zeros((3000, 2))])
    assert whiten(values).shape == (5, 3)
    found = direction_p_values(values, np.eye(5)[[0, 4]])
    assert found[0] < 1e-3
    assert found[1] == 1


def test_one_dimension_has_no_sphere():
    with pytest.raises(ValueError, match="span 1 dimensions"):
        direction_p_values(np.arange(10.0)[:, None] * np.ones(2), np.eye(2))
