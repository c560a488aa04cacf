"""Contiguous blocks of time for training and testing, with a gap between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int


@dataclass(frozen=True)
class Split:
    """Rows to train and to test on, in time order, and the contiguous stretch that each belongs to."""

    train: Int[np.ndarray, "train"]
    train_groups: Int[np.ndarray, "train"]
    test: Int[np.ndarray, "test"]
    test_groups: Int[np.ndarray, "test"]


def split_blocks(blocks: Int[np.ndarray, "time"], tested: Bool[np.ndarray, "blocks"], gap: int) -> Split:
    """Test on the blocks that `tested` marks and train on the others; `blocks[i]` is the block of row i.

    Training rows within `gap` rows of a tested one are left out, so that what lingers (haemodynamics, autocorrelated
    noise) is not shared. Groups carry the number of their block.
    """
    testing = tested[blocks]
    near = np.convolve(testing, np.ones(2 * gap + 1))[gap : gap + len(testing)] > 0
    train, test = np.flatnonzero(~near), np.flatnonzero(testing)
    return Split(train, blocks[train], test, blocks[test])


def equal_blocks(rows: int, count: int) -> Int[np.ndarray, "time"]:
    """The block of each row when `rows` rows are cut into `count` contiguous blocks, equal to within one row."""
    return np.arange(rows) * count // rows
