"""Train one model: `python -P -m bench.models.siit train PROGRAM --seed N [--natural]`.

Writes weights/PROGRAM/N.safetensors and its record N.json beside this file (natural models: natural-N), or in --out.
A run that was stopped is resumed from --state. What does not pass the gate is not written, and the exit status is 1.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from bench.models.fitting import FINAL, FRESH, fit, state_file, write_trained
from bench.models.siit.measure import failures, measure
from bench.models.siit.programs import PROGRAMS, Program
from bench.models.siit.training import Settings, Trainer, settings_of

WEIGHTS = Path(__file__).parent / "weights"


def main(arguments: list[str] | None = None) -> int:
    chosen = _parser().parse_args(arguments)
    torch.set_num_threads(1)
    program, settings = PROGRAMS[chosen.program], settings_of(chosen.program, chosen.natural)
    trainer = Trainer(program, chosen.seed, settings)
    name = f"{'natural-' if chosen.natural else ''}{chosen.seed}"

    def measured(arrays: dict[str, np.ndarray], step: int) -> dict[str, float]:
        found = measure(program, program.config, arrays, np.random.default_rng([chosen.seed, FRESH, step]))
        print(chosen.program, name, step, {key: round(value, 4) for key, value in found.items()}, flush=True)
        return found | {"passes": _good_enough(found, settings, chosen.gap)}

    fit(trainer, measured, chosen.steps, state_file(chosen.state, f"{chosen.program}-{name}"))
    return _land(trainer, program, chosen, name)


def _good_enough(found: dict[str, float], settings: Settings, gap: float) -> bool:
    if settings.natural:
        return found["behaviour"] >= 0.99
    return not failures(found) and found["gap"] >= gap


def _land(trainer: Trainer, program: Program, chosen: argparse.Namespace, name: str) -> int:
    """Write weights and record if they pass on strings never measured on before."""
    arrays = trainer.arrays()
    rng = np.random.default_rng([chosen.seed, FINAL])
    found = measure(program, program.config, arrays, rng, count=2048)
    if not _good_enough(found, trainer.settings, 0.0):
        print(f"{chosen.program} {name} is refused: {'; '.join(failures(found))}", file=sys.stderr)
        return 1
    facts = {"program": chosen.program, "settings": asdict(trainer.settings)}
    write_trained(chosen.out / chosen.program / f"{name}.safetensors", trainer, arrays, found, facts)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.models.siit", description=__doc__)
    parser.add_argument("action", choices=["train"])
    parser.add_argument("program", choices=sorted(PROGRAMS))
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--natural", action="store_true", help="behaviour alone, no intervention")
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--gap", type=float, default=12.0, help="train on until effects are this far apart")
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    parser.add_argument("--state", type=Path, help="folder for the state of unfinished runs")
    return parser


if __name__ == "__main__":
    sys.exit(main())
