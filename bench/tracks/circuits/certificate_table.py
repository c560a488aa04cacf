"""Causal certificates of compiled programs: every edge's effect and verdict under every intervention.

    python -P -m bench.tracks.circuits.certificate_table --out FOLDER [INSTANCE ...]

One JSON file an instance of task `tracr`, made by exhaustive patching of the first seed of a stream of its own on the
truth's pairs. Effects are mean Euclidean changes of the scored output. An edge is `live` above the threshold; any other
is `inert`: no program of this task has a redundancy built in, and groups of edges are not patched.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from bench.core.contract import generator
from bench.models.compiled.certificate import INTERVENTIONS, Subject, Verdict, judge
from bench.models.graph import Graph
from bench.tracks.circuits.compiled import GRANULARITY, placebo_of, subject_of
from bench.tracks.circuits.tasks import tracr

STREAM, SEED = "certificate", 0


def certificate(instance: str) -> dict[str, Any]:
    """Inputs, thresholds and verdicts of one instance's first unit."""
    source = tracr.source(instance)
    rng = generator(STREAM, instance, SEED)
    dressed, hidden, _ = source.disguise(tracr.DIFFICULTY[instance], rng)
    subject = subject_of(source.wiring.compiled, dressed, hidden, source.scored)
    placebo = placebo_of(subject)
    judged = {name: judge(subject, name, placebo, GRANULARITY) for name in INTERVENTIONS}
    return {
        "task": f"circuits/tracr/{instance}", "version": tracr.VERSION, "stream": [STREAM, instance, SEED],
        "granularity": GRANULARITY, "null": source.null, "placebo": placebo, "strings": {
            "clean": [list(string) for string in hidden[0]], "corrupted": [list(string) for string in hidden[1]]},
        "tokens": {"clean": subject.clean.tolist(), "corrupted": subject.corrupted.tolist()},
        "interventions": {name: described(subject, verdict) for name, verdict in judged.items()},
    }  # fmt: skip


def described(subject: Subject, verdict: Verdict) -> dict[str, Any]:
    edges = Graph(subject.config, GRANULARITY).edges
    found = zip(edges, verdict.effects.tolist(), verdict.live.tolist(), strict=True)
    return {
        "threshold": verdict.threshold, "gap": verdict.gap,
        "edges": {edge: {"effect": effect, "verdict": "live" if live else "inert"} for edge, effect, live in found},
    }  # fmt: skip


def write(instances: list[str], folder: Path) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for instance in instances:
        path = folder / f"{instance}.json"
        path.write_text(json.dumps(certificate(instance), indent=1) + "\n")
        written.append(path)
    return written


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("instances", nargs="*", metavar="INSTANCE", help="all where none is named")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER")
    given = parser.parse_args()
    for path in write(given.instances or list(tracr.INSTANCES), given.out):
        print(path, flush=True)


if __name__ == "__main__":
    main()
