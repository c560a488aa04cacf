"""What every method of temporal responses promises: units, order of features and targets, silence on nothing."""

import dataclasses

import numpy as np
import pytest

from bench.core.catalogue import load_plugin
from bench.core.config import ROOT
from bench.core.contract import Unsupported, generator
from bench.tracks.temporal_response.estimation import held_out_samples

TRACK = ROOT / "bench" / "tracks" / "temporal_response"
BLOOD = load_plugin(TRACK / "tasks" / "blood.py")
METHODS = {path.stem: load_plugin(path) for path in sorted((TRACK / "methods").glob("*.py"))}
every = pytest.mark.parametrize("method", METHODS)


def problem_for(instance="features"):
    problem, _ = BLOOD.generate(instance, 0, generator("promise", instance), None)
    return dataclasses.replace(problem, responses=problem.responses[:, :3])


def answer(method, problem):
    return METHODS[method].solve(problem, generator("promise", method))


@every
@pytest.mark.parametrize(("stimulus", "response"), [(1e-13, 1.0), (1.0, 1e-13), (1e6, 1e-6)])
def test_kernels_take_the_units_of_stimuli_and_responses_and_p_values_none(method, stimulus, response):
    problem = problem_for()
    units = np.array([stimulus, 1.0])
    changed = dataclasses.replace(problem, stimuli=problem.stimuli * units, responses=problem.responses * response)
    first, second = answer(method, problem), answer(method, changed)
    expected = first.kernels * response / units[:, None, None]
    size = np.abs(expected).max(axis=(1, 2), keepdims=True)
    np.testing.assert_allclose(second.kernels / size, expected / size, atol=1e-6)
    np.testing.assert_allclose(second.p_values, first.p_values, atol=1e-12)


@every
def test_a_target_is_answered_alike_alone_and_among_others(method):
    if method in ("fir", "canonical_haemodynamic", "spectral"):
        problem = problem_for()
        twice = dataclasses.replace(problem, responses=np.repeat(problem.responses, 2, axis=1))
        np.testing.assert_allclose(answer(method, twice).kernels[:, :, ::2], answer(method, problem).kernels, rtol=1e-6)
        return  # one model of the noise, or one strength, serves all targets
    problem = problem_for()
    alone = dataclasses.replace(problem, responses=problem.responses[:, 1:2])
    whole, part = answer(method, problem), answer(method, alone)
    np.testing.assert_allclose(part.kernels[:, :, 0], whole.kernels[:, :, 1], rtol=1e-6, atol=1e-12)
    assert part.p_values[0] == pytest.approx(whole.p_values[1])


@every
def test_a_constant_stimulus_has_no_kernel_and_offsets_of_groups_none_either(method):
    problem = problem_for("events")
    still = dataclasses.replace(
        problem, stimuli=np.column_stack([problem.stimuli, np.full(len(problem.stimuli), 0.3)]), bands=np.array([0, 1])
    )
    found = answer(method, still)
    assert not found.kernels[1].any()
    offsets = np.random.default_rng(0).normal(size=10)[problem.groups][:, None]
    moved = dataclasses.replace(problem, responses=problem.responses + offsets)
    plain = answer(method, problem).kernels
    np.testing.assert_allclose(answer(method, moved).kernels, plain, atol=1e-6 * np.abs(plain).max())


def test_too_few_groups_are_declined():
    problem = problem_for()
    with pytest.raises(Unsupported, match="takes 8 groups; there are 7"):
        held_out_samples(problem.groups[problem.groups < 7])
    tested = held_out_samples(problem.groups)
    assert len(np.unique(problem.groups[tested])) == 5
