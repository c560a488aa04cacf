"""Problems on real language models: pairs of prompts that the model does, and no known circuit."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from bench.core.problems import Workspace
from bench.models import checkpoint, huggingface
from bench.models.graph import Graph
from bench.models.prompts import Family, Prompts, Subject
from bench.models.prompts.english import ANSWERS, FAMILIES
from bench.tracks.circuits.types import Problem, Truth

GRANULARITY = "qkv"
DRAWS = 400  # pairs, of which a unit's are the first that the model does
EXAMPLES = 8


def make_unit(subject: Subject, passes: int, rng: np.random.Generator, workspace: Workspace) -> tuple[Problem, Truth]:
    """A unit on pairs that the model does; a method may spend `passes` passes per example."""
    problem = make_problem(subject, subject.known(EXAMPLES, rng, DRAWS), GRANULARITY, passes, workspace)
    return problem, no_truth(problem)


@lru_cache(maxsize=1)  # a model of some size does not fit twice
def read_subject(model: Path | str, family: str) -> Subject:
    """A Hugging Face model, by folder or by name, on one of the families of `bench.models.prompts.english`.

    Its outputs are the answers of all families, so that units of different families share one model file.
    """
    return Subject(*huggingface.arrays(model), huggingface.reader(model), Family(FAMILIES[family].draw, ANSWERS))


def make_problem(subject: Subject, prompts: Prompts, granularity: str, passes: int, workspace: Workspace) -> Problem:
    """The last position is scored; a method may spend `passes` passes per example."""
    config, weights = subject.reduced
    graph = Graph(config, granularity)
    scored = np.arange(prompts.clean.shape[1]) == prompts.clean.shape[1] - 1
    return Problem(
        model=workspace.blob(lambda path: checkpoint.save(path, config, weights)),
        clean=prompts.clean, corrupted=prompts.corrupted, scored=scored,
        direction=prompts.direction[:, None] * scored[:, None], metric="signed_output", intervention="resample",
        granularity=granularity, nodes=list(graph.nodes), edges=list(graph.edges),
        budget=passes * len(prompts),
    )  # fmt: skip


def no_truth(problem: Problem) -> Truth:
    """Nobody knows the circuit of a model that was trained on text."""
    return Truth(null=False, circuits=np.zeros((0, len(problem.edges)), dtype=bool))
