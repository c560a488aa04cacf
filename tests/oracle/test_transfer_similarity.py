"""Likeness of activations against other formulas, and assignment against trying every one."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from bench.models.compiled.dressing import random_rotation
from bench.tracks.circuit_transfer.matching import assigned, layer_and_head, of_one_kind
from bench.tracks.circuit_transfer.similarity import correlation, explained, linear_cka, procrustes


def tables(seed: int, p: int = 4, q: int = 6, rows: int = 50) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, p)) + 3
    return x, x @ rng.normal(size=(p, q)) + rng.normal(size=(rows, q))


@pytest.mark.parametrize("seed", range(3))
def test_linear_cka_is_the_correlation_of_centred_gram_matrices(seed):
    x, y = tables(seed)
    centring = np.eye(len(x)) - 1 / len(x)
    k, m = (centring @ (z @ z.T) @ centring for z in (x, y))
    expected = np.trace(k @ m) / np.sqrt(np.trace(k @ k) * np.trace(m @ m))
    assert linear_cka(x, y) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("seed", range(3))
def test_procrustes_is_the_best_of_all_rotations_of_a_plane(seed):
    x, y = tables(seed, 2, 2)
    one, other = ((z - z.mean(0)) / np.linalg.norm(z - z.mean(0)) for z in (x, y))
    angles = np.linspace(0, 2 * np.pi, 20001)
    turns = np.array([[np.cos(angles), -np.sin(angles)], [np.sin(angles), np.cos(angles)]])
    matched = [np.einsum("rp,pqa,rq->a", one @ flip, turns, other).max() for flip in (np.eye(2), np.diag([1, -1]))]
    assert procrustes(x, y) == pytest.approx(max(matched), abs=1e-6)


def test_explained_is_one_minus_the_residual_share_of_least_squares_on_held_out_groups():
    x, y = tables(0)
    groups = np.repeat(np.arange(10), 5)
    left = total = 0.0
    for fold in range(4):
        held = groups * 4 // 10 == fold
        design = np.column_stack([x, np.ones(len(x))])
        fitted = design @ np.linalg.lstsq(design[~held], y[~held], rcond=None)[0]
        left += ((y - fitted)[held] ** 2).sum()
        total += ((y - y[~held].mean(0))[held] ** 2).sum()
    assert explained(x, y, groups) == pytest.approx(1 - left / total, abs=1e-4)


def test_correlation_is_pearsons_cut_at_zero():
    x, y = np.random.default_rng(0).normal(size=(2, 3, 5))
    y = y + x
    assert correlation(x, y) == pytest.approx(np.corrcoef(x.ravel(), y.ravel())[0, 1])
    assert correlation(x, -y) == 0


@pytest.mark.parametrize("likeness", [linear_cka, procrustes])
@pytest.mark.parametrize("unit", [1.0, 1e-13, 1e6])
def test_likeness_is_one_under_rotation_shift_and_scale_and_nothing_of_a_constant(likeness, unit):
    x, _ = tables(0)
    turned = unit * (x @ random_rotation(4, np.random.default_rng(1)) + 5)
    assert likeness(x, turned) == pytest.approx(1)
    assert likeness(x, np.full_like(x, 0.1) * unit) == 0


def test_explained_is_one_under_any_invertible_map_where_alignment_is_not():
    x, _ = tables(0)
    mapped = x @ np.diag([1, 3, 10, 30.0])
    groups = np.repeat(np.arange(10), 5)
    assert min(explained(x, mapped, groups), explained(mapped, x, groups)) > 0.99
    assert linear_cka(x, mapped) < 0.9


@pytest.mark.parametrize("seed", range(4))
def test_the_assignment_is_the_best_of_all(seed):
    alike = np.random.default_rng(seed).random((4, 5))
    best = max(permutations(range(5), 4), key=lambda nodes: sum(alike[r, n] for r, n in enumerate(nodes)))
    answer = assigned(alike, np.ones((4, 5), bool), 0.5)
    assert answer.scores.argmax(axis=1).tolist() == list(best)
    assert answer.found.tolist() == [bool(alike[r, n] >= 0.5) for r, n in enumerate(best)]


def test_a_role_that_no_node_of_its_kind_is_left_for_is_not_found():
    allowed = of_one_kind(["a0.h0", "a1.h0", "m0"], ["a0.h1", "m1", "m2"])
    answer = assigned(np.array([[0.9, 1, 1], [0.8, 1, 1], [1, 0.2, 0.7]]), allowed, 0.5)
    assert answer.found.tolist() == [True, False, True]
    assert answer.scores.argmax(axis=1).tolist() == [0, 0, 2]
    assert (layer_and_head("a1.h2"), layer_and_head("m3")) == ((1, 2), (3, 0))
