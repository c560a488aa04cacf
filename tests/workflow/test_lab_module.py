"""The lab's rules as a module of another workflow, whose own rules make the recordings and the features."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.lab.rules import open_lab
from tests import fmri_trees

ROOT = Path(__file__).resolve().parents[2]
WORKFLOW = """
OURS = {{"bids": "bids", "out": "out", "task": "listen", "features": "model.yaml", "settings": "settings.yaml"}}

module lab:
    snakefile: "{root}/workflow/Lab.smk"
    config: OURS | {{"subjects": ["01"]}}

use rule * from lab

use rule lab_participant from lab as lab_participant with:
    input: bids="bids/sub-{{subject}}.copied", settings="settings.yaml"

rule copied:
    output: touch("bids/sub-{{subject}}.copied")
    shell:
        "mkdir -p bids/derivatives/fmriprep && cp source/*.json bids && cp -r source/sub-{{wildcards.subject}} bids && "
        "cp -r source/derivatives/fmriprep/sub-{{wildcards.subject}} bids/derivatives/fmriprep"

rule features:
    output: "model.yaml", "features.tsv"
    shell:
        "printf 'table: features.tsv\\n' > model.yaml && "
        "printf 'trial_type\\ttone\\tword\\ntone\\t1\\t0\\nword\\t0\\t1\\n' > features.tsv"

rule mine:
    default_target: True
    input: rules.lab_group.output[1]
    output: "mine.json"
    shell: "cp {{input}} {{output}}"
"""


def snakemake(folder, *arguments):
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    command = (sys.executable, "-m", "snakemake", "--cores", "1", *arguments)
    environment = {
        **kept,
        "XDG_CACHE_HOME": str(folder / ".cache"),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    return subprocess.run(
        command, cwd=folder, env=environment, text=True, capture_output=True, timeout=240, check=False
    )


@pytest.fixture
def folder(tmp_path):
    """A study, and a workflow beside it that takes one subject of it."""
    fmri_trees.derived_tree(tmp_path / "source")
    (tmp_path / "Snakefile").write_text(WORKFLOW.format(root=ROOT))
    (tmp_path / "settings.yaml").write_text(
        "preprocessing: {confounds: motion6, single_trial: none}\nencoding: {permutations: 20, draws: 2}\n"
    )
    return tmp_path


@pytest.mark.slow
def test_another_workflow_makes_the_data_and_another_model_is_no_reason_to_prepare_again(folder):
    done = snakemake(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    card = json.loads((folder / "mine.json").read_text())
    assert [one["subject"] for one in card["recordings"]] == ["01"]
    assert card["skipped"] == {}
    (folder / "model.yaml").write_text("table: features.tsv\ncomponents: 1\n")
    planned = snakemake(folder, "--dry-run").stdout
    assert "lab_group" in planned
    assert "lab_participant" not in planned


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('"features": "model.yaml", ', ""), "config lacks 'features'"),
        (('"task"', '"tsak"'), "'tsak' is not known; did you mean task"),
        (('["01", "02"]', "[]"), "holds no sub-* yet; name the `subjects`"),
    ],
)
def test_a_configuration_that_cannot_be_is_refused(change, message, tmp_path, capsys, monkeypatch):
    for name in ("INTERPBENCH_ROOT", "INTERPBENCH_PYTHON"):
        monkeypatch.setenv(name, "")  # put back afterwards
    text = '{"bids": "bids", "out": "out", "task": "listen", "features": "model.yaml", "subjects": ["01", "02"]}'
    with pytest.raises(SystemExit):
        open_lab(json.loads(text.replace(*change)), tmp_path)
    assert message in capsys.readouterr().err
