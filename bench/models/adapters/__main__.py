"""Models of other libraries as checkpoints: `python -P -m bench.models.adapters ACTION ...`.

    convert FOLDER OUT.safetensors [--metadata FILE]   a TransformerLens export, or a case of InterpBench 2024
    unpickle FILE.pkl OUT.json                         a pickled configuration or circuit as JSON, running nothing of it

Beside a checkpoint of InterpBench 2024 its circuit is written as OUT.json.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import torch

from bench.core.contract import BadInput
from bench.models import checkpoint
from bench.models.adapters.of_interpbench_2024 import read_case
from bench.models.adapters.of_transformer_lens import converted
from bench.models.adapters.state_files import inert_pickle, load_state
from bench.models.transformer import Transformer

CONFIG, STATE, SAID = "tl_config.json", "tl_state.safetensors", "tl_said.safetensors"
TOLERANCE = 1e-4
"""Largest difference from what the original said, as a share of its largest output: some sums of single precision."""


def main(arguments: list[str] | None = None) -> int:
    chosen = _parser().parse_args(arguments)
    try:
        chosen.act(chosen)
    except BadInput as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def convert(chosen: argparse.Namespace) -> None:
    if (chosen.folder / CONFIG).is_file():
        convert_export(chosen.folder, chosen.out)
        return
    case = read_case(chosen.folder, chosen.metadata)
    checkpoint.save(chosen.out, case.config, dict(case.weights))
    circuit = {"edges": case.edges, "nodes": case.nodes}
    chosen.out.with_suffix(".json").write_text(json.dumps(circuit, indent=1) + "\n")


def convert_export(folder: Path, out: Path) -> None:
    """A TransformerLens export; raises `BadInput` where the converted model does not say what the original said."""
    config, weights = converted(json.loads((folder / CONFIG).read_text()), load_state(folder / STATE))
    said = load_state(folder / SAID)
    found = Transformer(config, weights, torch.float64).run(said["tokens"]).numpy()
    apart = float(np.abs(found - said["output"]).max() / np.abs(said["output"]).max())
    if not apart <= TOLERANCE:
        raise BadInput(f"{folder}: the converted model's output is {apart:.1e} of the largest away from {SAID}")
    checkpoint.save(out, config, weights)


def unpickle(chosen: argparse.Namespace) -> None:
    chosen.out.write_text(json.dumps(inert_pickle(chosen.file), indent=1) + "\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -P -m bench.models.adapters", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    actions = parser.add_subparsers(required=True)
    made = actions.add_parser("convert")
    made.add_argument("folder", type=Path)
    made.add_argument("out", type=Path)
    made.add_argument("--metadata", type=Path, help="benchmark_metadata.json of InterpBench 2024")
    made.set_defaults(act=convert)
    made = actions.add_parser("unpickle")
    made.add_argument("file", type=Path)
    made.add_argument("out", type=Path)
    made.set_defaults(act=unpickle)
    return parser


if __name__ == "__main__":
    sys.exit(main())
