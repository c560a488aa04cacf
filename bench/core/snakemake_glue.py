"""What the Snakefile needs in Python: the plan, an input function by output, and the note that `resume` reads.

A stage's command names its plan through an environment variable: as a parameter, or written out in the command, a new
plan would run every old job again, and a global of the Snakefile is unknown to a shell command under `module`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bench.core import lifeline
from bench.core.contract import BadInput
from bench.core.plan import Plan, make_plan
from bench.core.running import LIMITS
from bench.core.upkeep import last_run

__all__ = ["job_inputs", "last_run", "memory_mb", "open_plan", "stage"]

SUPERVISOR_MB = 500
_opened: set[str] = set()


def open_plan(config: Mapping[str, Any], root: Path, conda: bool) -> Plan:
    """The plan of this invocation, written and named to the stages; one sentence and exit 2 on bad input."""
    try:
        plan = make_plan(dict(config), root)
        written = str(plan.write())
        _opened.add(written)
        if len(_opened) > 1:
            raise BadInput("module: the suite is imported twice with different configurations; use one workflow each")
    except BadInput as error:
        print(f"interpbench: {error}", file=sys.stderr)
        sys.exit(2)
    os.environ["INTERPBENCH_ROOT"] = str(root)
    os.environ["INTERPBENCH_PYTHON"] = "python" if conda else sys.executable
    os.environ["INTERPBENCH_PLAN"] = written
    lifeline.name_workflow()
    return plan


def stage(verb: str) -> str:
    """The shell command of a stage, the same for every plan."""
    return f'PYTHONPATH="$INTERPBENCH_ROOT" "$INTERPBENCH_PYTHON" -P -m bench {verb} --plan "$INTERPBENCH_PLAN"'


def job_inputs(plan: Plan, pattern: str) -> Callable[..., list[str]]:
    """A Snakemake input function: the inputs of the planned job whose output is `pattern` with the wildcards filled in.

    An output that is not planned (one of an older code, say) gets an input that nothing makes, and so an error.
    """
    known = {job.output: list(job.inputs) for job in plan.jobs}

    def inputs(wildcards: Any) -> list[str]:
        output = pattern.format(**dict(wildcards.items()))
        return known.get(output, [f"{output}.is-not-planned"])

    return inputs


def memory_mb(wildcards: Any) -> int:
    """What a run job may need: its size's limit for a method and what the supervisor takes (`job` is `size.hash`)."""
    return LIMITS[wildcards.job.split(".")[0]].memory_bytes // 2**20 + SUPERVISOR_MB
