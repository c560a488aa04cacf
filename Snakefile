# InterpBench: everything that a rule does is `python -P -m bench <verb>` on plain files.
import sys
from pathlib import Path

from snakemake.utils import min_version

min_version("9.0")

ROOT = Path(str(workflow.current_basedir))  # under `module`, workflow.basedir is the importing workflow's folder
sys.path.insert(0, str(ROOT))

from bench.core.snakemake_glue import job_inputs, last_run, open_plan

PLAN, PLAN_FILE = open_plan(config, ROOT)
RESULTS = str(PLAN.results)
SUITE = PLAN.suite.name
BENCH = f"PYTHONPATH={ROOT} python -P -m bench"
ENVIRONMENT = str(ROOT / "envs" / "base.yaml")
STAGES = f"{RESULTS}/stages"


include: "workflow/rules/leaderboard.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/problems.smk"
include: "workflow/rules/run.smk"
include: "workflow/rules/score.smk"


onstart:
    last_run(PLAN, ROOT)
