"""Strict interchange-intervention training: the causal models, the trainer and the gate."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from bench.models import exhaustive
from bench.models.fitting import run_swapped
from bench.models.graph import Graph, source_names
from bench.models.siit.measure import Refused, admit, measure
from bench.models.siit.programs import PROGRAMS
from bench.models.siit.training import Settings, Trainer, counterfactual
from bench.models.transformer import Transformer

BRUTE = {
    "majority_so_far": lambda s, i: int(2 * s[: i + 1].count(0) > i + 1),
    "reverse": lambda s, i: s[len(s) - 1 - i],
    "repeat_of_previous": lambda s, i: int(s[i] == s[i - 1]),
    "induction": lambda s, i: next((s[j] + 1 for j in range(i, 0, -1) if s[j - 1] == s[i]), 0),
    "duplicates": lambda s, i: int(s[i] in s[:i]),
    "maximum": lambda s, i: max(s),
    "greater_than_first": lambda s, i: int(s[i] > s[0]),
    "count": lambda s, i: s.count(0),
    "balance": lambda s, i: (
        1 + (s[: i + 1].count(0) > s[: i + 1].count(1)) - (s[: i + 1].count(0) < s[: i + 1].count(1))
    ),
    "first_occurrences": lambda s, i: 0 if s[i] in s[:i] else s[i] + 1,
    "ends_agree": lambda s, i: int(s[0] == s[-1]),
    "is_sorted": lambda s, i: int(s[: i + 1] == sorted(s[: i + 1])),
    "indirect_object": lambda s, i: s[2] if s[4] == s[0] else s[0],
}


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_a_causal_model_gives_the_answers_of_its_plain_words(name):
    program = PROGRAMS[name]
    tokens = program.strings(200, np.random.default_rng(0))
    expected = [[BRUTE[name](list(map(int, row)), i) for i in range(program.length)] for row in tokens]
    assert (program.answer(tokens) == np.array(expected))[:, program.scored].all()


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_holding_all_variables_of_the_source_gives_the_sources_answer_and_nodes_exist(name):
    program = PROGRAMS[name]
    rng = np.random.default_rng(1)
    base, source = program.strings(50, rng), program.strings(50, rng)
    last = np.full(50, len(program.variables) - 1)
    assert (counterfactual(program, base, source, last) == program.answer(source)).all()
    assert {variable.node for variable in program.variables} <= set(source_names(program.config))


def test_a_swapped_run_agrees_with_exhaustive_patching():
    program = PROGRAMS["induction"]
    trainer, rng = Trainer(program, 3, Settings()), np.random.default_rng(2)
    base, source = program.strings(4, rng), program.strings(4, rng)
    weights = {name: tensor.detach().double() for name, tensor in trainer.weights.items()}
    model = Transformer.of_tensors(program.config, weights)
    _, donors = run_swapped(model, torch.from_numpy(source))
    arrays, graph = {name: tensor.numpy() for name, tensor in weights.items()}, Graph(program.config, "node")
    for number in range(len(donors)):
        swap = torch.zeros(len(donors), 4, dtype=torch.bool)
        swap[number] = number > 1
        found, _ = run_swapped(model, torch.from_numpy(base), donors, swap)
        patch = graph.patch_matrix(np.eye(len(graph.edges))[number][None]) * (number > 1)
        expected = exhaustive.forward(program.config, arrays, base, donors.numpy(), patch)[0]
        np.testing.assert_allclose(found.numpy(), expected, atol=1e-10 * abs(expected).max())


def test_training_lowers_the_loss_and_resumes_to_the_same_bits(tmp_path: Path):
    program, settings = PROGRAMS["greater_than_first"], Settings(batch=32)
    whole, first, rest = (Trainer(program, 0, settings) for _ in range(3))
    losses = [whole.advance() for _ in range(60)]
    assert np.mean(losses[-10:]) < 0.8 * np.mean(losses[:10])
    for _ in range(35):
        first.advance()
    first.save(tmp_path / "state.safetensors")
    rest.resume(tmp_path / "state.safetensors")
    for _ in range(25):
        rest.advance()
    for name, array in whole.arrays().items():
        np.testing.assert_array_equal(rest.arrays()[name], array)


def test_the_state_of_another_run_is_not_resumed(tmp_path: Path):
    program = PROGRAMS["greater_than_first"]
    one = Trainer(program, 0, Settings(batch=8))
    one.advance()
    one.save(tmp_path / "state.safetensors")
    with pytest.raises(ValueError, match="another run"):
        Trainer(program, 1, Settings(batch=8)).resume(tmp_path / "state.safetensors")


def test_an_untrained_model_is_refused():
    program = PROGRAMS["greater_than_first"]
    arrays = Trainer(program, 0, Settings()).arrays()
    with pytest.raises(Refused, match="behaviour"):
        admit(measure(program, program.config, arrays, np.random.default_rng(0), count=64))
