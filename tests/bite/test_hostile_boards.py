"""Methods that forge scores and records, answer a constant, or know the public units gain nothing on the board."""

from __future__ import annotations

import hashlib
import json
import math
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

from bench.submissions.rounds import new_round
from leaderboard import tables
from tests.conftest import Copy
from tests.submitting import SUITE, submit

HOSTILE = Path(__file__).parent / "hostile" / "toy"
FORGERS = ("forges", "constant_zero", "constant_four")


def hostile_files(copy: Copy, *names: str) -> None:
    for name in names:
        shutil.copyfile(HOSTILE / f"{name}.py", copy.toy / "methods" / f"{name}.py")


def closeness_of_mean(copy: Copy, instance: str, seed: int) -> float:
    """What the sample mean scores on a unit, from its files alone."""
    (problem,) = copy.results.glob(f"dev/problems/toy/normal-v1/{instance}/{seed}/*")
    truth = json.loads((Path(str(problem).replace("/problems/", "/truths/")) / "meta.json").read_text())
    sample = load_file(problem / "arrays.safetensors")["sample"]
    return math.exp(-abs(sample.mean() - truth["location"]))


@pytest.mark.slow
def test_a_forger_and_constants_gain_nothing_and_hurt_nobody(copy: Copy) -> None:
    hostile_files(copy, *FORGERS)
    (copy.toy / "mutants" / "off_by_one.py").unlink()
    code = (copy.toy / "score.py").read_bytes()
    done = copy.bench("try", "toy", "mean")
    assert done.returncode == 0, done.stderr
    assert (copy.toy / "score.py").read_bytes() == code
    assert not list(copy.results.glob("**/forged"))
    folder = copy.results / "dev" / "dev"
    scores = pd.read_parquet(folder / "scores.parquet")
    for row in scores[(scores.method == "mean") & (scores.metric == "closeness")].itertuples():
        assert row.value == pytest.approx(closeness_of_mean(copy, row.instance, row.seed))
    (table,) = tables.load(folder / "records.jsonl", folder / "catalogue.json").tracks
    rows = {row.method: row for row in table.methods}
    assert rows["forges"].score.mean < 0  # no better than its answers
    assert rows["constant_zero"].score.mean < 0  # below the floor of guessing
    assert rows["constant_four"].status == "gated"  # it finds something where nothing is
    assert [rows[name].status for name in ("mean", "median")] == ["ranked", "ranked"]


def stored_answers(suite: Copy, seed: int) -> str:
    """A table of one public seed's samples with their locations, as a method could carry it."""
    found = {}
    for problem in suite.results.glob(f"problems/toy/normal-v1/*/{seed}/*"):
        truth = Path(str(problem).replace("/problems/", "/truths/"))
        sample = np.ascontiguousarray(load_file(problem / "arrays.safetensors")["sample"])
        found[hashlib.sha256(sample.tobytes()).hexdigest()] = json.loads((truth / "meta.json").read_text())["location"]
    assert len(found) == 3
    return f"STORED = {found!r}"


def seeds_made(suite: Copy) -> set[str]:
    return {path.name for path in suite.results.glob("problems/toy/normal-v1/*/*")}


@pytest.mark.slow
def test_who_knows_the_public_units_is_perfect_there_and_falls_on_hidden_ones(
    suite: Copy, packed: Path, tmp_path: Path
) -> None:
    before, method, key = seeds_made(suite), tmp_path / "knows_public.py", tmp_path / "round.key"
    source = (HOSTILE / "knows_public.py").read_text()
    method.write_text(source.replace("STORED = {}", stored_answers(suite, 1)))  # seeds 0 and 2 are regenerated
    folder = submit(suite, str(method), "-o", str(tmp_path))
    new_round("known", key, suite.root)
    done = suite.bench("verify-submission", str(folder), "--round", "known", "--key", str(key), *SUITE)
    assert done.returncode == 0, done.stderr
    record = json.loads((suite.root / "leaderboard/rounds/known" / f"{folder.name}.json").read_text())
    assert record["agrees"]
    assert record["scores"]["public"]["mean"] == pytest.approx(1)
    assert record["scores"]["hidden"]["mean"] < 0.9
    assert record["scores"]["gap"]["low"] > 0
    null = [unit["metrics"]["false_alarm"] for unit in record["hidden"]["units"] if unit["instance"] == "nothing"]
    assert null == [1, 1, 1]
    assert re.search(r"gap +0\.\d+ +0\.\d+ to", done.stdout)
    hidden = {unit["number"] for unit in record["hidden"]["units"]}
    assert hidden == {0, 1, 2}
    seeds = seeds_made(suite) - before
    assert len(seeds) == 9
    assert not any(seed in json.dumps(record) for seed in seeds)
