"""The training engine: a stack is its models one by one, and each kind computes what its paper writes."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from bench.core.catalogue import load_plugin
from bench.core.config import ROOT
from bench.core.contract import PASSES, generator
from bench.models.dictionaries.batch_topk import BatchTopK
from bench.models.dictionaries.engine import Autoencoder, Schedule, train
from bench.models.dictionaries.jump import Count, Jump

METHODS = ROOT / "bench/tracks/features/methods"
TopK = load_plugin(METHODS / "topk_autoencoder.py").TopKAutoencoder
L1 = load_plugin(METHODS / "l1_autoencoder.py").L1Autoencoder
JumpReLU = load_plugin(METHODS / "jumprelu_autoencoder.py").JumpReLU
Gated = load_plugin(METHODS / "gated_autoencoder.py").Gated
Matryoshka = load_plugin(METHODS / "matryoshka_autoencoder.py").Matryoshka

SHORT = Schedule(budget=60 * 32, batch=32, rate=0.02)
PENALTIES = (0.05, 0.2, 0.5)


def planted(rows: int = 500) -> torch.Tensor:
    """Sums of few of 9 directions in 6 dimensions, of mean square length 1 about their mean."""
    rng = generator("dictionaries")
    directions = rng.standard_normal((9, 6))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    values = ((rng.random((rows, 9)) < 0.15) * rng.uniform(0.5, 1.5, (rows, 9))) @ directions
    values -= values.mean(axis=0)
    return torch.as_tensor(values / np.sqrt(np.square(values).sum(axis=1).mean()))


def parameters(kind: Autoencoder, models: int = 2, latents: int = 7, width: int = 4) -> dict[str, torch.Tensor]:
    """Drawn at random, every one of them, so that no term of a formula is idle."""
    source = torch.Generator().manual_seed(1)
    drawn = torch.randn(models, latents, width, generator=source, dtype=torch.float64)
    p = kind.start(drawn / drawn.norm(dim=2, keepdim=True))
    return {name: one + 0.2 * torch.randn(one.shape, generator=source, dtype=one.dtype) for name, one in p.items()}


def rows(number: int = 5, width: int = 4) -> torch.Tensor:
    return torch.randn(number, width, generator=torch.Generator().manual_seed(2), dtype=torch.float64)


def numpy_of(p: dict[str, torch.Tensor], model: int) -> dict[str, np.ndarray]:
    """One model's parameters as the papers' matrices and vectors; rows of the decoder of length 1."""
    one = {name: value[model].numpy().squeeze() for name, value in p.items()}
    one["decoder"] = one["decoder"] / np.linalg.norm(one["decoder"], axis=1, keepdims=True)
    return one


# -- the engine -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "single"),
    [
        (L1(penalties=PENALTIES), lambda m: L1(penalties=PENALTIES[m : m + 1])),
        (TopK(active=2), lambda m: TopK(active=2)),
        (BatchTopK(active=1.4), lambda m: BatchTopK(active=1.4)),
        (JumpReLU(penalties=PENALTIES), lambda m: JumpReLU(penalties=PENALTIES[m : m + 1])),
        (Gated(penalties=PENALTIES), lambda m: Gated(penalties=PENALTIES[m : m + 1])),
    ],
    ids=["l1", "topk", "batch_topk", "jumprelu", "gated"],
)
def test_a_stack_of_three_is_three_single_runs(kind, single):
    values, seeds = planted(), [5, 6, 7]
    stack = train(kind, values, 14, seeds, SHORT)
    for model, seed in enumerate(seeds):
        alone = train(single(model), values, 14, [seed], SHORT)
        for name, value in alone.parameters.items():
            torch.testing.assert_close(stack.parameters[name][model], value[0], rtol=1e-7, atol=1e-9)
        torch.testing.assert_close(stack.codes(values)[model], alone.codes(values)[0], rtol=1e-6, atol=1e-8)


def test_training_repeats_by_seed_and_counts_its_passes():
    PASSES.clear()
    first, again = (train(TopK(active=2), planted(), 10, [3], SHORT) for _ in range(2))
    other = train(TopK(active=2), planted(), 10, [4], SHORT)
    torch.testing.assert_close(first.parameters["decoder"], again.parameters["decoder"], rtol=0, atol=0)
    assert not torch.equal(first.parameters["decoder"], other.parameters["decoder"])
    assert PASSES["forward"] == PASSES["backward"] == 3 * 60 * 32


def test_the_budget_bounds_the_rows_drawn_and_the_rate_falls_to_nothing():
    schedule = Schedule(budget=1000, batch=64, rate=0.1, decay=0.5)
    assert schedule.steps == 15
    rates = [schedule.rate_at(step) for step in range(15)]
    assert rates[:7] == [0.1] * 7
    assert all(later < earlier for earlier, later in pairwise(rates[8:]))
    assert rates[-1] == pytest.approx(0.1 / 7.5)


def test_the_gradient_of_the_squared_error_is_that_of_finite_differences():
    kind = Autoencoder()
    p = {name: value.requires_grad_() for name, value in parameters(kind).items()}
    names = list(p)

    def losses(*tensors):
        return kind.loss(dict(zip(names, tensors, strict=True)), rows())[0]

    assert torch.autograd.gradcheck(losses, tuple(p.values()))


def test_dead_latents_start_anew_and_the_others_are_left_alone():
    """With a bias that nothing exceeds, latents 0 and 1 are dead; revived, they point along residuals."""

    class HalfDead(TopK):
        def start(self, directions):
            p = super().start(directions)
            p["bias"][:, :, :2] = -100.0
            return p

    kept = train(HalfDead(active=1), planted(), 6, [1], replace(SHORT, revive=1.0, revive_until=0.0))
    revived = train(HalfDead(active=1), planted(), 6, [1], replace(SHORT, revive=0.1))
    assert (kept.codes(planted())[0, :, :2] > 0).sum() == 0
    assert (revived.codes(planted())[0, :, :2] > 0).any(0).all()


def test_the_codes_are_those_of_directions_of_length_one():
    """Where rows of the decoder are free, codes carry their length, so that the reconstruction stays."""
    free = train(L1(unit_norm=False, penalties=(0.1,)), planted(), 10, [1], SHORT)
    again = free.codes(planted())[0] @ free.directions()[0] + free.parameters["centre"][0]
    assert (planted() - again).square().sum(1).mean() == pytest.approx(float(free.lost(planted())[0]))
    assert float(free.parameters["decoder"].norm(dim=2).max()) > 1.05


# -- kinds of autoencoders, against numpy from the papers' equations --------------------------------------------------


@pytest.mark.parametrize("active", [1, 3])
def test_topk_keeps_the_k_largest_codes_of_each_row(active):
    kind = TopK(active=active)
    p, values = parameters(kind), rows()
    found = kind.encode(p, values).numpy()
    for model in range(2):
        one = numpy_of(p, model)
        for row, value in enumerate(values.numpy()):
            before = [max(0.0, (value - one["centre"]) @ one["encoder"][:, j] + one["bias"][j]) for j in range(7)]
            kept = sorted(range(7), key=lambda j: -before[j])[:active]
            np.testing.assert_allclose(found[model, row], [before[j] if j in kept else 0 for j in range(7)], atol=1e-12)


def test_batch_topk_keeps_k_codes_a_row_on_average_and_then_a_threshold():
    kind = BatchTopK(active=1.6)
    p, values = parameters(kind), rows()
    codes = kind.encode(p, values)
    assert ((codes > 0).sum((1, 2)) == 8).all()  # 1.6 x 5 rows
    batches = [rows(), -rows()]
    smallest = [np.sort(np.maximum(kind.before(p, one)[1].numpy(), 0).ravel())[-8] for one in batches]
    finished = kind.finish(p, batches)
    assert float(finished["threshold"][1]) == pytest.approx(np.mean(smallest))
    used = kind.encode(finished, values)[1].numpy()
    before = kind.before(p, values)[1].numpy()
    np.testing.assert_allclose(used, np.where(before > np.mean(smallest), before, 0))


def test_the_l1_loss_is_squared_error_plus_the_sum_of_codes():
    kind = L1(penalties=(0.3, 0.7))
    p, values = parameters(kind), rows()
    found = kind.loss(p, values)[0]
    for model, penalty in enumerate(kind.penalties):
        one, total = numpy_of(p, model), 0.0
        for value in values.numpy():
            codes = np.maximum((value - one["centre"]) @ one["encoder"] + one["bias"], 0)
            total += np.square(value - codes @ one["decoder"] - one["centre"]).sum() + penalty * codes.sum()
        assert float(found[model]) == pytest.approx(total / 5)


def test_the_gated_loss_is_the_paper_s_and_its_third_term_leaves_the_decoder_alone():
    kind = Gated(penalties=(0.3, 0.7))
    p, values = parameters(kind), rows()
    found = kind.loss(p, values)[0]
    for model, penalty in enumerate(kind.penalties):
        one, total = numpy_of(p, model), 0.0
        for value in values.numpy():
            gate = (value - one["centre"]) @ one["encoder"] + one["bias"]
            size = (value - one["centre"]) @ (one["encoder"] * np.exp(one["log_size"])) + one["size_bias"]
            codes, by_gate = (gate > 0) * np.maximum(size, 0), np.maximum(gate, 0)
            total += np.square(value - codes @ one["decoder"] - one["centre"]).sum() + penalty * by_gate.sum()
            total += np.square(value - by_gate @ one["decoder"] - one["centre"]).sum()
        assert float(found[model]) == pytest.approx(total / 5)
    p = {name: value.requires_grad_() for name, value in p.items()}
    shut = {**p, "size_bias": torch.full_like(p["size_bias"], -100.0)}  # no code, so that only the third term is left
    kind.loss(shut, values)[0].sum().backward()
    assert float(p["decoder"].grad.abs().max()) == 0
    assert float(p["encoder"].grad.abs().max()) > 0


def test_the_matryoshka_loss_is_the_sum_over_prefixes():
    kind = Matryoshka(active=2.0, prefixes=(0.25, 0.5, 1.0))
    p, values = parameters(kind, latents=8), rows()
    found, codes = kind.loss(p, values)
    for model in range(2):
        one = numpy_of(p, model)
        parts = [codes[model, :, :end].numpy() @ one["decoder"][:end] + one["centre"] for end in (2, 4, 8)]
        expected = sum(np.square(values.numpy() - part).sum(axis=1).mean() for part in parts)
        assert float(found[model]) == pytest.approx(expected)


def test_jumprelu_has_the_paper_s_values_and_straight_through_gradients():
    z = torch.tensor([[-0.5, 0.1, 0.28, 0.32, 0.9]], dtype=torch.float64, requires_grad=True)
    threshold = torch.tensor([[0.3] * 5], dtype=torch.float64, requires_grad=True)
    width = 0.1
    upstream = torch.tensor([[1.0, 2.0, 3.0, 5.0, 7.0]], dtype=torch.float64)
    jumped = Jump.apply(z, threshold, width)
    assert jumped.tolist() == [[0, 0, 0, 0.32, 0.9]]
    jumped.backward(upstream)
    assert z.grad.tolist() == [[0, 0, 0, 5, 7]]
    np.testing.assert_allclose(threshold.grad, [[0, 0, -0.3 / width * 3, -0.3 / width * 5, 0]])
    z.grad, threshold.grad = None, None
    count = Count.apply(z, threshold, width)
    assert count.tolist() == [[0, 0, 0, 1, 1]]
    count.backward(upstream)
    assert z.grad is None
    np.testing.assert_allclose(threshold.grad, [[0, 0, -3 / width, -5 / width, 0]])


def test_the_straight_through_gradient_is_that_of_the_expected_loss():
    """Averaged over codes spread evenly about the threshold, it is the derivative of the mean count."""
    z = torch.rand(200_000, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    threshold = torch.tensor([[0.4]], dtype=torch.float64, requires_grad=True)
    Count.apply(z, threshold, 0.1).mean().backward()
    assert float(threshold.grad) == pytest.approx(-1.0, abs=0.03)  # of P(z > t) = 1 - t


def test_jumprelu_s_loss_counts_active_latents():
    kind = JumpReLU(penalties=(0.3, 0.7), first_threshold=0.3)
    p, values = parameters(kind), rows()
    found, codes = kind.loss(p, values)
    for model, penalty in enumerate(kind.penalties):
        one, total = numpy_of(p, model), 0.0
        for value in values.numpy():
            before = (value - one["centre"]) @ one["encoder"] + one["bias"]
            active = before > np.exp(one["log_threshold"])
            again = (active * before) @ one["decoder"] + one["centre"]
            total += np.square(value - again).sum() + penalty * active.sum()
        assert float(found[model]) == pytest.approx(total / 5)
    assert (codes >= 0).all()
