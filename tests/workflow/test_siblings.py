"""Answers on the seeds of one instance are scored beside each other, and again where one of them changes."""

import json

import pytest

pytestmark = pytest.mark.slow

BESIDE = """

def score_beside(problem, truth, answer, others):
    return {} if truth.null else {"spread": float(max(abs(answer.location - other.location) for other in others))}
"""
CARD = """    "spread": {
        "title": "Spread", "version": 1, "role": "report", "units": "live", "range": [0, None], "direction": "lower",
        "floor": None, "ceiling": None, "reference": "none",
    },
    "false_alarm": {"""


def locations(copy, method):
    """What a method said on each seed of the instance whose seeds are siblings, from its stored answers."""
    paths = copy.results.glob(f"units/toy/{method}/normal-v1/wide/*/**/answer/meta.json")
    return {int(path.parts[path.parts.index("wide") + 1]): json.loads(path.read_text())["location"] for path in paths}


def spreads(copy, method, instance):
    chosen = [r for r in copy.records() if (r["method"], r["instance"]) == (method, instance)]
    return {r["seed"]: r["score"]["metrics"]["spread"]["value"] for r in chosen}


def test_siblings_are_scored_beside_each_other_and_others_are_not(copy):
    score, task, method = copy.toy / "score.py", copy.toy / "tasks" / "normal.py", copy.toy / "methods" / "mean.py"
    score.write_text(score.read_text().replace('    "false_alarm": {', CARD) + BESIDE)
    task.write_text(task.read_text().replace('"title": "much noise"', '"siblings": True, "title": "much noise"'))
    copy.make()
    said = locations(copy, "mean")
    expected = {seed: max(abs(here - there) for there in said.values()) for seed, here in said.items()}
    assert len(said) == 3
    assert spreads(copy, "mean", "wide") == pytest.approx(expected)
    assert set(spreads(copy, "mean", "narrow").values()) == {None}
    text = method.read_text()
    method.write_text(text.replace("return Answer(", "return Answer(len(problem.sample) / 40 * rng.random() * "))
    assert method.read_text() != text
    copy.make()
    assert spreads(copy, "mean", "wide") != pytest.approx(expected)
    again = copy.make()
    assert "Nothing to be done" in again.stdout + again.stderr
