"""No row is trained and tested on, the gap is kept, and no spike is lost."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.neuro.blocks import equal_blocks, split_blocks
from bench.neuro.spikes import bin_means, bin_spikes


@given(st.integers(10, 300), st.integers(2, 8), st.integers(0, 12), st.data())
def test_training_rows_keep_the_gap_and_every_row_of_a_tested_block_is_tested(rows, count, gap, data):
    blocks = equal_blocks(rows, count)
    tested = np.array(data.draw(st.lists(st.booleans(), min_size=count, max_size=count)))
    split = split_blocks(blocks, tested, gap)
    assert set(split.test) == {row for row in range(rows) if tested[blocks[row]]}
    assert not split.train.size or np.abs(split.train[:, None] - split.test).min(initial=gap + 1) > gap
    near = {row for test in split.test for row in range(test - gap, test + gap + 1)}
    assert set(split.train) == set(range(rows)) - near  # no more than the gap is left out
    np.testing.assert_array_equal(split.train_groups, blocks[split.train])


@given(st.integers(1, 500), st.integers(1, 20))
def test_equal_blocks_differ_by_one_row_at_most(rows, count):
    sizes = np.bincount(equal_blocks(rows, count), minlength=count)
    assert sizes.sum() == rows
    assert sizes.max() - sizes.min() <= 1


@given(st.lists(st.floats(0, 9.999), max_size=50))
def test_every_spike_is_in_one_bin(times):
    counts = bin_spikes(np.array(times), 100, 0.1)
    assert counts.sum() == len(times)


def test_a_spike_falls_into_the_bin_that_it_opens():
    np.testing.assert_array_equal(bin_spikes(np.array([0.0, 1.0, 1.5, 2.0]), 3, 1.0), [1, 2, 1])


@pytest.mark.parametrize("time", [-0.5, 3.0])
def test_a_spike_outside_the_bins_is_refused(time):
    with pytest.raises(ValueError, match="spike times span"):
        bin_spikes(np.array([1.0, time]), 3, 1.0)


def test_bins_of_samples_are_means_and_a_rest_is_refused():
    np.testing.assert_array_equal(bin_means(np.array([1.0, 3.0, 5.0, 9.0]), 2), [2, 7])
    with pytest.raises(ValueError, match="5 samples are no whole number of bins of 2"):
        bin_means(np.zeros(5), 2)
