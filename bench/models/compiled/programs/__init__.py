"""RASP programs of the compiled zoo, by name."""

from bench.models.compiled.programs.composed import COMPOSED
from bench.models.compiled.programs.library import LIBRARY
from bench.models.compiled.programs.public import PUBLIC
from bench.models.compiled.programs.strings import Program, String, unchanged

__all__ = ["PROGRAMS", "Program", "String", "unchanged"]

PROGRAMS: dict[str, Program] = {**LIBRARY, **{name: found.program for name, found in PUBLIC.items()}, **COMPOSED}
