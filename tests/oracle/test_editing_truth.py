"""Truth of circuit editing: the changed program against plain Python, a recompiled model and a model edited by hand."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from tracr.rasp import rasp

from bench.core.catalogue import load_plugin
from bench.core.config import ROOT
from bench.core.contract import generator
from bench.core.problems import Workspace
from bench.models.checkpoint import load_arrays
from bench.models.compiled.programs.public import both, neighbour
from bench.models.exhaustive import forward
from bench.models.transformer import Transformer
from bench.tracks.circuit_editing.compiled import TOLERANCE, Change, Editing, Uncertified
from bench.tracks.circuit_editing.edit import edited, right_cells

TASK = load_plugin(ROOT / "bench/tracks/circuit_editing/tasks/compiled.py")
LIVE = sorted(name for name, card in TASK.INSTANCES.items() if not card["null"])


def unit(instance, tmp_path, seed=0):
    return TASK.generate(instance, seed, generator("problem", instance, seed), Workspace(tmp_path, {}))


def in_plain_python(instance, string):
    """What the edited program is to say, without RASP: a symbol or a value at each position, None for nothing."""
    kind = [s if s < 3 else s - 1 for s in string]  # 3 is read as 2
    before = list(zip([None, *string], string, strict=False))
    return {
        "twice": [s if string.count(s) <= 2 else 0 for s in string],
        "exception": [s if string.count(s) == 1 or s == 3 else 0 for s in string],
        "labelled": [f"{'abde'[k - 1]}{min(string.count(s), 3)}" for k, s in zip(kind, string, strict=True)],
        "paired": [None, *(f"{'abde'[k - 1]}{'abde'[b - 1]}" for b, k in pairwise(kind))],
        "alternating": [None, *(f"{'c' if s == 4 else 'v'}{'c' if b == 4 else 'v'}" for b, s in before[1:])],
        "equal_neighbours": [not any(b > s for b, s in before[1:])] * len(string),
        "rises": [sum(b <= s for b, s in before[1:])] * len(string),
    }[instance]


@pytest.mark.parametrize(
    "name", ["twice", "exception", "labelled", "paired_few", "alternating", "equal_neighbours", "rises"]
)
def test_the_interpreted_change_is_what_plain_python_and_the_recompiled_program_say(name):
    change = TASK.EDITINGS[name].change
    before, after = change.outputs
    said = [in_plain_python(name.removesuffix("_few"), list(string)) for string in change.strings]
    assert np.array_equal(change.before.compiled.targets(said), after[:, 1:])
    again = change.after.compiled
    found = forward(again.config, again.weights, again.encode(change.strings))[:, 1:]
    axes = [change.before.compiled.outputs.index(value) for value in again.outputs]
    assert found == pytest.approx(after[:, 1:, axes], abs=1e-6)
    assert 0.05 < (before != after).any(axis=2)[:, 1:].mean() < 0.8


@pytest.mark.parametrize("instance", LIVE)
def test_the_model_edited_by_hand_says_so_and_the_model_as_it_is_does_not(instance, tmp_path):
    problem, truth = unit(instance, tmp_path)
    model = Transformer.load(problem.model.path, torch.float64)
    for mlp, change in zip(problem.mlps, truth.changes, strict=True):
        model.weights[f"layers.{mlp[1:]}.mlp_out"] += torch.as_tensor(change)
    with torch.no_grad():
        outputs = model.run(truth.inputs).numpy()
    assert outputs[:, 1:] == pytest.approx(truth.wanted[:, 1:], abs=1e-6)
    right = right_cells(*load_arrays(problem.model.path), truth.inputs, truth.wanted, TOLERANCE)
    assert np.array_equal(right[:, 1:], ~truth.changed[:, 1:])
    assert truth.rule.sum() == 1
    assert np.array_equal(truth.changes.any(axis=(1, 2)), truth.rule)


def test_a_rule_that_an_mlp_reads_and_does_not_write_is_refused(tmp_path):
    def build(rule):
        kind = rasp.Map(rule, rasp.tokens).named("kind")
        return both(lambda kind, before: f"{kind}{before}", kind, neighbour(kind, -1, "before"), "pair")

    change = Change(build, lambda s: "v" if s < 3 else "c", lambda s: "v" if s < 4 else "c", "kind", (1, 2, 3, 4), 3)
    with pytest.raises(Uncertified, match="edited by hand"):
        Editing(change, TASK.OUTFIT, 8).unit(generator("refused"), Workspace(tmp_path, {}))


def test_examples_show_the_change_in_half_of_them_and_a_null_shows_none(tmp_path):
    problem, _ = unit("twice", tmp_path)
    assert len(problem.inputs) == 64
    assert problem.changed.any(axis=1).sum() == 32
    null, nothing = unit("nothing_to_change_noisy", tmp_path)
    assert not null.changed.any()
    assert not nothing.changes.any()
    model = load_arrays(null.model.path)
    off = np.abs(forward(*model, null.inputs) - null.wanted)[:, 1:]
    assert 0.45 * TOLERANCE < off.max() <= 0.5 * TOLERANCE + 1e-6
    assert right_cells(model[0], edited(model[1], null.mlps, nothing.changes), nothing.inputs, nothing.wanted, 1e-6)[
        :, 1:
    ].all()
