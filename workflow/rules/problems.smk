# Problems and truths in separate trees; one job a task, or one an instance where a task says SPLIT.
rule problems:
    input:
        job_inputs(PLAN, f"{STAGES}/problems/{{track}}/{{job}}.json"),
    output:
        f"{STAGES}/problems/{{track}}/{{job}}.json",
    wildcard_constraints:
        track="[^/]+",
        job="[^/]+",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=4000,
    shell:
        stage("problems") + " --output {output:q}"
