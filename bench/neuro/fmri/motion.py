"""Rigid motion of the head: how far each volume lies from a reference volume, and volumes moved back.

A movement is a 4 x 4 matrix from reference to moving space, both in mm of the scanner's axes: what lies at x in the
reference volume lies at T x in the moving one. Its six parameters are translations along and rotations about the axes
through a fixed centre (the middle of the reference grid): T x = R (x - c) + c + t, R = Rx Ry Rz.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from dipy.align.imaffine import AffineRegistration, MutualInformationMetric
from dipy.align.transforms import RigidTransform3D, TranslationTransform3D
from jaxtyping import Bool, Float
from scipy import ndimage
from scipy.spatial.transform import Rotation

PARAMETERS = ("trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z")
STEPS, ENOUGH = 30, 1e-4  # Gauss-Newton steps, and the change (mm, or rad at 50 mm) at which they end
TO_SIGMA = 1 / np.sqrt(8 * np.log(2))  # of a Gaussian, from its full width at half maximum

Volume = Float[np.ndarray, "x y z"]
Affine = Float[np.ndarray, "4 4"]


def grid_centre(shape: tuple[int, ...], affine: Affine) -> Float[np.ndarray, "3"]:
    """Middle of a grid in mm."""
    return affine[:3, :3] @ ((np.array(shape[:3]) - 1) / 2) + affine[:3, 3]


def to_matrix(parameters: Float[np.ndarray, "6"], centre: Float[np.ndarray, "3"]) -> Affine:
    """The movement of three translations (mm) and three rotations (rad)."""
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_euler("XYZ", parameters[3:]).as_matrix()
    matrix[:3, 3] = parameters[:3] + centre - matrix[:3, :3] @ centre
    return matrix


def to_parameters(matrix: Affine, centre: Float[np.ndarray, "3"]) -> Float[np.ndarray, "6"]:
    """Inverse of `to_matrix`; rotations lie within half a turn."""
    rotation = matrix[:3, :3]
    return np.concatenate([matrix[:3, 3] - centre + rotation @ centre, Rotation.from_matrix(rotation).as_euler("XYZ")])


def framewise_displacement(
    parameters: Float[np.ndarray, "time 6"], head_radius: float = 50.0
) -> Float[np.ndarray, "time"]:
    """Sum of absolute changes since the last volume in mm, rotations as arcs at `head_radius` (mm); 0 at the first.

    Power et al. 2012, NeuroImage 59:2142-2154, their FD.
    """
    moved = np.abs(np.diff(parameters, axis=0, prepend=parameters[:1]))
    return moved[:, :3].sum(axis=1) + head_radius * moved[:, 3:].sum(axis=1)


def smoothed(volume: Volume, affine: Affine, width: float) -> Volume:
    """Gaussian smoothing of full width at half maximum `width` (mm)."""
    sizes = np.sqrt(np.square(affine[:3, :3]).sum(axis=0))
    return ndimage.gaussian_filter(volume, width * TO_SIGMA / sizes, mode="nearest")


def resampled(volume: Volume, affine: Affine, movement: Affine, grid: tuple[int, ...], grid_affine: Affine) -> Volume:
    """The moving volume on the reference grid, by cubic splines; beyond its edge it goes on with its edge values."""
    voxels = np.linalg.inv(affine) @ movement @ grid_affine
    return ndimage.affine_transform(volume, voxels[:3, :3], voxels[:3, 3], grid[:3], order=3, mode="nearest")


def in_view(
    shape: tuple[int, ...], affine: Affine, movement: Affine, grid: tuple[int, ...], grid_affine: Affine
) -> Bool[np.ndarray, "x y z"]:
    """Voxels of the reference grid that a moving volume of `shape` had in view; half a voxel beyond still counts."""
    voxels = np.linalg.inv(affine) @ movement @ grid_affine
    places = np.tensordot(voxels[:3, :3], np.indices(grid[:3]), 1) + voxels[:3, 3][:, None, None, None]
    size = np.array(shape[:3])[:, None, None, None]
    return ((places >= -0.5) & (places <= size - 0.5)).all(axis=0)


def least_squares(static: Volume, affine: Affine) -> Callable[[Volume, Affine, Affine], Affine]:
    """An estimator of movements from `static`: estimate(moving, its affine, first guess) -> movement.

    Minimises sum_x (M(T x) - S(x))^2 over the six parameters, x brighter than the static volume's mean (head, not
    air). Gauss-Newton in its inverse compositional form: derivatives are those of the static volume, once for all.
    Baker and Matthews 2004, Int J Comput Vis 56:221-255; the cost is that of Friston et al. 1995.
    """
    points = np.argwhere(static > static.mean())
    world = points @ affine[:3, :3].T + affine[:3, 3]
    centre = grid_centre(static.shape, affine)
    slopes = np.stack([slope[tuple(points.T)] for slope in np.gradient(static)], axis=1) @ np.linalg.inv(affine)[:3, :3]
    design = np.concatenate([slopes, np.cross(world - centre, slopes)], axis=1)
    inverse, values = np.linalg.pinv(design), static[tuple(points.T)]

    def estimate(moving: Volume, moving_affine: Affine, guess: Affine) -> Affine:
        movement, to_voxels = guess, np.linalg.inv(moving_affine)
        coefficients = ndimage.spline_filter(moving, order=3)
        for _ in range(STEPS):
            places = to_voxels @ movement @ np.column_stack([world, np.ones(len(world))]).T
            found = ndimage.map_coordinates(coefficients, places[:3], order=3, mode="nearest", prefilter=False)
            change = inverse @ (found - values)
            movement = movement @ np.linalg.inv(to_matrix(change, centre))
            if np.abs(change * [1, 1, 1, 50, 50, 50]).max() < ENOUGH:
                break
        return movement

    return estimate


def mutual_information(static: Volume, affine: Affine) -> Callable[[Volume, Affine, Affine], Affine]:
    """An estimator as `least_squares`, by dipy: Mattes mutual information, translation first, then the rigid movement.

    For volumes whose contrast differs. Space is centred first: dipy turns about the origin, and an optimiser that
    sees turns and shifts tied to each other stops early.
    """
    registration = AffineRegistration(
        metric=MutualInformationMetric(nbins=32), level_iters=[100, 50], sigmas=[1.0, 0.0], factors=[2, 1], verbosity=0
    )
    home = np.eye(4)
    home[:3, 3] = -grid_centre(static.shape, affine)

    def estimate(moving: Volume, moving_affine: Affine, guess: Affine) -> Affine:
        movement = home @ guess @ np.linalg.inv(home)
        for transform in (TranslationTransform3D(), RigidTransform3D()):
            movement = registration.optimize(
                static,
                moving,
                transform,
                None,
                static_grid2world=home @ affine,
                moving_grid2world=home @ moving_affine,
                starting_affine=movement,
            ).affine
        return np.linalg.inv(home) @ movement @ home

    return estimate


ESTIMATORS = {"least_squares": least_squares, "mutual_information": mutual_information}


def estimate_movements(
    series: Float[np.ndarray, "x y z time"],
    affine: Affine,
    reference: Volume,
    reference_affine: Affine,
    *,
    method: str,
    smoothing: float,
) -> Float[np.ndarray, "time 4 4"]:
    """The movement of each volume from `reference`, each started from the one before; `smoothing` in mm."""
    estimate = ESTIMATORS[method](smoothed(reference, reference_affine, smoothing), reference_affine)
    movements, last = [], np.eye(4)
    for number in range(series.shape[3]):
        last = estimate(smoothed(series[..., number], affine, smoothing), affine, last)
        movements.append(last)
    return np.stack(movements)
