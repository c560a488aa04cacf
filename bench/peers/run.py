"""`python -m bench peers`: our circuit methods and a peer's, each in its own process and environment, in one run.

Per case and method the two are timed one after the other on the same weights, inputs and question; models are loaded
before the clocks start. What they answered is compared, since figures of different answers say nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.core.config import ROOT
from bench.core.contract import BadInput
from bench.peers import cases
from bench.tracks.circuits.types import Problem

HERE = Path(__file__).parent
COMPILED = ("acdc", "exact_patching", "eap", "eap_ig")
LANGUAGE = ("eap", "eap_ig")  # the others take a run per edge
PEER = "auto-circuit"
RUNNER = "run_auto_circuit.py"
AGREEMENT = {"exact_patching": 0.999, "eap": 0.999}
"""Least correlation of edge scores. The two kinds of integrated gradients take different paths and need not agree."""
THREADS = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
Figures = Mapping[str, Any]


@dataclass(frozen=True)
class Row:
    """One method on one case: CPU-seconds, MiB beyond the loaded model, and how the answers agree."""

    case: str
    method: str
    ours: Figures
    theirs: Figures

    @property
    def shared(self) -> list[str]:
        """Edges that both have; we count the position embedding apart."""
        return [edge for edge in self.ours["scores"] if edge in self.theirs["scores"]]

    @property
    def agreement(self) -> float:
        """Jaccard index of the circuits for pruning, else the correlation of scores' magnitudes."""
        if self.method == "acdc":
            ours, theirs = set(self.ours["kept"]), set(self.theirs["kept"])
            return len(ours & theirs) / len(ours | theirs)
        pair = [[abs(side["scores"][edge]) for edge in self.shared] for side in (self.ours, self.theirs)]
        return float(np.corrcoef(pair)[0, 1])

    @property
    def line(self) -> str:
        """The row of the Markdown table."""
        cpu, memory = (self.theirs[key] / self.ours[key] for key in ("cpu_seconds", "grown_mib"))
        return (
            f"| {self.case} | {len(self.shared)} | {self.method} | {self.ours['cpu_seconds']:.3g} "
            f"| {self.theirs['cpu_seconds']:.3g} | {cpu:.2g} | {self.ours['grown_mib']:.0f} "
            f"| {self.theirs['grown_mib']:.0f} | {memory:.2g} | {self.agreement:.4f} |"
        )


HEAD = (
    f"| case | edges | method | ours, CPU-s | {PEER}, CPU-s | ratio | ours, MiB | {PEER}, MiB | ratio | agreement |\n"
    "|---|---|---|---|---|---|---|---|---|---|"
)


def environment(folder: Path, peer: str = PEER) -> Path:
    """The Python of a peer's environment, made from its lock where it is not there yet."""
    lock = ROOT / "envs" / "peers" / f"{peer}.lock"
    place = folder.absolute() / f"{peer}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
    python = place / "bin" / "python"
    if not (place / "complete").exists():
        print(f"making {place} from {lock.relative_to(ROOT)}", file=sys.stderr)
        venv.create(place, clear=True, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "--no-deps", "-r", lock], check=True)
        (place / "complete").touch()
    return python


def compare(name: str, make: Callable[[Path], Problem], methods: tuple[str, ...], python: Path) -> Iterator[Row]:
    """Rows of one case; raises `RuntimeError` where the two do not answer alike."""
    with tempfile.TemporaryDirectory() as folder:
        case = Path(folder) / name
        cases.write(make, case)
        for method in methods:
            ours = _figures([sys.executable, "-P", "-m", "bench.peers.run_interpbench", case, method], str(ROOT))
            theirs = _figures([python, HERE / RUNNER, case, method], "")
            row = Row(name, method, ours, theirs)
            if row.agreement < AGREEMENT.get(method, 0):
                raise RuntimeError(f"{name}, {method}: scores correlate by {row.agreement:.4f} only; timing is void")
            yield row


def _figures(command: list[Any], path: str) -> dict[str, Any]:
    words, settings = [str(word) for word in command], {**os.environ, **THREADS, "PYTHONPATH": path}
    done = subprocess.run(words, env=settings, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{words[-2]}, {words[-1]}: {done.stderr.strip().splitlines()[-1]}")
    return json.loads(done.stdout)


def main(environments: Path, model: Path | None) -> None:
    """Print the table, row by row."""
    if not Path("/proc/self/clear_refs").exists():
        raise BadInput("peers: memory is read from /proc, which this system does not have; run it on Linux")
    asked: dict[str, tuple[Callable[[Path], Problem], tuple[str, ...]]]
    asked = {name: (make, COMPILED) for name, make in cases.COMPILED.items()}
    if model is not None:
        asked[model.name] = (cases.language_model(model), LANGUAGE)
    python = environment(environments)
    print(HEAD)
    for name, (make, methods) in asked.items():
        for row in compare(name, make, methods, python):
            print(row.line, flush=True)
