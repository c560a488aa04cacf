"""`python -m bench perf`: the suite's own speed, as ratios measured in one run (medians of several rounds).

- Workflow over bare methods: CPU-seconds of `snakemake` on the `core` suite, all children included, over the sum of
  the CPU-seconds that its run records hold. Started from empty results.
- Exact patching: every edge one at a time over all edges batched, for each compiled program of the `core` suite.
- EAP: CPU-seconds of its scores over those of one forward pass on the same inputs.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.core.catalogue import load_plugin, read_tracks
from bench.core.config import ROOT
from bench.core.contract import generator
from bench.core.suites import load_suite

ROUNDS = 3
CORE = "core"


def cpu_seconds(work: Callable[[], object]) -> float:
    """CPU-seconds of this process for one call."""
    start = time.process_time()
    work()
    return time.process_time() - start


def median_ratio(slow: Callable[[], object], fast: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Median over rounds of the CPU-time ratio slow/fast, measured in turn so that drift falls on both."""
    return statistics.median(cpu_seconds(slow) / cpu_seconds(fast) for _ in range(rounds))


def workflow_overhead(suite: str) -> tuple[float, float]:
    """CPU-seconds of the whole workflow from nothing, and of the methods inside it."""
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "results"
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--cores", "all"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        command += ["--directory", folder, "--config", f"suite={suite}", f"results={results}"]
        subprocess.run(command, check=True, env=environment, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        lines = (results / suite / "records.jsonl").read_text().splitlines()
    whole = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return whole, sum(json.loads(line)["cpu_seconds"] for line in lines)


def patching_ratios() -> dict[str, dict[str, float]]:
    """For each live `tracr` program of the core suite: one edge at a time over batched, EAP over one forward pass."""
    from bench.core.problems import Workspace
    from bench.models import patching
    from bench.models.transformer import Transformer

    tracks = read_tracks(ROOT)
    track = tracks["circuits"]
    core = {unit.instance for unit in load_suite(CORE, tracks, ROOT).units if unit.task == "tracr"}
    task, eap = load_plugin(track.tasks["tracr"].path), load_plugin(track.methods["eap"].path)
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for instance in sorted(name for name in core if not task.INSTANCES[name]["null"]):
            problem, _ = task.generate(instance, 0, generator("perf", instance), Workspace(Path(folder), {}))
            model = Transformer.load(problem.model.path)
            found[instance] = row = _ratios(problem, model, eap, patching)
            print(f"{instance:24} {row['edges']:6.0f} {row['exact_patching']:24.1f} {row['eap']:20.1f}", flush=True)
    return found


def _ratios(problem, model, eap, patching) -> dict[str, float]:
    import torch

    tokens = torch.as_tensor(problem.clean)
    graph = model.graph(problem.granularity)
    donors = patching.donors_for(model, problem.intervention, tokens, torch.as_tensor(problem.corrupted))

    def exact(one_at_a_time: bool) -> object:
        measure = patching.output_change(problem.scored)
        return patching.edge_effects(model, graph, tokens, donors, measure, one_at_a_time=one_at_a_time)

    rng = generator("perf")
    return {
        "edges": len(problem.edges),
        "exact_patching": median_ratio(lambda: exact(True), lambda: exact(False)),
        "eap": median_ratio(lambda: eap.solve(problem, rng), lambda: model.run(tokens), rounds=5),
    }


def main() -> None:
    print(f"{'program':24} {'edges':>6} {'one at a time / batched':>24} {'EAP / forward pass':>20}")
    ratios = patching_ratios()
    exact = statistics.median(row["exact_patching"] for row in ratios.values())
    print(f"{'median':24} {'':6} {exact:24.1f} {statistics.median(row['eap'] for row in ratios.values()):20.1f}")
    whole, bare = workflow_overhead(CORE)
    print(f"\ncore suite from nothing: {whole:.0f} CPU-s, methods alone {bare:.0f} CPU-s, ratio {whole / bare:.2f}")
