"""The process in which a method runs: confine yourself, load the method once, solve unit after unit.

Started by `bench.core.supervisor` as `python -P -m bench.core.child REQUESTS ANSWERS` with two pipe ends. Nothing
that this process says or writes is trusted: it shares its memory with the method. It imports no torch; the method does.
"""

from __future__ import annotations

import ctypes
import dataclasses
import importlib.util
import json
import os
import resource
import signal
import socket
import sys
import traceback
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, TextIO

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS, PR_GET_NO_NEW_PRIVS = 1, 4, 38, 39
CAPABILITY_VERSION_3 = 0x20080522
OUT_OF_MEMORY = ("can't allocate memory", "bad_alloc", "Unable to allocate", "out of memory")
LONGEST_REASON = 500
ELSEWHERE = (Path("/"), Path("/tmp"), Path("/var/tmp"))


# --- confinement: before any line of the method ---------------------------------------------------------------


def prctl(option: int, value: int = 0) -> int:
    """Linux's process control call; raises `OSError` where it is refused."""
    libc = ctypes.CDLL(None, use_errno=True)
    result = libc.prctl(option, ctypes.c_ulong(value), ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0))
    if result < 0:
        raise OSError(ctypes.get_errno(), f"prctl {option} was refused")
    return result


def confine(order: dict[str, Any]) -> None:
    """Limits, then the unprivileged user, then no capabilities and no way to gain any. None can be taken back."""
    for name, value in order["rlimits"].items():
        limit = getattr(resource, name, None)  # macOS lacks some
        if limit is not None:
            hard = resource.getrlimit(limit)[1]
            value = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(limit, (value, value))
    if order["user"] is not None:
        os.setgroups([])
        os.setresgid(order["user"], order["user"], order["user"])
        os.setresuid(order["user"], order["user"], order["user"])
    if sys.platform == "linux":
        drop_capabilities()
        prctl(PR_SET_NO_NEW_PRIVS, 1)
        prctl(PR_SET_DUMPABLE, 1)  # a change of user clears it, and with it /proc/self
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # likewise
    os.umask(0o022)


def drop_capabilities() -> None:
    """Give up every effective, permitted and inheritable capability."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    if libc.capset(header, (ctypes.c_uint32 * 6)()) < 0:
        raise OSError(ctypes.get_errno(), "capset was refused")


def measure(order: dict[str, Any]) -> dict[str, Any]:
    """What this process can see and do after `confine`: the facts behind the record's protections."""
    outside = Path(order["canary"])
    return {
        "user": os.geteuid(),
        "capabilities": _capabilities(),
        "interfaces": [name for _, name in socket.if_nameindex() if name not in ("lo", "lo0")],
        "sees_outside": _opens(str(outside)) or any(_opens(path) for path in order["hidden"]),
        "writes_outside": any(_writable(folder) for folder in (outside.parent, Path(__file__).parent, *ELSEWHERE)),
        "own_processes": process_namespace() not in ("", order["process_namespace"]),
    }


def process_namespace() -> str:
    """The identity of the process namespace that we are in, '' where the system has none."""
    link = "/proc/self/ns/pid"
    return os.readlink(link) if os.path.lexists(link) else ""


def _capabilities() -> int:
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return max((int(line.split()[1], 16) for line in lines if line.startswith(("CapEff", "CapPrm"))), default=0)


def _opens(path: str) -> bool:
    return os.access(path, os.R_OK | (os.X_OK if os.path.isdir(path) else 0))


def _writable(folder: Path) -> bool:
    return os.access(folder, os.W_OK)


# --- the method -----------------------------------------------------------------------------------------------


def load_types(path: Path) -> ModuleType:
    """A track's `types.py` as `bench.tracks.<track>.types`, wherever the folder lies.

    A method writes `from bench.tracks.<track>.types import Answer` whether its track is ours or a plug-in's.
    The module must stand in `sys.modules`, because string annotations are resolved there.
    """
    name = f"bench.tracks.{path.parent.name}.types"
    known = sys.modules.get(name)
    if known is not None and known.__file__ is not None and Path(known.__file__).resolve() == path.resolve():
        return known
    return _execute(name, path)


def load_method(path: Path) -> ModuleType:
    """A method's file as a module of its own, known to `sys.modules` so that it can be pickled by name."""
    return _execute(f"plugin_{path.parent.name}_{path.stem}", path)


def _execute(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def arrays_of(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every numpy array inside a problem with the field that holds it (sparse, ragged and tables too)."""
    if hasattr(value, "__array_interface__") and hasattr(value, "flags"):
        yield name, value
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from arrays_of(getattr(value, field.name), name or field.name)
    elif hasattr(value, "indptr"):
        for part in (value.data, value.indices, value.indptr):
            yield name, part
    elif hasattr(value, "items") and not isinstance(value, dict):
        for _, column in value.items():
            yield name, column.to_numpy()


def checksums(problem: Any) -> list[tuple[str, int]]:
    """CRC-32 of every array of a problem: finds a change in place, at several gigabytes a second."""
    return [(name, _checksum(array)) for name, array in arrays_of(problem)]


def _checksum(array: Any) -> int:
    if array.dtype.hasobject:
        return zlib.crc32("\0".join(map(repr, array.tolist())).encode())
    return zlib.crc32(array.reshape(-1).view("uint8") if array.size and array.flags.c_contiguous else array.tobytes())


def solve(method: ModuleType, types: ModuleType, request: dict[str, Any], parameters: dict[str, Any]) -> dict[str, Any]:
    """Solve one unit and write its answer. Returns the status and reason that the child claims."""
    from bench.core import contract, store

    extra = dict(parameters)
    try:
        problem = store.read(types.Problem, Path(request["problem"]), request["label"])
        if request["truth"] is not None:
            extra["truth"] = store.read(types.Truth, Path(request["truth"]), request["label"])
    except contract.InvalidAnswer as error:
        return {"status": "unreadable", "reason": str(error)}
    before = checksums(problem)
    rng = contract.generator("run", request["key"], request["method"])
    contract.PASSES.clear()
    answer = method.solve(problem, rng, **extra)
    changed = [name for (name, old), (_, new) in zip(before, checksums(problem), strict=True) if old != new]
    if changed:
        return {
            "status": "error",
            "reason": f"the method changed its input {', '.join(dict.fromkeys(changed))} in place",
        }
    if answer is None:
        return {"status": "no_answer", "reason": "solve returned None"}
    if not isinstance(answer, types.Answer):
        kind = f"{type(answer).__module__}.{type(answer).__qualname__}"
        return {"status": "invalid_answer", "reason": f"solve returned a {kind}, not the track's Answer"}
    store.write(answer, Path(request["answer"]), request["label"])
    return {"status": "done", "reason": ""}


def attempt(action: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Run an action of the method's and put whatever it raises into words; the traceback goes to the log."""
    from bench.core.contract import InvalidAnswer, Unsupported

    try:
        return action()
    except Unsupported as error:
        return {"status": "unsupported", "reason": str(error)}
    except InvalidAnswer as error:
        return {"status": "invalid_answer", "reason": str(error)}
    except SystemExit as error:
        status = "no_answer" if error.code in (0, None) else "error"
        return {"status": status, "reason": f"the method called sys.exit({error.code!r})"}
    except BaseException as error:  # whatever a method can raise is its unit's failure, a KeyboardInterrupt too
        traceback.print_exc()
        status = "oom" if out_of_memory(error) else "error"
        return {"status": status, "reason": f"{type(error).__name__}: {error}"}


def out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory ran out: numpy, torch and C++ libraries each have their own."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in OUT_OF_MEMORY)


# --- the conversation -----------------------------------------------------------------------------------------


def serve(requests: TextIO, say: Callable[[dict[str, Any]], None]) -> None:
    """Take the order, confine, report, load the method, then answer one request after another until the pipe closes."""
    order = json.loads(requests.readline())
    confine(order)
    importlib.import_module("bench.core.store")  # what fails up to here is not the method's failure, nor its cost
    types = load_types(Path(order["types"]))
    say({"facts": measure(order)})
    loaded: list[ModuleType] = []

    def load() -> dict[str, Any]:
        loaded.append(load_method(Path(order["plugin"])))
        return {"status": "done", "reason": ""}

    say({"token": order["token"], **attempt(load)})
    for line in requests:
        request = json.loads(line)
        os.makedirs(request["work"], exist_ok=True)
        os.chdir(request["work"])
        said = attempt(lambda: solve(loaded[0], types, request, order["parameters"]))  # noqa: B023
        sys.stdout.flush()
        say({"token": request["token"], **said, "passes": passes()})


def passes() -> dict[str, int]:
    """What the pass counter holds after a unit."""
    from bench.core.contract import PASSES

    return {kind: int(count) for kind, count in PASSES.items()}


def main(request_end: int, answer_end: int) -> None:
    """Speak over the two pipe ends, which no programme that the method starts inherits."""
    for end in (request_end, answer_end):
        os.set_inheritable(end, False)
    answers = os.fdopen(answer_end, "w")

    def say(message: dict[str, Any]) -> None:
        message["reason"] = str(message.get("reason", ""))[:LONGEST_REASON]
        answers.write(json.dumps(message) + "\n")
        answers.flush()

    serve(os.fdopen(request_end), say)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
