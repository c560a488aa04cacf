"""The template head and its noise meet their theory: linearity, reference, silence of radial dipoles, spectra, SNR."""

import numpy as np
import pytest
from scipy import stats

from bench.core.catalogue import load_plugin
from bench.core.config import ROOT
from bench.neuro.simulate import sources
from bench.tracks.decoding import planting

DESIGNS = load_plugin(ROOT / "bench" / "tracks" / "decoding" / "tasks" / "planted.py").DESIGNS


@pytest.fixture(scope="module")
def head():
    return sources.template_head()


def test_cortex_lies_inside_the_scalp_and_electrodes_on_it(head):
    depth = np.linalg.norm(head.sources - head.centre, axis=1)
    heights = np.linalg.norm(head.sensors - head.centre, axis=1)
    assert depth.max() < 0.09
    assert 0.08 < heights.min() < heights.max() < 0.11  # m
    np.testing.assert_allclose(np.linalg.norm(head.normals, axis=1), 1, rtol=1e-6)  # the file turns in float32
    outwards = (head.normals * (head.sources - head.centre)).sum(axis=1) > 0
    assert outwards.mean() > 0.6  # gyri look out, sulci sideways


def test_potentials_of_a_dipole_follow_the_closed_form_of_an_infinite_medium_in_order(head):
    """Layers smear and enlarge what an unbounded conductor shows, p . r / (4 pi sigma r^3), and keep where it is."""
    away = head.sensors[:, None] - head.sources
    free = (head.normals * away).sum(axis=-1) / np.linalg.norm(away, axis=-1) ** 3
    ours, theirs = (sources.average_reference(field.T[:, :, None])[:, :, 0] for field in (head.electric, free))
    cosine = (ours * theirs).sum(axis=1) / np.linalg.norm(ours, axis=1) / np.linalg.norm(theirs, axis=1)
    assert np.median(cosine) > 0.9


def test_the_magnetic_field_is_the_gradient_form_of_biot_and_savart(head):
    """Radial component of mu_0 / 4 pi q x r / r^3 of each dipole, summed by its parts; magnetometers of one sphere."""
    rng = np.random.default_rng(0)
    places, moments = 0.06 * sources.unit(rng.normal(size=(5, 3))), rng.normal(size=(5, 3))
    sensors = 0.12 * sources.unit(rng.normal(size=(7, 3)))
    found = sources.radial_field(sensors, places, moments)
    for i, sensor in enumerate(sensors):
        for j, (place, moment) in enumerate(zip(places, moments, strict=True)):
            x, y, z = sensor - place
            field = np.array(
                [moment[1] * z - moment[2] * y, moment[2] * x - moment[0] * z, moment[0] * y - moment[1] * x]
            )
            expected = 1e-7 * field @ sensor / 0.12 / (x * x + y * y + z * z) ** 1.5
            assert found[i, j] == pytest.approx(expected, rel=1e-12)


def test_radial_dipoles_are_magnetically_silent_and_tangential_ones_are_not():
    rng = np.random.default_rng(0)
    places, sensors = 0.06 * sources.unit(rng.normal(size=(9, 3))), 0.12 * sources.unit(rng.normal(size=(20, 3)))
    radial = sources.unit(places)
    tangential = sources.unit(np.cross(radial, rng.normal(size=(9, 3))))
    loud = np.abs(sources.radial_field(sensors, places, tangential)).max()
    assert np.abs(sources.radial_field(sensors, places, radial)).max() < 1e-12 * loud


def test_the_field_is_linear_in_the_moment():
    rng = np.random.default_rng(0)
    place, sensors, (one, other) = rng.normal(size=(1, 3)), 3 * rng.normal(size=(6, 3)), rng.normal(size=(2, 1, 3))
    summed = sources.radial_field(sensors, place, 2 * one - other)
    parts = 2 * sources.radial_field(sensors, place, one) - sources.radial_field(sensors, place, other)
    np.testing.assert_allclose(summed, parts, atol=1e-18)


def test_the_average_reference_takes_one_dimension_and_no_more(head):
    referenced = sources.average_reference(head.electric)
    np.testing.assert_allclose(referenced.mean(axis=0), 0, atol=1e-12 * np.abs(referenced).max())
    assert np.linalg.matrix_rank(referenced) == len(head.names) - 1
    np.testing.assert_allclose(sources.average_reference(referenced), referenced)


@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0])
def test_the_spectrum_falls_with_the_asked_exponent(exponent):
    power = sources.power_law(exponent)
    series = sources.draw_stationary(power, 100.0, 400, 400, (300,), np.random.default_rng(0))
    spectrum = np.square(np.abs(np.fft.rfft(series))).mean(axis=0)[1:-1]
    slope = stats.linregress(np.log(np.fft.rfftfreq(400, 0.01)[1:-1]), np.log(spectrum))
    assert abs(slope.slope + exponent) < 4 * slope.stderr
    assert slope.stderr < 0.02


@pytest.mark.parametrize("power", [sources.power_law(1.0), sources.band(10.0, 1.5)], ids=["pink", "rhythm"])
@pytest.mark.parametrize("period", [200, 201])
def test_drawn_series_have_the_covariance_that_is_summed_from_cosines(power, period):
    drawn = sources.draw_stationary(power, 100.0, 30, period, (20_000,), np.random.default_rng(0))
    stated = sources.stationary_covariance(power, 100.0, 30, period)
    error = np.sqrt((np.square(stated) + 1) / 20_000)  # of a Gaussian covariance (Isserlis)
    assert (np.abs(drawn.T @ drawn / 20_000 - stated) / error).max() < 5
    np.testing.assert_allclose(np.diag(stated), 1)


@pytest.mark.parametrize("instance", [name for name, design in DESIGNS.items() if design.kind == "evoked"])
def test_the_signal_to_noise_ratio_is_the_asked_one(instance):
    """Mean squares over the channels of the head: response of a class at its height over what noise alone has there."""
    design = DESIGNS[instance]
    rng = np.random.default_rng(0)
    world = planting.draw_world(design, rng)
    heads = design.channels
    if design.classes == 2:
        height = np.abs(world.means[1] - world.means[0])[:heads]
        assert np.square(height).mean(axis=0).max() == pytest.approx(design.snr, rel=1e-6)
    terms = [factor for factor, _ in world.noise[:2]]  # an environment comes on top
    assert sum(np.square(factor[:heads]).sum() for factor in terms) / heads == pytest.approx(1)
