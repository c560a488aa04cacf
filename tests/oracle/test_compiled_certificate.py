"""What counts as live: ten times the placebo, with a gap of ten."""

from __future__ import annotations

import numpy as np
import pytest

from bench.models.checkpoint import Config, random_weights
from bench.models.compiled.certificate import Subject, Uncertified, judge, verdict
from bench.models.graph import Graph

CONFIG = Config(n_layers=2, n_heads=2, n_kv_heads=2, d_model=6, d_head=3, d_mlp=4, d_vocab=5, d_out=2, n_ctx=4)


def subject_of() -> Subject:
    rng = np.random.default_rng(0)
    clean, corrupted = rng.integers(5, size=(2, 3, 4))
    return Subject(CONFIG, random_weights(CONFIG, rng), clean, corrupted, np.array([False, True, True, True]))


def test_live_is_more_than_ten_times_the_placebo() -> None:
    found = verdict(np.array([1.0, 2.0, 9e-9, 0.0]), placebo=1e-9, output_size=1.0)
    assert found.live.tolist() == [True, True, False, False]
    assert found.threshold == pytest.approx(1e-8)
    assert found.gap == pytest.approx(1.0 / 9e-9)


def test_without_a_gap_there_is_no_verdict() -> None:
    with pytest.raises(Uncertified, match="below 10"):
        verdict(np.array([1.0, 1.2e-8, 9e-9]), placebo=1e-9, output_size=1.0)


def test_a_placebo_as_large_as_the_effects_is_no_verdict() -> None:
    with pytest.raises(Uncertified, match="below 10"):
        verdict(np.array([1.0, 0.5]), placebo=0.2, output_size=1.0)


def test_a_null_is_measured_against_the_output() -> None:
    found = verdict(np.array([1e-15, 3e-15]), placebo=1e-15, output_size=0.6)
    assert not found.live.any()
    assert found.gap == pytest.approx(0.6 / 3e-15)


def from_tokens(granularity: str) -> np.ndarray:
    """Edges that carry what depends on the tokens: all but those of the positions."""
    return np.array([not edge.startswith("pos->") for edge in Graph(CONFIG, granularity).edges])


@pytest.mark.parametrize("granularity", ["node", "head", "qkv", "acdc"])
def test_in_a_random_model_every_edge_is_live_that_carries_the_tokens(granularity: str) -> None:
    subject = subject_of()
    found = judge(subject, "resample", subject.placebo(granularity), granularity)
    assert (found.live == from_tokens(granularity)).all()


def test_an_edge_into_a_slot_that_reads_nothing_is_dead() -> None:
    subject = subject_of()
    subject.weights["layers.1.q"][:] = 0
    found = judge(subject, "resample", subject.placebo("qkv"))
    deaf = np.array([edge.endswith(("->a1.h0.q", "->a1.h1.q")) for edge in Graph(CONFIG, "qkv").edges])
    assert (found.live == (from_tokens("qkv") & ~deaf)).all()


def test_donors_are_the_named_interventions() -> None:
    subject = subject_of()
    assert not subject.donors("zero").any()
    assert subject.donors("mean").shape[1:3] == (1, 1)
    with pytest.raises(ValueError, match="resample"):
        subject.donors("median")


def test_the_output_size_scales_with_the_output() -> None:
    subject = subject_of()
    before = subject.output_size()
    subject.weights["unembed"][:] *= 3
    subject.weights["unembed_bias"][:] *= 3
    assert subject.output_size() == pytest.approx(3 * before)
