"""GGUF files that are packed here number by number come back as the numbers that were packed."""

import struct

import numpy as np
import pytest

from bench.core.contract import BadInput
from bench.models.gguf_file import GgufFile

TYPE_OF = {"<I": 4, "<f": 6, "<?": 7, "<Q": 10}


def text(value):
    data = value.encode("utf-8")
    return struct.pack("<Q", len(data)) + data


def fact(key, value, form=None):
    if isinstance(value, str):
        return text(key) + struct.pack("<I", 8) + text(value)
    if isinstance(value, list):
        return text(key) + struct.pack("<IIQ", 9, 8, len(value)) + b"".join(text(item) for item in value)
    return text(key) + struct.pack("<I", TYPE_OF[form]) + struct.pack(form, value)


def half(value):
    return struct.unpack("<e", struct.pack("<e", value))[0]


def packed_q8_0(scale, levels):
    return struct.pack("<e", scale) + struct.pack("<32b", *levels)


def packed_q4_1(scale, least, levels):
    low, high = levels[:16], levels[16:]
    return struct.pack("<ee", scale, least) + bytes(a | (b << 4) for a, b in zip(low, high, strict=True))


def write(path, facts, tensors, magic=b"GGUF", version=3, alignment=32):
    """`tensors` are (name, shape with the fastest axis first, type, bytes)."""
    head, body = [magic, struct.pack("<IQQ", version, len(tensors), len(facts)), *facts], b""
    for name, shape, kind, data in tensors:
        body += b"\0" * (-len(body) % alignment)
        head.append(text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, len(body)))
        body += data
    start = b"".join(head)
    path.write_bytes(start + b"\0" * (-len(start) % alignment) + body)
    return path


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_facts_come_back(tmp_path):
    facts = [
        fact("name", "naïve"), fact("layers", 30, "<I"), fact("base", 0.5, "<f"), fact("flag", True, "<?"),
        fact("words", ["Ġthe", ""]), fact("count", 2**40, "<Q"),
    ]  # fmt: skip
    expected = {"name": "naïve", "layers": 30, "base": 0.5, "flag": True, "words": ["Ġthe", ""], "count": 2**40}
    assert GgufFile.read(write(tmp_path / "m.gguf", facts, [])).facts == expected


def test_single_precision_comes_back_to_the_bit_in_its_shape(tmp_path, rng):
    values = rng.normal(size=(3, 5)).astype("<f4")
    other = rng.normal(size=7).astype("<f4")
    tensors = [("a", (7,), 0, other.tobytes()), ("b", (5, 3), 0, values.tobytes())]
    file = GgufFile.read(write(tmp_path / "m.gguf", [], tensors))
    np.testing.assert_array_equal(file.tensor("a"), other)
    np.testing.assert_array_equal(file.tensor("b"), values)


def test_q8_0_is_scale_times_level(tmp_path, rng):
    blocks = [(0.013, rng.integers(-128, 128, 32)), (2.5, rng.integers(-128, 128, 32))]
    data = b"".join(packed_q8_0(scale, levels) for scale, levels in blocks)
    found = GgufFile.read(write(tmp_path / "m.gguf", [], [("a", (32, 2), 8, data)])).tensor("a")
    expected = [[np.float32(half(scale)) * np.float32(level) for level in levels] for scale, levels in blocks]
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == np.float32


def test_q4_1_is_scale_times_level_plus_least(tmp_path, rng):
    blocks = [(0.013, -0.1, rng.integers(16, size=32).tolist()), (0.5, 3.0, rng.integers(16, size=32).tolist())]
    data = b"".join(packed_q4_1(*block) for block in blocks)
    found = GgufFile.read(write(tmp_path / "m.gguf", [], [("a", (64,), 3, data)])).tensor("a")
    expected = [
        np.float32(half(scale)) * np.float32(level) + np.float32(half(least))
        for scale, least, levels in blocks
        for level in levels
    ]
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("kind", [0, 3, 8])
def test_the_gguf_package_reads_the_same(kind, tmp_path, rng):
    gguf = pytest.importorskip("gguf", reason="the gguf package is not installed")
    if kind == 0:
        data = rng.normal(size=(4, 32)).astype("<f4").tobytes()
    elif kind == 8:
        data = b"".join(packed_q8_0(rng.normal(), rng.integers(-128, 128, 32)) for _ in range(4))
    else:
        data = b"".join(packed_q4_1(rng.normal(), rng.normal(), rng.integers(16, size=32).tolist()) for _ in range(4))
    path = write(tmp_path / "m.gguf", [fact("general.architecture", "llama")], [("a", (32, 4), kind, data)])
    (theirs,) = gguf.GGUFReader(path).tensors
    np.testing.assert_array_equal(GgufFile.read(path).tensor("a"), gguf.dequantize(theirs.data, theirs.tensor_type))


@pytest.mark.parametrize(
    ("change", "message"),
    [({"magic": b"GGML"}, "starts with b'GGML'"), ({"version": 1}, "version 1; give GGUF of version")],
)
def test_another_file_is_refused(tmp_path, change, message):
    with pytest.raises(BadInput, match=message):
        GgufFile.read(write(tmp_path / "m.gguf", [], [], **change))


def test_another_quantisation_and_a_missing_tensor_are_named(tmp_path):
    file = GgufFile.read(write(tmp_path / "m.gguf", [], [("a", (32,), 2, bytes(18))]))
    with pytest.raises(BadInput, match="'a' is of type 2; types"):
        file.tensor("a")
    with pytest.raises(BadInput, match="'b' is missing"):
        file.tensor("b")
