# A trusted process a track: stored answers against the truth, skipped where this code scored them before.
rule score:
    input:
        job_inputs(PLAN, f"{STAGES}/score/{{job}}.json"),
    output:
        f"{STAGES}/score/{{job}}.json",
    wildcard_constraints:
        job="[^/]+",
    conda:
        ENVIRONMENT
    shell:
        stage("score") + " --output {output:q}"
