"""Time one of our methods on a case: `python -P -m bench.peers.run_interpbench CASE METHOD`, JSON out."""

from __future__ import annotations

import functools
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.core.catalogue import load_plugin
from bench.core.config import ROOT
from bench.core.contract import PASSES, generator
from bench.models.transformer import Transformer
from bench.peers import cases
from bench.peers.measuring import measured
from bench.tracks.circuits.experiment import Experiment
from bench.tracks.circuits.types import Answer

METHODS = ROOT / "bench" / "tracks" / "circuits" / "methods"
ASKED: dict[str, tuple[str, str, dict[str, Any]]] = {
    "acdc": ("acdc", "mse_to_clean", {"share": cases.SHARE}),
    "exact_patching": ("exact_patching", "mse_to_clean", {}),
    "eap": ("eap", "signed_output", {}),
    "eap_ig": ("eap_ig_inputs", "signed_output", {"steps": cases.IG_STEPS}),
}
"""What is timed: our method, the metric, its parameters."""


Transformer.load = functools.cache(Transformer.load)  # type: ignore[method-assign]
"""The peers' clocks start when the model is loaded; so does ours."""


def run(folder: Path, name: str, workplace: Path) -> dict[str, Any]:
    method, metric, parameters = ASKED[name]
    problem = cases.read(folder, workplace, metric)
    solve, rng = load_plugin(METHODS / f"{method}.py").solve, generator("peers", method)
    Experiment(problem).model  # noqa: B018 (loads it)
    figures, answer = measured(lambda: solve(problem, rng, **parameters))
    PASSES.clear()
    again: Answer = solve(problem, rng, **parameters)
    assert (again.edge_scores == answer.edge_scores).all()
    return figures | {
        "passes": sum(PASSES.values()) / len(problem.clean),
        "scores": dict(zip(problem.edges, answer.edge_scores.tolist(), strict=True)),
        "kept": [edge for edge, kept in zip(problem.edges, answer.circuit, strict=True) if kept],
    }


def main() -> None:
    with tempfile.TemporaryDirectory() as workplace:
        print(json.dumps(run(Path(sys.argv[1]), sys.argv[2], Path(workplace))))


if __name__ == "__main__":
    main()
