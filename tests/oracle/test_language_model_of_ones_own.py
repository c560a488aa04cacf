"""A model folder of one's own becomes a task by a file of a few lines: the one that the docs show."""

import re

import numpy as np
import pytest
import torch
from tokenizers import Regex, Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Split
from transformers import AutoModelForCausalLM, GPT2Config

from bench.core.catalogue import load_plugin, read_tracks
from bench.core.config import ROOT
from bench.core.contract import DEV_SEED, BadInput, generator
from bench.core.problems import Workspace
from bench.models.prompts.english import FAMILIES
from bench.tracks.circuits import prompted
from bench.tracks.circuits.controls import random_edges
from bench.tracks.circuits.experiment import Experiment
from bench.tracks.circuits.methods import eap
from bench.tracks.circuits.score import score

DOCUMENTED = ROOT / "docs" / "circuits-language-models.md"
PIECES = r" ?\w+|[^\w]"


def save_tokenizer(path):
    """One token for every word of the families, with and without the blank before it."""
    rng = np.random.default_rng(0)
    pairs = [FAMILIES[name].draw(rng) for name in ("induction", "indirect_object") for _ in range(300)]
    answers = [answer for name in ("induction", "indirect_object") for answer in FAMILIES[name].answers]
    words = {piece for pair in pairs for piece in re.findall(PIECES, pair.clean)} | {"The", *answers}
    vocabulary = {word: number for number, word in enumerate(["<unk>", "<s>", *sorted(words)])}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = Split(Regex(PIECES), "isolated")
    tokenizer.save(str(path))
    return len(vocabulary)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny random GPT-2."""
    folder = tmp_path_factory.mktemp("model")
    size = save_tokenizer(folder / "tokenizer.json")
    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=size, n_embd=16, n_layer=2, n_head=2, n_positions=32, bos_token_id=1, initializer_range=0.5
    )
    AutoModelForCausalLM.from_config(config, dtype=torch.float32).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def task(folder, tmp_path_factory):
    """The task file of the docs with another model's name, in a folder of plug-ins."""
    (source,) = re.findall(r"```python\n(.*?)```", DOCUMENTED.read_text(), re.DOTALL)
    assert source.count('MODEL = "gpt2"') == 1
    plugins = tmp_path_factory.mktemp("plugins")
    (plugins / "circuits" / "tasks").mkdir(parents=True)
    (plugins / "circuits" / "tasks" / "my_model.py").write_text(source.replace('"gpt2"', f'"{folder}"', 1))
    found = read_tracks(ROOT, [plugins])["circuits"].tasks["my_model"]
    assert set(found.facts["INSTANCES"]) == {"indirect_object", "induction"}
    return load_plugin(found.path)


def test_a_family_that_the_model_does_not_do_is_refused(task, tmp_path):
    with pytest.raises(BadInput, match=r"of \d+ aligned pairs the model does [0-7]; 8 are needed"):
        task.generate("induction", DEV_SEED, generator("test", "induction"), Workspace(tmp_path, {}))


def test_a_unit_of_it_is_generated_solved_and_scored(task, folder, tmp_path):
    instance = "indirect_object"
    problem, truth = task.generate(instance, DEV_SEED, generator("test", instance), Workspace(tmp_path, {}))
    assert len(problem.clean) == prompted.EXAMPLES
    assert (problem.clean[:, 0] == 1).all()  # the token that begins a text, as config.json says
    theirs = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager").eval()
    with torch.no_grad():
        logits = theirs(torch.tensor(problem.clean)).logits[:, -1].double().numpy()
    outputs = prompted.read_subject(str(folder), instance).outputs
    lead = (logits[:, outputs] * problem.direction[:, -1]).sum(1)
    assert (lead > 0).all()
    experiment = Experiment(problem)
    assert float(experiment.metric(experiment.output)) == pytest.approx(lead.mean(), abs=1e-5)
    found, chance = (
        score(problem, truth, method.solve(problem, generator("solve", instance))) for method in (eap, random_edges)
    )
    assert found["cpr"] > chance["cpr"] + 0.1
