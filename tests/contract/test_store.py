"""A stored object comes back equal; what breaks its annotation is refused in words."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from jaxtyping import Bool, Float, Int

from bench.core import store
from bench.core.contract import Blob, InvalidAnswer, Ragged


@dataclass(frozen=True)
class Everything:
    signal: Float[np.ndarray, "time channels"]
    label: Int[np.ndarray, "time"]
    mask: Bool[np.ndarray, "channels"] | None
    words: list[str]
    rate: float
    name: str
    flag: bool
    rows: Ragged
    sparse: sp.csr_array
    table: pd.DataFrame
    weights: Blob


@pytest.fixture
def everything(tmp_path):
    path = tmp_path / "weights.bin"
    path.write_bytes(b"abc")
    return Everything(
        signal=np.arange(6.0).reshape(3, 2), label=np.array([1, 2, 3]), mask=None, words=["a", "b"], rate=2.5, name="x",
        flag=True, rows=Ragged.of([np.ones(2), np.zeros(0), np.ones(3)]), sparse=sp.csr_array(np.eye(3)),
        table=pd.DataFrame({"onset": [0.5, 1.5], "word": ["down", "the"]}), weights=Blob.of(path),
    )  # fmt: skip


def test_every_field_type_comes_back_equal(everything, tmp_path):
    store.write(everything, tmp_path / "object")
    back = store.read(Everything, tmp_path / "object")
    np.testing.assert_array_equal(back.signal, everything.signal)
    assert back.mask is None
    assert (back.words, back.rate, back.name, back.flag) == (["a", "b"], 2.5, "x", True)
    assert [row.tolist() for row in (back.rows[0], back.rows[1], back.rows[2])] == [[1, 1], [], [1, 1, 1]]
    np.testing.assert_array_equal(back.sparse.toarray(), np.eye(3))
    pd.testing.assert_frame_equal(back.table, everything.table)
    assert back.weights.path.read_bytes() == b"abc"
    assert back.weights.path.stat().st_nlink == 2
    assert {path.suffix for path in (tmp_path / "object").iterdir()} == {".safetensors", ".json", ".blob"}


@given(arrays(np.float64, (4, 3), elements=st.floats(width=64)))
def test_floats_come_back_bit_by_bit(tmp_path_factory, values):
    @dataclass(frozen=True)
    class One:
        x: Float[np.ndarray, "a b"]

    folder = tmp_path_factory.mktemp("one")
    store.write(One(values), folder)
    assert store.read(One, folder).x.tobytes() == values.tobytes()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"signal": np.ones((3, 2), dtype=int)}, "signal has dtype int64"),
        ({"signal": np.ones(3)}, r"signal has shape \(3,\), expected axes \(time channels\)"),
        ({"label": np.arange(4)}, "label has 4 time, signal has 3"),
        ({"mask": np.ones(3, dtype=bool)}, "mask has 3 channels, signal has 2"),
        ({"words": ["a", 1]}, "words is"),
        ({"rate": "fast"}, "rate is 'fast', expected float"),
        ({"flag": 1}, "flag is 1, expected bool"),
        ({"rows": [np.ones(2)]}, ".*expected Ragged"),
        ({"signal": [[1.0]]}, "signal is a list, not a numpy array"),
    ],
)
def test_a_value_that_breaks_its_annotation_is_refused_in_words(everything, tmp_path, change, words):
    with pytest.raises(InvalidAnswer, match=f"toy/mean: {words}"):
        store.write(replace(everything, **change), tmp_path / "object", "toy/mean")


@pytest.mark.parametrize("damage", ["arrays.safetensors", "meta.json"])
def test_a_truncated_or_missing_file_is_an_invalid_answer(everything, tmp_path, damage):
    folder = tmp_path / "object"
    store.write(everything, folder)
    (folder / damage).write_bytes((folder / damage).read_bytes()[:20])
    with pytest.raises(InvalidAnswer, match="cannot be read"):
        store.read(Everything, folder)
    (folder / damage).unlink()
    with pytest.raises(InvalidAnswer, match="cannot be read"):
        store.read(Everything, folder)


def test_the_checksum_follows_content_and_not_place(everything, tmp_path):
    store.write(everything, tmp_path / "one")
    store.write(everything, tmp_path / "elsewhere" / "two")
    assert store.checksum(tmp_path / "one") == store.checksum(tmp_path / "elsewhere" / "two")
    store.write(replace(everything, rate=2.6), tmp_path / "three")
    assert store.checksum(tmp_path / "one") != store.checksum(tmp_path / "three")
