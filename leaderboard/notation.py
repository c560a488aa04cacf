"""How numbers and texts are written, on the page and in the terminal alike."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from bench.core.statistics import Estimate
from leaderboard.tables import GateResult, Row

DASH = "\N{EN DASH}"
NOTHING = DASH
MINUS = "\N{MINUS SIGN}"
ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])")
INVISIBLE = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
LONGEST_LINE = 400
BYTES = (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10))


def number(value: float | None, digits: int = 3) -> str:
    """`digits` decimals below 10, as many significant figures above; a dash for None."""
    if value is None:
        return NOTHING
    size = abs(value)
    text = f"{value:.{digits}f}" if size < 10 else f"{value:.{digits}g}" if size < 10**digits else f"{value:,.0f}"
    text = text.replace("-", MINUS)
    return text[1:] if not text.strip("0.,-" + MINUS) and text[0] == MINUS else text


def half_width(estimate: Estimate) -> float | None:
    """Half of the interval (it is symmetric), or None where there is none."""
    if estimate.low is None or estimate.high is None:
        return None
    return (estimate.high - estimate.low) / 2


def interval(estimate: Estimate | None) -> str:
    """` ± half width`; empty without an interval."""
    half = None if estimate is None else half_width(estimate)
    return "" if half is None else f"± {number(half)}"


def estimate(value: Estimate | None) -> str:
    """`mean ± half width`; the bare mean without an interval; a dash for None."""
    return NOTHING if value is None else f"{number(value.mean)} {interval(value)}".rstrip()


def rank(row: Row) -> str:
    """`2` or `1-3` for a ranked method, else its status."""
    if row.rank is None:
        return row.status
    best, worst = row.rank
    return f"{best}" if best == worst else f"{best}{DASH}{worst}"


def cost(value: float | None) -> str:
    """Multiples of the calibration kernel's CPU time, to three figures."""
    if value is None:
        return NOTHING
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}" if value >= 0.001 else "< 0.001"


def memory(size: int) -> str:
    """Bytes in the largest binary unit that leaves a number of at least one."""
    for unit, one in BYTES:
        if size >= one:
            return f"{size / one:.3g} {unit}"
    return f"{size} B"


def seconds(value: float) -> str:
    return f"{value:,.0f} s" if value >= 100 else f"{value:.3g} s"


def pass_lines(counts: Mapping[str, int] | None) -> list[str]:
    """`1,200 forward`, `60 backward`; nothing where the track does not count them."""
    return [f"{count:,} {kind}" for kind, count in sorted((counts or {}).items(), reverse=True)]


def shortest(value: str | None) -> str:
    """The first twelve digits of a hash; the records hold all of it."""
    return NOTHING if value is None else value[:12]


def coverage(row: Row) -> str:
    return f"{row.coverage[0]}/{row.coverage[1]}"


def gate(result: GateResult, title: str) -> str:
    """`False-edge rate 0.031, at most 0.1`; without the value where nothing tested the gate."""
    value = "" if result.value is None else f" {number(result.value.mean)}"
    return f"{title}{value}, {'at most' if result.direction == 'lower' else 'at least'} {result.limit:g}"


def verdict(result: GateResult) -> str:
    return {True: "passed", False: "failed", None: "untested"}[result.passed]


def _shown(character: str) -> str:
    """A character as it is, or its code where it would be invisible or reorder the text around it."""
    if character in "\n\t" or unicodedata.category(character) not in INVISIBLE:
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"


def visible(text: str) -> str:
    """A text whose invisible and reordering characters are shown as codes; lines and tabs stay."""
    return text if text.isprintable() else "".join(map(_shown, text))


def _cut_line(line: str) -> str:
    if len(line) <= LONGEST_LINE:
        return line
    return f"{line[:LONGEST_LINE]} … [{len(line) - LONGEST_LINE} characters cut]"


def printable(text: str, limit: int = 8000) -> str:
    """A foreign text made safe to read: colours removed, invisible characters as codes, too long lines and too long
    beginnings cut with a mark that says how much is missing. (Escaping for HTML is the template's work.)"""
    plain = ANSI.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    lines = [_cut_line(visible(line)) for line in plain.split("\n")]
    whole = "\n".join(lines).strip("\n")
    if len(whole) <= limit:
        return whole
    return f"[{len(whole) - limit} characters cut] … {whole[-limit:]}"
