"""Train one model: `python -P -m bench.models.trained train BEHAVIOUR --seed N`.

Writes weights/BEHAVIOUR/N.safetensors and its record N.json beside this file, or in --out; where earlier stages are
kept also early-N (the first measured that knows all that trains, and less than two fifths of the rest) and half-N (the
first with half of the rest). A run that was stopped is resumed from --state. What does not pass the gate is not
written, and the exit status is 1.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from bench.models.fitting import FINAL, FRESH, Arrays, fit, state_file, write_trained
from bench.models.trained.behaviours import BEHAVIOURS
from bench.models.trained.training import GATE, Training, behaves

WEIGHTS = Path(__file__).parent / "weights"


class Landing:
    """Measures a model in training and writes it where it passes, with the stages before that are kept."""

    def __init__(self, training: Training, name: str, out: Path) -> None:
        self.training, self.name, self.folder = training, name, out / name

    def measured(self, arrays: Arrays, step: int) -> Mapping[str, float]:
        """Behaviour on strings that train and on others; passes once it is trained for long enough."""
        found = self.figures(arrays, [self.training.seed, FRESH, step], 256)
        print(self.name, self.training.seed, step, {key: round(value, 4) for key, value in found.items()}, flush=True)
        if self.training.behaviour.stages:
            self._keep_stage(arrays, found)
        return {**found, "passes": found["behaviour"] >= GATE and step >= self.training.behaviour.least}

    def figures(self, arrays: Arrays, seed: list[int], count: int) -> dict[str, float]:
        behaviour, rng = self.training.behaviour, np.random.default_rng(seed)
        trained = behaviour.training(self.training.seed)(count, rng)
        fresh = behaviour.fresh(self.training.seed, count, rng)
        return {
            "behaviour": behaves(behaviour.config, arrays, fresh),
            "on_training_strings": behaves(behaviour.config, arrays, trained),
        }

    def _keep_stage(self, arrays: Arrays, found: Mapping[str, float]) -> None:
        known = found["on_training_strings"] >= GATE
        for stage, reached in (("early", found["behaviour"] < 0.4), ("half", 0.5 <= found["behaviour"] < 0.9)):
            path = self.folder / f"{stage}-{self.training.seed}.safetensors"
            if known and reached and not path.exists():
                self.write(arrays, f"{stage}-")

    def write(self, arrays: Arrays, stage: str = "") -> None:
        """Weights and record, measured on strings never measured on before."""
        training, path = self.training, self.folder / f"{stage}{self.training.seed}.safetensors"
        found = self.figures(arrays, [training.seed, FINAL], 2048)
        write_trained(path, training, arrays, found, {"behaviour": self.name, **training.identity()})


def main(arguments: list[str] | None = None) -> int:
    chosen = _parser().parse_args(arguments)
    torch.set_num_threads(1)
    training = Training(BEHAVIOURS[chosen.behaviour], chosen.seed)
    landing = Landing(training, chosen.behaviour, chosen.out)
    state = state_file(chosen.state, f"{chosen.behaviour}-{chosen.seed}")
    fit(training, landing.measured, chosen.steps, state, training.behaviour.every)
    found = landing.figures(training.arrays(), [chosen.seed, FINAL], 2048)
    if found["behaviour"] < GATE:
        print(f"{chosen.behaviour} {chosen.seed} is refused: behaviour {found['behaviour']:.4f}", file=sys.stderr)
        return 1
    landing.write(training.arrays())
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.models.trained", description=__doc__)
    parser.add_argument("action", choices=["train"])
    parser.add_argument("behaviour", choices=sorted(BEHAVIOURS))
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    parser.add_argument("--state", type=Path, help="folder for the state of unfinished runs")
    return parser


if __name__ == "__main__":
    sys.exit(main())
