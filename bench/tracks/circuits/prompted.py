"""Problems on real language models: pairs of prompts that the model does, and no known circuit."""

from __future__ import annotations

import numpy as np

from bench.core.problems import Workspace
from bench.models import checkpoint
from bench.models.graph import Graph
from bench.models.prompts import Prompts, Subject
from bench.tracks.circuits.types import Problem, Truth


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
