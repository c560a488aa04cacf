"""Prompts of the story model: what transformers says of them, and that their circuits score as they must."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from bench.core.contract import DEV_SEED, BadInput, generator
from bench.core.problems import Workspace
from bench.tracks.circuits.controls import random_edges
from bench.tracks.circuits.faithfulness import Faithfulness
from bench.tracks.circuits.methods import eap_ig_inputs, relevance_patching
from bench.tracks.circuits.score import score
from bench.tracks.circuits.tasks import language_model
from bench.tracks.circuits.types import Answer

FOLDER = Path(os.environ.get("INTERPBENCH_MIRROR", "nowhere")) / "stories260K" / "hf"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="INTERPBENCH_MIRROR names no mirror of stories260K")
INSTANCES = tuple(language_model.INSTANCES)


@pytest.fixture(scope="module")
def problems(tmp_path_factory):
    """One problem and its truth of each instance, on a development seed."""
    workspace = Workspace(tmp_path_factory.mktemp("blobs"), {"stories260k": FOLDER})
    return {
        name: language_model.generate(name, DEV_SEED, generator("test", name), workspace)
        for name in language_model.INSTANCES
    }


@pytest.fixture(scope="module")
def theirs():
    return LlamaForCausalLM.from_pretrained(FOLDER, attn_implementation="eager").eval()


def logits_of(theirs, tokens):
    with torch.no_grad():
        return theirs(torch.tensor(tokens)).logits[:, -1].double().numpy()


@pytest.mark.parametrize("instance", INSTANCES)
def test_transformers_prefers_the_right_answer_after_every_clean_text_and_the_wrong_one_after_every_corrupted(
    instance, problems, theirs
):
    problem, _ = problems[instance]
    outputs = language_model.read_subject(instance, FOLDER).outputs
    direction = problem.direction[:, -1]
    clean, corrupted = (logits_of(theirs, tokens)[:, outputs] for tokens in (problem.clean, problem.corrupted))
    assert ((clean * direction).sum(1) > 0).all()
    assert ((corrupted * direction).sum(1) < 0).all()
    assert (direction.sum(1) == 0).all()
    experiment = Faithfulness(problem).experiment
    assert float(experiment.metric(experiment.output)) == pytest.approx((clean * direction).sum(1).mean(), abs=1e-4)


@pytest.mark.parametrize("instance", INSTANCES)
def test_texts_are_read_as_transformers_reads_them_and_differ_where_the_answer_does(instance, problems):
    problem, _ = problems[instance]
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(FOLDER / "tokenizer.json"))
    for clean, corrupted in zip(problem.clean, problem.corrupted, strict=True):
        assert clean[0] == corrupted[0] == language_model.START
        assert (clean != corrupted).any()
        for tokens in (clean, corrupted):
            text = tokenizer.decode(tokens[1:])
            assert tokenizer.encode(text, add_special_tokens=False) == tokens[1:].tolist()
    assert len(np.unique(problem.clean, axis=0)) >= len(problem.clean) // 2


def test_the_right_word_of_a_text_about_a_girl_is_her(problems):
    problem, _ = problems["possessive"]
    reader = language_model.read_subject("possessive", FOLDER).reader
    outputs = language_model.read_subject("possessive", FOLDER).outputs
    her = outputs.index(reader.following("The", " her"))
    for tokens, direction in zip(problem.clean, problem.direction[:, -1], strict=True):
        text = reader.tokenizer.decode(tokens.tolist())
        assert direction[her] == (1 if "girl" in text else -1)


@pytest.mark.parametrize("family", ["repetition", "indirect_object"])
def test_what_the_model_cannot_do_is_refused(family):
    subject = language_model.read_subject(family, FOLDER)
    drawn = subject.draw(400, np.random.default_rng(0))
    assert subject.knows(drawn).mean() < 0.1
    with pytest.raises(BadInput, match="the model does"):
        subject.known(len(drawn) // 2, np.random.default_rng(0), 400)


@pytest.mark.parametrize("family", INSTANCES)
def test_what_stands_on_the_board_the_model_does_almost_always(family):
    subject = language_model.read_subject(family, FOLDER)
    drawn = subject.draw(400, np.random.default_rng(0))
    assert subject.knows(drawn).mean() > 0.85


def test_the_whole_model_keeps_all_of_the_behaviour_and_the_empty_circuit_none(problems):
    problem, _ = problems["agreement"]
    none, whole = np.zeros(len(problem.edges), bool), np.ones(len(problem.edges), bool)
    assert Faithfulness(problem).of(np.array([none, whole])) == pytest.approx([0, 1], abs=1e-12)


def test_the_empty_circuit_answers_as_the_corrupted_text_does(problems, theirs):
    problem, _ = problems["agreement"]
    outputs = language_model.read_subject("agreement", FOLDER).outputs
    corrupted = (logits_of(theirs, problem.corrupted)[:, outputs] * problem.direction[:, -1]).sum(1).mean()
    assert Faithfulness(problem)._ends[0] == pytest.approx(corrupted, abs=1e-4)


@pytest.mark.parametrize("instance", ["agreement", "possessive"])
def test_random_edges_score_as_chance_does_in_the_public_benchmark(instance, problems):
    """There chance is .25: nothing is kept until the last point, where all edges are in."""
    problem, truth = problems[instance]
    values = score(problem, truth, random_edges.solve(problem, generator("chance", instance)))
    assert values["mib_cpr"] == pytest.approx(0.25, abs=0.1)
    assert values["mib_cmd"] == pytest.approx(0.75, abs=0.1)
    assert values["cpr"] < 0.15


@pytest.mark.slow
@pytest.mark.parametrize("instance", INSTANCES)
def test_methods_beat_random_edges(instance, problems):
    problem, truth = problems[instance]
    chance = score(problem, truth, random_edges.solve(problem, generator("chance", instance)))["cpr"]
    for method in (eap_ig_inputs, relevance_patching):
        assert score(problem, truth, method.solve(problem, generator("solve")))["cpr"] > chance + 0.2


def test_without_a_known_circuit_only_the_runs_of_circuits_count(problems):
    problem, truth = problems["agreement"]
    answer = Answer(np.ones(len(problem.edges)), np.ones(len(problem.edges), bool))
    values = score(problem, truth, answer)
    assert {"cpr", "cmd", "over_recovery"} <= set(values)
    assert not {"edge_auroc", "average_precision", "node_auroc", "recall"} & set(values)
    assert values["circuit_faithfulness"] == pytest.approx(1)
