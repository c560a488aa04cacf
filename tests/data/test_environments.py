"""The lock, the conda environment and the installed packages say the same."""

from importlib import metadata

import yaml

from bench.core.config import ROOT
from bench.core.environments import conda_environment, pins

LOCK = ROOT / "envs" / "base.lock"


def test_the_conda_environment_holds_exactly_the_lock():
    assert yaml.safe_load((ROOT / "envs" / "base.yaml").read_text()) == conda_environment(LOCK)


def test_every_requirement_is_an_exact_pin_and_torch_is_the_pinned_one_without_torchvision():
    for name in ("base.lock", "test.lock"):
        assert all(line.count("==") == 1 for line in pins(ROOT / "envs" / name))
    names = {line.split("==")[0].lower() for name in ("base.lock", "test.lock") for line in pins(ROOT / "envs" / name)}
    assert "torch==2.13.0" in pins(LOCK)
    assert not names & {"torchvision", "torchaudio"}


def test_the_installed_environment_is_the_lock():
    wrong = [
        line
        for line in pins(LOCK)
        if metadata.version(line.split("==")[0]).split("+")[0] != line.split("==")[1].split("+")[0]
    ]
    assert wrong == []


def test_a_peers_lock_is_exact_and_has_the_pinned_torch():
    for lock in (ROOT / "envs" / "peers").glob("*.lock"):
        assert all(line.count("==") == 1 for line in pins(lock))
        assert "torch==2.13.0" in pins(lock)
    lenses = {"transformer-lens-3", "transformer-lens-4"}
    assert {lock.stem for lock in (ROOT / "envs" / "peers").glob("*.lock")} == {
        "auto-circuit",
        "nnsight",
        "pyvene",
    } | lenses
