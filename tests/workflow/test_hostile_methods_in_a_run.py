"""Methods that fail on some units: the whole run ends well, the others' scores stay, the page says what happened."""

import html
import json

import pytest

pytestmark = pytest.mark.slow

HEAD = '"""{title}."""\n\nimport numpy as np\n\nfrom bench.tracks.toy.types import Answer\n\nREFERENCE = "none"\n\n\n'
FAILS = {
    "raises": 'raise RuntimeError("the matrix is singular")',
    "segfaults": "__import__('ctypes').string_at(0)",
    "loops": "while True:\n            pass",
}
STATUS = {"raises": "error", "segfaults": "error", "loops": "timeout"}
REASON = {"raises": "RuntimeError: the matrix is singular", "segfaults": "SIGSEGV", "loops": "CPU"}
BODY = """def solve(problem, rng):
    if problem.sample.std() > 1.5:
        print("{name} was here", flush=True)
        {fault}
    return Answer(float(np.mean(problem.sample)))
"""
POOLS = """SEEN = []


def solve(problem, rng):
    SEEN.append(float(np.mean(problem.sample)))
    return Answer(0.5 * SEEN[-1] + 0.5 * float(np.mean(SEEN)))
"""


def write(copy, name, body):
    (copy.toy / "methods" / f"{name}.py").write_text(HEAD.format(title=name) + body)


def records(copy, results):
    lines = (copy.root / results / "next" / "records.jsonl").read_text().splitlines()
    return {(r["method"], r["instance"]): r for r in map(json.loads, lines)}


def scored(found):
    """Statuses, answers and scores, without times and costs."""
    return {key: (r["status"], r["answer_sha256"], r["score"]) for key, r in found.items()}


def test_a_run_with_hostile_methods_ends_well_and_leaves_the_others_scores_as_they_were(copy):
    limits = copy.root / "bench" / "core" / "running.py"
    assert "cpu_seconds=120" in limits.read_text()
    limits.write_text(limits.read_text().replace("cpu_seconds=120", "cpu_seconds=2"))
    copy.make("--config", "seeds=1", "results=alone")
    alone = scored(records(copy, "alone"))
    for name, fault in FAILS.items():
        write(copy, name, BODY.format(name=name, fault=fault))
    copy.make("--config", "seeds=1", "results=together")
    found = records(copy, "together")
    together = scored(found)
    assert {key: together[key] for key in alone} == alone
    assert {key[0] for key in together.keys() - alone.keys()} == set(FAILS)
    page = (copy.root / "together" / "next" / "leaderboard" / "index.html").read_text()
    for name in FAILS:
        record = found[name, "wide"]
        assert (record["status"], record["score"]) == (STATUS[name], None)
        assert REASON[name] in record["reason"]
        assert f"{name} was here" in record["log_tail"]
        assert record["reason"] in html.unescape(page)
        assert f"{name} was here" in page
        assert {found[name, other]["status"] for other in ("narrow", "nothing")} == {"ok"}


def test_state_kept_between_units_is_not_seen_in_a_run_and_is_refused_by_check(copy):
    write(copy, "pools", POOLS)
    copy.make("--config", "methods=[pools]", "seeds=2")
    assert {r["status"] for r in copy.records() if r["method"] == "pools"} == {"ok"}  # docs/decisions.md
    done = copy.bench("check", "toy", "pools")
    assert done.returncode == 2
    assert "answers otherwise when the order of units is reversed; keep no state" in done.stderr
