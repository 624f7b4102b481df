"""CoRE (Gao et al. 2026, arXiv 2604.25399), outputs: what do programs of the same meaning, written otherwise, return?

The questions about one input of one task make up a group: whoever understands the programs answers all of them.
"""

import ast
import json
from pathlib import Path
from typing import Any

from ray_app.errors import InputError
from ray_app.evaluation.items import Benchmark, Item
from ray_app.evaluation.sources import Source, open_source
from ray_app.parsing import parse

NAME = "core_io"
SOURCE = Source(
    patterns=("core_io*.json",),
    url="https://raw.githubusercontent.com/ZJUSig/CoRE/main/core_io.json",
    required=("id", "input", "output", "code"),
)


def load(data: Path | None = None, *, any_version: bool = False) -> Benchmark:
    """All questions of the file; a number is added to ids that are there twice."""
    opened = open_source(NAME, SOURCE, data, any_version=any_version)
    items: list[Item] = []
    seen: dict[str, int] = {}
    for row in opened.rows:
        seen[row["id"]] = seen.get(row["id"], 0) + 1
        key = row["id"] if seen[row["id"]] == 1 else f"{row['id']}.{seen[row['id']]}"
        items.append(_item(key, row))
    return Benchmark(NAME, opened.version, opened.md5, opened.sha256, opened.origin, tuple(items))


def _item(key: str, row: dict[str, Any]) -> Item:
    entry = entry_of(row["code"], row["id"])
    task = str(row["id"]).rpartition("_")[0]
    output = python_value(row["output"])
    return Item(
        id=key,
        task="output",
        code=row["code"],
        entry=entry.name,
        call=call_of(entry, row["input"]),
        output=output,
        gold=output,
        group=f"{task}: {row['input']}",
    )


def entry_of(code: str, key: str) -> ast.FunctionDef:
    """The function that a sample is about: the last one of the module. InputError where there is none."""
    try:
        found = [node for node in parse(code).body if isinstance(node, ast.FunctionDef)]
    except SyntaxError as error:
        raise InputError(f"{key}: the code is not Python ({error.msg})") from error
    if not found:
        raise InputError(f"{key}: the code defines no function")
    return found[-1]


def call_of(entry: ast.FunctionDef, given: str) -> str:
    """The call with an input of the file: JSON, a list of arguments where the function takes several, else Python."""
    try:
        value: Any = json.loads(given)
    except ValueError:
        return f"{entry.name}({given})"
    wanted = len(entry.args.posonlyargs) + len(entry.args.args)
    required = wanted - len(entry.args.defaults)
    if isinstance(value, list) and required != 1 and required <= len(value) <= wanted:
        return f"{entry.name}({', '.join(map(repr, value))})"
    return f"{entry.name}({value!r})"


def python_value(text: str) -> str:
    """A value of the file as Python writes it: JSON has true, false and null."""
    try:
        return repr(json.loads(text))
    except ValueError:
        return text
