"""Causal abstraction of a whole program: does a model compute it, variable by variable? If not, a counter-example.

A claim says of each variable of a program at which node of a model it lies, and along which directions. It holds if for
every base string, with any set of variables held at the values that they have on strings of their own, the model under
the interchange of all their subspaces says what the program says:

    model(base; for each v:  h_v <- h_v + (h_v(source_v) - h_v) B_v B_v^T)  =  program(base; do(v = v(source_v)))

(Geiger et al. 2021, Causal abstractions of neural networks, NeurIPS, arXiv:2106.02997; several variables at once as in
Geiger et al. 2023, Causal abstraction, arXiv:2301.04709). A value upstream is exchanged before one downstream of it,
which then keeps what the first exchange did to the rest of its node. Trials are drawn, so that a refutation is certain
and a claim that withstands has withstood that many.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from bench.models import exhaustive
from bench.models.compiled.conversion import Mixture, variable_of
from bench.models.compiled.dressing import Dressed
from bench.models.compiled.interchange import WIDTH, Values, Wiring
from bench.models.compiled.programs import Program, String
from bench.models.graph import feeds, source_names
from bench.tracks.variables.interchange import says

TOLERANCE = 0.01
"""Outputs of compiled programs are 0 and 1, or numbers of that order."""
PATIENCE = 20
"""Draws for each trial, where the program says nothing definite on many."""

Place = tuple[str, Float[np.ndarray, "width dimension"]]


@dataclass(frozen=True)
class Claim:
    """That a model computes a program: for each variable the node and the subspace that hold it.

    `program` is interpreted; `vocabulary` says how its strings are drawn, `dressed` how the model reads them.
    """

    program: Wiring
    vocabulary: Program
    dressed: Dressed
    places: Mapping[str, Place]


@dataclass(frozen=True)
class Trial:
    """A base string and the variables that are held, each at its value on a string of its own."""

    base: String
    sources: Mapping[str, String]


@dataclass(frozen=True)
class CounterExample:
    """A trial on which model and program part, with both outputs, at the positions of the string."""

    trial: Trial
    program: Float[np.ndarray, "pos outputs"]
    model: Float[np.ndarray, "pos outputs"]


@dataclass(frozen=True)
class Verdict:
    """How many trials were made, and the first on which the claim failed, if any did."""

    trials: int
    refuted_by: CounterExample | None


def planted_claim(wiring: Wiring, vocabulary: Program, dressed: Dressed) -> Claim:
    """What compiler and disguise say of every variable that a node writes: all axes that bear its name."""
    labels = wiring.compiled.labels
    places = {}
    for name, writer in wiring.writers.items():
        axes = [axis for axis, label in enumerate(labels) if variable_of(label) == name]
        if writer[0] in "am" and WIDTH not in name:
            places[name] = (dressed.nodes[writer], dressed.turn[axes].T)
    return Claim(wiring, vocabulary, dressed, places)


def verify(claim: Claim, trials: int, most: int, rng: np.random.Generator) -> Verdict:
    """Try a claim on drawn strings with one to `most` of its variables held at once.

    Raises `ValueError` where the program is definite on too few trials to make so many.
    """
    made = 0
    for trial, said in _definite(claim, trials * PATIENCE, most, rng):
        made += 1
        found = model_output(claim, trial)
        program = claim.program.compiled.targets([said])[0]
        kind = "number" if claim.program.compiled.numerical else "class"
        if not says(found[None], program[None], kind, TOLERANCE).all():
            return Verdict(made, CounterExample(trial, program, found))
        if made == trials:
            return Verdict(made, None)
    raise ValueError(f"the program is definite on only {made} of {trials * PATIENCE} draws; ask for fewer trials")


def _definite(claim: Claim, draws: int, most: int, rng: np.random.Generator) -> Iterator[tuple[Trial, Values]]:
    """Drawn trials on which the program says one value at every position."""
    names = sorted(claim.places)
    for _ in range(draws):
        held = rng.choice(names, size=rng.integers(1, min(most, len(names)) + 1), replace=False)
        trial = Trial(claim.vocabulary.string(rng), {str(name): claim.vocabulary.string(rng) for name in held})
        said = program_output(claim, trial)
        if said is not None:
            yield trial, said


def program_output(claim: Claim, trial: Trial) -> Values | None:
    """What the program says; nothing where a variable would be several values, or none, at once."""
    try:
        values = {name: claim.program.values(source)[name] for name, source in trial.sources.items()}
        said = claim.program.settled(trial.base, values)
    except NotImplementedError:  # the interpreter's word for what a program does not define
        return None
    return None if any(value is None or isinstance(value, Mixture) for value in said) else said


def model_output(claim: Claim, trial: Trial) -> Float[np.ndarray, "pos outputs"]:
    """What the model says under the interchange of all held variables, in float64, at the string's positions."""
    config, weights = claim.dressed.config, claim.dressed.weights
    names, reads = source_names(config), feeds(config)
    base, donors, patched = _tokens(claim, trial.base), None, np.zeros(reads.shape)
    for name in sorted(trial.sources, key=lambda held: names.index(claim.places[held][0])):
        node, basis = names.index(claim.places[name][0]), claim.places[name][1]
        now = exhaustive.node_outputs(config, weights, base, donors, patched)
        if donors is None:
            donors = now.copy()
        value = donors[node] if patched[:, node].any() else now[node]  # another variable of this node came first
        other = exhaustive.node_outputs(config, weights, _tokens(claim, trial.sources[name]))[node]
        change = (other - value) @ basis @ basis.T
        change[:, 0] = 0.0  # before the string there is no variable
        donors[node] = value + change
        patched[:, node] = reads[:, node]
    return exhaustive.forward(config, weights, base, donors, patched)[0, 1:]


def _tokens(claim: Claim, string: String) -> np.ndarray:
    return claim.dressed.tokens[claim.program.compiled.encode([string])]
