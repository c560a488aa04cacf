# Records -> tables -> page.
localrules:
    leaderboard,


rule leaderboard:
    input:
        [job.output for job in PLAN.stage("score")],
    output:
        TARGET,
    conda:
        ENVIRONMENT
    shell:
        "{BENCH} collect --plan {PLAN_FILE} && {BENCH} site --plan {PLAN_FILE}"
