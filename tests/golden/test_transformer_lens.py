"""Converted models say what TransformerLens 3.9 says of the same tensors.

`transformer_lens.json` holds its logits, to six digits, as `python -m bench.peers.lens_cases` prints them; nothing in
it is our own output.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.models import exhaustive
from bench.models.adapters.of_transformer_lens import converted
from bench.models.transformer import Transformer
from bench.peers import lens_cases

SAID = json.loads((Path(__file__).parent / "transformer_lens.json").read_text())


def test_every_case_is_recorded():
    assert set(SAID) == set(lens_cases.CASES)


@pytest.mark.parametrize("name", lens_cases.CASES)
def test_a_converted_model_says_what_transformer_lens_says(name: str) -> None:
    config, weights = converted(lens_cases.CASES[name], lens_cases.drawn(name))
    tokens = lens_cases.tokens_of(name)
    found = Transformer(config, weights, torch.float64).run(tokens).numpy()
    expected = np.array(SAID[name])
    assert expected.std() > 0.5
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-5)
    np.testing.assert_allclose(exhaustive.forward(config, weights, tokens), expected, rtol=0, atol=2e-5)


@pytest.mark.parametrize("name", lens_cases.CASES)
def test_each_tensor_matters_to_what_is_said(name: str) -> None:
    """A mapping that lost a tensor, or swapped two of one shape, would not be caught if it made no difference."""
    state, tokens = lens_cases.drawn(name), lens_cases.tokens_of(name)
    for key in state:
        if key.endswith("b_K"):
            continue  # a bias of the keys alone shifts all scores of a query alike
        changed = state | {key: state[key] + 0.1 * np.linspace(1, 2, state[key].size).reshape(state[key].shape)}
        found = Transformer(*converted(lens_cases.CASES[name], changed), torch.float64).run(tokens).numpy()
        assert np.abs(found - np.array(SAID[name])).max() > 1e-3, key
