"""A code hash follows exactly the files that an import executes."""

from pathlib import Path

import pytest

from bench.core import hashing


@pytest.fixture
def tree(tmp_path):
    files = {
        "bench/__init__.py": "",
        "bench/core/__init__.py": "",
        "bench/core/store.py": "x = 1\n",
        "bench/kernels/__init__.py": "",
        "bench/kernels/deep.py": "y = 2\n",
        "bench/kernels/used.py": "from bench.kernels import deep\nfrom bench.core import store\n",
        "bench/kernels/other.py": "z = 3\n",
        "bench/tracks/t/methods/m.py": "def solve():\n    from bench.kernels.used import thing\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def fresh_hash(tree: Path) -> str:
    hashing.import_closure.cache_clear()
    return hashing.code_hash([tree / "bench/tracks/t/methods/m.py"], tree)


@pytest.mark.parametrize(
    ("edited", "moves"),
    [
        ("bench/tracks/t/methods/m.py", True),
        ("bench/kernels/used.py", True),
        ("bench/kernels/deep.py", True),
        ("bench/kernels/__init__.py", True),
        ("bench/kernels/other.py", False),
        ("bench/core/store.py", False),
    ],
)
def test_an_edit_moves_the_hash_only_where_it_is_imported(tree, edited, moves):
    before = fresh_hash(tree)
    (tree / edited).write_text((tree / edited).read_text() + "# edited\n")
    assert (fresh_hash(tree) != before) == moves


def test_the_contract_version_moves_every_hash(tree, monkeypatch):
    before = fresh_hash(tree)
    monkeypatch.setattr(hashing, "CONTRACT_VERSION", hashing.CONTRACT_VERSION + 1)
    assert fresh_hash(tree) != before


def test_the_hash_does_not_depend_on_where_the_repository_lies(tree, tmp_path_factory):
    import shutil

    other = tmp_path_factory.mktemp("clone") / "deep" / "place"
    shutil.copytree(tree, other)
    assert fresh_hash(tree) == fresh_hash(other)
