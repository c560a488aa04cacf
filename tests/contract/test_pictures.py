"""Pictures of units: what is drawn, that the page's data are the answers', and that a browser says what is right."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from bench.core import pictures as core
from bench.core import records, store
from bench.core.config import ROOT
from bench.core.contract import BadInput, Blob
from bench.core.records import read_json, write_json
from bench.models.graph import GRANULARITIES, Graph
from bench.tracks.circuits import picture
from bench.tracks.circuits.types import Answer, Problem, Truth
from leaderboard import pictures, site
from tests import leaderboard_records as made_up
from tests.browser import CHROMIUM, Browser

SHAPE = SimpleNamespace(n_layers=2, n_heads=2, d_mlp=4, positions="learned", parallel=False)
CIRCUITS = ROOT / "bench" / "tracks" / "circuits"
KEY = "circuits/tracr-v1/sort/0"


def problem_of(granularity: str, folder: Path) -> Problem:
    graph = Graph(SHAPE, granularity)
    path = folder / "model.bin"
    path.write_bytes(b"no model is needed to draw")
    tokens = np.zeros((1, 2), int)
    return Problem(
        Blob.of(path), tokens, tokens, np.ones(2, bool), np.zeros((1, 2, 3)), "signed_output", "resample", granularity,
        list(graph.nodes), list(graph.edges), 10,
    )  # fmt: skip


@pytest.fixture
def unit(tmp_path):
    """Two right circuits of three edges each, and an answer that has one of the first and one wrong edge."""
    problem = problem_of("head", tmp_path)
    circuits = np.zeros((2, len(problem.edges)), bool)
    circuits[0, [0, 5, 9]] = circuits[1, [1, 5, 9]] = True
    chosen = np.zeros(len(problem.edges), bool)
    chosen[[0, 7]] = True
    scores = np.linspace(1e-13, 3e-13, len(problem.edges))
    return problem, Truth(null=False, circuits=circuits), Answer(edge_scores=scores, circuit=chosen)


@pytest.mark.parametrize("granularity", GRANULARITIES)
def test_every_edge_runs_from_its_source_to_its_target_and_never_backwards(granularity, tmp_path):
    problem = problem_of(granularity, tmp_path)
    shown = picture.picture(problem, Truth(null=True, circuits=np.zeros((1, len(problem.edges)), bool)))
    assert [name for name, *_ in shown["nodes"]] == problem.nodes
    for name, source, target, part in shown["edges"]:
        (start, x, _), (end, other, _) = shown["nodes"][source], shown["nodes"][target]
        inner = granularity == "node" or name.split("->")[0][-1] in "qkv"
        assert (x == other) if inner else (x < other)
        assert name.startswith(start)
        assert granularity == "node" or end in name.split("->")[1]
        assert part == (name[-1] if granularity in ("qkv", "acdc") and name[-1] in "qkv" else "")


def test_no_two_nodes_are_drawn_at_one_place(tmp_path):
    places = picture.places(problem_of("head", tmp_path).nodes)
    assert len(set(places)) == len(places)
    assert {x: len([1 for other, _ in places if other == x]) for x, _ in places} == {0: 2, 1: 2, 2: 1, 3: 2, 4: 1, 5: 1}


def laid_out(unit, folder: Path) -> dict:
    """A plan's document with one score job: two methods on two seeds, of which one answer failed."""
    problem, truth, answer = unit
    entries, runs = {}, []
    for seed in (0, 1):
        key = KEY[:-1] + str(seed)
        entries[key] = {name: str(folder / name / str(seed)) for name in ("problem", "truth")}
        store.write(problem, Path(entries[key]["problem"]))
        store.write(replace(truth, null=False), Path(entries[key]["truth"]))
    write_json(folder / "problems.json", {"units": entries})
    for method, status in (("eap", "ok"), ("acdc", "timeout")):
        manifest = {}
        for seed in (0, 1):
            place = folder / method / str(seed)
            store.write(answer, place / "answer")
            (place / records.RUN).write_text(json.dumps({"method": method, "status": status}) + "\n")
            manifest[KEY[:-1] + str(seed)] = str(place)
        runs.append(folder / f"{method}.json")
        write_json(runs[-1], {"units": manifest})
    spec = {
        "track": "circuits", "score": str(CIRCUITS / "score.py"), "types": str(CIRCUITS / "types.py"),
        "problems": [str(folder / "problems.json")], "runs": [str(path) for path in runs],
    }  # fmt: skip
    return {"jobs": {"score": {"stage": "score", "spec": spec}}}


@pytest.fixture
def drawn(unit, tmp_path, monkeypatch):
    document = laid_out(unit, tmp_path / "results")
    monkeypatch.setattr(records, "last", lambda path, *rest, **more: json.loads(path.read_text()))
    core.draw(document, tmp_path / "suite")
    return tmp_path / "suite" / "pictures"


def test_the_first_seed_of_an_instance_is_drawn_with_its_valid_answers(unit, drawn):
    problem, _, answer = unit
    assert [path.name for path in drawn.iterdir()] == ["circuits.tracr-v1.sort.0.json"]
    content = read_json(drawn / "circuits.tracr-v1.sort.0.json")
    assert set(content["answers"]) == {"eap"}
    assert content["answers"]["eap"]["chosen"] == [0, 7]
    np.testing.assert_allclose(content["answers"]["eap"]["scores"], answer.edge_scores, rtol=1e-3)
    assert content["circuits"] == [[0, 5, 9], [1, 5, 9]]
    assert [name for name, *_ in content["edges"]] == problem.edges


def test_pictures_that_the_suite_no_longer_has_are_removed(unit, drawn):
    core.draw({"jobs": {}}, drawn.parent)
    assert list(drawn.iterdir()) == []


def test_a_file_that_is_no_picture_is_refused_by_name(tmp_path):
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(BadInput, match=r"a\.json: is no picture of a unit; it must hold just answers, circuits"):
        pictures.load(tmp_path)


@pytest.fixture
def page(unit, drawn, tmp_path):
    """A page of made-up records, with the picture given to one of their units."""
    made_up.write(tmp_path / "in")
    content = read_json(drawn / "circuits.tracr-v1.sort.0.json") | {"track": "maze", "unit": "mazes-v1/hedge/0"}
    answers = content["answers"]
    content["answers"] = {"compass": answers["eap"], "crasher": {**answers["eap"], "chosen": [0, 5, 9]}}
    (tmp_path / "in" / "pictures").mkdir()
    write_json(tmp_path / "in" / "pictures" / "maze.json", content)
    site.build(tmp_path / "in" / "records.jsonl", tmp_path / "in" / "catalogue.json", tmp_path / "out")
    return tmp_path / "out"


def test_the_pictures_of_a_unit_are_linked_from_board_and_records(page):
    name = "pictures/maze-mazes-v1.hedge.0.html"
    assert (page / name).is_file()
    assert f'href="{name}"' in (page / "index.html").read_text()
    assert f'href="../{name}#compass"' in (page / "records" / "maze-truth-compass.html").read_text()
    assert name not in (page / "records" / "maze-truth-wall_follower.html").read_text()


@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")
def test_a_browser_says_and_draws_which_edges_are_right(page, tmp_path):
    shown = "document.getElementById('verdict').textContent"
    nearest = "(the nearest of 2 equally right circuits)"
    rows = "[...document.querySelectorAll('#edges tbody tr')].map(row => row.cells[1].textContent)"
    choose = (
        "(() => {{ const field = document.querySelector('.choose').elements.{0}; field.value = {1!r};"
        "field.dispatchEvent(new Event('input', {{bubbles: true}})); }})()"
    )
    with Browser(tmp_path / "profile") as browser:
        browser.open(page / "pictures" / "maze-mazes-v1.hedge.0.html")
        assert browser.evaluate(shown).startswith(f"1 of 3 right edges are found {nearest}, 1 wrong ones")
        assert sorted(browser.evaluate(rows)) == sorted(
            ["right and found", "right and missed", "right and missed", "only in another right circuit", "wrong"]
        )
        browser.evaluate(choose.format("method", "crasher"))
        assert browser.evaluate(shown).startswith(f"3 of 3 right edges are found {nearest}, 0 wrong ones")
        browser.evaluate(choose.format("shown", "top"))
        browser.evaluate(choose.format("count", "4"))
        assert "0 of 3 right edges are found" in browser.evaluate(shown)
        assert ", 4 wrong ones are shown" in browser.evaluate(shown)
        drawn = browser.evaluate("document.querySelectorAll('#circuit .scatterlayer .trace').length")
        assert drawn > 3
        assert browser.faults == []
