"""Canonical texts are cut at their own brackets, and only whole values may be stated."""

import pytest

from ray_app.monologue import texts


@pytest.mark.parametrize(
    ("text", "stateable"),
    [
        ("[1, 2]", True),
        ("'...'", True),
        ("[1, 2...", False),
        ("<function f>", False),
        ("<class 'int'>", True),
        ("[<function f>]", False),
        ("'<function f>'", True),
        ("Counter({'a': 1})", True),
        ("_Manager(gen=<generator g>)", False),
    ],
)
def test_only_whole_values_may_be_stated(text: str, stateable: bool) -> None:
    assert texts.is_stateable(text) is stateable


@pytest.mark.parametrize(
    ("text", "key", "found"),
    [
        ("[1, (2, 3), 'a, b']", "1", "(2, 3)"),
        ("[1, (2, 3), 'a, b']", "-1", "'a, b'"),
        ("[1]", "4", None),
        ("{'a': [1, 2], 'b: c': {'d': 1}}", "'b: c'", "{'d': 1}"),
        ("Counter({'a': 2})", "'a'", "2"),
        ("defaultdict(<class 'list'>, {1: [2]})", "1", "[2]"),
        ("deque([7, 8], maxlen=2)", "0", "7"),
        ("5", "0", None),
    ],
)
def test_element_is_found_by_its_key(text: str, key: str, found: str | None) -> None:
    assert texts.element(text, key) == found


def test_attribute_and_size_and_appended_item_are_read_off() -> None:
    assert texts.attribute("Box(held=[1, 2], name='a=b, c')", "name") == "'a=b, c'"
    assert texts.attribute("Box()", "name") is None
    assert [texts.size(text) for text in ("[]", "(1,)", "{1: 2, 3: 4}", "7")] == [0, 1, 2, None]
    assert texts.appended("[1]", "[1, (2, 3)]") == "(2, 3)"
    assert texts.appended("[]", "['a, b']") == "'a, b'"
    assert texts.appended("[1]", "[1, 2, 3]") is None
    assert texts.appended("[1]", "[0, 1]") is None
    assert texts.items("[\"it's\", 'a\\'b']") == ['"it\'s"', "'a\\'b'"]
