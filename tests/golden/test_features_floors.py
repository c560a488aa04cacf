"""What a random dictionary scores, against figures from independent draws (design notes of this suite, 2026)."""

from __future__ import annotations

import numpy as np
import pytest

from bench.core.contract import generator
from bench.kernels.matching import cosines, matched_cosine

TABLE = (  # features, latents, width, matched |cosine|, mean largest |cosine|, draws
    (5, 5, 2, 0.871, 0.943, 1000),
    (40, 40, 20, 0.485, 0.518, 60),
)


@pytest.mark.parametrize(("features", "latents", "width", "matched", "largest", "draws"), TABLE)
def test_random_dictionaries_score_far_above_nothing(features, latents, width, matched, largest, draws):
    rng = generator("floors", features)
    pairs = [(rng.standard_normal((features, width)), rng.standard_normal((latents, width))) for _ in range(draws)]
    found = np.array([matched_cosine(*pair) for pair in pairs])
    assert found.mean() == pytest.approx(matched, abs=0.004)
    assert np.mean([np.abs(cosines(*pair)).max(axis=1).mean() for pair in pairs]) == pytest.approx(largest, abs=0.004)


def test_more_truths_than_latents_are_scored_over_the_truths():
    """512 truths and 256 latents in 96 d: .320 for the matched pairs, half of it over all truths."""
    rng = generator("floors", 512)
    found = [matched_cosine(rng.standard_normal((512, 96)), rng.standard_normal((256, 96))) for _ in range(5)]
    assert np.mean(found) == pytest.approx(0.320 / 2, abs=0.003)
