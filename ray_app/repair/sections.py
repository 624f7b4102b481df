"""The fixed parts of a diagnosis, by their headings: what each part speaks about decides what it is checked against.

EXPECTED and FIX speak about the corrected program, CORRECT about one step of its run; the rest about the buggy run.
"""

from typing import Final, Literal

Section = Literal["expected", "actual", "simulation", "wrong", "correct", "cause", "fix"]

HEADINGS: Final[dict[Section, str]] = {
    "expected": "Expected result:",
    "actual": "Actual result:",
    "simulation": "Execution simulation:",
    "wrong": "First wrong step:",
    "correct": "In a correct run:",
    "cause": "Root cause:",
    "fix": "Fix:",
}
CUT: Final = "That is where the telling stops; the run goes on."
"""The last line of a simulation that does not reach the end of the run."""
_BEFORE: Final[dict[Section, str]] = {"simulation": "\n", "wrong": "\n", "cause": "\n"}


def join(parts: dict[Section, str]) -> str:
    """The text of a diagnosis: each part under its heading, long ones on lines of their own."""
    told = [
        f"{_BEFORE.get(name, '')}{heading}{_gap(parts[name])}{parts[name].strip()}"
        for name, heading in HEADINGS.items()
    ]
    return "\n".join(told) + "\n"


def split(text: str) -> dict[Section, str] | None:
    """The parts of a diagnosis; None unless each heading begins exactly one line, in their order."""
    lines = text.split("\n")
    found: dict[Section, list[str]] = {}
    current: Section | None = None
    remaining: list[Section] = list(HEADINGS)
    for line in lines:
        name: Section | None = next((key for key, heading in HEADINGS.items() if line.startswith(heading)), None)
        if name is not None:
            if not remaining or remaining.pop(0) != name:
                return None
            current = name
            found[name] = [line.removeprefix(HEADINGS[name])]
        elif current is not None:
            found[current].append(line)
        elif line.strip():
            return None
    return None if remaining else {name: "\n".join(part).strip() for name, part in found.items()}


def _gap(part: str) -> str:
    return "\n" if "\n" in part.strip() else " "
