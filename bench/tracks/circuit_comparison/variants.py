"""The same algorithm written otherwise: a variable recoded on its way, and variables that nothing depends on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tracr.rasp import rasp

Decode = Callable[[Any], Any] | None


def expressions(program: rasp.SOp) -> list[rasp.SOp]:
    """Every variable of a program once, what a variable reads before it."""
    found: dict[int, rasp.SOp] = {}

    def visit(expression: rasp.RASPExpr) -> None:
        for child in expression.children:
            visit(child)
        if isinstance(expression, rasp.SOp):
            found.setdefault(id(expression), expression)

    visit(program)
    return list(found.values())


def inner(program: rasp.SOp) -> list[rasp.SOp]:
    """Variables between the inputs and the output."""
    return [found for found in expressions(program)[:-1] if not isinstance(found, rasp.TokensType | rasp.IndicesType)]


def recoded(program: rasp.SOp, target: rasp.SOp) -> rasp.SOp:
    """The program in which one variable is written in another alphabet by a step of its own before anything reads it.

    Whoever reads it is rewritten for that alphabet. A variable that is fetched by a head arrives in it.
    """
    new, decode = _Recoding(target).rebuilt(program)
    return new if decode is None else rasp.Map(decode, new, simplify=False).named("decoded")


class _Recoding:
    def __init__(self, target: rasp.SOp) -> None:
        self.target = target
        self.known: dict[int, tuple[rasp.SOp, Decode]] = {}

    def rebuilt(self, expression: rasp.SOp) -> tuple[rasp.SOp, Decode]:
        """The expression over rebuilt ones, and how to read its values."""
        if id(expression) not in self.known:
            new, decode = self._rebuild(expression)
            if expression is self.target:
                new, decode = rasp.Map(_Marked(decode), new, simplify=False).named("recoded"), _unmarked
            self.known[id(expression)] = new, decode
        return self.known[id(expression)]

    def _rebuild(self, expression: rasp.SOp) -> tuple[rasp.SOp, Decode]:
        if isinstance(expression, rasp.Map | rasp.SequenceMap):
            children, decodes = zip(*(self.rebuilt(child) for child in expression.children), strict=True)
            function = _reading(expression.f, decodes)
            keep = {"simplify": False} if isinstance(expression, rasp.Map) else {}
            return type(expression)(function, *children, **keep).named("function"), None
        if isinstance(expression, rasp.SelectorWidth):
            return rasp.SelectorWidth(self._selector(expression.selector)).named("width"), None
        if isinstance(expression, rasp.Aggregate):
            fetched, decode = self.rebuilt(expression.sop)
            return rasp.Aggregate(self._selector(expression.selector), fetched).named("fetched"), decode
        return expression, None

    def _selector(self, selector: rasp.Select) -> rasp.Select:
        keys, read_key = self.rebuilt(selector.keys)
        queries, read_query = self.rebuilt(selector.queries)
        return rasp.Select(keys, queries, _reading(selector.predicate, (read_key, read_query)))


class _Marked:
    """Values with a mark beside them, which stands for another alphabet."""

    def __init__(self, decode: Decode) -> None:
        self.decode = decode

    def __call__(self, value: Any) -> tuple[str, Any]:
        return "recoded", self.decode(value) if self.decode else value


def _unmarked(value: tuple[str, Any]) -> Any:
    return value[1]


def _reading(function: Callable[..., Any], decodes: Sequence[Decode]) -> Callable[..., Any]:
    """A function of values as they were, for values as they are written now."""
    if not any(decodes):
        return function
    return lambda *values: function(
        *(read(value) if read else value for read, value in zip(decodes, values, strict=True))
    )


def with_idle(program: rasp.SOp, idle: Sequence[rasp.SOp]) -> rasp.SOp:
    """The program that also computes other variables and reads them for nothing."""
    for variable in idle:
        program = rasp.SequenceMap(_first, program, variable).named("heedless")
    return program


def _first(one: Any, other: Any) -> Any:
    return one
