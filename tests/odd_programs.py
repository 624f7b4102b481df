"""Small programs of the kinds that a reconstruction from lines gets wrong, one file a kind, in tests/data/programs.

The value of a call is CPython's own: the programs are plain Python, and nothing here says what they give.
"""

from dataclasses import dataclass
from pathlib import Path

_FOLDER = Path(__file__).parent / "data" / "programs"


@dataclass(frozen=True)
class OddProgram:
    """`name` is the kind and a number; `call` is an expression, not always a single call of `f`."""

    name: str
    call: str
    code: str


def odd_programs() -> list[OddProgram]:
    """All of them, in order."""
    found = []
    for path in sorted(_FOLDER.glob("*.py")):
        parts = path.read_text().split("# ---\n")
        for number, part in enumerate(parts, 1):
            head, _, rest = part.partition("# call: ")
            assert all(line.startswith("#") for line in head.splitlines()), path
            call, _, code = rest.partition("\n")
            found.append(OddProgram(f"{path.stem}-{number}", call.strip(), code))
    return found
