"""Attributes of entities in planted subspaces, among correlated and louder distractors.

Strings are two entities and a query; the variable is the first entity's city. It lies in a known subspace of the head
that copies the entity and of the residual stream after it (`bench.tracks.variables.entities`), beside another attribute
that is read and, in directions that nothing reads, a second code of the city, an attribute correlated with it, and
noise. Instances grade how loud these are. Held-out pairs show entities that the problem's pairs do not. On null
instances the variable is the sum of an attribute of each entity, which the program is claimed to compute and then to
take apart again; no candidate site has seen both entities.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from jaxtyping import Bool, Float, Int

from bench.core.problems import Workspace
from bench.models import checkpoint
from bench.tracks.variables.entities import COPIED, DECOYS, LAST, Design, World
from bench.tracks.variables.interchange import Subject, says
from bench.tracks.variables.pairs import Pair, draw_pairs
from bench.tracks.variables.types import Problem, Truth

VERSION = 1
BOARD = "truth"
SEED_CHANGES = "model"
REFERENCE = "Huang et al. (2024), RAVEL, ACL, arXiv:2402.17700 (attributes of entities); this construction is our own"
INSTANCES = {
    "orthogonal": {"size": "small", "null": False, "title": "An attribute beside another"},
    "loud_noise": {"size": "small", "null": False, "title": "Noise of larger variance than the variable"},
    "tilted": {"size": "small", "null": False, "title": "Written along other directions than read"},
    "correlated": {"size": "small", "null": False, "title": "A louder attribute that nearly always agrees"},
    "correlated_tilted": {"size": "small", "null": False, "title": "Tilted, correlated and noisy"},
    "few_entities": {"size": "small", "null": False, "title": "Tilted, correlated and noisy, few entities, few pairs"},
    "sum_null": {"size": "small", "null": True, "title": "A sum over two entities that is never computed"},
    "sum_null_correlated": {"size": "small", "null": True, "title": "A sum never computed, among loud distractors"},
}

HELD_OUT = 96
TOLERANCE = 0.01
EPOCHS = 400
"""Passes over all pairs at each candidate site that the budget allows, forward and backward counted apart."""
HARD = Design(tilt=2.0, gain=3.0, correlation=0.8, noise=1.0, spare=32)
DESIGNS = {
    "orthogonal": (Design(noise=0.3), 128),
    "loud_noise": (Design(noise=5.0, spare=24), 128),
    "tilted": (Design(tilt=2.0, noise=0.3), 128),
    "correlated": (Design(gain=3.0, correlation=0.9, noise=0.5), 128),
    "correlated_tilted": (HARD, 96),
    "few_entities": (Design(entities=24, tilt=2.0, gain=3.0, correlation=0.8, noise=2.0, spare=32), 48),
    "sum_null": (Design(noise=0.3), 128),
    "sum_null_correlated": (HARD, 48),
}
HEADS = [f"a0.h{head}" for head in range(len(COPIED) + DECOYS)]


def generate(instance: str, seed: int, rng: np.random.Generator, workspace: Workspace) -> tuple[Problem, Truth]:
    """A network drawn anew, pairs of strings, and the planted subspace of the variable."""
    design, count = DESIGNS[instance]
    null, world = bool(INSTANCES[instance]["null"]), World.draw(design, rng)
    shown, held = (
        draw_pairs(partial(draw_pair, world, some, null), number, null, rng)
        for number, some in zip((count, HELD_OUT), split_entities(design, rng), strict=True)
    )
    problem = make_problem(world, shown, null, workspace)
    truth = make_truth(world, problem, held, null)
    certify(world, problem, truth)
    return problem, truth


def split_entities(design: Design, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Two thirds of the entities for the problem, the others for the truth."""
    order = rng.permutation(design.entities)
    cut = 2 * design.entities // 3
    return order[:cut], order[cut:]


def draw_pair(world: World, entities: Int[np.ndarray, "some"], null: bool, rng: np.random.Generator) -> Pair:
    """Two strings with the same query (the source's could not matter), and the program's answers."""
    base, source = (world.draw_string(rng) for _ in range(2))
    base[:LAST], source[:LAST] = rng.choice(entities, LAST), rng.choice(entities, LAST)
    source[LAST] = base[LAST]
    both = np.array([base, source])
    answers = (*world.answers(both), counterfactual(world, both, null))
    return Pair(base, source, *(one_hot(world, int(answer)) for answer in answers))


def one_hot(world: World, answer: int) -> Float[np.ndarray, "pos outputs"]:
    """The answer at the query's place, nothing before it."""
    return np.outer(np.arange(LAST + 1) == LAST, np.arange(world.design.values) == answer).astype(float)


def counterfactual(world: World, both: Int[np.ndarray, "2 pos"], null: bool) -> int:
    """What the program says on the first string where the variable has its value on the second.

    The claim of a null: city = total - guest and guest = total - city (mod the number of values), with total the sum.
    """
    known, values = world.known(both), world.design.values
    own = {name: of_both[:1] for name, of_both in known.items()}
    if not null:
        return int(world.asked(both[:1], own | {"city": known["city"][1:]})[0])
    total = variable(world, both, null)[1]
    changed = {"city": (total - own["guest"]) % values, "guest": (total - own["city"]) % values}
    return int(world.asked(both[:1], own | changed)[0])


def variable(world: World, strings: Int[np.ndarray, "strings pos"], null: bool) -> Int[np.ndarray, "strings"]:
    known = world.known(strings)
    return (known["city"] + known["guest"]) % world.design.values if null else known["city"]


def make_problem(world: World, pairs: list[Pair], null: bool, workspace: Workspace) -> Problem:
    base, source = (np.array(strings) for strings in zip(*((pair.base, pair.source) for pair in pairs), strict=True))
    last = np.arange(LAST + 1) == LAST
    codes = [np.where(last, variable(world, strings, null)[:, None], -1) for strings in (base, source)]
    sites = HEADS if null else [*HEADS, "m0", "resid0", "m1"]
    return Problem(
        model=workspace.blob(lambda path: checkpoint.save(path, world.config, world.weights)),
        base=base, source=source, labels=np.stack([pair.label for pair in pairs]),
        base_values=codes[0], source_values=codes[1], intervened=last, scored=last, sites=sites, outputs="class",
        tolerance=TOLERANCE, width=world.design.width, dimension=world.design.code,
        budget=2 * EPOCHS * len(pairs) * len(sites),
    )  # fmt: skip


def make_truth(world: World, problem: Problem, pairs: list[Pair], null: bool) -> Truth:
    right = np.array([site in ("a0.h0", "resid0") and not null for site in problem.sites])
    return Truth(
        null=null, right=right, bases=np.where(right[:, None, None], world.reading("city"), 0.0),
        base=np.stack([pair.base for pair in pairs]), source=np.stack([pair.source for pair in pairs]),
        labels=np.stack([pair.label for pair in pairs]), base_outputs=np.stack([pair.base_output for pair in pairs]),
        source_outputs=np.stack([pair.source_output for pair in pairs]),
    )  # fmt: skip


def certify(world: World, problem: Problem, truth: Truth) -> None:
    """Raise `ValueError` unless the network says what the program says, and the planted exchange its counterfactual."""
    none = np.eye(problem.width)[:, :0]
    expected = [(problem.sites[0], none, truth.base_outputs)]
    expected += [(problem.sites[site], truth.bases[site], truth.labels) for site in np.flatnonzero(truth.right)]
    subject = Subject(world.config, world.weights, truth.base, truth.source, problem.intervened)
    for site, basis, labels in expected:
        right: Bool[np.ndarray, "held pos"] = says(subject.output(site, basis), labels, "class", TOLERANCE)
        if not right[:, problem.scored].all():
            raise ValueError(f"{site}: the network contradicts the program; it is wrongly built")
