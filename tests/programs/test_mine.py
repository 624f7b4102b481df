"""Mining functions: closure over what they need, purity, inputs, descriptions, counted rejects."""

import ast
from pathlib import Path

import pytest

from ray_app.programs.mine import MineConfig, description, mine
from ray_app.programs.sources import SourceFile, files
from ray_app.records import Program, Reject

MODULE = '''
"""A module."""
from __future__ import annotations
import re
import os
from typing import Sequence, TYPE_CHECKING
from math import floor as down

if TYPE_CHECKING:
    from somewhere import Thing

LIMIT = 3
UNUSED = 4
_PATTERN = re.compile("a+")


def _half(n: int) -> int:
    """Half."""
    return down(n / 2) + LIMIT


def spread(items: Sequence[int], thing: Thing = None, step: int = 1) -> list[int]:
    """Spread the items.

    They are halved.

    >>> spread([4, 6])
    [5, 6]

    Args:
        items: what to spread
    """
    result: list[int] = []
    for item in items[::step]:
        result.append(_half(item))
    if _PATTERN.match("aa"):
        result = sorted(result)
    return result


def listing(path):
    names = []
    for name in os.listdir(path):
        names.append(name.upper() + "x" + str(len(name)))
    return names


def spread_twice(items):
    for item in spread([1, 2], step=2):
        yield item * len(items) + sum(items) - max(items) + min(items)
'''


def mined(tmp_path: Path, text: str, name: str = "mod.py") -> tuple[dict[str, Program], dict[str, str]]:
    (tmp_path / name).write_text(text)
    rows = list(mine(files([tmp_path]), MineConfig(permissive_only=False)))
    programs = {row.entry: row for row in rows if isinstance(row, Program)}
    return programs, {row.detail.split(": ")[0].split(":")[-1]: row.reason for row in rows if isinstance(row, Reject)}


def test_function_is_closed_over_its_imports_constants_and_helpers_and_no_more(tmp_path: Path) -> None:
    programs, _ = mined(tmp_path, MODULE)
    assert programs["spread"].code == (
        "import re\n"
        "from math import floor as down\n"
        "from typing import Sequence\n\n"
        "LIMIT = 3\n"
        "_PATTERN = re.compile('a+')\n\n\n"
        "def _half(n: int) -> int:\n"
        "    return down(n / 2) + LIMIT\n\n\n"
        "def spread(items: Sequence[int], thing=None, step: int=1) -> list[int]:\n"
        "    result = []\n"
        "    for item in items[::step]:\n"
        "        result.append(_half(item))\n"
        "    if _PATTERN.match('aa'):\n"
        "        result = sorted(result)\n"
        "    return result\n"
    )


def test_calls_come_from_doctests_call_sites_and_the_signature(tmp_path: Path) -> None:
    programs, _ = mined(tmp_path, MODULE)
    calls = programs["spread"].calls
    assert calls[:2] == ("spread([4, 6])", "spread([1, 2], step=2)")
    assert len(calls) == 6
    assert all(ast.parse(call) for call in calls)


def test_generator_function_is_called_through_list(tmp_path: Path) -> None:
    programs, _ = mined(tmp_path, MODULE)
    assert all(call.startswith("list(spread_twice(") for call in programs["spread_twice"].calls)


def test_impure_function_is_a_reject_with_its_reason(tmp_path: Path) -> None:
    _, reasons = mined(tmp_path, MODULE)
    assert reasons["listing"] == "foreign import"
    assert reasons["_half"] == "trivial"


def test_origin_is_relative_and_the_id_depends_on_the_code_alone(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first, _ = mined(tmp_path / "a", MODULE)
    second, _ = mined(tmp_path / "b", MODULE, name="other.py")
    assert first["spread"].origin == "a:mod.py:spread"
    assert first["spread"].id == second["spread"].id


def test_description_is_the_docstring_up_to_examples_and_sections() -> None:
    assert description("Spread.\n\n  They are\n  halved.\n\n>>> f(1)\n2\n\nMore.") == "Spread.\n\nThey are halved."
    assert description("Do it.\n\nArgs:\n    x: one") == "Do it."
    assert description("Do it.\n\nParameters\n----------\nx : int") == "Do it."
    assert description("") == ""


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("def f(x):\n    return [open(y).read() + str(x) + 'abc' for y in sorted(x) if y]", "denied name"),
        ("def f(x):\n    return [hash(y) + len(x) for y in sorted(x) if y and y != 3]", "denied name"),
        ("def f(x):\n    global G\n    G = [y for y in x if y and y > 1 and y < 9]\n    return G", "global state"),
        ("def f(x):\n    return [y + missing for y in sorted(x) if y and y != 3 and y < 12]", "unresolved name"),
        ("K = 1\nK = 2\ndef f(x):\n    return [y + K for y in sorted(x) if y and y != 3 and y < 12]", "ambiguous name"),
        ("def f(x):\n    return x", "trivial"),
        ("def f():\n    return [y for y in range(10) if y % 2 and y % 3 and y % 5 != 1]", "no parameters"),
        ("def f(x):\n    for y in x:\n        x[y] = [z + 1 for z in range(y) if z % 2 and z > 3]", "returns nothing"),
        (
            "from .other import g\ndef f(x):\n    return [g(y) for y in sorted(x) if y and y != 3 and y < 9]",
            "foreign import",
        ),
        (
            "import datetime\ndef f(x):\n    return [datetime.datetime.now() for y in sorted(x) if y != 3 and y > 1]",
            "denied attribute",
        ),
        (
            "async def g(x):\n    return x\ndef f(x):\n    return [g(y) for y in sorted(x) if y and y != 3 and y < 9]",
            "ambiguous name",
        ),
        (
            "def f(a, b, c, d, e, g, h):\n    return [y for y in sorted(a) if y and y != 3 and y < 1]",
            "too many parameters",
        ),
    ],
)
def test_unfit_function_is_refused_for_the_right_reason(tmp_path: Path, body: str, reason: str) -> None:
    programs, reasons = mined(tmp_path, body)
    assert "f" not in programs
    assert reasons["f"] == reason


def test_bad_files_are_counted_rejects_beside_good_ones(tmp_path: Path) -> None:
    (tmp_path / "good.py").write_text(MODULE)
    (tmp_path / "syntax.py").write_text("def broken(:\n")
    (tmp_path / "null.py").write_text("x = '\0'\n")
    (tmp_path / "deep.py").write_text("x = " + "(" * 5_000 + ")" * 5_000)
    (tmp_path / "latin.py").write_bytes(b"# caf\xe9\n")
    (tmp_path / "giant.py").write_text("# " + "x" * 20_000)
    (tmp_path / "link.py").symlink_to(tmp_path / "nowhere.py")
    (tmp_path / "empty.py").write_text("")
    rows = list(mine(files([tmp_path]), MineConfig(permissive_only=False, max_file_bytes=19_999)))
    reasons = sorted(
        row.reason for row in rows if isinstance(row, Reject) and row.reason not in ("trivial", "foreign import")
    )
    assert reasons == ["file too large", "not UTF-8", "unparsable", "unparsable", "unparsable", "unreadable"]
    assert sum(isinstance(row, Program) for row in rows) == 2


def test_unlicensed_file_gives_no_programs_by_default(tmp_path: Path) -> None:
    path = tmp_path / "m.py"
    path.write_text(MODULE)
    (row,) = mine([SourceFile(str(path), "pkg:m.py", "GPL-3.0")])
    assert isinstance(row, Reject)
    assert (row.reason, row.detail) == ("licence", "pkg:m.py: GPL-3.0")


def test_mining_twice_gives_equal_rows(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text(MODULE)
    config = MineConfig(permissive_only=False)
    assert list(mine(files([tmp_path]), config)) == list(mine(files([tmp_path]), config))


def test_standard_library_module_gives_known_functions() -> None:
    chosen = [file for file in files() if file.origin.endswith((":textwrap.py", ":colorsys.py", ":bisect.py"))]
    programs = {row.entry: row for row in mine(chosen) if isinstance(row, Program)}
    assert {"dedent", "rgb_to_hsv", "bisect_right"} <= set(programs)
    assert programs["dedent"].license == "PSF-2.0"
    assert programs["dedent"].description.startswith("Remove any common leading whitespace")
