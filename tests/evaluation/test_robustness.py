import ast

import pytest

from ray_app.evaluation import robustness
from ray_app.evaluation.items import Item
from ray_app.evaluation.verdicts import Executor
from ray_app.records import Reject

CODE = """
LIMIT = 3
def g(limit):
    return limit + LIMIT
def f(items, scale=2):
    total = 0
    for item in items:  # add up
        try:
            total += item * scale
        except TypeError as error:
            total -= len(str(error))
    inner = lambda value: value + total
    return [inner(entry) for entry in items if entry], f'{total=}', g(limit=1)
"""
ITEM = Item("i", "output", CODE, "f", "", call="f([1, 2], scale=3)", output="([10, 11], 'total=9', 4)")


@pytest.mark.parametrize("kind", ["renamed", "reformatted"])
def test_variant_runs_alike_and_looks_different(kind: robustness.Variant, executor: Executor) -> None:
    [variant] = robustness.variants([ITEM], kind, executor)
    assert isinstance(variant, Item)
    assert variant.code != ITEM.code
    assert (variant.id, variant.call, variant.output) == (ITEM.id, ITEM.call, ITEM.output)


def test_renaming_touches_locals_only() -> None:
    code = robustness.transformed(ITEM, "renamed")
    assert code is not None
    names = {node.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)}
    names |= {node.arg for node in ast.walk(ast.parse(code)) if isinstance(node, ast.arg)}
    assert {"LIMIT", "g", "len", "str", "TypeError", "scale", "limit"} <= names
    assert not {"total", "item", "items", "entry", "inner", "value", "error"} & names
    assert "total=" in code, "the text of a debugging f-string is a value, not a name"


def test_renaming_depends_on_the_seed_only() -> None:
    assert robustness.transformed(ITEM, "renamed", 1) == robustness.transformed(ITEM, "renamed", 1)
    assert robustness.transformed(ITEM, "renamed", 1) != robustness.transformed(ITEM, "renamed", 2)


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (Item("c", "code", "def f(): pass", "f", ""), "not-a-prediction"),
        (
            Item("l", "output", "def f(x):\n    return list(locals())", "f", "", call="f(1)", output="['x']"),
            "cannot-transform",
        ),
        (Item("s", "output", "def f(x) return", "f", "", call="f(1)", output="1"), "cannot-transform"),
    ],
)
def test_what_cannot_be_varied_is_a_reject(item: Item, reason: str, executor: Executor) -> None:
    [row] = robustness.variants([item], "renamed", executor)
    assert isinstance(row, Reject)
    assert row.reason == reason


def test_variant_that_shows_its_own_names_is_a_reject(executor: Executor) -> None:
    code = "def f(x):\n    def inner(secret):\n        return secret\n    return inner.__code__.co_varnames"
    [row] = robustness.variants(
        [Item("v", "output", code, "f", "", call="f(1)", output="('secret',)")], "renamed", executor
    )
    assert isinstance(row, Reject)
    assert row.reason == "changed-behaviour"
