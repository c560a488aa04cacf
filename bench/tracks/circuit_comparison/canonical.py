"""When two programs are the same algorithm: route A to the truth, on programs alone.

An algorithm is the graph of a program's variables, taken up to the names of variables and of their values. Its code is
made from the inputs upwards: a function is the partition of its arguments' values into those that it maps together, a
selector is the set of pairs (key, query) that it selects, an aggregate is its selector and the variable it fetches.
Two reductions come first, since neither changes what is computed from what:

- an argument on which a function does not depend is no argument, and what is read nowhere else is no variable;
- an injective function of one variable is that variable written otherwise.

Two programs are the same algorithm if their codes are equal. Values are those that occur on some string, and functions
are tabled on all combinations of values of their arguments, which interventions may bring about.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from tracr.rasp import rasp


@dataclass(frozen=True)
class Code:
    """A variable up to names: what it is, and for each of its values the name that does not depend on spelling."""

    variable: str
    values: dict[Any, str]


def algorithm(program: rasp.SOp, strings: Sequence[Sequence[Any]]) -> str:
    """A digest that is equal for the same algorithms. Inputs and outputs keep their names."""
    code = _Coding(strings).code(program)
    return _digest("output", code.variable, *sorted(f"{value!r}={name}" for value, name in code.values.items()))


def variables(program: rasp.SOp, strings: Sequence[Sequence[Any]]) -> dict[int, str]:
    """The code of every variable by the identity of its expression."""
    coding = _Coding(strings)
    coding.code(program)
    return {key: code.variable for key, code in coding.known.items()}


class _Coding:
    """Codes of a program's expressions, each made once."""

    def __init__(self, strings: Sequence[Sequence[Any]]) -> None:
        self.strings = strings
        self.known: dict[int, Code] = {}

    def code(self, expression: rasp.SOp) -> Code:
        if id(expression) not in self.known:
            self.known[id(expression)] = self._make(expression)
        return self.known[id(expression)]

    def _make(self, expression: rasp.SOp) -> Code:
        values = self._values(expression)
        if isinstance(expression, rasp.TokensType | rasp.IndicesType):
            return Code(type(expression).__name__, {value: repr(value) for value in values})
        if isinstance(expression, rasp.Map | rasp.SequenceMap):
            return self._function(expression, values)
        if isinstance(expression, rasp.SelectorWidth):
            name = _digest("width", self._selector(expression.selector))
            return Code(name, {value: repr(value) for value in values})
        if isinstance(expression, rasp.Aggregate) and not rasp.is_numerical(expression):
            fetched = self.code(expression.sop)
            name = _digest("aggregate", self._selector(expression.selector), fetched.variable)
            return Code(name, {value: fetched.values[value] for value in values})
        raise ValueError(
            f"{expression.label}: {type(expression).__name__} has no code; write it with other expressions"
        )

    def _values(self, expression: rasp.SOp) -> list[Any]:
        """The values that occur on some string; positions where it has none are left out."""
        found = {value for string in self.strings for value in expression(string) if value is not None}
        return sorted(found, key=repr)

    def _selector(self, selector: rasp.Select) -> str:
        keys, queries = self.code(selector.keys), self.code(selector.queries)
        pairs = product(keys.values.items(), queries.values.items())
        chosen = [f"{key}|{query}" for (k, key), (q, query) in pairs if selector.predicate(k, q)]
        return _digest("select", keys.variable, queries.variable, *sorted(chosen))

    def _function(self, expression: rasp.Map | rasp.SequenceMap, values: list[Any]) -> Code:
        """A function by the partition of its arguments' values."""
        table, arguments = self._table(expression)
        for place in reversed(range(len(arguments))):
            if not _depends(table, place):
                table = {row[:place] + row[place + 1 :]: value for row, value in table.items()}
                del arguments[place]
        if len(arguments) == 1 and len(set(table.values())) == len(table):
            return Code(arguments[0], {value: name for (name,), value in table.items() if value in values})
        if len(arguments) == 2 and arguments[0] > arguments[1]:
            arguments, table = arguments[::-1], {row[::-1]: value for row, value in table.items()}
        classes = {value: _digest(*sorted("|".join(row) for row in table if table[row] == value)) for value in
                   set(table.values())}  # fmt: skip
        return Code(_digest("function", *arguments, *sorted(classes.values())), {v: classes[v] for v in values})

    def _table(self, expression: rasp.Map | rasp.SequenceMap) -> tuple[dict[tuple[str, ...], Any], list[str]]:
        """The function's value at each combination of names of its arguments' values; and the arguments."""
        codes = [self.code(child) for child in expression.children]
        rows = product(*(code.values.items() for code in codes))
        table = {tuple(name for _, name in row): expression.f(*(value for value, _ in row)) for row in rows}
        arguments = [code.variable for code in codes]
        if len(arguments) == 2 and arguments[0] == arguments[1]:  # one variable read twice
            return {row[:1]: value for row, value in table.items() if row[0] == row[1]}, arguments[:1]
        return table, arguments


def _depends(table: dict[tuple[str, ...], Any], place: int) -> bool:
    """Whether two rows that differ in one place alone have different values."""
    seen: dict[tuple[str, ...], Any] = {}
    for row, value in table.items():
        rest = row[:place] + row[place + 1 :]
        if seen.setdefault(rest, value) != value:
            return True
    return False


def _digest(*parts: str | Iterable[str]) -> str:
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:24]
