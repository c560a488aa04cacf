# Records -> tables -> page.
rule leaderboard:
    input:
        [job.output for stage in ("score", "submission") for job in PLAN.stage(stage)],
    output:
        TARGET,
    localrule: True
    conda:
        ENVIRONMENT
    shell:
        stage("collect") + " && " + stage("site")
