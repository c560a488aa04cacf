"""`snakemake train_siit` makes the weights that are missing, resumes a stopped training, and keeps what is there."""

import json
import shutil
import sys

import pytest

from bench.models.siit.programs import PROGRAMS
from tests.conftest import REPOSITORY

pytestmark = pytest.mark.slow
STEPS = "INTERPBENCH_TRAINING_STEPS"


def with_models(copy):
    """The copied suite with the models' code; a stand-in for every shipped weight file but one."""
    shutil.copytree(
        REPOSITORY / "bench" / "models", copy.root / "bench" / "models", ignore=shutil.ignore_patterns("weights")
    )
    weights = copy.root / "bench" / "models" / "siit" / "weights"
    for program in PROGRAMS:
        (weights / program).mkdir(parents=True)
        for name in ("0", "1", "2", "natural-0"):
            for ending in ("safetensors", "json"):
                (weights / program / f"{name}.{ending}").write_text("stand-in")
    for ending in ("safetensors", "json"):
        (weights / "balance" / f"natural-0.{ending}").unlink()
    return weights / "balance"


def train(copy, steps):
    return copy.run("env", f"{STEPS}={steps}", sys.executable, "-m", "snakemake", "--cores", "1", "train_siit")


def test_a_missing_model_is_trained_from_where_it_was_stopped_and_no_other(copy):
    folder = with_models(copy)
    stopped = train(copy, 20)
    assert stopped.returncode != 0
    assert "is refused: behaviour" in stopped.stdout + stopped.stderr
    assert not (folder / "natural-0.safetensors").exists()
    state = copy.results / "training" / "balance-natural-0.step.json"
    noted = json.loads(state.read_text())
    assert noted["step"] == 20
    done = train(copy, 500)
    assert done.returncode == 0, done.stdout + done.stderr
    record = json.loads((folder / "natural-0.json").read_text())
    assert record["settings"]["natural"]
    assert record["steps"] == 250
    assert record["cpu_seconds"] > noted["cpu_seconds"] > 0
    assert (folder / "natural-0.safetensors").stat().st_size > 1000
    assert (folder / "0.safetensors").read_text() == "stand-in"


def test_nothing_is_trained_where_nothing_is_missing_nor_by_default(copy):
    folder = with_models(copy)
    for ending in ("safetensors", "json"):
        (folder / f"natural-0.{ending}").write_text("stand-in")
    assert "Nothing to be done" in (done := train(copy, 20)).stdout + done.stderr
    for ending in ("safetensors", "json"):
        (folder / f"natural-0.{ending}").unlink()
    planned = copy.snakemake("--dry-run")
    assert planned.returncode == 0, planned.stderr
    assert "train_siit" not in planned.stdout


def test_a_model_trained_on_behaviour_alone_is_made_by_its_rule_with_a_record_of_the_device(copy):
    with_models(copy)
    made = copy.root / "bench" / "models" / "trained" / "weights" / "greater_than" / "0.json"
    done = copy.run("env", f"{STEPS}=200", sys.executable, "-m", "snakemake", "--cores", "1", str(made))
    assert done.returncode == 0, done.stdout + done.stderr
    record = json.loads(made.read_text())
    assert record["device"] in ("cpu", "cuda")
    assert record["steps"] == 200
    assert made.with_suffix(".safetensors").stat().st_size > 1000
