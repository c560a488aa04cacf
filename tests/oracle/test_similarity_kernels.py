"""Similarity kernels against dense formulas, closed forms and independent libraries."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.linalg import sqrtm, subspace_angles
from scipy.stats import multivariate_normal
from sklearn.cross_decomposition import PLSRegression
from sklearn.linear_model import Ridge

from bench.kernels import (
    similarity_cca,
    similarity_cka,
    similarity_likelihood,
    similarity_matching,
    similarity_prediction,
    similarity_rdm,
    similarity_shapes,
)
from bench.kernels.representation import linear_cka

X, Y, Z = (np.random.default_rng(seed).normal(size=(14, width)) for seed, width in ((0, 5), (1, 4), (2, 9)))
Y = Y + X[:, :4]


@pytest.fixture
def ot(monkeypatch):
    """POT without its backends, whose import takes seconds."""
    for name in ("PYTORCH", "JAX", "CUPY", "TENSORFLOW"):
        monkeypatch.setenv(f"POT_BACKEND_DISABLE_{name}", "1")
    return pytest.importorskip("ot")


def pairs(n):
    return list(itertools.combinations(range(n), 2))


def test_linear_alignment_is_the_ratio_of_norms_of_cross_covariances():
    x, y = X - X.mean(axis=0), Y - Y.mean(axis=0)
    expected = np.linalg.norm(y.T @ x) ** 2 / (np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y))
    grams = [similarity_cka.linear_gram(some)[None] for some in (X, Y)]
    assert similarity_cka.alignment(*grams)[0, 0] == pytest.approx(expected, rel=1e-12)
    assert linear_cka(X[None], Y[None])[0, 0] == pytest.approx(expected, rel=1e-12)


def test_the_unbiased_estimator_is_the_sum_over_four_different_rows():
    """Song et al. 2012: HSIC_1 = E[K12 L12] + E[K12 L34] - 2 E[K12 L13] over different rows, each a plain mean."""
    k, l_ = X[:7] @ X[:7].T, Y[:7] @ Y[:7].T
    draws = list(itertools.permutations(range(7), 4))
    expected = np.mean([k[a, b] * (l_[a, b] + l_[c, d] - 2 * l_[a, c]) for a, b, c, d in draws])
    first, second = (similarity_cka.unbiased_centre(some) for some in (k, l_))
    assert (first * second).sum() / (7 * 4) == pytest.approx(expected, rel=1e-10)


def test_linear_cka_is_the_whitened_cosine_of_squared_distances_in_rsatoolbox():
    """Diedrichsen et al. 2020, arXiv:2007.02789: the two are one number."""
    rsatoolbox = pytest.importorskip("rsatoolbox")
    rdms = [rsatoolbox.rdm.RDMs(similarity_rdm.squared_euclidean(some)[None]) for some in (X, Y)]
    peer = rsatoolbox.rdm.compare(*rdms, method="cosine_cov")[0, 0]
    ours = similarity_rdm.whitened_cosine(*(some.dissimilarities for some in rdms))[0, 0]
    grams = [similarity_cka.linear_gram(some)[None] for some in (X, Y)]
    assert ours == pytest.approx(peer, abs=1e-9)
    assert ours == pytest.approx(similarity_cka.alignment(*grams)[0, 0], rel=1e-12)


def test_the_whitened_cosine_is_the_cosine_in_the_inverse_covariance_of_distances():
    contrasts = np.array([np.eye(14)[i] - np.eye(14)[j] for i, j in pairs(14)])
    inverse = np.linalg.inv(np.square(contrasts @ contrasts.T))
    one, other = (similarity_rdm.squared_euclidean(some) for some in (X, Z))
    expected = one @ inverse @ other / np.sqrt((one @ inverse @ one) * (other @ inverse @ other))
    assert similarity_rdm.whitened_cosine(one[None], other[None])[0, 0] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("method", "ours"), [("cosine", "cosine"), ("corr", "pearson"), ("spearman", "spearman")])
def test_comparators_agree_with_rsatoolbox(method, ours):
    rsatoolbox = pytest.importorskip("rsatoolbox")
    rdms = [rsatoolbox.rdm.RDMs(similarity_rdm.squared_euclidean(some)[None]) for some in (X, Z)]
    peer = rsatoolbox.rdm.compare(*rdms, method=method)[0, 0]
    assert getattr(similarity_rdm, ours)(*(some.dissimilarities for some in rdms))[0, 0] == pytest.approx(peer)


@pytest.mark.filterwarnings("ignore:invalid value encountered in cast")  # of a descriptor, inside rsatoolbox
def test_distances_agree_with_rsatoolbox():
    rsatoolbox = pytest.importorskip("rsatoolbox")
    repeats = np.random.default_rng(3).normal(size=(3, 6, 4))
    precision = np.linalg.inv(np.cov(X[:, :4].T))
    conditions, runs = np.tile(np.arange(6), 3), np.repeat(np.arange(3), 6)
    data = rsatoolbox.data.Dataset(
        repeats.reshape(18, 4), obs_descriptors={"conds": conditions, "runs": runs}, channel_descriptors={}
    )
    cross = rsatoolbox.rdm.calc_rdm(data, "crossnobis", descriptor="conds", noise=precision, cv_descriptor="runs")
    np.testing.assert_allclose(similarity_rdm.crossnobis(repeats, precision), cross.dissimilarities[0])
    plain = rsatoolbox.data.Dataset(X, obs_descriptors={"conds": np.arange(14)})
    for method, ours in (("euclidean", "squared_euclidean"), ("correlation", "correlation_distance")):
        found = rsatoolbox.rdm.calc_rdm(plain, method, descriptor="conds").dissimilarities[0]
        np.testing.assert_allclose(getattr(similarity_rdm, ours)(X), found, atol=1e-12)


def test_crossnobis_is_zero_on_average_without_signal_where_euclidean_distances_are_twice_the_noise():
    noise = np.random.default_rng(4).normal(size=(400, 2, 8, 5))
    cross = similarity_rdm.crossnobis(noise, np.broadcast_to(np.eye(5), (400, 5, 5))).mean(axis=1)
    assert abs(cross.mean()) < 3.3 * cross.std() / 20
    plain = similarity_rdm.squared_euclidean(noise.mean(axis=1)).mean(axis=1)
    assert abs(plain.mean() - 2 / 2) < 3.3 * plain.std() / 20


def test_normalised_bures_similarity_is_the_cosine_of_the_angular_procrustes_distance():
    x, y = (similarity_shapes.partly_whitened(some, 1.0) for some in (X, Y))
    root = sqrtm(x @ x.T + 1e-15 * np.eye(14)).real
    fidelity = np.trace(sqrtm(root @ (y @ y.T) @ root + 1e-15 * np.eye(14)).real)
    assert similarity_shapes.rotation_similarity(x, y[None])[0] == pytest.approx(fidelity, abs=1e-6)
    closest = np.linalg.svd(x.T @ np.pad(y, ((0, 0), (0, 1))))
    distance = np.linalg.norm(x @ closest[0] @ closest[2] - np.pad(y, ((0, 0), (0, 1))))
    assert 1 - distance**2 / 2 == pytest.approx(fidelity, abs=1e-6)


def test_a_fully_whitened_shape_similarity_is_the_mean_canonical_correlation_of_equal_ranks():
    x, y = X[:, :4], Y
    found = similarity_shapes.rotation_similarity(
        similarity_shapes.partly_whitened(x, 0.0), similarity_shapes.partly_whitened(y, 0.0)[None]
    )
    bases = [similarity_cca.basis(some) for some in (x, y)]
    assert found[0] == pytest.approx(similarity_cca.canonical_correlations(*bases).mean())


def test_canonical_correlations_are_cosines_of_principal_angles():
    angles = subspace_angles(X - X.mean(axis=0), Y - Y.mean(axis=0))
    found = similarity_cca.canonical_correlations(similarity_cca.basis(X), similarity_cca.basis(Y))
    np.testing.assert_allclose(found, np.sort(np.cos(angles))[::-1], atol=1e-12)


def test_regularised_correlations_without_penalty_are_canonical_and_with_it_those_of_added_ridges():
    plain = similarity_cca.ridge_whitened(X, 0.0).T @ similarity_cca.ridge_whitened(Y, 0.0)
    bases = [similarity_cca.basis(some) for some in (X, Y)]
    np.testing.assert_allclose(np.linalg.svd(plain)[1], similarity_cca.canonical_correlations(*bases), atol=1e-10)
    x, y = X - X.mean(axis=0), Y - Y.mean(axis=0)
    roots = [np.linalg.inv(sqrtm(z.T @ z + 0.3 * np.trace(z.T @ z) / z.shape[1] * np.eye(z.shape[1]))) for z in (x, y)]
    expected = np.linalg.svd(roots[0] @ x.T @ y @ roots[1])[1]
    found = similarity_cca.ridge_whitened(X, 0.3).T @ similarity_cca.ridge_whitened(Y, 0.3)
    np.testing.assert_allclose(np.linalg.svd(found)[1], expected, atol=1e-10)


def test_projection_weights_are_sums_of_inner_products_with_columns():
    x, y = X - X.mean(axis=0), Y - Y.mean(axis=0)
    covariances = [np.linalg.inv(sqrtm(z.T @ z).real) for z in (x, y)]
    left, rho, _ = np.linalg.svd(covariances[0] @ x.T @ y @ covariances[1])
    weights = np.abs((x @ covariances[0] @ left)[:, : len(rho)].T @ x).sum(axis=1)
    bases = [similarity_cca.basis(some) for some in (X, Y)]
    found = similarity_cca.projection_weighted([X], bases[:1], bases[1:])[0, 0]
    assert found == pytest.approx(weights @ rho / weights.sum())


def test_svcca_keeps_the_fewest_components_with_the_share():
    sizes = np.diag([3.0, 2.0, 1.0, 0.1])
    columns = np.linalg.qr(np.random.default_rng(5).normal(size=(20, 4)) - 0)[0]
    columns = np.linalg.qr(columns - columns.mean(axis=0))[0] @ sizes
    assert [similarity_cca.basis(columns, kept).shape[1] for kept in (0.6, 0.9, 0.95, 0.9995, 1.0)] == [1, 2, 3, 4, 4]


def test_soft_matching_of_equal_numbers_is_one_to_one_and_transport_agrees_with_pot(ot):
    square = similarity_matching.unit_correlations(X, Z[:, :5])
    assert similarity_matching.soft_matching(square) == pytest.approx(similarity_matching.one_to_one(square))
    oblong = similarity_matching.unit_correlations(X, Z)
    plan = ot.emd(np.full(5, 1 / 5), np.full(9, 1 / 9), 1 - oblong)
    assert similarity_matching.soft_matching(oblong) == pytest.approx((plan * oblong).sum())
    np.testing.assert_allclose(oblong, np.corrcoef(X.T, Z.T)[:5, 5:], atol=1e-12)


def test_neighbours_are_those_of_sorting_and_shared_ones_are_counted():
    both = [similarity_cka.squared_distances(some) for some in (X, Y)]
    nearest = [np.argsort(some + 1e9 * np.eye(14), axis=1)[:, :3] for some in both]
    expected = np.mean([len(set(a) & set(b)) / 3 for a, b in zip(*nearest, strict=True)])
    found = similarity_matching.shared_neighbours(*(similarity_matching.neighbours(some, 3)[None] for some in both))
    assert found[0, 0] == pytest.approx(expected)


def test_gromov_wasserstein_is_zero_for_a_permuted_geometry_and_agrees_with_pot_elsewhere(ot):
    distances = similarity_cka.squared_distances(X[:6]) ** 0.5
    order = np.array([3, 1, 5, 0, 2, 4])
    assert similarity_matching.gromov_wasserstein(distances, distances[np.ix_(order, order)]) < 1e-8
    other = similarity_cka.squared_distances(Z[:6]) ** 0.5
    peer = ot.gromov.gromov_wasserstein2(distances, other)
    assert similarity_matching.gromov_wasserstein(distances, other) == pytest.approx(float(peer), rel=1e-6)


def test_the_component_likelihood_is_that_of_a_normal_at_its_best_noise_variance():
    gram, responses = X @ X.T, Y[None]
    values, vectors = similarity_likelihood.spectrum(gram)
    found = similarity_likelihood.component_log_likelihood(values, vectors, responses, np.array([0.7]))[0, 0]
    contrasts = np.linalg.svd(np.eye(14) - 1 / 14)[0][:, :13]
    inside, data = contrasts.T @ gram @ contrasts, contrasts.T @ Y
    covariance = 0.7 * inside / (np.trace(inside) / 13) + np.eye(13)
    variance = np.mean(data * np.linalg.solve(covariance, data))
    expected = multivariate_normal(np.zeros(13), variance * covariance).logpdf(data.T).sum()
    assert found == pytest.approx(expected)
    worse = [multivariate_normal(np.zeros(13), v * variance * covariance).logpdf(data.T).sum() for v in (0.9, 1.1)]
    assert max(worse) < expected


def test_held_out_maps_predict_what_ridge_regression_predicts():
    folds = [np.arange(5), np.arange(5, 14)]
    maps = similarity_prediction.held_out_maps(Z, folds, np.array([0.5]))
    for held in folds:
        kept = np.setdiff1d(np.arange(14), held)
        scale = Z[kept].std(axis=0)
        peer = Ridge(alpha=0.5 * len(kept)).fit(Z[kept] / scale, Y[kept])
        np.testing.assert_allclose((maps[0] @ Y)[held], peer.predict(Z[held] / scale), atol=1e-10)


def test_simpls_of_one_target_is_pls1_and_with_all_components_least_squares():
    x, y = X - X.mean(axis=0), Y - Y.mean(axis=0)
    found = similarity_prediction.simpls(x, y.T[:, :, None], X[:3], 5)
    for target, count in itertools.product(range(4), (1, 3)):
        peer = PLSRegression(count, scale=False).fit(x, y[:, target])
        np.testing.assert_allclose(
            found[count - 1, target, :, 0] + peer.intercept_[0] - x.mean(axis=0) @ peer.coef_[0],
            peer.predict(X[:3]).ravel(), atol=1e-8,
        )  # fmt: skip
    many = similarity_prediction.simpls(x, y[None], X[:3], 5)[-1, 0]
    np.testing.assert_allclose(many, X[:3] @ np.linalg.lstsq(x, y)[0], atol=1e-8)


def test_fold_correlations_are_means_of_pearsons_r_in_each_fold():
    folds = [np.arange(6), np.arange(6, 14)]
    expected = [np.mean([np.corrcoef(X[held, j], Y[held, j])[0, 1] for held in folds]) for j in range(4)]
    np.testing.assert_allclose(similarity_prediction.fold_correlation(X[:, :4], Y, folds), expected)


@pytest.mark.parametrize(("n", "p", "q"), [(100, 10, 12), (100, 100, 100), (60, 600, 600)])
def test_biased_cka_of_independent_gaussians_follows_its_closed_form_and_the_debiased_one_is_zero(n, p, q):
    rng = np.random.default_rng(6)
    grams = [similarity_cka.linear_gram(rng.normal(size=(8, n, width))) for width in (p, q)]
    expected = 1 / np.sqrt((1 + (n - 1) / p) * (1 + (n - 1) / q))
    assert similarity_cka.alignment(*grams).mean() == pytest.approx(expected, abs=0.02)
    assert abs(similarity_cka.debiased_alignment(*grams).mean()) < 0.02


def test_squared_canonical_correlations_of_independent_gaussians_have_mean_p_over_n_minus_one():
    rng = np.random.default_rng(7)
    ones, others = ([similarity_cca.basis(rng.normal(size=(80, w))) for _ in range(12)] for w in (20, 8))
    found = similarity_cca.mean_squared_correlation(ones, others)
    assert found.mean() == pytest.approx(20 / 79, abs=0.015)
