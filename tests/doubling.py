"""Runs a method file of the toy track `doubling` under the supervisor, as its tests need it."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.core import processes, store
from bench.core.child import load_types
from bench.core.contract import Unit
from bench.core.supervisor import Assignment, Limits, Outcome, supervise

REPOSITORY = Path(__file__).resolve().parents[1]
METHODS = REPOSITORY / "tests" / "bite" / "hostile" / "doubling"
TYPES = load_types(METHODS / "types.py")
LIMITS = Limits(
    cpu_seconds=0.6, memory_bytes=160 * 2**20, start_seconds=10, processes=48, file_bytes=2**26, answer_bytes=2**25
)
SIGNAL = np.arange(4.0)


@dataclass(frozen=True)
class Place:
    """A folder with a copy of the suite's core, units 0, 1 and 2, of which unit 1 invites misbehaviour, and a truth."""

    folder: Path

    @classmethod
    def make(cls, folder: Path, port: int = 9) -> Place:
        for name in ("core", "tracks"):
            (folder / "suite" / "bench" / name).mkdir(parents=True)
        for path in ("__init__.py", "tracks/__init__.py", *(f"core/{one.name}" for one in _core())):
            shutil.copyfile(REPOSITORY / "bench" / path, folder / "suite" / "bench" / path)
        (folder / "truths").mkdir()
        (folder / "truths" / "meta.json").write_text("the truth")
        for seed in range(3):
            problem = TYPES.Problem(SIGNAL + seed, seed == 1, str(folder / "truths"), port)
            store.write(problem, folder / "problems" / str(seed))
        return cls(folder)

    @property
    def scratch(self) -> Path:
        return self.folder / "scratch"

    @property
    def assignments(self) -> list[Assignment]:
        return [
            Assignment(
                Unit("doubling", "plain", 1, "small", seed), self.folder / "problems" / str(seed), None,
                self.folder / "answers" / str(seed),
            )
            for seed in range(3)
        ]  # fmt: skip

    def run(self, method: str | Path, limits: Limits = LIMITS, **choices) -> list[Outcome]:
        """Every outcome of a method of `hostile/doubling` (or of a file) on the three units."""
        plugin = method if isinstance(method, Path) else METHODS / f"{method}.py"
        facts = {"parameters": {}, "root": self.folder / "suite", "scratch": self.scratch} | choices
        facts.setdefault("hidden", [self.folder / "truths"])
        return list(supervise(plugin, METHODS / "types.py", self.assignments, limits, **facts))

    def answer(self, seed: int) -> np.ndarray | None:
        """The stored answer of a unit, or None where there is none."""
        folder = self.folder / "answers" / str(seed)
        return store.read(TYPES.Answer, folder).doubled if folder.exists() else None

    def left_behind(self) -> list[str]:
        """Processes, control groups and scratch files that should not exist any more."""
        alive = [one.pid for one in processes.all_processes() if one.state != "Z"]
        mine = [f"process {pid}" for pid in alive if processes.in_environment(pid, str(self.scratch).encode())]
        parents = processes.own_groups(Path("/proc/self/cgroup").read_text()).values() if processes.LINUX else ()
        groups = [str(one) for parent in parents for one in parent.glob(f"{processes.GROUP_PREFIX}{os.getpid()}-*")]
        return mine + groups + [str(path) for path in self.scratch.iterdir()]


def _core() -> list[Path]:
    return sorted((REPOSITORY / "bench" / "core").glob("*.py"))
