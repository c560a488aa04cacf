"""The checkpoint of llama2.c as a Hugging Face folder, against the one that the mirror holds."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from bench.core import data

pytestmark = pytest.mark.skipif(
    "INTERPBENCH_MIRROR" not in os.environ, reason="INTERPBENCH_MIRROR names no data mirror"
)
DATASETS = Path(data.__file__).parents[2] / "datasets"


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    mirror = Path(os.environ["INTERPBENCH_MIRROR"])
    known = mirror / "stories260K" / "hf"
    if not known.is_dir():
        pytest.skip(f"the mirror has no {known}")
    return data.obtain("stories260k", DATASETS, tmp_path_factory.mktemp("store"), mirror), known


def test_every_weight_is_the_same_to_the_bit(folders):
    ours, known = (load_file(folder / "model.safetensors") for folder in folders)
    assert ours.keys() == known.keys()
    for name in ours:
        np.testing.assert_array_equal(ours[name], known[name])


def test_the_configuration_says_the_same(folders):
    ours, known = (json.loads((folder / "config.json").read_text()) for folder in folders)
    assert {key: known[key] for key in ours} == ours


def test_texts_become_the_same_tokens(folders):
    ours, known = (Tokenizer.from_file(str(folder / "tokenizer.json")) for folder in folders)
    text = (Path(os.environ["INTERPBENCH_MIRROR"]) / "stories260K" / "stories260K.md").read_text()
    for piece in [text, *text.splitlines(), "naïve café \U0001f642", "I'm  two blanks"]:
        assert ours.encode(piece, add_special_tokens=False).ids == known.encode(piece, add_special_tokens=False).ids
