"""What the Snakefile needs in Python: the plan, an input function by output, and the note that `resume` reads."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bench.core.contract import BadInput
from bench.core.plan import Plan, make_plan
from bench.core.records import write_json


def open_plan(config: Mapping[str, Any], root: Path) -> tuple[Plan, str]:
    """The plan of this invocation and the file that the stages read; one sentence and exit 2 on bad input."""
    try:
        plan = make_plan(dict(config), root)
        return plan, str(plan.write())
    except BadInput as error:
        print(f"interpbench: {error}", file=sys.stderr)
        sys.exit(2)


def job_inputs(plan: Plan, pattern: str) -> Callable[..., list[str]]:
    """A Snakemake input function: the inputs of the planned job whose output is `pattern` with the wildcards filled in.

    An output that is not planned (one of an older code, say) gets an input that nothing makes, and so an error.
    """
    known = {job.output: list(job.inputs) for job in plan.jobs}

    def inputs(wildcards: Any) -> list[str]:
        output = pattern.format(**dict(wildcards.items()))
        return known.get(output, [f"{output}.is-not-planned"])

    return inputs


def last_run(plan: Plan, root: Path) -> None:
    """Note the configuration of the newest run, for `bench resume`."""
    write_json(plan.results / "last_run.json", {"config": dict(plan.config), "root": str(root)})
