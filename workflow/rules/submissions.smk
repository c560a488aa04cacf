# What was submitted to this suite: answers scored by our scorer, no foreign code runs.
rule submission:
    input:
        job_inputs(PLAN, f"{STAGES}/submission/{{job}}.json"),
    output:
        f"{STAGES}/submission/{{job}}.json",
    conda:
        ENVIRONMENT
    shell:
        stage("submission") + " --output {output:q}"
