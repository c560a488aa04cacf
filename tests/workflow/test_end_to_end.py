"""One real run of the whole workflow on the toy track."""

import json
import re

import duckdb
import pandas as pd
import pytest

from bench.core.records import hardware

pytestmark = pytest.mark.slow


def test_a_run_from_nothing_ends_with_records_tables_and_a_page_and_a_second_run_does_nothing(copy):
    done = copy.make()
    assert "Toy location" in done.stdout
    assert "results/next/leaderboard/index.html" in done.stdout
    records = copy.records()
    assert len(records) == 4 * 9 + 6  # two methods and two controls on nine units, the mutant on the six it touches
    assert {record["status"] for record in records} == {"ok"}
    assert (copy.results / "next" / "leaderboard" / "index.html").is_file()
    assert not list(copy.results.glob("scratch/*"))
    again = copy.make()
    assert "Nothing to be done" in again.stdout + again.stderr


def test_scores_agree_with_numpy_and_the_parquet_table_can_be_queried(copy):
    copy.make()
    table = pd.read_parquet(copy.results / "next" / "scores.parquet")
    oracle = table[(table.method == "oracle") & (table.metric == "closeness")]
    assert (oracle.value == 1).all()
    assert (oracle.ceiling == 1).all()
    assert oracle.floor.between(0, 0.5).all()
    path = copy.results / "next" / "scores.parquet"
    query = (
        f"select method, avg(value) as value from '{path}' where metric = 'closeness' group by method order by value"
    )
    order = duckdb.sql(query).df().method.tolist()
    assert order[0] == "coin"
    assert order[-1] == "oracle"


def test_a_track_that_says_how_draws_its_units_and_gives_its_answers_away(copy):
    drawing = (
        "def picture(problem, truth):\n"
        "    return {'nodes': [['x', 0, 0.0]], 'edges': [], 'circuits': [[]], 'null': truth.null}\n\n\n"
        "def drawn(problem, answer):\n    return {'scores': [], 'chosen': []}\n"
    )
    (copy.toy / "picture.py").write_text(drawing)
    (copy.toy / "exchange.py").write_text("def export(problem, answer):\n    return {'location': answer.location}\n")
    copy.make()
    pages = copy.results / "next" / "leaderboard" / "pictures"
    names = {f"toy-normal-v1.{instance}.0.html" for instance in ("narrow", "wide", "nothing")}
    assert {path.name for path in pages.iterdir()} == names
    away = copy.bench("export", "toy", "mean", "normal-v1/wide/0")
    assert away.returncode == 0, away.stderr
    (kept,) = copy.results.glob("units/toy/mean/normal-v1/wide/0/**/answer/meta.json")
    assert repr(json.loads(away.stdout)["location"]) in kept.read_text()


def test_catalogue_lists_every_plug_in_with_its_card(copy):
    done = copy.bench("catalogue", "--json")
    assert done.returncode == 0, done.stderr
    track = json.loads(done.stdout)["tracks"]["toy"]
    assert [instance["id"] for instance in track["tasks"]["normal"]["instances"]] == ["narrow", "wide", "nothing"]
    assert track["mutants"]["off_by_one"]["mutant_of"] == "mean"
    assert track["metrics"]["closeness"]["role"] == "headline"


def test_a_method_that_needs_a_gpu_is_skipped_where_there_is_none_and_the_others_keep_their_units(copy):
    if hardware()["gpu"] is not None:
        pytest.skip("there is a GPU here")
    head = '"""A method for a GPU."""\n\nREFERENCE = "none"\nNEEDS = ("gpu",)\n\n\n'
    (copy.toy / "methods" / "wide.py").write_text(head + "def solve(problem, rng):\n    raise RuntimeError\n")
    reason = "needs a GPU, and this machine shows none"
    assert f"skipped   toy/wide: {reason}" in copy.bench("plan").stdout
    done = copy.make("--config", "seeds=1")
    found = {(r["method"], r["status"], r["reason"]) for r in copy.records()}
    assert ("wide", "skipped", reason) in found
    assert {status for method, status, _ in found if method != "wide"} == {"ok"}
    page = (copy.results / "next" / "leaderboard" / "index.html").read_text()
    assert reason in page
    assert "taken off for all methods" not in done.stdout


def test_a_dry_run_counts_its_jobs_and_writes_no_result(copy):
    done = copy.make("--dry-run")
    counted = dict(re.findall(r"^(\w+) +(\d+)$", done.stdout + done.stderr, re.MULTILINE))
    runs = [f"run_toy_{name}" for name in ("mean", "median", "coin", "oracle", "off_by_one")]
    assert {name: counted.pop(name) for name in runs} == dict.fromkeys(runs, "1")
    assert int(counted.pop("total")) == len(runs) + sum(map(int, counted.values()))
    assert f"{len(runs) + 2} jobs" in copy.bench("plan").stdout.splitlines()[0]  # problems and score beside
    assert not (copy.results / "units").exists()


def test_a_plan_says_what_is_to_do_and_costs_as_measured_here_or_shipped_or_unknown(copy):
    assert "toy/mean                                     ? x 9 units\n" in copy.bench("plan").stdout
    copy.make()
    done = copy.bench("plan").stdout
    assert re.search(r"toy/mean +[0-9.e-]+ x 9 units, done\n", done)
    assert done.endswith("to do     0 CPU-seconds of methods\n")
    assert copy.bench("plan", "--ship-costs").returncode == 0
    elsewhere = copy.bench("plan", "--config", "results=elsewhere").stdout
    shipped = json.loads((copy.root / "config" / "costs.json").read_text())["cpu_seconds"]
    assert f"toy/mean                                     {shipped['toy/mean']:.3g}* x 9 units\n" in elsewhere
    expected = sum(9 * seconds for name, seconds in shipped.items() if name != "toy/off_by_one")
    expected += 6 * shipped["toy/off_by_one"]
    assert f"to do     {expected:.0f} CPU-seconds of methods\n" in elsewhere


THREADS = '''"""Says on how many threads it may compute."""

import os

from bench.tracks.toy.types import Answer

REFERENCE = "none"


def solve(problem, rng):
    return Answer(float(os.environ["OMP_NUM_THREADS"]))
'''


def test_threads_that_snakemake_grants_reach_the_method(copy):
    (copy.toy / "methods" / "threads.py").write_text(THREADS)
    copy.make("--config", "seeds=1", "methods=threads", "--set-threads", "run_toy_threads=2")
    answers = [json.loads(path.read_text()) for path in copy.results.glob("units/toy/threads/**/answer/meta.json")]
    assert [answer["location"] for answer in answers] == [2.0] * 3
