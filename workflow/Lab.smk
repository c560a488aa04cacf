# A laboratory's own data as a Snakemake module: its subjects side by side, then the trust card.
#
#     module lab:
#         snakefile: "<interpbench>/workflow/Lab.smk"
#         config: {"bids": "bids", "out": "derived", "task": "listen", "features": "model.yaml", "subjects": ["01"]}
#
#     use rule * from lab
#
# Its data rules are files: whatever makes <bids>/dataset_description.json or the features file is run first. Where each
# subject is made by a job of its own, override the input of a participant:
#
#     use rule lab_participant from lab as lab_participant with:
#         input: bids="bids/sub-{subject}/.converted", settings=[]
import sys
from pathlib import Path

ROOT = Path(str(workflow.current_basedir)).parent
sys.path.insert(0, str(ROOT))

from bench.lab.rules import level, open_lab, settings_argument

LAB = open_lab(config, ROOT)
DONE = f"{LAB['out']}/lab/.prepared/sub-{{subject}}_task-{LAB['task']}"
CARD = f"{LAB['out']}/lab/task-{LAB['task']}"


rule lab_all:
    input:
        f"{CARD}.html",
    localrule: True


# A bad subject ends well: its record says why, and the card counts it.
rule lab_participant:
    input:
        bids=f"{LAB['bids']}/dataset_description.json",
        settings=LAB["settings"],
    output:
        touch(DONE),
    params:
        bids=LAB["bids"],
        out=LAB["out"],
        task=LAB["task"],
        settings=settings_argument(LAB["settings"]),
    shell:
        level("participant") + " --participant-label {wildcards.subject:q} --keep-going"


rule lab_group:
    input:
        prepared=expand(DONE, subject=LAB["subjects"]),
        features=LAB["features"],
        settings=LAB["settings"],
    output:
        f"{CARD}.html",
        f"{CARD}_card.json",
        f"{CARD}_sites.tsv",
        f"{CARD}_records.jsonl",
    params:
        bids=LAB["bids"],
        out=LAB["out"],
        task=LAB["task"],
        settings=settings_argument(LAB["settings"]),
    shell:
        level("group") + " --features {input.features:q}"
