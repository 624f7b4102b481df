"""Small programs, one per kind of syntax; the first line of each file is a comment with the call to record."""

from pathlib import Path

FOLDER = Path(__file__).parents[1] / "data/semantics"


def _read(path: Path) -> tuple[str, str]:
    first, _, code = path.read_text().partition("\n")
    return code, first.removeprefix("# ")


PROGRAMS: dict[str, tuple[str, str]] = {
    path.stem.replace("_", " "): _read(path) for path in sorted(FOLDER.glob("*.py"))
}
