"""Which columns a recording gets: the voxels of a mask, or means of regions by a label image or by coordinates."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int
from scipy.sparse import csr_array

from bench.core.contract import BadInput
from bench.neuro.fmri import volumes
from bench.neuro.fmri.settings import Settings

MM = 1e-3  # m


@dataclass(frozen=True)
class Sites:
    """`table` has the columns of `Recording.sites`. `average[i]` weighs the mask's voxels in site i (rows sum to 1);
    None where every voxel is a site. `empty` names regions without a voxel in the mask: they are no sites."""

    table: pd.DataFrame
    average: csr_array | None
    empty: list[str]

    def extract(self, series: Float[np.ndarray, "time voxels"]) -> Float[np.ndarray, "time sites"]:
        return series if self.average is None else (self.average @ series.T).T


def choose_sites(
    mask: Bool[np.ndarray, "x y z"], affine: Float[np.ndarray, "4 4"], space: str, settings: Settings, who: str
) -> Sites:
    """The sites that the settings ask for. Raises `BadInput` where no region has a voxel in the mask, and for MNI
    coordinates of data in another space."""
    if settings.sites == "voxels":
        return Sites(voxel_table(mask, affine), None, [])
    if settings.sites == "labels":
        names, members = by_labels(Path(settings.labels), mask, affine, who)
    else:
        if not space.startswith("MNI"):
            raise BadInput(
                f"{who}: {settings.atlas} has MNI coordinates and its data are in the space {space}; "
                "give a derivative in MNI space, or `labels`"
            )
        centres = atlas_centres(settings.atlas)
        names = [f"{settings.atlas}_{number:03d}" for number in range(1, len(centres) + 1)]
        members = by_spheres(centres, mask, affine, settings.sphere_radius)
    return region_sites(names, members, mask, affine, who)


def voxel_table(mask: Bool[np.ndarray, "x y z"], affine: Float[np.ndarray, "4 4"]) -> pd.DataFrame:
    """One row a voxel in array order: its indices as name, its place in m."""
    indices = np.argwhere(mask)
    table = pd.DataFrame(places(mask, affine) * MM, columns=["x", "y", "z"])
    table.insert(0, "name", ["_".join(map(str, index)) for index in indices])
    table.insert(1, "kind", "voxel")
    return table


def places(mask: Bool[np.ndarray, "x y z"], affine: Float[np.ndarray, "4 4"]) -> Float[np.ndarray, "voxels 3"]:
    """Where the mask's voxels lie, in mm."""
    return np.argwhere(mask) @ affine[:3, :3].T + affine[:3, 3]


def by_labels(
    path: Path, mask: Bool[np.ndarray, "x y z"], affine: Float[np.ndarray, "4 4"], who: str
) -> tuple[list[str], list[Int[np.ndarray, "members"]]]:
    """Names (`label_<number>`) and member voxels of each label above 0. A voxel has the label at its place in mm, so
    that the image may have a grid of its own; what is not a whole number is refused."""
    image = volumes.load(path, who)
    values = volumes.read_values(image, path, who)
    if values.ndim != 3 or (values != np.round(values)).any():
        raise BadInput(f"{who}: {path} is no 3-D image of whole numbers; give a label image, not a probability map")
    to_label = np.linalg.inv(image.affine)
    index = np.rint(places(mask, affine) @ to_label[:3, :3].T + to_label[:3, 3]).astype(int)
    inside = ((index >= 0) & (index < values.shape)).all(axis=1)
    found = np.zeros(len(index), int)
    found[inside] = values[tuple(index[inside].T)]
    known = [int(label) for label in np.unique(values) if label > 0]
    return [f"label_{label}" for label in known], [np.flatnonzero(found == label) for label in known]


def atlas_centres(name: str) -> Float[np.ndarray, "regions 3"]:
    """MNI coordinates (mm) of an atlas that the wheel of nilearn holds; nothing is downloaded."""
    from nilearn import datasets

    return getattr(datasets, f"fetch_coords_{name}")().rois[["x", "y", "z"]].to_numpy(float)


def by_spheres(
    centres: Float[np.ndarray, "regions 3"],
    mask: Bool[np.ndarray, "x y z"],
    affine: Float[np.ndarray, "4 4"],
    radius: float,
) -> list[Int[np.ndarray, "members"]]:
    """Voxels whose centre lies within `radius` (mm) of each coordinate; spheres may share voxels."""
    where = places(mask, affine)
    return [np.flatnonzero(np.linalg.norm(where - centre, axis=1) <= radius) for centre in centres]


def region_sites(
    names: list[str],
    members: list[Int[np.ndarray, "members"]],
    mask: Bool[np.ndarray, "x y z"],
    affine: Float[np.ndarray, "4 4"],
    who: str,
) -> Sites:
    """Means over member voxels; the place of a region is the mean place of its members."""
    kept = [number for number, voxels in enumerate(members) if len(voxels)]
    if not kept:
        raise BadInput(
            f"{who}: none of {len(names)} regions has a voxel in its mask; give regions in the space of the data"
        )
    sizes = [len(members[number]) for number in kept]
    columns = np.concatenate([members[number] for number in kept])
    rows = np.repeat(np.arange(len(kept)), sizes)
    average = csr_array((1.0 / np.repeat(sizes, sizes), (rows, columns)), shape=(len(kept), int(mask.sum())))
    table = pd.DataFrame(average @ places(mask, affine) * MM, columns=["x", "y", "z"])
    table.insert(0, "name", [names[number] for number in kept])
    table.insert(1, "kind", "region")
    return Sites(table, average, [name for number, name in enumerate(names) if number not in set(kept)])
