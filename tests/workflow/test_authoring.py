"""From `new-method` to a row, and what `check` refuses."""

import pytest

pytestmark = pytest.mark.slow


def test_a_scaffolded_method_passes_check_gets_scores_by_try_and_a_row_on_the_board(copy):
    made = copy.bench("new-method", "toy", "guess")
    assert made.returncode == 0, made.stderr
    checked = copy.bench("check", "toy", "guess")
    assert checked.returncode == 0, checked.stderr
    tried = copy.bench("try", "toy", "guess")
    assert tried.returncode == 0, tried.stderr
    assert "guess" in tried.stdout
    assert "oracle" in tried.stdout
    copy.make()
    assert "guess" in {record["method"] for record in copy.records()}


def test_a_method_outside_the_repository_is_checked_and_tried_by_its_path(copy, tmp_path):
    path = tmp_path / "elsewhere.py"
    path.write_text((copy.toy / "methods" / "median.py").read_text())
    assert copy.bench("check", "toy", str(path)).returncode == 0
    tried = copy.bench("try", "toy", str(path))
    assert tried.returncode == 0, tried.stderr
    assert "elsewhere" in tried.stdout


def test_try_runs_toys_controls_and_others_in_time_and_says_what_it_left_out(copy):
    tried = copy.bench("try", "toy", "mean", "--minutes", "0")
    assert tried.returncode == 0, tried.stderr
    assert "no time for median" in tried.stdout
    made = {(r["instance"], r["method"]) for r in copy.records("dev/dev")}
    assert made == {(i, m) for i in ("wide", "nothing") for m in ("mean", "coin", "oracle")}
    tried = copy.bench("try", "toy", "mean", "--mutants", "--seeds", "1")
    assert "no time" not in tried.stdout
    assert "too few draws" in tried.stdout
    made = {r["method"] for r in copy.records("dev/dev")}
    assert made == {"mean", "median", "off_by_one", "coin", "oracle"}


def test_try_tries_everything_or_what_is_named_and_refuses_what_is_not_there(copy):
    assert copy.bench("try", "toy", "off_by_one", "--all", "--minutes", "0", "--seeds", "1").returncode == 0
    records = copy.records("dev/dev")
    assert {r["method"] for r in records} == {"mean", "median", "off_by_one", "coin", "oracle"}
    assert {r["instance"] for r in records} == {"narrow", "wide", "nothing"}
    done = copy.bench("try", "toy", "mean", "--instances", "normal/narow")
    assert done.returncode == 2
    assert "did you mean normal/narrow" in done.stderr
    assert "--seeds: 0 is too few" in copy.bench("try", "toy", "mean", "--seeds", "0").stderr


BROKEN = {
    "state": (
        "COUNT = [0]\n\n\ndef solve(problem, rng):\n    COUNT[0] += 1\n    return Answer(float(COUNT[0]))\n",
        "keep no state",
    ),
    "clock": (
        "import os\n\n\ndef solve(problem, rng):\n    return Answer(float(int.from_bytes(os.urandom(4), 'big')))\n",
        "answers otherwise",
    ),
    "nothing": ("def answer(problem, rng):\n    return None\n", "has no function solve"),
    "positional": ("def solve(problem, rng, steps):\n    return Answer(0.0)\n", "keyword-only"),
    "words": (
        'NEEDS = ("gpus",)\n\n\ndef solve(problem, rng):\n    return Answer(0.0)\n',
        "'gpus'; known are gradients, gpu",
    ),
    "nan": ("def solve(problem, rng):\n    return Answer(float('nan'))\n", "nan"),
    "inputs": ("def solve(problem, rng):\n    problem.sample[:] = 0\n    return Answer(0.0)\n", "error"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_check_refuses_a_method_that_breaks_the_contract(copy, fault):
    body, word = BROKEN[fault]
    head = '"""Broken on purpose."""\n\nfrom bench.tracks.toy.types import Answer\n\nREFERENCE = "none"\n\n'
    (copy.toy / "methods" / "broken.py").write_text(head + body)
    done = copy.bench("check", "toy", "broken")
    assert done.returncode == 2
    assert word in done.stderr, done.stderr


def test_new_method_refuses_a_taken_name_and_a_bad_one(copy):
    assert "choose another name" in copy.bench("new-method", "toy", "mean").stderr
    assert "not a good id" in copy.bench("new-method", "toy", "Mean-2").stderr
