# records -> tables -> page. The first rule is the target.
localrules:
    all,
    leaderboard,


rule all:
    default_target: True
    input:
        f"{RESULTS}/{SUITE}/.built-{PLAN.hash}",


rule leaderboard:
    input:
        [job.output for job in PLAN.stage("score")],
    output:
        marker=f"{RESULTS}/{SUITE}/.built-{PLAN.hash}",
    conda:
        ENVIRONMENT
    shell:
        "{BENCH} collect --plan {PLAN_FILE} && {BENCH} site --plan {PLAN_FILE}"
