"""A copy of the suite whose only track is a toy: real rules, real supervisor, seconds instead of minutes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import submitting

REPOSITORY = Path(__file__).resolve().parents[1]
COPIED = (
    "bench/__init__.py",
    "bench/__main__.py",
    "bench/cli.py",
    "bench/core",
    "bench/submissions",
    "bench/kernels/__init__.py",
    "bench/tracks/__init__.py",
)
TREES = ("leaderboard", "workflow", "config", "profiles", "envs", "Snakefile")


@dataclass(frozen=True)
class Copy:
    """A copied suite in a folder of its own, with commands to run it."""

    root: Path

    @property
    def toy(self) -> Path:
        return self.root / "bench" / "tracks" / "toy"

    @property
    def results(self) -> Path:
        return self.root / "results"

    def environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        return {**kept, **threads, "PYTHONPATH": str(self.root), "XDG_CACHE_HOME": str(self.root / ".cache")}

    def start(self, *command: str) -> subprocess.Popen:
        """A command in the background, its output in `output.log`."""
        with open(self.root / "output.log", "w") as log:
            return subprocess.Popen(
                command, cwd=self.root, env=self.environment(), stdout=log, stderr=subprocess.STDOUT
            )

    def run(self, *command: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            command, cwd=self.root, env=self.environment(), text=True, capture_output=True, timeout=240, check=False
        )

    def bench(self, *arguments: str) -> subprocess.CompletedProcess:
        return self.run(sys.executable, "-P", "-m", "bench", *arguments)

    def snakemake(self, *arguments: str) -> subprocess.CompletedProcess:
        return self.run(sys.executable, "-m", "snakemake", "--cores", "2", *arguments)

    def make(self, *arguments: str) -> subprocess.CompletedProcess:
        """Snakemake that must succeed; its output is the failure message where it does not."""
        done = self.snakemake(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    def page(self, suite: str = "next") -> dict[str, bytes]:
        """The files of a suite's page and their bytes."""
        folder = self.results / suite / "leaderboard"
        return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}

    def records(self, suite: str = "next") -> list[dict]:
        return [json.loads(line) for line in (self.results / suite / "records.jsonl").read_text().splitlines()]

    def started(self, suite: str = "next") -> dict[str, str]:
        """Unit run to the time it was started: equal values mean that nothing was run again."""
        return {f"{r['method']} {r['instance']} {r['seed']}": r["started"] for r in self.records(suite)}


def copied_suite(root: Path) -> Copy:
    """A copy of the suite below a new folder `root`."""
    for name in (*COPIED, *TREES):
        source, target = REPOSITORY / name, root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(source, target)
    for frozen in (root / "config" / "suites").glob("*.yaml"):
        frozen.unlink()
    (root / "config" / "suites").mkdir(exist_ok=True)
    (root / "datasets").mkdir()
    toy = root / "bench" / "tracks" / "toy"
    shutil.copytree(REPOSITORY / "tests" / "workflow" / "toy", toy, ignore=shutil.ignore_patterns("__pycache__"))
    (toy / "__init__.py").touch()
    for name in ("location", "closeness"):
        (toy / f"kernel_{name}.py").rename(root / "bench" / "kernels" / f"{name}.py")
    config = root / "config" / "config.yaml"
    config.write_text(config.read_text().replace("suite: core ", "suite: next "))
    return Copy(root)


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return copied_suite(tmp_path / "suite")


@pytest.fixture(scope="session")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """A copied suite whose toy track is frozen as `toy-1`, for tests that leave it as it is."""
    made = copied_suite(tmp_path_factory.mktemp("submissions") / "suite")
    submitting.freeze(made)
    return made


@pytest.fixture(scope="session")
def packed(suite: Copy) -> Path:
    """The folder of an honest submission of the toy's mean."""
    return submitting.submit(suite)
