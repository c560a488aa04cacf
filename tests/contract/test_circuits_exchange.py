"""A circuit written in MIB's layout, read back by code of its own."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from bench.core import upkeep
from bench.core.contract import BadInput, Blob
from bench.core.plan import make_plan
from bench.models import checkpoint
from bench.models.checkpoint import Config, random_weights
from bench.models.graph import Graph
from bench.tracks.circuits.exchange import export
from bench.tracks.circuits.types import Answer, Problem

CONFIG = Config(
    n_layers=2, n_heads=2, n_kv_heads=2, d_model=6, d_head=3, d_mlp=5, d_vocab=5, d_out=3, n_ctx=4, norm="none",
    activation="gelu",
)  # fmt: skip
NAMES = re.compile(r"(input|a\d\.h\d|m\d)->(a\d\.h\d<[qkv]>|m\d|logits)")


def problem_of(granularity, folder):
    path = folder / "model.safetensors"
    checkpoint.save(path, CONFIG, random_weights(CONFIG, np.random.default_rng(0)))
    graph, tokens = Graph(CONFIG, granularity), np.zeros((1, 4), int)
    return Problem(
        Blob.of(path), tokens, tokens, np.ones(4, bool), np.zeros((1, 4, 3)), "signed_output", "resample", granularity,
        list(graph.nodes), list(graph.edges), 10,
    )  # fmt: skip


def answer_to(problem, rng):
    count = len(problem.edges)
    return Answer(rng.normal(size=count), rng.random(count) < 0.3, rng.normal(size=len(problem.nodes)))


def edges_of_mib(layers, heads):
    """MIB's graph built anew: what every head part, MLP and the logits read."""
    stream, found = ["input"], []
    for layer in range(layers):
        mine = [f"a{layer}.h{head}" for head in range(heads)]
        found += [f"{source}->{head}<{part}>" for source in stream for head in mine for part in "qkv"]
        stream += mine
        found += [f"{source}->m{layer}" for source in stream]
        stream.append(f"m{layer}")
    return found + [f"{source}->logits" for source in stream]


@pytest.mark.parametrize("granularity", ["node", "head", "qkv"])
def test_the_edges_are_those_of_mibs_graph(granularity, tmp_path):
    problem = problem_of(granularity, tmp_path)
    document = json.loads(json.dumps(export(problem, answer_to(problem, np.random.default_rng(1)))))
    assert set(document["edges"]) == set(edges_of_mib(2, 2))
    assert set(document["nodes"]) == {"input", "logits", *(f"a{n}.h{h}" for n in "01" for h in "01"), "m0", "m1"}
    assert document["cfg"] == {
        "n_layers": 2, "n_heads": 2, "d_model": 6, "d_head": 3, "d_mlp": 5, "parallel_attn_mlp": False,
    }  # fmt: skip


@pytest.mark.parametrize("granularity", ["node", "head", "qkv"])
def test_every_score_and_choice_is_that_of_the_answer(granularity, tmp_path):
    """Read back name by name: the two embeddings are one node there, and count as the better of them."""
    problem = problem_of(granularity, tmp_path)
    answer = answer_to(problem, np.random.default_rng(2))
    scores = dict(zip(problem.edges, answer.edge_scores, strict=True))
    chosen = dict(zip(problem.edges, answer.circuit, strict=True))
    document = export(problem, answer)
    for name, entry in document["edges"].items():
        assert NAMES.fullmatch(name)
        source, slot = name.replace("logits", "output").split("->")
        slot = slot.replace("<", ".").rstrip(">")
        ends = {"node": "*", "head": re.sub(r"\.[qkv]$", "", slot)}.get(granularity, slot)
        own = [f"{one}->{ends}" for one in (["embed", "pos"] if source == "input" else [source])]
        assert entry["score"] == max(scores[one] for one in own)
        assert entry["in_graph"] == any(chosen[one] for one in own)
    in_graph = [edge for edge, entry in document["edges"].items() if entry["in_graph"]]
    touched = {re.sub(r"<.>", "", end) for edge in in_graph for end in edge.split("->")}
    assert {name for name, entry in document["nodes"].items() if entry["in_graph"]} == touched


def test_edges_inside_heads_are_refused(tmp_path):
    problem = problem_of("acdc", tmp_path)
    with pytest.raises(BadInput, match="granularity 'acdc' has edges inside heads"):
        export(problem, answer_to(problem, np.random.default_rng(1)))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["encoding", "ridge", "planted-v1/linear/0"], "the track has no exchange.py"),
        (["circuits", "epa", "tracr-v2/sort/0"], "'epa'.*did you mean eap"),
        (["circuits", "eap", "tracr-v2/no_such/0"], "nothing of it is in .* run it, or name its suite"),
    ],
)
def test_what_cannot_be_exported_is_said_in_one_sentence(words, sentence, tmp_path):
    plan = make_plan({"suite": "smoke", "results": str(tmp_path)})
    with pytest.raises(BadInput, match=sentence):
        upkeep.export(plan, *words)
