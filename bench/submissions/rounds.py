"""Rounds of hidden units: a secret key, published as its SHA-256 before the round and in full after it.

A hidden seed is the first 128 bits of HMAC-SHA256(key, "track|task|version|instance|i"). Whoever has the key can derive
every hidden unit; whoever has not can neither guess one nor make the seal of a verification record.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from bench.core.catalogue import pick
from bench.core.config import check_schema
from bench.core.contract import BadInput, Unit
from bench.core.records import read_json, write_json

KEY_BYTES = 32
SEED_BYTES = 16


@dataclass(frozen=True)
class Round:
    """A round's file, and its key where that is known."""

    path: Path
    content: Mapping[str, Any]
    key: bytes | None

    @property
    def name(self) -> str:
        return self.content["name"]

    @property
    def revealed(self) -> bool:
        return "key" in self.content

    @property
    def verifications(self) -> Path:
        """The folder of this round's verification records."""
        return self.path.with_suffix("")

    def secret(self) -> bytes:
        if self.key is None:
            raise BadInput(f"{self.path}: the key is not published yet; give --key FILE, or wait until it is revealed")
        return self.key


def rounds_folder(root: Path) -> Path:
    return root / "leaderboard" / "rounds"


def new_round(name: str, key_file: Path, root: Path) -> Path:
    """Draw a key, keep it in `key_file` for its owner alone, and write the round's file with its SHA-256."""
    path = rounds_folder(root) / f"{name}.json"
    for taken in (path, key_file):
        if taken.exists():
            raise BadInput(f"{taken}: exists; choose another name (a round and its key never change)")
    key = secrets.token_bytes(KEY_BYTES)
    content = {"name": name, "opened": date.today().isoformat(), "key_sha256": hashlib.sha256(key).hexdigest()}
    check_schema(content, "round", f"round {name}")
    with os.fdopen(os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(key.hex() + "\n")
    write_json(path, content)
    return path


def read_round(name: str, root: Path, key_file: Path | None = None) -> Round:
    """A round with its key, from a file or as revealed. Raises `BadInput` where the key is not the committed one."""
    pick(name, [path.stem for path in rounds_folder(root).glob("*.json")], "round")
    path = rounds_folder(root) / f"{name}.json"
    content = read_json(path)
    check_schema(content, "round", str(path))
    if content["name"] != name:
        raise BadInput(f"{path}: is the file of round {content['name']}; name it {content['name']}.json")
    key = _key(key_file) if key_file else bytes.fromhex(content["key"]) if "key" in content else None
    if key is not None and hashlib.sha256(key).hexdigest() != content["key_sha256"]:
        raise BadInput(f"{key_file or path}: is not the key whose SHA-256 round {name} published; find the right one")
    return Round(path, content, key)


def _key(path: Path) -> bytes:
    try:
        return bytes.fromhex(path.read_text().strip())
    except (OSError, ValueError) as error:
        raise BadInput(f"{path}: holds no key ({error}); give the file that `round new` wrote") from error


def reveal(name: str, key_file: Path, root: Path) -> Path:
    """Publish a round's key in its file. From then on no record of it can be made any more."""
    known = read_round(name, root, key_file)
    if known.revealed:
        raise BadInput(f"{known.path}: is revealed already; open a new round")
    write_json(known.path, {**known.content, "key": known.secret().hex(), "revealed": date.today().isoformat()})
    return known.path


# --- what a key gives ---------------------------------------------------------------------------------------------


def hidden_unit(key: bytes, track: str, task: str, version: int, instance: str, number: int) -> Unit:
    """Hidden unit `number` of an instance, with its 128-bit seed."""
    return Unit(track, task, version, instance, _number(key, f"{track}|{task}|{version}|{instance}|{number}"))


def shown_seed(key: bytes, unit: Unit) -> int:
    """The number that stands for a hidden unit's seed wherever a method can see it: from the seed itself a method that
    holds a copy of the generator could make the truth."""
    return _number(key, f"shown|{unit.key}")


def _number(key: bytes, text: str) -> int:
    return int.from_bytes(hmac.digest(key, text.encode(), "sha256")[:SEED_BYTES], "big")


def seal(key: bytes, record: Mapping[str, Any]) -> str:
    """The HMAC of a verification record without its seal, in canonical form."""
    plain = {name: value for name, value in record.items() if name != "seal"}
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hmac.digest(key, f"seal|{text}".encode(), "sha256").hex()


def round_faults(known: Round) -> list[str]:
    """Faults of a round's verification records; seals can be told only where the key is known."""
    faults = []
    for path in sorted(known.verifications.glob("*.json")):
        record = read_json(path)
        try:
            check_schema(record, "verification", str(path))
        except BadInput as error:
            faults.append(str(error))
            continue
        stated = (record["submission"], record["round"], record["key_sha256"])
        if stated != (path.stem, known.name, known.content["key_sha256"]):
            faults.append(f"{path}: speaks of another submission, round or key; it was not made by this round")
        elif known.key is not None and not hmac.compare_digest(seal(known.key, record), record["seal"]):
            faults.append(f"{path}: its seal was not made with the round's key; it is forged or was edited")
    return faults
