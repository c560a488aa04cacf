"""t-test over pairs of stimuli, as if each told something of its own."""

from __future__ import annotations

import numpy as np

from bench.kernels.clusters import t_maps
from bench.kernels.resampling import standardise_rows, student_p
from bench.tracks.model_inference.types import Answer, Problem

MUTANT_OF = "stimulus_bootstrap"
TOUCHES = ("matrices/stimuli_null",)
METRIC = "false_positives_05"
DEFECT = "n stimuli make n (n - 1) / 2 pairs, which share stimuli: far fewer are independent than are counted"


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    brain = np.stack([standardise_rows(one) for one in problem.brain]).mean(axis=1)
    gain = brain * (standardise_rows(problem.first) - standardise_rows(problem.second))
    return Answer(student_p(t_maps(gain[:, :, None])[:, 0], gain.shape[1] - 1))
