"""The shipped models pass the gate when measured anew in float64 numpy; natural ones do not."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from bench.core.problems import Workspace
from bench.models import checkpoint, exhaustive
from bench.models.compiled.certificate import Subject, Uncertified
from bench.models.siit.__main__ import WEIGHTS
from bench.models.siit.measure import Refused, admit, measure
from bench.models.siit.programs import PROGRAMS
from bench.tracks.circuits.tasks import siit

SHIPPED = sorted(WEIGHTS.glob("*/[0-9]*.safetensors"))
NATURAL = sorted(WEIGHTS.glob("*/natural-*.safetensors"))


def measured(path, count):
    config, weights = checkpoint.load_arrays(path)
    assert config == PROGRAMS[path.parent.name].config
    return measure(PROGRAMS[path.parent.name], config, weights, np.random.default_rng([9, 2026]), count)


def test_every_instance_has_a_model_for_each_seed():
    for instance in siit.INSTANCES:
        for seed in range(siit.MAX_SEEDS):
            assert WEIGHTS / siit.program_of(instance) / f"{seed}.safetensors" in SHIPPED


@pytest.mark.parametrize("path", SHIPPED[:2], ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_shipped_model_passes_the_gate_anew(path):
    admit(measured(path, 128))


@pytest.mark.slow
@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_shipped_model_passes_the_gate_and_its_record_says_so(path):
    found = measured(path, 512)
    admit(found)
    record = json.loads(path.with_suffix(".json").read_text())
    for name in ("behaviour", "interchange", "strict"):
        assert record["measured"][name] == pytest.approx(found[name], abs=0.01)


@pytest.mark.parametrize("path", NATURAL[:2], ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_model_trained_on_behaviour_alone_is_refused(path):
    found = measured(path, 128)
    assert found["behaviour"] >= 0.99
    with pytest.raises(Refused, match="interchange"):
        admit(found)


@pytest.mark.slow
@pytest.mark.parametrize("instance", sorted({siit.program_of(name) for name in siit.INSTANCES}))
def test_the_gap_of_a_shipped_model_holds_on_pairs_drawn_three_times_anew(instance):
    for seed in range(siit.MAX_SEEDS):
        config, weights = checkpoint.load_arrays(WEIGHTS / instance / f"{seed}.safetensors")
        for draw in range(3):
            subject = siit._telling_pairs(
                PROGRAMS[instance], config, weights, 256, np.random.default_rng([3, seed, draw])
            )
            assert siit.make_truth(PROGRAMS[instance], subject).gap >= siit.MARGIN


@pytest.mark.parametrize("instance", ["ends_agree_few", pytest.param("indirect_object_few", marks=pytest.mark.slow)])
def test_few_pairs_show_every_node_of_the_circuit(instance, tmp_path):
    for seed in range(siit.MAX_SEEDS):
        problem, truth = siit.generate(instance, seed, np.random.default_rng([8, seed]), Workspace(tmp_path, {}))
        assert len(problem.clean) == siit.FEW
        config, weights = checkpoint.load_arrays(tmp_path / problem.model.sha256)
        effects = Subject(config, weights, problem.clean, problem.corrupted, problem.scored).effects("resample", "node")
        assert effects[truth.circuits[0]].min() > effects[~truth.circuits[0]].max()


def test_pairs_that_hide_a_variable_are_not_taken():
    program = PROGRAMS["indirect_object"]
    clean = np.array([[0, 6, 1, 7, 0, 8, 11]])
    same_place, other_place = np.array([[2, 6, 3, 7, 2, 8, 11]]), np.array([[2, 6, 3, 7, 3, 8, 11]])
    assert not siit._matters(program, "same", clean, same_place)
    assert siit._matters(program, "same", clean, other_place)
    config, weights = checkpoint.load_arrays(WEIGHTS / "indirect_object" / "0.safetensors")
    for seed in range(60):
        subject = siit._telling_pairs(program, config, weights, 3, np.random.default_rng(seed))
        places = program.values(subject.clean)["repeated"], program.values(subject.corrupted)["repeated"]
        assert (places[0] != places[1])[:, -1].any()


def null_subject(seed: int = 0):
    config, weights = checkpoint.load_arrays(WEIGHTS / "balance" / f"{seed}.safetensors")
    return siit._later_pairs(PROGRAMS["balance"], config, weights, 32, np.random.default_rng([4, seed]))


def test_on_a_null_pair_nodes_change_and_nothing_that_is_scored_does():
    subject = null_subject()
    clean, corrupted = (
        exhaustive.node_outputs(subject.config, subject.weights, tokens)
        for tokens in (subject.clean, subject.corrupted)
    )
    assert (np.abs(clean - corrupted).max(axis=(1, 2, 3))[2:] > 0).any()
    assert (subject.clean != subject.corrupted)[:, ~subject.scored].all()
    truth = siit.make_null_truth(PROGRAMS["balance"], subject)
    assert truth.null
    assert not truth.circuits.any()
    assert truth.circuits.shape == (1, len(truth.effects))
    assert (truth.effects <= truth.placebo).all()


def test_a_null_unit_with_a_change_before_what_is_scored_is_refused():
    subject = null_subject()
    moved = replace(subject, corrupted=subject.corrupted[:, ::-1])
    with pytest.raises(Uncertified):
        siit.make_null_truth(PROGRAMS["balance"], moved)
