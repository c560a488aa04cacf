"""Methods of features against singular values, loops, scikit-learn, optimality and known limits."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from sklearn.decomposition import PCA

from bench.core.catalogue import load_plugin
from bench.core.config import ROOT
from bench.core.contract import InvalidAnswer, generator
from bench.kernels.inclusion import inclusion_parents
from bench.kernels.ksvd import ksvd, rank_one, update_atoms
from bench.kernels.matching import matched_cosine
from bench.kernels.pursuit import orthogonal_matching_pursuit
from bench.kernels.semi_nmf import fit_directions, semi_nmf, step_codes
from bench.tracks.features.dictionary import standardised
from bench.tracks.features.types import Problem, check

TRACK = ROOT / "bench/tracks/features"
TASK = load_plugin(TRACK / "tasks/planted_dictionary.py")


def method(name: str):
    return load_plugin(TRACK / f"methods/{name}.py")


@pytest.fixture(scope="module")
def complete():
    return TASK.generate("complete", 0, generator("features methods"), None)


def answered(name: str, problem: Problem):
    return method(name).solve(problem, generator("features answer", name))


def of(values: np.ndarray, latents: int, active: float = 1.0) -> Problem:
    """A problem whose test activations are the first of its training activations."""
    values = values.astype(np.float32)
    return Problem(values, values[:200], latents, active, 1000)


# -- kernels --------------------------------------------------------------------------------------------------------


def test_an_atom_s_update_is_the_first_singular_pair_of_what_the_others_leave():
    rng = generator("ksvd atom")
    values = rng.standard_normal((30, 6))
    left, size, right = np.linalg.svd(values, full_matrices=False)
    direction, codes = rank_one(values)
    np.testing.assert_allclose(np.outer(codes, direction), size[0] * np.outer(left[:, 0], right[0]), atol=1e-9)
    assert codes.sum() >= 0
    directions = rng.standard_normal((5, 6))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    codes = orthogonal_matching_pursuit(values, directions, 2)
    users = codes[:, 0] != 0
    own = (values - codes[:, 1:] @ directions[1:])[users]
    found = update_atoms(values, directions, codes)[0]
    assert abs(found @ np.linalg.svd(own)[2][0]) == pytest.approx(1)


def test_a_sweep_of_ksvd_never_raises_the_error():
    """Each atom's update is optimal, so that codes refitted on the same support leave less with every sweep."""
    rng = generator("ksvd sweep")
    values = rng.standard_normal((200, 6))
    directions = rng.standard_normal((9, 6))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    for _ in range(4):
        codes = orthogonal_matching_pursuit(values, directions, 2)
        before = np.square(values - codes @ directions).sum()
        directions = update_atoms(values, directions, codes)
        again = [
            np.linalg.lstsq(directions[row != 0].T, value, rcond=None)[1]
            for row, value in zip(codes, values, strict=True)
        ]
        assert np.sum(again) < before


def test_ksvd_finds_single_atoms_exactly():
    """With one atom a sample it is a clustering of lines, and noiseless lines are found to rounding."""
    rng = generator("ksvd lines")
    directions = rng.standard_normal((6, 8))
    values = rng.uniform(-2, 2, (600, 1)) * directions[rng.integers(6, size=600)]
    found = ksvd(values, 12, 1, rng, rounds=30)
    assert matched_cosine(directions, found) == pytest.approx(1, abs=1e-9)


def test_semi_nmf_steps_as_the_paper_writes():
    rng = generator("semi-nmf")
    values, codes = rng.standard_normal((7, 4)), rng.random((7, 3)) + 0.1
    directions = fit_directions(values, codes)
    np.testing.assert_allclose(directions, np.linalg.lstsq(codes, values, rcond=None)[0])
    found = step_codes(values, codes, directions)
    for i in range(7):
        for j in range(3):
            up = max(values[i] @ directions[j], 0.0)
            down = max(-values[i] @ directions[j], 0.0)
            for k in range(3):
                up += codes[i, k] * max(-directions[k] @ directions[j], 0.0)
                down += codes[i, k] * max(directions[k] @ directions[j], 0.0)
            assert found[i, j] == pytest.approx(codes[i, j] * np.sqrt(up / down))


def test_semi_nmf_never_raises_the_error_and_keeps_codes_positive():
    rng = generator("semi-nmf error")
    values, codes = rng.standard_normal((50, 5)), rng.random((50, 4)) + 0.1
    errors = []
    for _ in range(20):
        directions, codes = semi_nmf(values, codes, 1)
        errors.append(np.square(values - codes @ directions).sum())
    assert (np.diff(errors) <= 1e-9).all()
    assert (codes >= 0).all()


def test_a_parent_fires_wherever_its_child_does():
    fires = np.zeros((100, 5), bool)
    fires[:40, 0] = True  # root
    fires[:20, 1] = True  # its child
    fires[:8, 2] = True  # its grandchild, of which the child is the tighter parent
    fires[60:75, 3] = True  # elsewhere
    fires[:3, 4] = True  # too few to say
    assert inclusion_parents(fires).tolist() == [-1, 0, 1, -1, -1]
    always = np.hstack([np.ones((100, 1), bool), fires[:, 1:2]])
    assert inclusion_parents(always).tolist() == [-1, -1]
    assert inclusion_parents(np.zeros((4, 0), bool)).shape == (0,)


# -- methods --------------------------------------------------------------------------------------------------------


def test_pca_is_scikit_learn_s(complete):
    problem, _ = complete
    found = answered("pca", problem)
    values, _, _, _ = standardised(problem)
    theirs = PCA().fit(values)
    np.testing.assert_allclose(np.abs((found.directions * theirs.components_).sum(axis=1))[:8], 1, atol=1e-5)
    again = found.codes.toarray() @ found.directions + found.offset
    np.testing.assert_allclose(again, problem.test, atol=1e-5 * np.abs(problem.test).max())


def test_ica_unmixes_what_is_linear_and_independent():
    """As many independent sources as dimensions, mixed by any matrix, which PCA does not unmix."""
    rng = generator("ica")
    mixing = rng.standard_normal((5, 5))
    problem = of(rng.exponential(size=(8000, 5)) @ mixing, 5)
    assert matched_cosine(mixing, answered("ica", problem).directions) > 0.995
    assert matched_cosine(mixing, answered("pca", problem).directions) < 0.95


def test_kmeans_finds_clusters_that_are_clusters():
    rng = generator("kmeans")
    centres = 5 * np.linalg.qr(rng.standard_normal((6, 6)))[0][:4]
    labels = np.arange(2000) % 4
    values = centres[labels] + 0.1 * rng.standard_normal((2000, 6))
    found = answered("kmeans", of(values, 4))
    assert matched_cosine(centres - centres.mean(axis=0), found.directions) > 0.999
    own = found.codes.toarray() != 0
    assert (own.sum(axis=1) == 1).all()
    assert all(len(np.unique(labels[:200][own[:, latent]])) == 1 for latent in range(4))


def test_codes_of_dictionary_learning_are_the_lasso_s(complete):
    """Karush-Kuhn-Tucker: the residual's projection is the penalty where a code is active and no more elsewhere."""
    problem, _ = complete
    found = answered("dictionary_learning", problem)
    _, test, _, scale = standardised(problem)
    codes = found.codes.toarray() / scale
    pull = (test - codes @ found.directions) @ found.directions.T
    assert np.abs(pull[codes > 0.01] - 0.15).max() < 0.01
    assert pull.max() < 0.16


def test_semi_nmf_s_test_codes_are_the_non_negative_least_squares(complete):
    problem, _ = complete
    found = answered("semi_nmf", problem)
    _, test, _, scale = standardised(problem)
    codes = found.codes.toarray() / scale
    pull = (test - codes @ found.directions) @ found.directions.T
    assert (codes >= 0).all()
    assert np.abs(pull[codes > 0]).max() < 1e-4
    assert pull.max() < 1e-4


@pytest.mark.parametrize(
    "name", ["batch_topk_autoencoder", "l1_autoencoder", "topk_autoencoder", "matryoshka_autoencoder", "ica", "ksvd"]
)
def test_a_complete_dictionary_is_found(name, complete):
    """In a budget of 156 steps, so not to the end; a random dictionary of this size scores .55."""
    problem, truth = complete
    assert matched_cosine(truth.directions, answered(name, problem).directions) > 0.88


@pytest.mark.parametrize("name", ["pca", "ica", "ksvd", "kmeans", "topk_autoencoder"])
def test_the_unit_of_activations_changes_no_direction(name, complete):
    problem, _ = complete
    moved = dataclasses.replace(
        problem, activations=np.float32(2**-20) * problem.activations, test=np.float32(2**-20) * problem.test
    )  # a power of two, so that nothing is rounded
    one, other = answered(name, problem), answered(name, moved)
    np.testing.assert_allclose(other.directions, one.directions, atol=1e-6)
    np.testing.assert_allclose(other.codes.toarray(), 2**-20 * one.codes.toarray(), rtol=1e-5)
    np.testing.assert_allclose(other.confidence, one.confidence, atol=1e-6)


# -- answers --------------------------------------------------------------------------------------------------------


def test_answers_that_do_not_fit_are_refused(complete):
    problem, _ = complete
    good = answered("pca", problem)
    check(problem, good)
    indices = good.codes.indices.copy()
    indices[0] = 10**6
    beyond = good.codes.copy()
    beyond.indices = indices
    bad = {
        "allowed are 2": (dataclasses.replace(problem, latents=2), good),
        "directions has shape": (problem, dataclasses.replace(good, directions=good.directions[:, 1:])),
        "codes have shape": (problem, dataclasses.replace(good, codes=good.codes[:, 1:])),
        "no sparse array": (problem, dataclasses.replace(good, codes=beyond)),
        "offset has .* NaN or infinite": (problem, dataclasses.replace(good, offset=good.offset * np.nan)),
        "confidence has .* not between 0 and 1": (problem, dataclasses.replace(good, confidence=good.confidence + 1)),
        "parents must be": (problem, dataclasses.replace(good, parents=np.full(len(good.directions), 99))),
    }
    for sentence, pair in bad.items():
        with pytest.raises(InvalidAnswer, match=sentence):
            check(*pair)
