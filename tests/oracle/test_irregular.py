"""Irregular times onto a regular course, against loops and against what theory says of band-limited signals."""

import numpy as np
import pytest

from bench.kernels.irregular import average_within, lanczos

FRAMES = np.arange(40) * 0.5


@pytest.fixture
def words():
    rng = np.random.default_rng(0)
    return np.sort(rng.uniform(-1, 21, 90)), rng.standard_normal((90, 3))


def test_averages_equal_a_loop_over_samples(words):
    times, values = words
    expected = np.zeros((40, 3))
    for row, frame in enumerate(FRAMES):
        inside = (times >= frame - 0.25) & (times < frame + 0.25)
        if inside.any():
            expected[row] = values[inside].mean(axis=0)
    np.testing.assert_allclose(average_within(times, values, FRAMES, 0.5), expected, atol=1e-12)


def test_lanczos_equals_a_loop_over_words(words):
    times, values = words
    expected = np.zeros((40, 3))
    for row, frame in enumerate(FRAMES):
        for time, value in zip(times, values, strict=True):
            u = (frame - time) / 0.5
            if abs(u) >= 3:
                continue
            window = 1.0 if u == 0 else 3 * np.sin(np.pi * u) * np.sin(np.pi * u / 3) / (np.pi * u) ** 2
            expected[row] += window * value
    np.testing.assert_allclose(lanczos(times, values, FRAMES, 0.5), expected, atol=1e-12)


def test_lanczos_passes_a_slow_wave_and_stops_a_fast_one():
    """Twenty values a sample: a period of 8 samples comes through in size, one of 1.25 samples does not."""
    times = np.arange(-100, 900) * 0.025
    inner = slice(5, 35)
    slow, fast = (np.sin(2 * np.pi * times / period)[:, None] for period in (4.0, 0.625))
    kept = lanczos(times, slow, FRAMES, 0.5)[inner, 0] / 20
    np.testing.assert_allclose(kept, np.sin(2 * np.pi * FRAMES / 4.0)[inner], atol=0.03)
    assert np.abs(lanczos(times, fast, FRAMES, 0.5)[inner] / 20).max() < 0.1


def test_twice_as_many_words_give_twice_as_much_to_lanczos_and_the_same_to_averages(words):
    times, values = words
    twice = np.repeat(times, 2), np.repeat(values, 2, axis=0)
    np.testing.assert_allclose(lanczos(*twice, FRAMES, 0.5), 2 * lanczos(times, values, FRAMES, 0.5), atol=1e-12)
    np.testing.assert_allclose(average_within(*twice, FRAMES, 0.5), average_within(times, values, FRAMES, 0.5))
