"""One-layer transformers trained on addition modulo p until they generalise.

Trained with weight decay on six to eight tenths of all pairs, such a network first knows those by heart and long
after also the others (grokking); it then adds with a few frequencies, which are other ones for every seed. Numbers are
multiplied by a random unit modulo p, which permutes frequencies: no answer carries over from one unit to another.

Graded: the modulus; few pairs; models from before they generalise (half of the held-out pairs right, and hardly any),
where frequencies have no gap and are ranked; and a second network beside the first in one residual stream, with other
frequencies, which the output does not read.
On null units the network knows a table of random answers by heart: it adds nothing. Beside one of them stands an unread
network that does add.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.core.problems import Workspace
from bench.models import checkpoint
from bench.models.side_by_side import disguised, joined
from bench.models.trained import __file__ as package
from bench.models.trained.behaviours import BEHAVIOURS, Strings
from bench.tracks.frequencies.spectrum import make_truth, relabelled, relabelled_strings
from bench.tracks.frequencies.types import Problem, Truth

VERSION = 1
BOARD = "truth"
SEED_CHANGES = "truth"
SEEDS = 3
MAX_SEEDS = 3
SPLIT = True
REFERENCE = "Nanda et al. (2023), Progress measures for grokking via mechanistic interpretability, ICLR"
INSTANCES = {
    "p17": {"size": "small", "null": False, "title": "Modulo 17"},
    "p29": {"size": "small", "null": False, "title": "Modulo 29"},
    "p17_few": {"size": "small", "null": False, "title": "Modulo 17, eight pairs"},
    "p29_half": {"size": "small", "null": False, "title": "Modulo 29, half of the other pairs known"},
    "p29_early": {"size": "small", "null": False, "title": "Modulo 29, the trained pairs known by heart"},
    "beside": {"size": "small", "null": False, "title": "Beside a network that adds otherwise and is not read"},
    "table": {"size": "small", "null": True, "title": "A random table"},
    "table_beside": {"size": "small", "null": True, "title": "A random table, beside an unread network that adds"},
}

PAIRS, FEW = 128, 8
BUDGET = 80  # example passes a pair


@dataclass(frozen=True)
class Setting:
    """Folder and stage of the network that is read, folder of the one beside it, and how many pairs are shown."""

    read: str
    stage: str = ""
    unread: str | None = None
    pairs: int = PAIRS


SETTINGS = {
    "p17": Setting("addition_17"),
    "p29": Setting("addition_29"),
    "p17_few": Setting("addition_17", pairs=FEW),
    "p29_half": Setting("addition_29", "half-"),
    "p29_early": Setting("addition_29", "early-"),
    "beside": Setting("addition_17", unread="addition_17"),
    "table": Setting("table_17"),
    "table_beside": Setting("table_17", unread="addition_17"),
}


def generate(instance: str, seed: int, rng: np.random.Generator, workspace: Workspace) -> tuple[Problem, Truth]:
    """The seed's network in disguise and some pairs, with what it does to each frequency over all pairs."""
    setting = SETTINGS[instance]
    config, weights = load(setting, seed)
    strings, unit = every_string(setting, seed), int(rng.integers(1, config.d_out))
    weights = disguised(config, relabelled(config, weights, unit), rng)[0]
    strings = relabelled_strings(strings, config.d_out, unit)
    truth = make_truth(config, weights, strings, bool(INSTANCES[instance]["null"]))
    shown = strings.take(rng.permutation(len(strings.tokens))[: setting.pairs])
    problem = Problem(
        model=workspace.blob(lambda path: checkpoint.save(path, config, weights)), modulus=config.d_out,
        pairs=shown.tokens[:, :2], answers=shown.right[:, -1].argmax(axis=1), budget=BUDGET * len(shown.tokens),
    )  # fmt: skip
    return problem, truth


def every_string(setting: Setting, seed: int) -> Strings:
    """All p^2 strings with their right answers."""
    behaviour = BEHAVIOURS[setting.read]
    assert behaviour.all_of is not None
    return behaviour.all_of((behaviour.stages if setting.stage else behaviour.seeds)[seed % MAX_SEEDS])


def load(setting: Setting, seed: int) -> tuple[checkpoint.Config, dict[str, np.ndarray]]:
    """The unit's network (modulo the number there is); beside it, where asked, the next one of a folder."""
    config, weights = _network(setting.read, seed, setting.stage)
    if setting.unread is None:
        return config, weights
    return joined(config, weights, _network(setting.unread, seed + 1)[1])


def _network(name: str, number: int, stage: str = "") -> tuple[checkpoint.Config, dict[str, np.ndarray]]:
    seeds = BEHAVIOURS[name].stages if stage else BEHAVIOURS[name].seeds
    return checkpoint.load_arrays(
        Path(package).parent / "weights" / name / f"{stage}{seeds[number % MAX_SEEDS]}.safetensors"
    )
