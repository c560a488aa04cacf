# Fetch (mirror, package, download), check and prepare each data set.
rule data:
    output:
        f"{STAGES}/data/{{job}}.json",
    wildcard_constraints:
        job="[^/]+",
    conda:
        ENVIRONMENT
    shell:
        stage("data") + " --output {output:q}"
