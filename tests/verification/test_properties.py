"""General statements as properties: refuted by an input, tested on so many, or not checked."""

import pytest

from ray_app.programs.signature import signature
from ray_app.programs.tries import try_inputs
from ray_app.sandbox.api import execute
from ray_app.verification.properties import check_general, read_property

CODE = """def f(text, prefix):
    if not prefix:
        return None
    if prefix == 'x':
        raise ValueError('x')
    return text.removeprefix(prefix)
"""


def outcome(sentence: str) -> str:
    shape = signature(CODE, "f")
    assert shape is not None
    tried = try_inputs(CODE, shape, "f('abcab', 'ab')", "'cab'")
    assert tried is not None
    return check_general(CODE, sentence, tried, execute=execute).outcome


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("It returns None if the prefix is empty.", "tested"),
        ("If `prefix` is empty, the function returns None.", "tested"),
        ("if len(prefix) == 0, it returns None", "tested"),
        ("When prefix is 'x' it raises ValueError", "tested"),
        ("it raises KeyError if prefix == 'x'", "refuted"),
        ("It returns an empty string if the prefix is empty.", "refuted"),
        ("The function always returns a string", "refuted"),
        ("The result has the same length as `text`", "refuted"),
        ("It may return None", "not checked"),
        ("It does something useful with text", "not checked"),
        ("The function returns a string if the moon is full", "not checked"),
    ],
)
def test_check_general(sentence, expected):
    assert outcome(sentence) == expected


@pytest.mark.parametrize(
    ("sentence", "condition", "conclusion"),
    [
        ("returns 0 if n < 0", "n < 0", "result == (0) and type(result) is type(0)"),
        ("if n is negative, it returns n", "n < 0", "result == (n) and type(result) is type(n)"),
        ("always returns a list", "", "type(result) is list"),
        ("the result is non-negative", "", "result >= 0"),
        ("returns True when n is not equal to 3", "not (n == (3))", "result == (True) and type(result) is type(True)"),
    ],
)
def test_read_property(sentence, condition, conclusion):
    found = read_property(sentence, ("n",))
    assert found is not None
    assert (found.condition, found.conclusion) == (condition, conclusion)


@pytest.mark.parametrize("sentence", ["", "if if if", "returns", "if x, returns `", "returns ((("])
def test_read_property_of_odd_words_is_none(sentence):
    assert read_property(sentence, ("n",)) is None
