"""Units, seeds and generators: identity decides, nothing else."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.core.contract import PASSES, Budget, Unit, Unsupported, generator

names = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)


@given(names, names, st.integers(1, 99), names, st.integers(0, 2**128))
def test_a_unit_comes_back_from_its_key(track, task, version, instance, seed):
    unit = Unit(track, task, version, instance, seed)
    assert Unit.from_key(unit.key) == unit


def test_generators_depend_on_the_identity_alone():
    np.random.seed(0)  # noqa: NPY002 - the global state must not matter
    one = generator("run", "a/b-v1/c/0", "eap").random(4)
    np.random.seed(1)  # noqa: NPY002
    np.testing.assert_array_equal(one, generator("run", "a/b-v1/c/0", "eap").random(4))
    others = [
        generator("run", "a/b-v1/c/1", "eap"),
        generator("run", "a/b-v1/c/0", "acdc"),
        generator("problem", "a/b-v1/c/0", "eap"),
    ]
    assert all(not np.allclose(one, other.random(4)) for other in others)


def test_a_budget_gives_what_it_holds_says_what_is_left_and_counts_only_when_asked():
    PASSES.clear()
    budget = Budget(10)
    budget.spend(4)
    assert (budget.left, dict(PASSES)) == (6, {})
    budget.spend(3, "backward")
    with pytest.raises(Unsupported, match="needs 4 more passes, the budget of 10 has 3 left"):
        budget.spend(4, "forward")
    budget.spend(3, "forward")
    assert (budget.left, dict(PASSES)) == (0, {"backward": 3, "forward": 3})
    PASSES.clear()
