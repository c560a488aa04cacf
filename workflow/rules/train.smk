# Training is a rule: `snakemake train_siit` makes the models of task siit whose weights are missing, `train_trained`
# those that are trained on behaviour alone, one job a model, on a GPU where torch sees one.
# `all` never asks for it, since weights ship. A job that was stopped goes on from its last saved step; a model that
# does not pass the gate in so many steps is not written. Settings go by the environment, lest a change of them would
# train shipped models anew.
import os

os.environ.setdefault("INTERPBENCH_TRAINING_STATE", f"{RESULTS}/training")
os.environ.setdefault("INTERPBENCH_TRAINING_STEPS", "20000")
WEIGHTS = str(ROOT / "bench" / "models" / "siit" / "weights")


def siit_models(wildcards):
    """Three models a program and a natural one."""
    from bench.models.siit.programs import PROGRAMS

    names = ("0", "1", "2", "natural-0")
    return [
        f"{WEIGHTS}/{program}/{name}.safetensors"
        for program in PROGRAMS
        for name in names
    ]


rule train_siit:
    input:
        siit_models,
    localrule: True


rule train_siit_model:
    output:
        f"{WEIGHTS}/{{program}}/{{kind}}{{seed}}.safetensors",
        f"{WEIGHTS}/{{program}}/{{kind}}{{seed}}.json",
    wildcard_constraints:
        program="[a-z_]+",
        kind="(natural-)?",
        seed="[0-9]+",
    conda:
        ENVIRONMENT
    params:
        natural=lambda wildcards: "--natural" if wildcards.kind else "",
    shell:
        'PYTHONPATH="$INTERPBENCH_ROOT" "$INTERPBENCH_PYTHON" -P -m bench.models.siit train {wildcards.program}'
        ' --seed {wildcards.seed} {params.natural} --out "$INTERPBENCH_ROOT/bench/models/siit/weights"'
        ' --steps "$INTERPBENCH_TRAINING_STEPS" --state "$INTERPBENCH_TRAINING_STATE"'


TRAINED = str(ROOT / "bench" / "models" / "trained" / "weights")


def trained_models(wildcards):
    """Three models a behaviour; those of earlier stages come with them."""
    from bench.models.trained.behaviours import BEHAVIOURS

    return [
        f"{TRAINED}/{name}/{seed}.safetensors"
        for name, behaviour in BEHAVIOURS.items()
        for seed in behaviour.seeds
    ]


rule train_trained:
    input:
        trained_models,
    localrule: True


rule train_trained_model:
    output:
        f"{TRAINED}/{{behaviour}}/{{seed}}.safetensors",
        f"{TRAINED}/{{behaviour}}/{{seed}}.json",
    wildcard_constraints:
        behaviour="[a-z_0-9]+",
        seed="[0-9]+",
    conda:
        ENVIRONMENT
    shell:
        'PYTHONPATH="$INTERPBENCH_ROOT" "$INTERPBENCH_PYTHON" -P -m bench.models.trained train {wildcards.behaviour}'
        ' --seed {wildcards.seed} --out "$INTERPBENCH_ROOT/bench/models/trained/weights"'
        ' --steps "$INTERPBENCH_TRAINING_STEPS" --state "$INTERPBENCH_TRAINING_STATE"'
