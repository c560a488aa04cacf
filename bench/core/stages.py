"""Runs one planned job in this process: what each rule's shell command comes down to."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.core import problems, records, running, scoring
from bench.core.contract import BadInput
from bench.core.progress import reporter


def read_plan(path: Path) -> dict[str, Any]:
    """A plan document as `Plan.write` left it. Raises `BadInput` where it is missing or malformed."""
    return records.read_json(path)


def job_of(document: Mapping[str, Any], stage: str, output: str) -> dict[str, Any]:
    """The job of a stage that declares `output`. Raises `BadInput` where none does."""
    for job in document["jobs"].values():
        if job["stage"] == stage and job["output"] == output:
            return job
    raise BadInput(f"{output}: the plan {document['hash']} has no such {stage} job; start snakemake again")


def execute(document: Mapping[str, Any], job: Mapping[str, Any], threads: int = 1) -> None:
    """Do one job, a method on so many BLAS threads; its output file is written last."""
    config, spec, output = document["config"], job["spec"], Path(job["output"])
    root, progress = Path(document["root"]), reporter(f"{job['stage']} {job['name']}")
    if job["stage"] == "run":  # holds a lock of its own
        running.run(spec, job["inputs"], config, root, output, progress, threads)
        return
    with running.locked(Path(config["results"]) / "locks" / f"{job['stage']}-{job['name'].replace('/', '-')}"):
        if job["stage"] == "data":
            problems.make_data(spec, config, root, output)
        elif job["stage"] == "problems":
            problems.make_problems(spec, config, output, progress)
        elif job["stage"] == "score":
            scoring.score(spec, config, output, progress)
