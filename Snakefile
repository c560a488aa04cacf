# InterpBench: everything that a rule does is `python -P -m bench <verb>` on plain files.
import sys
from pathlib import Path

from snakemake.utils import min_version

min_version("9.0")

ROOT = Path(
    str(workflow.current_basedir)
)  # under `module`, workflow.basedir is the importing workflow's folder
sys.path.insert(0, str(ROOT))

from bench.core.snakemake_glue import job_inputs, last_run, memory_mb, open_plan, stage

CONDA = "conda" in {
    str(method) for method in workflow.deployment_settings.deployment_method
}
PLAN = open_plan(config, ROOT, CONDA)
RESULTS = str(PLAN.results)
SUITE = PLAN.suite.name
ENVIRONMENT = str(ROOT / "envs" / "base.yaml")
STAGES = f"{RESULTS}/stages"


TARGET = f"{RESULTS}/{SUITE}/.built-{PLAN.hash}"  # goes when another plan's page is built, so that going back rebuilds


rule all:
    input:
        TARGET,
    localrule: True


include: "workflow/rules/data.smk"
include: "workflow/rules/problems.smk"
include: "workflow/rules/run.smk"
include: "workflow/rules/score.smk"
include: "workflow/rules/submissions.smk"
include: "workflow/rules/leaderboard.smk"
include: "workflow/rules/train.smk"


onstart:
    last_run(PLAN, ROOT)
