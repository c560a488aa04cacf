# Records -> tables -> page.
rule leaderboard:
    input:
        [job.output for job in PLAN.stage("score")],
    output:
        TARGET,
    localrule: True
    conda:
        ENVIRONMENT
    shell:
        stage("collect") + " && " + stage("site")
