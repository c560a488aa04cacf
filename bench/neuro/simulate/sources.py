"""A template head: cortical sources, what sensors see of them, and noise whose covariance is known in closed form.

Cortex and scalp come from files inside the wheels of nilearn (fsaverage5) and MNE (fsaverage, standard montages), so
that nothing is downloaded; the forward model builds in about a second. EEG: MNE's sphere of three layers fitted to the
electrodes. MEG: radial magnetometers above the same places, for which a sphere has a closed form.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from jaxtyping import Float

NAMES = [
    "Fp1", "Fp2", "F7", "F3", "Fz", "F4", "F8", "FC5", "FC1", "FC2",
    "FC6", "T7", "C3", "Cz", "C4", "T8", "CP5", "CP1", "CP2", "CP6",
    "P7", "P3", "Pz", "P4", "P8", "PO9", "O1", "Oz", "O2", "PO10",
]  # fmt: skip
VERTICES = 642  # of each hemisphere: the first ones of fsaverage5 are a regular coarser mesh
MAGNETOMETERS = 0.12  # m from the centre of the sphere
VACUUM = 1e-7  # mu_0 / 4 pi, T m / A

Power = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Head:
    """Sensors and cortical dipoles (unit moments along the cortex's normals), in metres in MNE's head frame."""

    names: list[str]
    sensors: Float[np.ndarray, "channels 3"]
    centre: Float[np.ndarray, "3"]  # of the fitted sphere
    sources: Float[np.ndarray, "sources 3"]
    normals: Float[np.ndarray, "sources 3"]
    electric: Float[np.ndarray, "channels sources"]  # V / (A m), against infinity
    magnetic: Float[np.ndarray, "channels sources"]  # T / (A m)


@cache
def template_head() -> Head:
    """The head that all simulations share; built once a process."""
    import mne

    with mne.use_log_level("error"):
        montage = mne.channels.make_standard_montage("standard_1020")
        info = mne.create_info(list(NAMES), 100.0, "eeg").set_montage(montage)
        sphere = mne.make_sphere_model("auto", "auto", info)
        sources, normals = cortex()
        grid = mne.setup_volume_source_space(pos={"rr": sources, "nn": normals}, sphere_units="m")
        forward = mne.make_forward_solution(info, None, grid, sphere, meg=False, eeg=True, mindist=0.0)
    free = forward["sol"]["data"].reshape(len(NAMES), -1, 3)
    sensors = np.stack([channel["loc"][:3] for channel in info["chs"]])
    centre = np.asarray(sphere["r0"], float)
    magnetometers = centre + MAGNETOMETERS * unit(sensors - centre)
    return Head(
        list(NAMES), sensors, centre, sources, normals,
        electric=np.einsum("csx,sx->cs", free, normals),
        magnetic=radial_field(magnetometers - centre, sources - centre, normals),
    )  # fmt: skip


def cortex() -> tuple[Float[np.ndarray, "sources 3"], Float[np.ndarray, "sources 3"]]:
    """Vertices of the white surface of both hemispheres and its outward normals, in the head frame."""
    import mne
    import nibabel
    import nilearn

    meshes = Path(nilearn.__file__).parent / "datasets" / "data" / "fsaverage5"
    template = Path(mne.__file__).parent / "data" / "fsaverage" / "fsaverage-trans.fif"
    to_head = np.linalg.inv(mne.read_trans(template, verbose="error")["trans"])  # the file goes from head to MRI
    points, normals = [], []
    for side in ("left", "right"):
        mesh = nibabel.gifti.GiftiImage.from_filename(meshes / f"white_{side}.gii.gz")
        vertices = mesh.agg_data("pointset").astype(float) * 1e-3  # mm
        points.append(vertices[:VERTICES])
        normals.append(vertex_normals(vertices, mesh.agg_data("triangle"))[:VERTICES])
    turned = np.concatenate(points) @ to_head[:3, :3].T + to_head[:3, 3]
    return turned, np.concatenate(normals) @ to_head[:3, :3].T


def vertex_normals(vertices: np.ndarray, triangles: np.ndarray) -> Float[np.ndarray, "vertices 3"]:
    """Unit normals: the sum of the normals of the triangles around a vertex, each weighted by its area."""
    first, second, third = (vertices[corner] for corner in triangles.T)
    faces = np.cross(second - first, third - first)
    total = np.zeros_like(vertices)
    for corner in triangles.T:
        np.add.at(total, corner, faces)
    return unit(total)


def unit(vectors: Float[np.ndarray, "... 3"]) -> Float[np.ndarray, "... 3"]:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def radial_field(
    sensors: Float[np.ndarray, "channels 3"],
    sources: Float[np.ndarray, "sources 3"],
    moments: Float[np.ndarray, "sources 3"],
) -> Float[np.ndarray, "channels sources"]:
    """Radial magnetic field (T / (A m)) of current dipoles in a conducting sphere about the origin.

    mu_0 / 4 pi (q x (r - r_q)) . e_r / |r - r_q|^3: volume currents add nothing to the radial field, and a radial
    dipole is silent (Sarvas 1987, Physics in Medicine and Biology 32:11-22, section 4).
    """
    away = sensors[:, None] - sources
    turned = (np.cross(moments, away) * unit(sensors)[:, None]).sum(axis=-1)
    return VACUUM * turned / np.linalg.norm(away, axis=-1) ** 3


def average_reference(values: Float[np.ndarray, "... channels time"]) -> Float[np.ndarray, "... channels time"]:
    """Potentials against the mean of all channels; one dimension is lost."""
    return values - values.mean(axis=-2, keepdims=True)


def power_law(exponent: float) -> Power:
    """Power f^-exponent, and none at 0 Hz."""

    def power(frequencies: np.ndarray) -> np.ndarray:
        found = np.zeros(len(frequencies))
        found[frequencies > 0] = frequencies[frequencies > 0] ** -exponent
        return found

    return power


def band(centre: float, width: float) -> Power:
    """Power of a rhythm: a Gaussian of standard deviation `width` about `centre` (Hz)."""
    return lambda frequencies: np.exp(-0.5 * ((frequencies - centre) / width) ** 2)


def shares(power: Power, sampling_rate: float, period: int) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies (Hz) of a series that repeats after `period` samples, and the share of the variance at each."""
    frequencies = np.fft.rfftfreq(period, 1 / sampling_rate)
    weight = np.full(len(frequencies), 2.0)
    weight[[0, -1] if period % 2 == 0 else [0]] = 1.0
    found = weight * power(frequencies)
    return frequencies, found / found.sum()


def stationary_covariance(
    power: Power, sampling_rate: float, length: int, period: int
) -> Float[np.ndarray, "length length"]:
    """Covariance of a stretch of a stationary series of variance 1: sum_f share(f) cos(2 pi f (s - t))."""
    frequencies, share = shares(power, sampling_rate, period)
    lags = np.arange(length) / sampling_rate
    at_lag = np.cos(2 * np.pi * np.outer(lags, frequencies)) @ share
    return at_lag[np.abs(np.subtract.outer(np.arange(length), np.arange(length)))]


def draw_stationary(
    power: Power, sampling_rate: float, length: int, period: int, shape: tuple[int, ...], rng: np.random.Generator
) -> Float[np.ndarray, "... length"]:
    """Independent stretches of Gaussian series of variance 1, by random Fourier coefficients over one period."""
    _, share = shares(power, sampling_rate, period)
    white = np.fft.rfft(rng.normal(size=(*shape, period)), axis=-1)
    weight = np.full(len(share), 2.0)
    weight[[0, -1] if period % 2 == 0 else [0]] = 1.0
    return np.fft.irfft(white * np.sqrt(share / weight * period), n=period, axis=-1)[..., :length]
