# One named rule a method, so that --set-resources, logs and the rule graph speak of methods.
for track, method in sorted(
    {(job.spec["track"], job.spec["method"]) for job in PLAN.stage("run")}
):

    rule:
        name:
            f"run_{track}_{method}"
        input:
            job_inputs(PLAN, f"{STAGES}/run/{track}/{method}.{{job}}.json"),
        output:
            f"{STAGES}/run/{track}/{method}.{{job}}.json",
        wildcard_constraints:
            job="[^/]+",
        retries: 1
        conda:
            ENVIRONMENT
        threads: 1
        resources:
            mem_mb=memory_mb,
        shell:
            stage("run") + " --threads {threads} --output {output:q}"
