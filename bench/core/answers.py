"""Take an answer out of an untrusted folder: copy small regular files, read them as data, check them."""

from __future__ import annotations

import math
import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from bench.core import child, store
from bench.core.contract import Blob, InvalidAnswer
from bench.core.worker import Assignment, Job, clear

META_BYTES = 2**24


class Refused(Exception):
    """An answer folder that holds something else than small regular files."""


def accept(job: Job, assignment: Assignment, folder: Path) -> tuple[str, str]:
    """Copy, read and check the answer that the child left in `folder`; status `ok` puts it at its place."""
    place = assignment.answer.with_name(f".incoming-{os.getpid()}")
    incoming = place / "answer"
    incoming.mkdir(parents=True)
    try:
        status, reason = _judge(job, assignment, folder, incoming)
        if status == "ok":
            incoming.rename(assignment.answer)
    finally:
        clear(place)
    return status, reason


def _judge(job: Job, assignment: Assignment, folder: Path, incoming: Path) -> tuple[str, str]:
    types = child.load_types(job.types)
    label = f"{assignment.unit.track}/{job.plugin.stem}"
    problem = store.read(types.Problem, assignment.problem, assignment.unit.key)
    answer = None
    try:
        copy_answer(folder, incoming, blob_names(types.Answer), job.limits.answer_bytes)
        answer = store.read(types.Answer, incoming, label)
        types.check(problem, answer)
    except FileNotFoundError as error:
        return "no_answer", f"{label}: the answer has no {Path(error.filename).name}"
    except Refused as error:
        return "invalid_answer", f"{label}: {error}"
    except (
        Exception
    ) as error:  # data of an untrusted author can raise anything; it is the unit's failure, with its reason
        status = "nan" if answer is not None and not all_finite(answer) else "invalid_answer"
        return status, str(error) if isinstance(error, InvalidAnswer) else f"{label}: {type(error).__name__}: {error}"
    return "ok", ""


def blob_names(answer_type: type) -> list[str]:
    """The files beside arrays and meta that an answer of this type has."""
    hints = {name: store.split_optional(hint)[0] for name, hint in store.fields_of(answer_type).items()}
    return [f"{name}.blob" for name, hint in hints.items() if hint is Blob]


def copy_answer(folder: Path, target: Path, blobs: Iterable[str], limit: int) -> None:
    """Copy an answer out of the child's reach. Raises `Refused` for links, devices, pipes and anything too large."""
    try:
        source = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except NotADirectoryError as error:
        raise Refused("the answer is not a folder") from error
    try:
        left = limit
        for name in (store.META, store.ARRAYS):
            left -= _copy_regular(source, name, target / name, min(left, META_BYTES) if name == store.META else left)
        for name in set(blobs) & set(os.listdir(source)):
            left -= _copy_regular(source, name, target / name, left)
    finally:
        os.close(source)


def _copy_regular(folder: int, name: str, target: Path, limit: int) -> int:
    try:
        handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except OSError as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise Refused(f"{name} is not a regular file ({error.strerror})") from error
    with os.fdopen(handle, "rb") as source:
        facts = os.fstat(source.fileno())
        if not stat.S_ISREG(facts.st_mode):
            raise Refused(f"{name} is not a regular file")
        if facts.st_size > limit:
            raise Refused(f"{name} has {facts.st_size} bytes, allowed are {limit}")
        return target.write_bytes(source.read(limit))


def all_finite(answer: Any) -> bool:
    """Whether no number of an answer is NaN or infinite."""
    arrays = [array for _, array in child.arrays_of(answer)]
    numbers = [value for value in vars(answer).values() if isinstance(value, float)]
    numbers += [item for value in vars(answer).values() if isinstance(value, list) for item in value]
    floats = [array for array in arrays if array.dtype.kind in "fc"]
    return all(np.isfinite(array).all() for array in floats) and all(
        math.isfinite(number) for number in numbers if isinstance(number, float)
    )
