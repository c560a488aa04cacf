"""Reader of the text format `.ts` of time-series archives, for trials of equal length with class labels.

Header lines `@name value`, comments `#`, then `@data` and one trial a line: channels split by colons, samples by
commas, and the class label last.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import Float

from bench.core.contract import BadInput

Trials = Float[np.ndarray, "trials channels time"]


def read_ts(path: Path) -> tuple[Trials, list[str]]:
    """Values and labels in the order of the file.

    Raises `BadInput` with file, line and remedy where the header is not that of trials of equal length with labels, or
    a line disagrees with it.
    """
    lines = Path(path).read_text(encoding="utf-8", errors="replace").splitlines()  # comments may be in any encoding
    start = next((number for number, line in enumerate(lines) if line.strip().lower() == "@data"), None)
    if start is None:
        raise BadInput(f"{path}: no line says @data; give a file in the .ts format")
    header = read_header(lines[:start])
    shape, classes = expected(path, header)
    rows = [(number, line) for number, line in enumerate(lines[start + 1 :], start + 2) if line.strip()]
    if not rows:
        raise BadInput(f"{path}: no trial follows @data; give a file with trials")
    read = [read_trial(f"{path}, line {number}", line, shape, classes) for number, line in rows]
    return np.stack([values for values, _ in read]), [label for _, label in read]


def read_header(lines: list[str]) -> dict[str, list[str]]:
    """The words after each `@name`, by name in lower case."""
    words = [line.strip().split() for line in lines if line.strip().startswith("@")]
    return {name[1:].lower(): values for name, *values in words}


def expected(path: Path, header: dict[str, list[str]]) -> tuple[tuple[int, int], list[str]]:
    """Channels and samples of a trial, and the classes."""
    for name, value in {"timestamps": "false", "missing": "false", "equallength": "true"}.items():
        found = " ".join(header.get(name, ["not said"])).lower()
        if found != value:
            raise BadInput(f"{path}: @{name} is {found}, only {value} can be read; export trials of equal length")
    if header.get("classlabel", ["false"])[0].lower() != "true":
        raise BadInput(f"{path}: @classLabel is not true; give a file whose trials have labels")
    sizes = [" ".join(header.get(name, ["not said"])) for name in ("dimensions", "serieslength")]
    if not all(size.isdigit() for size in sizes):
        raise BadInput(f"{path}: @dimensions is {sizes[0]} and @seriesLength {sizes[1]}; give both as whole numbers")
    return (int(sizes[0]), int(sizes[1])), header["classlabel"][1:]


def read_trial(where: str, line: str, shape: tuple[int, int], classes: list[str]) -> tuple[np.ndarray, str]:
    *channels, label = line.strip().split(":")
    lengths = {channel.count(",") + 1 for channel in channels}
    if (len(channels), *lengths) != shape:
        found = f"{len(channels)} channels of {' or '.join(map(str, sorted(lengths)))} samples"
        raise BadInput(f"{where}: {found}, the header says {shape[0]} of {shape[1]}; repair the line or the header")
    if label not in classes:
        raise BadInput(f"{where}: label {label!r} is none of {', '.join(classes)}; correct the label or @classLabel")
    try:
        values = np.array([[float(sample) for sample in channel.split(",")] for channel in channels])
    except ValueError as error:
        raise BadInput(f"{where}: {error}; give numbers alone") from error
    if not np.isfinite(values).all():
        raise BadInput(f"{where}: {int((~np.isfinite(values)).sum())} samples are NaN or infinite; repair the trial")
    return values, label
