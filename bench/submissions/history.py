"""What was merged stays: compares a checkout with an earlier commit and names every edited record.

Files of a merged submission and verification records never change, never go and get no neighbours; a submission is
withdrawn by adding `status.json`, and a round is revealed by adding its key. New submissions are free.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.core.contract import BadInput
from bench.submissions.folder import STATUS, Fault, printable

SUBMISSIONS, ROUNDS = "leaderboard/submissions", "leaderboard/rounds"
VERBS = {"M": "was edited", "D": "was removed", "T": "became something else", "A": "was added"}


def git(root: Path, *arguments: str) -> bytes:
    """Output of a git command. Raises `BadInput` with git's own words where it fails."""
    done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, check=False)
    if done.returncode:
        said = printable(done.stderr.decode(errors="replace").strip())
        raise BadInput(f"git {arguments[0]}: {said}; run it in a checkout that has the base commit")
    return done.stdout


def history_faults(base: str, root: Path) -> list[Fault]:
    """Changes since the common ancestor of `base` and this checkout, its uncommitted files too, that must not be."""
    ancestor = git(root, "merge-base", "--", base, "HEAD").decode().strip()
    merged = _names(git(root, "ls-tree", "-r", "-z", "--name-only", ancestor, SUBMISSIONS, ROUNDS))
    folders = {_folder(name) for name in merged} - {None}
    return sorted(fault for change in _changes(ancestor, root) for fault in _judged(change, ancestor, folders, root))


def _names(output: bytes) -> list[str]:
    return [name.decode(errors="replace") for name in output.split(b"\0") if name]


def _folder(name: str) -> str | None:
    """The submission's folder that holds a file, None for what lies elsewhere."""
    parts = name.split("/")
    return "/".join(parts[:3]) if name.startswith(f"{SUBMISSIONS}/") and len(parts) > 3 else None


def _changes(ancestor: str, root: Path) -> Iterator[tuple[str, str]]:
    """Kind (git's letter) and name of every changed file; files that git does not know yet count as added."""
    words = _names(git(root, "diff", "--no-renames", "--name-status", "-z", ancestor, "--", SUBMISSIONS, ROUNDS))
    yield from zip(words[::2], words[1::2], strict=True)
    unknown = git(root, "ls-files", "--others", "--exclude-standard", "-z", "--", SUBMISSIONS, ROUNDS)
    yield from (("A", name) for name in _names(unknown))


def _judged(change: tuple[str, str], ancestor: str, folders: set[str | None], root: Path) -> Iterator[Fault]:
    kind, name = change
    verb = VERBS.get(kind, "was changed")
    if _folder(name):
        if kind != "A":
            yield Fault(printable(name), 0, f"is part of a merged submission and {verb}", "restore it; withdraw with "
                        f"{STATUS}, submit anew under a new name")  # fmt: skip
        elif _folder(name) in folders and not (name.endswith(f"/{STATUS}") and name.count("/") == 3):
            yield Fault(printable(name), 0, f"{verb} to a merged submission", "submit anew under a new name")
    elif (
        name.startswith(f"{ROUNDS}/")
        and name.endswith(".json")
        and kind != "A"
        and not _is_reveal(name, ancestor, root)
    ):
        yield Fault(printable(name), 0, f"is of a round and {verb}", "restore it; a round may only gain its key")


def _is_reveal(name: str, ancestor: str, root: Path) -> bool:
    """Whether a round's file is what it was, with its key and the day added."""
    if name.count("/") != 2 or not (root / name).is_file():
        return False
    before, now = json.loads(git(root, "show", f"{ancestor}:{name}")), _loaded(root / name)
    added = {field: value for field, value in now.items() if field not in before}
    return now == {**before, **added} and added.keys() == {"key", "revealed"}


def _loaded(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text())
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
