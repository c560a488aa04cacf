"""A submission's folder as an untrusted thing: what lies in it, read without following a link, within limits.

Every file is opened component by component below the folder's own descriptor, with `O_NOFOLLOW`, and must be a regular
file: neither a link nor a name that changes meanwhile leads out of the folder, and a device or pipe is never read.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from bench.core.config import schema

MANIFEST, RECORDS, CRATE, STATUS = "manifest.json", "records.jsonl", "ro-crate-metadata.json", "status.json"
CONFIG, LOCK = "provenance/config.json", "provenance/environment.lock"
MEBIBYTE = 2**20
TEXT_BYTES = 16 * MEBIBYTE  # of the manifest, crate or method's file
RECORDS_BYTES = 256 * MEBIBYTE
ANSWER_BYTES = 256 * MEBIBYTE  # of one answer, as the supervisor's own limit
TOTAL_BYTES = 2048 * MEBIBYTE
MOST_FILES, DEEPEST = 100_000, 6
LONGEST = 200  # characters of a foreign value in a sentence


@dataclass(frozen=True, order=True)
class Fault:
    """What is wrong, where (line 0: the file as a whole), and what to do about it."""

    file: str
    line: int
    what: str
    remedy: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.what}; {self.remedy}"


class Unreadable(Exception):
    """A file that is not there, is no regular file, is too large, or is not what it should be."""


@contextmanager
def opened(root: Path, name: str) -> Iterator[tuple[io.BufferedReader, int]]:
    """A regular file below `root` and its size, opened without following any link. Raises `Unreadable`."""
    *folders, last = name.split("/")
    handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for folder in folders:
            inner = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=handle)
            os.close(handle)
            handle = inner
        end = os.open(last, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=handle)
    except FileNotFoundError as error:
        raise Unreadable("is missing") from error
    except OSError as error:
        raise Unreadable(f"cannot be opened without following a link ({error.strerror})") from error
    finally:
        os.close(handle)
    with os.fdopen(end, "rb") as file:
        facts = os.fstat(end)
        if not stat.S_ISREG(facts.st_mode):
            raise Unreadable("is not a regular file")
        yield file, facts.st_size


def read_bytes(root: Path, name: str, limit: int = TEXT_BYTES) -> bytes:
    """A file's bytes. Raises `Unreadable` where it is larger than `limit`, before it is read."""
    with opened(root, name) as (file, size):
        if size > limit:
            raise Unreadable(f"has {size:,} bytes, allowed are {limit:,}")
        return file.read(limit)


def sha256(root: Path, name: str) -> str:
    """SHA-256 of a file's bytes; `inventory` has bounded them."""
    with opened(root, name) as (file, _):
        return hashlib.file_digest(file, "sha256").hexdigest()


def inventory(root: Path) -> tuple[dict[str, int], list[Fault]]:
    """Path to size of every regular file of a folder, and a fault for whatever else or too much lies in it."""
    found: dict[str, int] = {}
    faults: list[Fault] = []
    queue = [("", 0)]
    while queue and len(found) <= MOST_FILES:
        folder, depth = queue.pop()
        with os.scandir(root / folder) as entries:
            for entry in entries:
                name = f"{folder}/{entry.name}" if folder else entry.name
                if entry.is_dir(follow_symlinks=False) and depth < DEEPEST:
                    queue.append((name, depth + 1))
                elif entry.is_file(follow_symlinks=False):
                    found[name] = entry.stat(follow_symlinks=False).st_size
                else:
                    faults.append(Fault(printable(name), 0, _kind(entry), "replace it by a plain file or remove it"))
    return found, faults + _too_much(found)


def _kind(entry: os.DirEntry[str]) -> str:
    if entry.is_symlink():
        return "is a link"
    return "lies too deep" if entry.is_dir(follow_symlinks=False) else "is neither a file nor a folder"


def _too_much(found: dict[str, int]) -> list[Fault]:
    faults = []
    if len(found) > MOST_FILES:
        faults.append(Fault(".", 0, f"holds more than {MOST_FILES:,} files", "submit a smaller suite"))
    if sum(found.values()) > TOTAL_BYTES:
        what = f"holds {sum(found.values()):,} bytes, allowed are {TOTAL_BYTES:,}"
        faults.append(Fault(".", 0, what, "store smaller answers or submit a smaller suite"))
    return faults


def printable(text: str) -> str:
    """A foreign text on one line, with what hides or moves the cursor shown as codes, cut at `LONGEST`."""
    plain = "".join(sign if sign.isprintable() else f"\\x{ord(sign):02x}" for sign in text)
    return plain if len(plain) <= LONGEST else f"{plain[:LONGEST]} …"


def parse(data: bytes) -> Any:
    """Strict JSON: UTF-8, no NaN or infinity. Raises `Unreadable` with the line at fault."""

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not JSON")

    try:
        return json.loads(data.decode(), parse_constant=refuse)
    except json.JSONDecodeError as error:
        raise Unreadable(f"line {error.lineno} is not JSON ({error.msg})") from error
    except (ValueError, RecursionError) as error:  # not UTF-8, a number of a million digits, a million brackets
        raise Unreadable(f"is not JSON ({type(error).__name__}: {printable(str(error))})") from error


def line_of(data: bytes, path: list[str | int]) -> int:
    """The line of a JSON text on which a key or element stands; of the nearest one above it where it is absent."""
    try:
        node = yaml.compose(data.decode(), Loader=yaml.CSafeLoader)  # JSON is YAML, and YAML's nodes know their lines
    except (yaml.YAMLError, ValueError, RecursionError):
        return 0
    line = 1
    for step in path:
        found = _inner(node, step)
        if found is None:
            break
        line, node = found
    return line


def _inner(node: yaml.Node | None, step: str | int) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        pairs = [(key, value) for key, value in node.value if key.value == step]
        return (pairs[0][0].start_mark.line + 1, pairs[0][1]) if pairs else None
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step].start_mark.line + 1, node.value[step]
    return None


def schema_faults(value: Any, name: str) -> Iterator[tuple[list[str | int], str]]:
    """Every place at which a value breaks a schema of `workflow/schemas`, with what is wrong in words."""
    for fault in jsonschema.Draft202012Validator(schema(name)).iter_errors(value):
        place = list(fault.absolute_path)
        where = ".".join(map(str, place)) or "the whole"
        told = fault.schema.get("description") if isinstance(fault.schema, dict) else None
        expected = f" (expected {told})" if told and fault.validator not in ("required", "additionalProperties") else ""
        yield place, f"{where}: {printable(fault.message)}{expected}"
