"""What a plan holds before it is run: jobs, units, expected cost, where data come from, and what will be skipped."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from bench.core import data, records
from bench.core.config import mirror_of
from bench.core.plan import Job, Plan
from bench.core.records import RUN, read_json

SHIPPED = Path("config") / "costs.json"


def describe_plan(plan: Plan) -> str:
    """Jobs and units by stage, what is done already, where data come from, what will be skipped and why, and the cost.

    The cost is in CPU-seconds of the methods alone: as measured in these results, else as shipped in
    `config/costs.json` (measured once, elsewhere), else `?`.
    """
    lines = [f"suite {plan.suite.label}: {len(plan.suite.units)} units, {len(plan.jobs)} jobs"]
    for stage in ("data", "problems", "run", "score"):
        jobs = plan.stage(stage)
        todo = [job for job in jobs if not Path(job.output).exists()]
        lines.append(f"  {stage:9} {len(jobs):4} jobs, {len(todo)} to do")
    lines += [f"  data      {text}" for text in _sources(plan)]
    lines += [f"  skipped   {reason}" for reason in _skips(plan)]
    return "\n".join([*lines, *_costs(plan)])


def _costs(plan: Plan) -> Iterator[str]:
    """One line a run job and their sum over what is still to do."""
    here, shipped = measured_seconds(plan), shipped_seconds(plan)
    total, unknown = 0.0, 0
    yield "  cost      CPU-seconds a unit (measured here; * as shipped; ? never measured)"
    for job in plan.stage("run"):
        name, units = f"{job.spec['track']}/{job.spec['method']}", len(job.spec["units"])
        each, mark = (here[name], "") if name in here else (shipped.get(name), "*")
        done = Path(job.output).exists()
        yield f"    {name:44} {'?' if each is None else f'{each:.3g}{mark}'} x {units} units{', done' if done else ''}"
        total += 0 if done or each is None else each * units
        unknown += each is None and not done
    yield f"  to do     {total:.0f} CPU-seconds of methods" + (
        f", and {unknown} jobs of unknown cost" if unknown else ""
    )


def measured_seconds(plan: Plan) -> dict[str, float]:
    """Mean CPU-seconds of a unit by `track/method`, over the run records that lie in these results."""
    seconds: dict[str, list[float]] = {}
    for path in (plan.results / "units").glob(f"*/*/*/*/*/*/{RUN}"):
        record = records.last(path, "record")
        if record and record["status"] != "skipped":
            seconds.setdefault(f"{record['track']}/{record['method']}", []).append(record["cpu_seconds"])
    return {name: sum(values) / len(values) for name, values in seconds.items()}


def shipped_seconds(plan: Plan) -> dict[str, float]:
    """The costs that were measured once and are shipped with the suite; nothing where there are none."""
    path = plan.root / SHIPPED
    return read_json(path)["cpu_seconds"] if path.is_file() else {}


def ship_seconds(plan: Plan) -> Path:
    """Write the costs measured in these results to `config/costs.json`, over what stood there for the same methods."""
    costs = {**shipped_seconds(plan), **{name: float(f"{x:.3g}") for name, x in measured_seconds(plan).items()}}
    path = plan.root / SHIPPED
    path.write_text(json.dumps({"cpu_seconds": dict(sorted(costs.items()))}, indent=1) + "\n")
    return path


def _sources(plan: Plan) -> Iterator[str]:
    mirror = mirror_of(plan.config)
    for job in plan.stage("data"):
        if not Path(job.output).exists():
            name = job.spec["dataset"]
            yield f"{name}: {data.whence(plan.root / 'datasets' / name, mirror)}"


def _skips(plan: Plan) -> Iterator[str]:
    for job in plan.stage("data"):
        if reason := _missing(plan, job):
            skipped = [one for one in plan.stage("problems") if job.name in one.spec["datasets"]]
            units = sum(len(one.spec["units"]) for one in skipped)
            yield f"{units} units of {', '.join(one.name for one in skipped)}: {reason}"
    for job in plan.stage("run"):
        if "skipped" in job.spec:
            yield f"{job.spec['track']}/{job.spec['method']}: {job.spec['skipped']}"


def _missing(plan: Plan, job: Job) -> str | None:
    """Why a data set was not there when it was last tried, or cannot be there now."""
    path = Path(job.output)
    if path.exists():
        return read_json(path).get("missing")
    return data.cannot_come(plan.root / "datasets" / job.spec["dataset"], mirror_of(plan.config))
