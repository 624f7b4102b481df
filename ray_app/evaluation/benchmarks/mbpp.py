"""MBPP (Austin et al. 2021, arXiv 2108.07732): short functions from a sentence and three assertions."""

import ast
import textwrap
from pathlib import Path
from typing import Any

from ray_app.evaluation.items import CHECK, Benchmark, Item
from ray_app.evaluation.sources import Source, open_source
from ray_app.parsing import parse

NAME = "mbpp"
SOURCE = Source(
    patterns=("mbpp.jsonl", "mbpp.jsonl.gz"),
    url="https://raw.githubusercontent.com/google-research/google-research/master/mbpp/mbpp.jsonl",
    required=("task_id", "text", "code", "test_list", "test_setup_code"),
    releases={"ccf64ceae9c5403bf50a044cb6d505bfd2a2963ee58338ba268fd65beab92a9f": "mbpp-974"},
)


def load(data: Path | None = None, *, any_version: bool = False) -> Benchmark:
    """All 974 problems; ids as EvalPlus writes them ("Mbpp/11"). The paper's test split is tasks 11 to 510."""
    opened = open_source(NAME, SOURCE, data, any_version=any_version)
    return Benchmark(
        NAME, opened.version, opened.md5, opened.sha256, opened.origin, tuple(_item(row) for row in opened.rows)
    )


def _item(row: dict[str, Any]) -> Item:
    asserts: list[str] = row["test_list"]
    entry = _tested(asserts[0], row["code"])
    return Item(
        id=f"Mbpp/{row['task_id']}",
        task="code",
        code="",
        entry=entry,
        gold=row["code"].replace("\r\n", "\n"),
        description="\n".join((row["text"], "Your code should pass these tests:", *asserts)),
        test=_check(row["test_setup_code"], asserts, entry),
    )


def _check(setup: str, asserts: list[str], entry: str) -> str:
    """The set-up code, and the assertions as a function of the candidate."""
    body = parse("\n".join(asserts))
    for node in ast.walk(body):
        if isinstance(node, ast.Name) and node.id == entry:
            node.id = "candidate"
    return f"{setup}\ndef {CHECK}(candidate):\n{textwrap.indent(ast.unparse(body), '    ')}\n"


def _tested(assertion: str, code: str) -> str:
    """The function that the assertion calls and the reference defines."""
    defined = {node.name for node in ast.walk(parse(code)) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    called = [node.id for node in ast.walk(parse(assertion.strip())) if isinstance(node, ast.Name)]
    return next((name for name in called if name in defined), "")
