"""Mining functions: closure over what they need, purity, inputs, descriptions, counted rejects."""

import ast
from pathlib import Path

import pytest

from ray_app.errors import InputError
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
    assert reasons["listing"] == "denied attribute"
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


def package(root: Path, **modules: str) -> dict[str, Program | Reject]:
    """The rows mined from an installed package `pkg` with these modules, by function."""
    (root / "pkg").mkdir()
    recorded = ["pkg/__init__.py", *(f"pkg/{name}.py" for name in modules)]
    (root / "pkg" / "__init__.py").write_text("")
    for name, text in modules.items():
        (root / "pkg" / f"{name}.py").write_text(text)
    (root / "pkg-1.dist-info").mkdir()
    (root / "pkg-1.dist-info" / "METADATA").write_text("Name: pkg\nVersion: 1\nLicense-Expression: MIT\n")
    (root / "pkg-1.dist-info" / "RECORD").write_text("".join(f"{path},,\n" for path in recorded))
    rows = list(mine(files([root])))
    return {r.entry if isinstance(r, Program) else r.detail.split(": ")[0].split(":")[-1]: r for r in rows}


WORK = "[{} for y in sorted(x) if y if y != 3 if y < 12]"


def test_helper_of_the_same_distribution_is_brought_along_before_its_user(tmp_path: Path) -> None:
    rows = package(
        tmp_path,
        shapes="from .numbers_ import double as twice\nSIDES = 3\ndef area(n):\n    return twice(n) * SIDES\n",
        numbers_="import math\ndef double(n):\n    return math.floor(2 * n)\n",
        use=f"from pkg.shapes import area\ndef f(x):\n    return {WORK.format('area(y)')}\n",
    )
    row = rows["f"]
    assert isinstance(row, Program)
    assert row.code == (
        "import math\n\ndef double(n):\n    return math.floor(2 * n)\n\n\ntwice = double\nSIDES = 3\n\n\n"
        f"def area(n):\n    return twice(n) * SIDES\n\n\ndef f(x):\n    return {WORK.format('area(y)')}\n"
    )
    assert row.license == "MIT"


def test_name_that_means_two_things_in_two_modules_is_refused(tmp_path: Path) -> None:
    rows = package(
        tmp_path,
        a="K = 1\ndef g(n):\n    return n + K\n",
        b=f"from .a import g\nK = 2\ndef f(x):\n    return {WORK.format('g(y) + K')}\n",
    )
    assert isinstance(row := rows["f"], Reject)
    assert row.reason == "name clash"


def test_module_of_another_distribution_in_the_same_folder_is_foreign(tmp_path: Path) -> None:
    (tmp_path / "other.py").write_text("def g(n):\n    return n\n")
    rows = package(tmp_path, a=f"from other import g\ndef f(x):\n    return {WORK.format('g(y)')}\n")
    assert isinstance(row := rows["f"], Reject)
    assert row.reason == "foreign import"


COUNTER = '''
class TallySheet(object):
    """Counts."""

    unit = "x"

    def __init__(self, items, step=1):
        self._items = list(items)
        self._step = step

    def __repr__(self):
        return unknown

    def at_least(self, limit):
        """Items from a limit on."""
        return [self._scaled(item) for item in self._items if len(item) >= limit and item != self.unit]

    def _scaled(self, item):
        return item * self._step

    def save(self, path):
        with open(path) as stream:
            return stream.write(str([item for item in self._items if item]))

    @property
    def longest(self):
        return max((len(item), item) for item in self._items) if self._items else (0, self.unit)
'''


def test_method_becomes_a_driver_with_as_much_of_its_class_as_it_needs(tmp_path: Path) -> None:
    programs, reasons = mined(tmp_path, COUNTER)
    asked = programs["tally_sheet_at_least"]
    assert "def tally_sheet_at_least(items, limit):" in asked.code
    assert "    tally_sheet = TallySheet(items)\n    return tally_sheet.at_least(limit)\n" in asked.code
    assert [n.name for n in ast.walk(ast.parse(asked.code)) if isinstance(n, ast.FunctionDef)] == [
        "tally_sheet_at_least", "__init__", "at_least", "_scaled"
    ]  # fmt: skip
    assert asked.description == "Items from a limit on."
    assert "return tally_sheet.longest\n" in programs["tally_sheet_longest"].code
    assert reasons["TallySheet.save"] == "denied name"


def test_method_of_a_class_named_like_a_keyword_gets_a_name_that_is_none(tmp_path: Path) -> None:
    programs, _ = mined(tmp_path, COUNTER.replace("TallySheet", "For"))
    assert "    for_ = For(items)\n    return for_.at_least(limit)\n" in programs["for__at_least"].code


def test_dataclass_is_made_from_its_fields_and_a_static_method_needs_no_object(tmp_path: Path) -> None:
    programs, _ = mined(
        tmp_path,
        "from dataclasses import dataclass\n@dataclass\nclass P:\n    n: int\n    m: int = 2\n"
        f"    def times(self, n):\n        return self.n * n + self.m * n - max(n, 3) + min(n, 9)\n"
        f"    @staticmethod\n    def chosen(x):\n        return {WORK.format('y')}\n",
    )
    assert "def p_times(n, other_n):\n    p = P(n)\n    return p.times(other_n)\n" in programs["p_times"].code
    assert programs["p_times"].calls[0] == "p_times(5, 5)"
    assert "def p_chosen(x):\n    return P.chosen(x)\n" in programs["p_chosen"].code


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("import os\ndef f(x):\n    return [os.path.basename(y) + os.sep for y in x if y != 'a' and y > 'b']", None),
        ("import os\ndef f(x):\n    return [os.getcwd() + y for y in x if y != 'a' and y > 'b']", "denied attribute"),
        ("import os\ndef f(x):\n    return [g(os, y) for y in sorted(x) if y != 'a' and y > 'b' and y < 'c']\n"
         "def g(a, b):\n    return b", "denied attribute"),
        ("def f(input):\n    return [y for y in sorted(input) if y and y != 3 and y < 12 and y > 1]", None),
        ("def f(node):\n    return [y for y in node.children if y and y != 3 and y < 12 and y > 1]", "needs an object"),
        ("def f(node, n=1, a=1, b=1, c=1, d=1, e=1):\n    return [y for y in node if y and y != 3 and y < n]", None),
    ],
)  # fmt: skip
def test_purity_is_judged_by_what_is_used(tmp_path: Path, body: str, reason: str | None) -> None:
    programs, reasons = mined(tmp_path, body)
    assert reasons.get("f") == reason
    assert ("f" in programs) == (reason is None)


def test_a_file_that_only_the_drivers_machine_has_is_an_error_and_no_reject(tmp_path: Path) -> None:
    (tmp_path / "there.py").write_text(MODULE)
    listed = files([tmp_path])
    (tmp_path / "there.py").unlink()
    with pytest.raises(InputError, match=r"there\.py is not on .*under the same path on all nodes"):
        list(mine(listed, MineConfig(permissive_only=False)))


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
        row.reason for row in rows if isinstance(row, Reject) and row.reason not in ("trivial", "denied attribute")
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


@pytest.mark.parametrize(
    ("body", "call"),
    [
        ("return x.startswith(b'ab') and len(x) > 2 and x[2:] != b'cd' and x[0] > 9 or not x", "f(b'hello')"),
        ("return [binascii.crc32(x) % n for n in (3, 5, 7, 11) if n > 3 and n != 7 and n < 99]", "f(b'hello')"),
        ("a, b, c = x\n    return [a * b + c, a - b - c, a * c * b, b - a - c, c - b - a + 1]", "f((2, 3, 4))"),
        ("return {'up': 1, 'down': 2}[x] + 10 if x in ('up', 'down') and x != 'left' else 0 - 1", "f('up')"),
    ],
)
def test_inputs_are_guessed_from_how_the_parameter_is_used(tmp_path: Path, body: str, call: str) -> None:
    programs, _ = mined(tmp_path, f"import binascii\ndef f(x):\n    {body}\n")
    assert call in programs["f"].calls[:3]
