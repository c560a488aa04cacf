"""The suite as a Snakemake module inside another workflow."""

import pytest

pytestmark = pytest.mark.slow

WORKFLOW = """
module interpbench:
    snakefile: "{root}/Snakefile"
    config: {{"suite": "next", "seeds": 1, "results": "bench-results"}}

use rule * from interpbench as bench_*

rule mine:
    default_target: True
    input: rules.bench_all.input
    output: "mine.txt"
    shell: "cp bench-results/next/records.jsonl {{output}}"
"""


def test_another_workflow_uses_every_rule_and_builds_on_the_results(copy, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "Snakefile").write_text(WORKFLOW.format(root=copy.root))
    done = copy.run("env", "-C", str(other), *snakemake_command())
    assert done.returncode == 0, done.stdout + done.stderr
    assert (other / "mine.txt").read_text().count("\n") == 4 * 3 + 2
    assert not copy.results.exists()


def snakemake_command() -> list[str]:
    import sys

    return [sys.executable, "-m", "snakemake", "--cores", "2"]
