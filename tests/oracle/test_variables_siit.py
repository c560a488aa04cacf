"""Variables of trained models are where the truth says: programs in plain Python, a model run string by string."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from bench.core.contract import generator
from bench.core.problems import Workspace
from bench.models import exhaustive
from bench.models.checkpoint import load_arrays
from bench.models.siit.programs import PROGRAMS
from bench.tracks.variables import trained
from bench.tracks.variables.tasks import siit
from bench.tracks.variables.trained import Judge, Source, Uncertified, load_disguised
from tests.interchange_by_hand import interchanged

LIVE = [name for name, facts in siit.INSTANCES.items() if not facts["null"]]
NULL = [name for name in siit.INSTANCES if name not in LIVE]
ONE_OF_EACH = ["mirror", "ends_first", "repeated", "induction_previous_stream"]
MADE = [name for name in LIVE if not name.endswith("_few") and name != "induction_previous"]  # the others repeat these
FEW = 16  # held-out pairs that are run by hand


@pytest.fixture(scope="module")
def unit(tmp_path_factory):
    folder = tmp_path_factory.mktemp("blobs")

    @cache
    def make(instance: str, seed: int = 0):
        rng = generator("test siit variables", instance, seed)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(trained, "STRINGS", 64)  # certifying on 256 is what the suite does; here time counts
            return siit.generate(instance, seed, rng, Workspace(Path(folder), {}))

    return make


# -- the programs in plain Python: (string, values of the variable or None for the string's own) -> classes -----------


def before(string):
    return [string[max(0, place - 1)] for place in range(len(string))]


def mirror(string, mirrored=None):
    return mirrored or string[::-1]


def previous(string, known=None):
    return [int(one == other) for one, other in zip(string, known or before(string), strict=True)]


def first(string, known=None):
    return [int(one > other) for one, other in zip(string, known or [string[0]] * len(string), strict=True)]


def stood_before(string):
    return [one in string[:place] for place, one in enumerate(string)]


def seen(string, known=None):
    return [0 if had else one + 1 for one, had in zip(string, known or stood_before(string), strict=True)]


def ends(string, known=None):
    return [int(one == string[-1]) for one in known or [string[0]] * len(string)]


def ascending(string, known=None):
    known = known or before(string)
    return [int(all(string[q] >= known[q] for q in range(place + 1))) for place in range(len(string))]


def induction(string, known=None):
    known, answers = known or before(string), []
    for place, one in enumerate(string):
        sources = [source for source in range(1, place + 1) if known[source] == one]
        answers.append(string[sources[-1]] + 1 if sources else 0)
    return answers


def place_of_repeated(string):
    return [1 if string[0] == string[4] else 3] * len(string)


def other_name(string, known=None):
    return [string[2] if place == 1 else string[0] for place in known or place_of_repeated(string)]


BY_HAND = {
    "mirror": (mirror, lambda s: s[::-1]),
    "previous": (previous, before),
    "first": (first, lambda s: [s[0]] * len(s)),
    "seen": (seen, stood_before),
    "ends_first": (ends, lambda s: [s[0]] * len(s)),
    "sorted_previous": (ascending, before),
    "induction_previous": (induction, before),
    "repeated": (other_name, place_of_repeated),
    "seen_few": (seen, stood_before),
    "induction_previous_few": (induction, before),
    "induction_previous_stream": (induction, before),
}


def test_every_live_instance_has_a_program_by_hand():
    assert set(BY_HAND) == set(LIVE)


def shown(rows, scored, outputs):
    return np.eye(outputs)[np.array(rows, int)] * scored[:, None]


@pytest.mark.parametrize("instance", MADE)
def test_labels_answers_and_values_are_those_of_the_program_in_plain_python(unit, instance: str):
    (problem, truth), (program, variable) = unit(instance), BY_HAND[instance]
    outputs = problem.labels.shape[2]
    for base, source, labels in (
        (problem.base, problem.source, problem.labels),
        (truth.base, truth.source, truth.labels),
    ):
        pairs = list(zip(base.tolist(), source.tolist(), strict=True))
        expected = [program(one, variable(other)) for one, other in pairs]
        np.testing.assert_array_equal(labels, shown(expected, problem.scored, outputs))
    for strings, said in ((truth.base, truth.base_outputs), (truth.source, truth.source_outputs)):
        np.testing.assert_array_equal(said, shown([program(s) for s in strings.tolist()], problem.scored, outputs))
    for strings, codes in ((problem.base, problem.base_values), (problem.source, problem.source_values)):
        values = np.array([variable(string) for string in strings.tolist()]).astype(int)
        known = np.unique([variable(s) for s in (*problem.base.tolist(), *problem.source.tolist())]).astype(int)
        np.testing.assert_array_equal(codes, np.searchsorted(known, values))


@pytest.mark.parametrize("instance", NULL)
def test_a_null_claims_another_algorithm_with_the_same_answers(unit, instance: str):
    problem, truth = unit(instance)
    program = {"mirror_null": mirror, "names_null": other_name}[instance]
    for base, source, label, own in zip(truth.base, truth.source, truth.labels, truth.base_outputs, strict=True):
        one, other = base.tolist(), source.tolist()
        if instance == "mirror_null":
            claimed, same = (
                [(s[place] + s[-1 - place] - one[place]) % 5 for place in range(len(one))] for s in (other, one)
            )
        else:
            claimed, same = ([(s[0] + s[2] - one[4]) % 6] * len(one) for s in (other, one))
        np.testing.assert_array_equal(label, shown([claimed], problem.scored, label.shape[1])[0])
        np.testing.assert_array_equal(own, shown([program(one)], problem.scored, label.shape[1])[0])
        assert [a for a, s in zip(same, problem.scored, strict=True) if s] == [
            a for a, s in zip(program(one), problem.scored, strict=True) if s
        ]
    assert truth.null
    assert not truth.right.any()


def by_hand(problem, truth, site, basis):
    config, weights = load_arrays(problem.model.path)
    pairs = truth.base[:FEW], truth.source[:FEW]
    output = interchanged(config, weights, *pairs, site, basis, problem.intervened)
    return output.argmax(axis=2) == truth.labels[:FEW].argmax(axis=2)


def telling(truth):
    labels, base, source = (x[:FEW] for x in (truth.labels, truth.base_outputs, truth.source_outputs))
    return ((labels != base) | (base != source)).any(axis=2)


@pytest.mark.parametrize("instance", ONE_OF_EACH)
def test_the_planted_exchange_is_right_and_every_other_site_wrong_one_string_at_a_time(unit, instance: str):
    problem, truth = unit(instance)
    assert truth.right.sum() == 1
    site = int(truth.right.argmax())
    basis = truth.bases[site]
    np.testing.assert_allclose(basis.T @ basis, np.eye(basis.shape[1]), atol=1e-12)
    assert by_hand(problem, truth, problem.sites[site], basis)[:, problem.scored].mean() >= 0.97
    others = [name for name in problem.sites if name != problem.sites[site]][:: 1 if len(problem.sites) < 12 else 4]
    for name in others:
        assert by_hand(problem, truth, name, np.eye(problem.width))[telling(truth) & problem.scored].mean() < 0.9


@pytest.mark.parametrize("instance", NULL)
def test_no_site_of_a_null_gives_the_claimed_answer_one_string_at_a_time(unit, instance: str):
    problem, truth = unit(instance)
    for name in problem.sites[::3]:
        right = by_hand(problem, truth, name, np.eye(problem.width))
        assert right[:, problem.scored].mean() < 0.45


def test_in_the_stream_the_whole_value_brings_other_variables_along(unit):
    problem, truth = unit("induction_previous_stream")
    site = problem.sites[int(truth.right.argmax())]
    whole = by_hand(problem, truth, site, np.eye(problem.width))[telling(truth) & problem.scored]
    assert whole.mean() < 0.6


def test_the_node_is_the_one_that_was_trained_wherever_the_disguise_put_it(unit):
    for instance in ONE_OF_EACH[:2]:
        sites = {
            problem.sites[int(truth.right.argmax())] for problem, truth in (unit(instance, seed) for seed in (0, 1))
        }
        node = siit.SOURCES[instance].node
        assert {site.partition(".")[0] for site in sites} == {node.partition(".")[0]}


def test_a_disguised_model_says_what_the_trained_one_says():
    program = PROGRAMS["ends_agree"]
    tokens = program.strings(8, np.random.default_rng(0))
    path = Path(trained.package).parent / "weights" / "ends_agree" / "1.safetensors"
    plain = exhaustive.forward(*load_arrays(path), tokens)
    model = load_disguised("ends_agree", 1, np.random.default_rng(3))
    np.testing.assert_allclose(exhaustive.forward(model.config, model.weights, tokens), plain, rtol=0, atol=1e-5)
    assert len(set(model.nodes.values())) == len(model.nodes)
    assert any(old != new for old, new in model.nodes.items())


def test_nodes_that_come_to_the_same_are_no_candidates(unit):
    assert siit.SOURCES["mirror"].doubles == {"m1"}
    assert siit.SOURCES["repeated"].doubles == {"a0.h1"}
    assert siit.SOURCES["seen"].doubles == frozenset()
    assert "m1" not in unit("mirror")[0].sites


def judge_of(source: Source) -> Judge:
    return Judge(source, load_disguised(source.name, 0, np.random.default_rng(0)), np.random.default_rng(1))


def test_a_variable_sought_at_another_node_makes_no_unit(monkeypatch):
    """Of two variables of one program the nodes are exchanged: nothing is certified."""
    monkeypatch.setattr(trained, "STRINGS", 32)
    source = replace(siit.SOURCES["ends_first"])
    judge = judge_of(source)
    nodes = {"a0.h0": judge.model.nodes["a0.h2"], "a0.h2": judge.model.nodes["a0.h0"]}
    judge.model = replace(judge.model, nodes={**judge.model.nodes, **nodes})
    with pytest.raises(Uncertified, match="is right in 0"):
        judge.right(["a0.h0", "a0.h1"])


def test_a_second_site_that_does_the_same_makes_no_unit(monkeypatch):
    """The answer's node, were it a candidate: the mirrored symbol is the answer."""
    monkeypatch.setattr(trained, "STRINGS", 32)
    judge = judge_of(siit.SOURCES["mirror"])
    with pytest.raises(Uncertified, match="m1, which is not meant"):
        judge.right([judge.node, "m1"])


def test_a_claim_that_a_node_bears_out_is_no_null(monkeypatch):
    """Claimed of the repeated name's place in other words: its node gives every claimed answer."""
    monkeypatch.setattr(trained, "STRINGS", 32)
    real = siit.SOURCES["repeated"]
    judge = judge_of(replace(siit.SOURCES["names_null"], claim=real.exchange))
    with pytest.raises(Uncertified, match="which is not meant"):
        judge.refute([judge.model.nodes["a2.h0"]])


def test_a_stream_that_does_not_keep_the_variable_apart_makes_no_unit(monkeypatch):
    monkeypatch.setattr(trained, "STRINGS", 64)
    judge = judge_of(replace(siit.SOURCES["ends_first"], stream=True))
    with pytest.raises(Uncertified, match="no stream keeps first exchangeable"):
        judge.right(["resid0"])


def test_a_second_site_whose_means_do_the_same_makes_no_unit(monkeypatch):
    """The answer's node says blank or not along one direction: `seen` can be exchanged there, and so it is left out."""
    monkeypatch.setattr(trained, "STRINGS", 64)
    assert siit.SOURCES["seen"].also == ("m1",)
    judge = judge_of(siit.SOURCES["seen"])
    with pytest.raises(Uncertified, match="m1, which is not meant"):
        judge.right([judge.node, "m1"])
