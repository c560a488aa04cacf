"""What holds for the distributions of learned masks whatever their parameters."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from bench.tracks.circuits.masks import WINDOW, HardConcrete, sample_window

LOGITS = st.floats(-30, 30)
QUANTILES = st.floats(1e-9, 1 - 1e-9)
STRETCHES = st.builds(HardConcrete, temperature=st.floats(0.1, 3), low=st.floats(-1, -0.01), high=st.floats(1.01, 2))


def number(value: float) -> torch.Tensor:
    return torch.tensor(value, dtype=torch.float64)


@given(STRETCHES, LOGITS, QUANTILES)
def test_masks_lie_between_patched_and_kept(mask, logit, quantile):
    """Louizos, Welling and Kingma (2018), eq. 11."""
    assert 0 <= float(mask.at(number(logit), number(quantile))) <= 1
    assert 0 <= float(sample_window(number(logit), number(quantile))) <= 1


@given(STRETCHES, LOGITS, LOGITS, QUANTILES)
def test_a_larger_logit_keeps_more(mask, first, second, quantile):
    low, high = number(min(first, second)), number(max(first, second))
    assert mask.at(low, number(quantile)) <= mask.at(high, number(quantile))
    assert mask.expected_l0(low) <= mask.expected_l0(high)
    assert mask.cdf(0.5, low) >= mask.cdf(0.5, high)


@given(STRETCHES, LOGITS, st.floats(0, 0.99), st.floats(0, 0.99))
def test_a_distribution_function_rises_from_the_chance_of_nothing(mask, logit, first, second):
    below, above = (float(mask.cdf(value, number(logit))) for value in sorted((first, second)))
    assert 1 - float(mask.expected_l0(number(logit))) <= below + 1e-12
    assert below <= above


@given(STRETCHES, LOGITS, st.floats(0, 0.99), QUANTILES)
def test_a_mask_is_at_most_a_value_just_where_its_quantile_says_so(mask, logit, value, quantile):
    """The quantile runs from the smallest mask to the largest."""
    at_most = float(mask.at(number(logit), number(quantile))) <= value
    chance = float(mask.cdf(value, number(logit)))
    assert at_most == (quantile <= chance) or abs(quantile - chance) < 1e-7


@given(st.floats(-20, 20))
def test_chances_of_the_window_are_never_negative(logit):
    p = torch.sigmoid(number(logit))
    half = WINDOW * p * (1 - p) / 2
    assert p - half >= 0
    assert 1 - p - half >= 0
