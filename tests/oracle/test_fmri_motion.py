"""Rigid motion: known shifts and turns are found, by least squares and by dipy, and undone."""

import numpy as np
import pytest
from scipy import ndimage

from bench.core.contract import generator
from bench.neuro.fmri import motion

AFFINE = np.array(
    [[-3.0, 0.1, 0, 40], [0.1, 2.9, -0.7, -30], [0, 0.7, 3.2, -20], [0, 0, 0, 1]]
)  # oblique, as scans are
SHAPE = (26, 28, 18)
CENTRE = motion.grid_centre(SHAPE, AFFINE)
MOVES = [[1.5, 0, 0, 0, 0, 0], [0, -2.0, 0.7, 0, 0, 0], [0, 0, 0, 0.03, 0, 0], [0.6, -0.4, 1.1, 0.02, -0.015, 0.025]]


@pytest.fixture(scope="module")
def head():
    away = (np.indices(SHAPE) - (np.array(SHAPE)[:, None, None, None] - 1) / 2) / np.array(SHAPE)[:, None, None, None]
    radius = np.sqrt(np.square(away / np.array([0.33, 0.38, 0.34])[:, None, None, None]).sum(axis=0))
    texture = ndimage.gaussian_filter(generator("texture").standard_normal(SHAPE), 1.5)
    return (500 * np.exp(3 * texture) / (1 + np.exp((radius - 1) / 0.06))).astype(np.float32)


def moved(volume, parameters):
    """What lay at x lies at T x: the volume is looked up at T^-1 x, by another interpolation than ours (quintic)."""
    back = np.linalg.inv(AFFINE) @ np.linalg.inv(motion.to_matrix(np.array(parameters), CENTRE)) @ AFFINE
    return ndimage.affine_transform(volume, back[:3, :3], back[:3, 3], order=5, mode="nearest")


def estimated(head, volume, method):
    found = motion.estimate_movements(volume[..., None], AFFINE, head, AFFINE, method=method, smoothing=5.0)
    return motion.to_parameters(found[0], CENTRE)


def within(found, known, millimetres):
    return (np.abs(found - known) * [1, 1, 1, 50, 50, 50] < millimetres).all()


@pytest.mark.parametrize("known", MOVES)
def test_least_squares_finds_a_known_movement_to_a_hundredth_of_a_voxel(head, known):
    assert within(estimated(head, moved(head, known), "least_squares"), known, 0.03)


def test_mutual_information_by_dipy_finds_it_to_a_tenth_of_a_voxel(head):
    known = MOVES[1]
    assert within(estimated(head, moved(head, known), "mutual_information"), known, 0.3)


def test_mutual_information_does_not_need_one_contrast_and_least_squares_does(head):
    known, volume = MOVES[3], moved(head, MOVES[3])
    inverted = np.where(volume > 20, 900 - volume, 0)
    assert within(estimated(head, inverted, "mutual_information"), known, 0.3)
    assert not within(estimated(head, inverted, "least_squares"), known, 3.0)


def test_a_movement_found_is_undone(head):
    volume = moved(head, MOVES[3])
    found = motion.estimate_movements(volume[..., None], AFFINE, head, AFFINE, method="least_squares", smoothing=5.0)
    back = motion.resampled(volume, AFFINE, found[0], SHAPE, AFFINE)
    inner = motion.in_view(SHAPE, AFFINE, found[0], SHAPE, AFFINE)
    assert np.abs(back - head)[inner].std() < 0.1 * np.abs(volume - head)[inner].std()
    assert not inner.all()


@pytest.mark.parametrize("parameters", MOVES)
def test_parameters_and_matrix_are_inverse(parameters):
    matrix = motion.to_matrix(np.array(parameters), CENTRE)
    np.testing.assert_allclose(motion.to_parameters(matrix, CENTRE), parameters, atol=1e-12)
    np.testing.assert_allclose(matrix[:3, :3] @ matrix[:3, :3].T, np.eye(3), atol=1e-12)


def test_a_turn_leaves_the_centre_where_it_is():
    matrix = motion.to_matrix(np.array([0, 0, 0, 0.1, 0.2, -0.3]), CENTRE)
    np.testing.assert_allclose(matrix[:3, :3] @ CENTRE + matrix[:3, 3], CENTRE, atol=1e-12)


def test_framewise_displacement_is_that_of_power():
    path = np.array([[0, 0, 0, 0, 0, 0], [0.3, 0, -0.2, 0, 0.01, 0], [0.3, 0, -0.2, 0, 0.01, 0]])
    np.testing.assert_allclose(motion.framewise_displacement(path), [0, 0.3 + 0.2 + 50 * 0.01, 0])
    np.testing.assert_allclose(motion.framewise_displacement(path, head_radius=0.0), [0, 0.5, 0])
