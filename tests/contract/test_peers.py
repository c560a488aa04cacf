"""Timing beside peers: what is measured, what is asked of both, and that answers which differ void the timing."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from torch.utils.flop_counter import FlopCounterMode

from bench.core.catalogue import load_plugin
from bench.core.config import ROOT
from bench.models.checkpoint import Config, random_weights
from bench.models.transformer import Transformer
from bench.peers import cases, floor, run
from bench.peers.measuring import measured

LINUX = pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="memory is read from Linux's /proc")
SHARED = Config(
    n_layers=2, n_heads=4, n_kv_heads=2, d_model=12, d_head=4, d_mlp=8, d_vocab=9, d_out=9, n_ctx=cases.LENGTH,
    norm="rmsnorm", positions="rotary", activation="silu", gated=True,
)  # fmt: skip


def figures(scores, kept=(), seconds=1.0, mib=10.0):
    return {"cpu_seconds": seconds, "grown_mib": mib, "scores": scores, "kept": list(kept)}


@LINUX
def test_memory_is_what_the_work_took_beyond_what_was_there():
    held = np.ones(20_000_000)  # 153 MiB that do not count
    few, found = measured(lambda: 7, rounds=1)
    many, _ = measured(lambda: float(np.ones(10_000_000).sum()), rounds=1)
    assert found == 7
    assert few["grown_mib"] < 20
    assert 70 < many["grown_mib"] < 120
    assert many["peak_mib"] > 200
    assert many["cpu_seconds"] > few["cpu_seconds"] >= 0
    assert held[0] == 1


def test_agreement_is_a_correlation_of_magnitudes_over_shared_edges_and_of_circuits_their_overlap():
    ours = figures({"a->b": 1.0, "a->c": 2.0, "pos->c": 9.0, "b->c": 4.0}, ["a->b", "a->c"])
    theirs = figures({"a->b": -2.0, "a->c": 4.0, "b->c": 8.0}, ["a->c", "b->c"], seconds=3.0, mib=25.0)
    row = run.Row("case", "eap", ours, theirs)
    assert row.shared == ["a->b", "a->c", "b->c"]
    assert row.agreement == pytest.approx(1)
    assert run.Row("case", "acdc", ours, theirs).agreement == pytest.approx(1 / 3)
    assert row.line == "| case | 3 | eap | 1 | 3 | 3 | 10 | 25 | 2.5 | 1.0000 |"


def test_answers_that_differ_void_the_timing(monkeypatch):
    answers = iter([figures({"a->b": 1.0, "a->c": 0.0, "b->c": 2.0}), figures({"a->b": 1.0, "a->c": 2.0, "b->c": 0.0})])
    monkeypatch.setattr(run, "_figures", lambda *_: next(answers))
    monkeypatch.setattr(cases, "write", lambda *_: None)
    with pytest.raises(RuntimeError, match="timing is void"):
        list(run.compare("reverse", cases.reverse_of_acdc, ("eap",), Path("python")))


def test_a_case_asks_what_the_problem_asks(tmp_path):
    """Written and read again, the model says the same and attribution scores the same."""
    (tmp_path / "first").mkdir()
    (tmp_path / "second").mkdir()
    cases.write(cases.reverse_of_acdc, tmp_path / "case")
    plain = cases.reverse_of_acdc(tmp_path / "first")
    read = cases.read(tmp_path / "case", tmp_path / "second", "mse_to_clean")
    np.testing.assert_array_equal(read.scored, plain.scored)
    exact = load_plugin(ROOT / "bench" / "tracks" / "circuits" / "methods" / "exact_patching.py")
    scores = [exact.solve(problem, None).edge_scores for problem in (plain, read)]
    np.testing.assert_array_equal(scores[0], scores[1])
    assert scores[0].max() > 0


def test_keys_and_values_of_their_own_leave_the_function_as_it_was():
    weights = random_weights(SHARED, np.random.default_rng(0))
    tokens = np.random.default_rng(1).integers(SHARED.d_vocab, size=(3, cases.LENGTH))
    config, own = cases.unshared(SHARED, weights)
    assert config.n_kv_heads == config.n_heads == 4
    said, expected = Transformer(config, own).run(tokens), Transformer(SHARED, weights).run(tokens)
    np.testing.assert_allclose(said, expected, rtol=1e-5, atol=1e-5 * float(expected.abs().max()))


def test_operations_of_a_layer_are_those_that_torch_counts():
    tokens = np.random.default_rng(1).integers(SHARED.d_vocab, size=(1, 5))
    counted = []
    for layers in (1, 2):
        config = replace(SHARED, n_layers=layers, gated=False)
        model = Transformer(config, random_weights(config, np.random.default_rng(0)))
        with FlopCounterMode(display=False) as counter:
            model.run(tokens)
        counted.append(counter.get_total_flops())
    assert counted[1] - counted[0] == floor.layer_operations(config, 5)
