"""Whole programs: what they are given, and how such a run is written as a call.

A run of a whole program is the call `__main__(stdin, *arguments)`, so that everything that takes a program and a call
takes it: `__main__('3 4\\n')`, `__main__('', '--verbose', files={'a.txt': 'x'}, seconds=2.0)`. It never reaches an
interpreter: `read` takes it apart here, and the child gets the parts.
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ray_app.parsing import literal, parse_expression

ENTRY = "__main__"
STDERR_CHARS = 65_536
"""What is kept of standard error: `world/script.py`."""
_BEGINNING = f"{ENTRY}("
Spec = tuple[bytes, tuple[str, ...], tuple[tuple[str, bytes], ...], tuple[str, ...], float | None]
"""Standard input, arguments, files (path, bytes), paths of files that are asked for, seconds: as the child takes it."""


@dataclass(frozen=True, slots=True)
class Script:
    """One run of a whole program. `seconds` bounds what it may sleep; None: as long as it likes, in no time.

    `files` lie in its working directory (unless their paths are absolute); `fetch` names those to hand out afterwards.
    """

    stdin: str | bytes = ""
    arguments: tuple[str, ...] = ()
    files: Mapping[str, str | bytes] = field(default_factory=dict[str, "str | bytes"])
    fetch: tuple[str, ...] = ()
    seconds: float | None = None

    @property
    def call(self) -> str:
        """The call that stands for it."""
        parts = [repr(self.stdin), *map(repr, self.arguments)]
        named = {"files": dict(self.files), "fetch": self.fetch, "seconds": self.seconds}
        return f"{_BEGINNING}{', '.join([*parts, *(f'{name}={value!r}' for name, value in named.items() if value)])})"

    @property
    def spec(self) -> Spec:
        """What the child takes."""
        files = tuple((path, _as_bytes(data)) for path, data in self.files.items())
        return _as_bytes(self.stdin), self.arguments, files, self.fetch, self.seconds


class Ending(NamedTuple):
    """What a whole program left beside what it printed: `files` holds None for one that was asked for and is not."""

    exit_code: int
    stderr: str
    slept_s: float
    files: tuple[tuple[str, bytes | None], ...] = ()


def is_script(call: str) -> bool:
    """Whether a call stands for a run of a whole program."""
    return call.startswith(_BEGINNING) and read(call) is not None


def read(call: str) -> Script | None:
    """The run that a call stands for; None if it is an ordinary call."""
    if not call.startswith(_BEGINNING):
        return None
    try:
        node = parse_expression(call)
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id != ENTRY:
            return None
        given = [ast.literal_eval(argument) for argument in node.args] or [""]
        named = {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in node.keywords}
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return _made(given, named)


def _made(given: list[Any], named: dict[str, Any]) -> Script | None:
    """The run of these values, None where they are not of the types that it takes."""
    files, fetch, seconds = named.pop("files", {}), named.pop("fetch", ()), named.pop("seconds", None)
    texts = isinstance(given[0], str | bytes) and all(isinstance(text, str) for text in [*given[1:], *fetch])
    if named or not texts or not isinstance(files, dict) or not isinstance(seconds, int | float | None):
        return None
    held: dict[Any, Any] = files
    if not all(isinstance(path, str) and isinstance(data, str | bytes) for path, data in held.items()):
        return None
    return Script(given[0], tuple(given[1:]), held, tuple(fetch), seconds)


def ending(output: str | None) -> Ending | None:
    """What the child said of a program's end; None where it said nothing that can be read."""
    try:
        code, stderr, slept, files = literal(output or "")
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        return None
    if not isinstance(code, int) or not isinstance(stderr, str) or not isinstance(slept, float):
        return None
    return Ending(code, stderr, slept, tuple(files))


def _as_bytes(data: str | bytes) -> bytes:
    return data if isinstance(data, bytes) else data.encode("utf-8", "surrogatepass")
