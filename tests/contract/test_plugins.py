"""Every plug-in of every track keeps the contract: cards, file shape, and the checks on toy units."""

from __future__ import annotations

import ast
import itertools

import pytest

from bench.core import authoring
from bench.core.catalogue import read_tracks
from bench.core.config import ROOT

TRACKS = read_tracks(ROOT)
PLUGINS = [
    pytest.param(track, plugin, id=f"{track.id}/{kind}/{plugin.id}")
    for track in TRACKS.values()
    for kind in ("tasks", "methods", "controls", "mutants")
    for plugin in getattr(track, kind).values()
]
SOLVERS = [
    pytest.param(track, plugin, id=f"{track.id}/{plugin.id}")
    for track in TRACKS.values()
    for plugin in track.solvers.values()
]
CHECKED = [  # mutants are known by how they lose; what they keep of the contract is a matter of the full tests
    pytest.param(*solver.values, id=solver.id, marks=pytest.mark.full if solver.values[1].kind == "mutants" else ())
    for solver in SOLVERS
]
METRIC_KEYS = {"title", "version", "role", "units", "range", "direction", "floor", "ceiling", "reference"}


@pytest.mark.parametrize(("track", "plugin"), PLUGINS)
def test_a_card_has_a_title_and_a_plug_in_is_one_short_file(track, plugin):
    assert plugin.title
    assert len(plugin.title) < 100
    limit = {"tasks": 400, "methods": 120, "controls": 120, "mutants": 120}[plugin.kind]
    assert len(plugin.path.read_text().splitlines()) <= limit


@pytest.mark.parametrize(("track", "plugin"), SOLVERS)
def test_solve_takes_problem_and_rng_and_keyword_parameters_with_defaults(track, plugin):
    assert authoring.static_faults(plugin) == []


@pytest.mark.parametrize(("track", "plugin"), PLUGINS)
def test_no_text_of_a_card_is_cut_short_by_a_second_string_outside_its_brackets(track, plugin):
    body = ast.parse(plugin.path.read_text()).body
    for fact, following in itertools.pairwise(body):
        is_text = isinstance(fact, ast.Assign) and _is_string(fact.value)
        assert not (is_text and isinstance(following, ast.Expr) and _is_string(following.value)), ast.unparse(following)


def _is_string(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


@pytest.mark.parametrize(("track", "plugin"), SOLVERS)
def test_no_plug_in_imports_another(track, plugin):
    for node in ast.walk(ast.parse(plugin.path.read_text())):
        names = (
            [node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in getattr(node, "names", [])]
        )
        if isinstance(node, ast.Import | ast.ImportFrom):
            assert not any(part in name for name in names for part in (".methods", ".controls", ".mutants", ".tasks"))


@pytest.mark.parametrize("track", TRACKS.values(), ids=lambda track: track.id)
def test_a_track_has_floor_ceiling_nulls_mutants_and_one_headline_for_live_and_for_null_units(track):
    assert {plugin.facts["ROLE"] for plugin in track.controls.values()} == {"floor", "ceiling"}
    instances = [facts for task in track.tasks.values() for facts in task.facts["INSTANCES"].values()]
    assert {facts["null"] for facts in instances} == {True, False}
    assert len(track.mutants) >= 2
    for mutant in track.mutants.values():
        assert mutant.facts["MUTANT_OF"] in track.methods
        assert any(
            authoring.touches_instance(mutant, task, instance)
            for task in track.tasks.values()
            for instance in task.facts["INSTANCES"]
        )
    headlines = [card for card in track.metrics.values() if card["role"] == "headline"]
    found = [(card["units"], card.get("board")) for card in headlines]
    assert len(found) == len(set(found))  # one for each kind of units and each board that has its own
    assert {("live", None), ("null", None)} <= set(found) <= {("live", None), ("null", None), ("live", "proxy")}
    for card in track.metrics.values():
        assert card.keys() - {"gate", "per_task", "description", "board"} == METRIC_KEYS


@pytest.mark.slow
@pytest.mark.parametrize(("track", "plugin"), CHECKED)
def test_a_plug_in_passes_the_contract_checks_on_toy_units(track, plugin, tmp_path_factory):
    results = tmp_path_factory.getbasetemp() / "plugins"  # shared, so that toy problems are made once a worker
    assert authoring.check_method(track.id, plugin.id, {"results": str(results), "suite": "next"}, ROOT) == []


@pytest.mark.slow
@pytest.mark.parametrize("track", TRACKS.values(), ids=lambda track: track.id)
def test_a_new_method_passes_the_contract_checks_as_it_is_written(track, tmp_path, tmp_path_factory):
    path = tmp_path / "not_yet_thought_of.py"
    path.write_text(authoring.scaffolded(track, path.stem))
    results = tmp_path_factory.getbasetemp() / "plugins"
    assert authoring.check_method(track.id, str(path), {"results": str(results), "suite": "next"}, ROOT) == []
