"""Edits re-run what they touch and nothing else, with and without Snakemake's own metadata."""

import json
import shutil

import pytest

pytestmark = pytest.mark.slow


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    """Methods of the unit runs that were started again."""
    assert before.keys() == after.keys()
    return {key.split()[0] for key in before if before[key] != after[key]}


def edit(path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_editing_one_method_runs_that_method_and_no_other(copy):
    copy.make()
    before = copy.started()
    edit(copy.toy / "methods" / "median.py", "np.median(problem.sample)", "np.median(problem.sample) + 0.0")
    copy.make()
    assert changed(before, copy.started()) == {"median"}


def test_editing_a_kernel_runs_again_what_imports_it_mutants_included(copy):
    copy.make()
    before = copy.started()
    edit(copy.root / "bench" / "kernels" / "location.py", "sample.mean()", "sample.mean() + 0.0")
    copy.make()
    assert changed(before, copy.started()) == {"mean", "off_by_one"}


def test_editing_the_score_scores_again_and_runs_nothing(copy):
    copy.make()
    before, scores = copy.started(), [record["score"] for record in copy.records()]
    edit(copy.root / "bench" / "kernels" / "closeness.py", "-abs(a - b)", "-2 * abs(a - b)")
    copy.make()
    assert changed(before, copy.started()) == set()
    assert [record["score"] for record in copy.records()] != scores


def test_editing_a_task_makes_new_problems_and_runs_all(copy):
    copy.make()
    before = copy.started()
    edit(copy.toy / "tasks" / "normal.py", '"wide": 3.0', '"wide": 2.0')
    copy.make()
    assert changed(before, copy.started()) == {"mean", "median", "coin", "oracle", "off_by_one"}
    wide = [r for r in copy.records() if r["instance"] == "wide"]
    assert wide


def test_an_edit_that_leaves_the_problems_alone_runs_no_method(copy):
    copy.make()
    before = copy.started()
    edit(copy.toy / "tasks" / "normal.py", "around a known location", "about a known location")
    copy.make()
    assert changed(before, copy.started()) == set()


SUITE = "name: {name}\nversion: 1\ndescription: x\ntracks: {{toy: {{normal: {{version: 1, instances: {chosen}}}}}}}\n"


def test_switching_suites_and_back_repeats_nothing_and_each_keeps_its_page(copy):
    chosen = {"first": "{narrow: [0, 1], nothing: [0]}", "second": "{narrow: [1, 2], wide: [0]}"}
    for name, instances in chosen.items():
        (copy.root / "config" / "suites" / f"{name}-1.yaml").write_text(SUITE.format(name=name, chosen=instances))
    copy.make("--config", "suite=first")
    before, page = copy.started("first"), copy.page("first")
    copy.make("--config", "suite=second")
    after = copy.started("second")
    shared = before.keys() & after.keys()
    assert {key.split(" ", 1)[1] for key in shared} == {"narrow 1"}
    assert {key: after[key] for key in shared} == {key: before[key] for key in shared}
    copy.make("--config", "suite=first")
    assert copy.started("first") == before
    assert copy.page("first") == page


def test_fewer_seeds_and_all_again_repeats_nothing_and_restores_the_records(copy):
    copy.make()
    before, page = copy.started(), (copy.results / "next" / "records.jsonl").read_bytes()
    copy.make("--config", "seeds=1")
    assert len(copy.records()) < len(before)
    copy.make()
    assert copy.started() == before
    assert (copy.results / "next" / "records.jsonl").read_bytes() == page


def test_a_fresh_clone_with_copied_results_sees_what_is_stale_without_snakemakes_metadata(copy):
    copy.make()
    before = copy.started()
    shutil.rmtree(copy.root / ".snakemake")
    edit(copy.toy / "methods" / "median.py", "np.median(problem.sample)", "np.median(problem.sample) + 0.0")
    faults = copy.bench("verify")
    assert faults.returncode == 2
    assert "older code" in faults.stdout
    stale = [line for line in faults.stdout.splitlines() if "changed since" in line]
    assert len(stale) == 9
    assert all("toy/median: its code" in line for line in stale)
    copy.make()
    assert changed(before, copy.started()) == {"median"}
    assert copy.bench("verify").returncode == 0


def test_verify_finds_a_forged_answer_and_a_broken_record_and_prune_has_them_made_again(copy):
    copy.make()
    before = copy.started()
    units = copy.results / "units" / "toy" / "mean" / "normal-v1" / "wide"
    next(units.glob("0/*/answer/meta.json")).write_text('{"location": 4.0}')
    next(units.glob("1/*/run.jsonl")).write_text("{}\n")
    faults = copy.bench("verify").stdout
    assert "not the one that was recorded" in faults
    assert "run.jsonl: line 1" in faults
    assert copy.bench("verify", "--prune").returncode == 0
    copy.make()
    again = {key for key, started in copy.started().items() if before[key] != started}
    assert again == {"mean wide 0", "mean wide 1"}


DECLINES = '''"""A method for other samples."""

from bench.core.contract import Unsupported

REFERENCE = "none"


def solve(problem, rng):
    raise Unsupported("the sample is too ordinary")
'''


def test_verify_has_nothing_to_say_on_units_that_a_method_declined(copy):
    (copy.toy / "methods" / "declines.py").write_text(DECLINES)
    copy.make()
    assert {r["status"] for r in copy.records() if r["method"] == "declines"} == {"unsupported"}
    assert copy.bench("verify").returncode == 0


def test_clean_removes_what_no_plan_refers_to_and_nothing_else(copy):
    copy.make()
    before = copy.started()
    edit(copy.toy / "methods" / "median.py", "np.median(problem.sample)", "np.median(problem.sample) + 0.0")
    copy.make()
    units = copy.results / "units" / "toy" / "median"
    assert len(list(units.glob("*/*/*/*"))) == 18
    outdated = copy.results / "data" / "recording-0123456789abcdef"
    outdated.mkdir(parents=True)
    assert copy.bench("clean").returncode == 0
    assert not outdated.exists()
    assert len(list(units.glob("*/*/*/*"))) == 9
    after = copy.started()
    assert "Nothing to be done" in (done := copy.make()).stdout + done.stderr
    assert copy.started() == after
    assert changed(before, after) == {"median"}


def test_clean_keeps_what_a_run_of_a_part_made(copy):
    copy.make("--config", "seeds=1")
    kept = sorted(copy.results.rglob("*"))
    assert copy.bench("clean").stdout == "0 removed\n"
    assert sorted(copy.results.rglob("*")) == kept


def test_clean_works_after_a_method_that_ran_is_gone_and_with_notes_of_older_code(copy):
    copy.make("--config", "seeds=1", "methods=median")
    (copy.toy / "methods" / "median.py").unlink()
    note = copy.results / "last_run.json"
    note.write_text(
        json.dumps({key: value for key, value in json.loads(note.read_text()).items() if key != "snakemake"})
    )
    done = copy.bench("clean")
    assert done.returncode == 0, done.stderr
    assert not list(copy.results.glob("units/toy/median/*/*/*/*"))


def test_clean_removes_nothing_while_a_plug_in_cannot_be_read(copy):
    copy.make("--config", "seeds=1")
    kept = sorted(copy.results.rglob("*"))
    (copy.toy / "methods" / "broken.py").write_text("def solve(:\n")
    refused = copy.bench("clean")
    assert refused.returncode == 2
    assert "broken.py: line 1 is not valid Python" in refused.stderr
    assert sorted(copy.results.rglob("*")) == kept
