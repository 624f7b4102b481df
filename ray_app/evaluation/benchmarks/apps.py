"""APPS (Hendrycks et al. 2021, arXiv 2105.09938): programming problems tested by standard input, or by calls."""

import json
from pathlib import Path
from typing import Any

from ray_app.evaluation.items import Benchmark, Item
from ray_app.evaluation.sources import Source, open_source

NAME = "apps"
SOURCE = Source(
    patterns=("apps*.jsonl", "test.jsonl", "apps*.jsonl.gz"),
    url="https://huggingface.co/datasets/codeparrot/apps/resolve/main/test.jsonl",
    required=("question", "input_output"),
)


def load(data: Path | None = None, *, any_version: bool = False) -> Benchmark:
    """All problems that have tests. Ids are the file's `id` or `problem_id`, else the row's number from 0."""
    opened = open_source(NAME, SOURCE, data, any_version=any_version)
    found = {str(row.get("id", row.get("problem_id", number))): row for number, row in enumerate(opened.rows)}
    tested = {key: row for key, row in found.items() if json.loads(row["input_output"] or "{}").get("inputs")}
    items = tuple(_item(key, row) for key, row in tested.items())
    left_out = tuple(f"{key}: no tests" for key in found if key not in tested)
    return Benchmark(NAME, opened.version, opened.md5, opened.sha256, opened.origin, items, left_out)


def _item(key: str, row: dict[str, Any]) -> Item:
    tests = json.loads(row["input_output"])
    entry: str = tests.get("fn_name") or ""
    solutions: list[str] = json.loads(row.get("solutions") or "[]")
    starter: str = row.get("starter_code") or ""
    inputs = ["\n".join(map(json.dumps, given)) if entry else _text(given) for given in tests["inputs"]]
    outputs = [_value(wanted) if entry else _text(wanted) for wanted in tests["outputs"]]
    return Item(
        id=key,
        task="code",
        code="",
        entry=entry,
        gold=solutions[0] if solutions else "",
        description=f"{row['question']}\n\nBegin with:\n\n{starter}" if starter else row["question"],
        tests=json.dumps({"inputs": inputs, "outputs": outputs}),
        group=str(row.get("difficulty", "")),
    )


def _value(wanted: Any) -> str:
    """What a call returns, which may be written as a list of one."""
    alone = isinstance(wanted, list) and len(wanted) == 1  # pyright: ignore[reportUnknownArgumentType]
    return json.dumps(wanted[0] if alone else wanted)


def _text(lines: Any) -> str:
    """Standard input or output, which may be written as a list of lines."""
    parts: list[Any] = lines if isinstance(lines, list) else [lines]
    return "\n".join(map(str, parts))
