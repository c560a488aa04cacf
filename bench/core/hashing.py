"""Content hashes of code: a file and everything of ours that it imports, found by reading, never by importing.

`bench.core` is left out of every closure: it enters by `CONTRACT_VERSION`, so that a comment in the supervisor
does not re-run a hundred methods.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from bench.core.contract import CONTRACT_VERSION

OURS = ("bench", "leaderboard")


def sha256_file(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_of(value: Any) -> str:
    """SHA-256 of a JSON-able value in canonical form."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def imported_modules(path: Path) -> set[str]:
    """Dotted names that a file imports anywhere; `from a import b` gives both `a` and `a.b` (b may be a module)."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(), filename=str(path))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def module_files(name: str, root: Path) -> list[Path]:
    """Files that importing `name` executes: the module itself and the `__init__` of each package above it."""
    parts = name.split(".")
    packages = [root.joinpath(*parts[:depth], "__init__.py") for depth in range(1, len(parts) + 1)]
    return [path for path in [*packages, root.joinpath(*parts).with_suffix(".py")] if path.is_file()]


@cache
def import_closure(path: Path, root: Path) -> frozenset[Path]:
    """The file and all files of ours that it imports, directly or not, `bench.core` excepted."""
    seen, queue = {path}, [path]
    while queue:
        for name in imported_modules(queue.pop()):
            if name.split(".")[0] not in OURS or name.startswith("bench.core"):
                continue
            new = set(module_files(name, root)) - seen
            seen |= new
            queue += new
    return frozenset(seen)


def code_hash(paths: Iterable[Path], root: Path) -> str:
    """Hash of the import closures of `paths`; files count by their place below `root`, plug-ins elsewhere by name."""
    files = frozenset().union(*(import_closure(path, root) for path in paths))
    return sha256_of([CONTRACT_VERSION, sorted((_place(file, root), sha256_file(file)) for file in files)])


def _place(file: Path, root: Path) -> str:
    return str(file.relative_to(root)) if file.is_relative_to(root) else file.name
