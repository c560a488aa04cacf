"""Induction in two-layer attention-only models trained on repeated strings.

The models learn to continue a repeated segment of random symbols. By theory one head brings each place the symbol
before it ("previous token"), and a head of the next layer attends from a symbol to the place after its earlier
occurrence and brings what stands there ("induction"). In trained models both are spread over several heads, unevenly
and otherwise in each: strengths are measured by interchange, and names are given only where a tenfold gap allows them.

Graded: more heads; symbols that ask for a successor of their own; a third role (the first symbol of the string, where
symbol 0 asks for it) whose heads a plain ablation does not tell from the others; few strings; and a second trained
model in the same residual stream, whose heads attend just so and are read by nothing.
On a null unit the model was trained on successors alone, by itself or beside an unread model that does induction.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.core.problems import Workspace
from bench.models import checkpoint
from bench.models.side_by_side import disguised, joined
from bench.models.trained import __file__ as package
from bench.models.trained.behaviours import repeats
from bench.tracks.roles.movement import Examples, head_names, make_truth
from bench.tracks.roles.types import Problem, Truth

VERSION = 1
BOARD = "truth"
SEED_CHANGES = "model"
SEEDS = 3
MAX_SEEDS = 3
SPLIT = True
REFERENCE = "Olsson et al. (2022), In-context learning and induction heads, Transformer Circuits, arXiv:2209.11895"
INSTANCES = {
    "two_heads": {"size": "small", "null": False, "title": "Two heads a layer"},
    "four_heads": {"size": "small", "null": False, "title": "Four heads a layer"},
    "four_heads_few": {"size": "small", "null": False, "title": "Four heads a layer, four strings a role"},
    "fixed_successors": {"size": "small", "null": False, "title": "Among symbols with successors of their own"},
    "first_symbol": {"size": "small", "null": False, "title": "A third role: the first symbol of the string"},
    "beside": {"size": "small", "null": False, "title": "Beside a model that does the same and is not read"},
    "beside_third": {"size": "small", "null": False, "title": "Three roles, beside a model that is not read"},
    "successors": {"size": "small", "null": True, "title": "A model that knows successors alone"},
    "unread": {"size": "small", "null": True, "title": "Successors, beside an induction model that is not read"},
}

MEANINGS = {
    "previous_token": "brings to a position the symbol before it, by which later heads find the position",
    "induction": "brings to a symbol what followed the same symbol earlier",
    "first_symbol": "brings to a position the first symbol of the string",
}
TRUTH_STRINGS, STRINGS, FEW = 96, 24, 4
BUDGET = 12  # example passes a head and example


@dataclass(frozen=True)
class Setting:
    """Folders of the model that is read and of the one beside it; symbols below `fixed` do not ask for induction."""

    read: str
    unread: str | None = None
    fixed: int = 0
    roles: tuple[str, ...] = ("previous_token", "induction")
    strings: int = STRINGS


THREE = ("previous_token", "induction", "first_symbol")
SETTINGS = {
    "two_heads": Setting("repeats_two"),
    "four_heads": Setting("repeats_four"),
    "four_heads_few": Setting("repeats_four", strings=FEW),
    "fixed_successors": Setting("repeats_fixed", fixed=6),
    "first_symbol": Setting("repeats_first", fixed=1, roles=THREE),
    "beside": Setting("repeats_four", "repeats_four"),
    "beside_third": Setting("repeats_first", "repeats_first", fixed=1, roles=THREE),
    "successors": Setting("successors"),
    "unread": Setting("successors", "repeats_four"),
}


def generate(instance: str, seed: int, rng: np.random.Generator, workspace: Workspace) -> tuple[Problem, Truth]:
    """The seed's model in disguise, strings that show each role, and what each head does for it on other strings."""
    setting = SETTINGS[instance]
    config, weights = load(setting, seed)
    weights, _ = disguised(config, weights, rng)
    draws = [
        [draw_examples(role, config, setting, count, rng) for role in setting.roles]
        for count in (TRUTH_STRINGS, setting.strings)
    ]
    truth = make_truth(config, weights, draws[0], bool(INSTANCES[instance]["null"]))
    return make_problem(config, weights, setting.roles, draws[1], workspace), truth


def load(setting: Setting, seed: int) -> tuple[checkpoint.Config, dict[str, np.ndarray]]:
    """The seed's trained model (modulo the number there is); beside it, where asked, the next seed's of a folder."""
    folder = Path(package).parent / "weights"
    config, weights = checkpoint.load_arrays(folder / setting.read / f"{seed % MAX_SEEDS}.safetensors")
    if setting.unread is None:
        return config, weights
    _, unread = checkpoint.load_arrays(folder / setting.unread / f"{(seed + 1) % MAX_SEEDS}.safetensors")
    return joined(config, weights, unread)


def draw_examples(
    role: str, config: checkpoint.Config, setting: Setting, count: int, rng: np.random.Generator
) -> Examples:
    """Strings of a repeated segment in which one symbol of the first copy is exchanged for one that is not there."""
    kept: list[Examples] = []
    while sum(len(examples.tokens) for examples in kept) < count:
        kept.append(_drawn(role, config, setting, 4 * count, rng))
    whole = {name: np.concatenate([vars(examples)[name] for examples in kept]) for name in vars(kept[0])}
    return Examples(**whole).take(np.arange(count))


def _drawn(role: str, config: checkpoint.Config, setting: Setting, count: int, rng: np.random.Generator) -> Examples:
    length, symbols, rows = config.n_ctx, config.d_vocab, np.arange(count)
    tokens, period = repeats(symbols, length, (length // 4, length // 2), count, rng)
    found = rng.integers(period - 1)  # where the symbol stands that comes again
    again = found + period
    if role == "first_symbol":
        found, again = np.zeros(count, int), np.argmax(tokens == 0, axis=1)
    source = found + 1 if role == "induction" else found
    at = found + 1 if role == "previous_token" else again
    answer = tokens[rows, found if role == "first_symbol" else found + 1]
    altered = tokens.copy()
    altered[rows, source] = _absent(tokens, setting.fixed, symbols, rng)
    asks = (tokens[rows, again] >= setting.fixed) if role != "first_symbol" else (tokens == 0).any(axis=1) & (again > 0)
    if setting.read == "successors":
        answer = (tokens[rows, again] + 1) % symbols
    return Examples(tokens, altered, source, at, again, answer).take(asks)


def _absent(tokens: np.ndarray, fixed: int, symbols: int, rng: np.random.Generator) -> np.ndarray:
    """For each string a symbol that is not in it and has no successor of its own."""
    present = (tokens[:, :, None] == np.arange(symbols)).any(axis=1)
    odds = rng.random(present.shape)
    odds[present | (np.arange(symbols) < fixed)] = -1
    return np.asarray(odds.argmax(axis=1))


def make_problem(
    config: checkpoint.Config, weights: dict[str, np.ndarray], roles: tuple[str, ...], draws: list[Examples],
    workspace: Workspace,
) -> Problem:  # fmt: skip
    heads, examples = head_names(config), sum(len(draw.tokens) for draw in draws)
    fields = {name: np.concatenate([vars(draw)[name] for draw in draws]) for name in vars(draws[0])}
    return Problem(
        model=workspace.blob(lambda path: checkpoint.save(path, config, weights)),
        roles=list(roles), meanings=[MEANINGS[role] for role in roles], heads=heads,
        role_of=np.repeat(np.arange(len(roles)), [len(draw.tokens) for draw in draws]),
        **fields, budget=BUDGET * len(heads) * examples,
    )  # fmt: skip
