import math

import pytest

from ray_app.evaluation import values


@pytest.mark.parametrize(
    "value",
    [None, True, 0, -3, 1.5, -0.0, math.inf, -math.inf, 2 + 3j, 'it\'s "x"', b"\x00", [], [1, (2,)], {1: [2]}, {1, 2}],
)
def test_read_repr_of_a_builtin_gives_the_value(value: object) -> None:
    assert values.same(values.read(repr(value)), value)


@pytest.mark.parametrize("text", ["set()", "frozenset({1, 2})", "nan"])
def test_read_names_that_repr_uses_gives_the_value(text: str) -> None:
    assert repr(values.read(text)) == text


@pytest.mark.parametrize(
    "text",
    ["f(1)", "x", "1 + 1", "[1][0]", "{[1]}", "lambda: 1", "...", "", "1; 2", "(" * 500, "-'a'", "{**{}}", "not 1"],
)
def test_read_what_is_no_literal_is_refused(text: str) -> None:
    with pytest.raises(values.OpaqueError):
        values.read(text)


@pytest.mark.parametrize(
    ("left", "right"), [(1, 1.0), (1, True), ((1,), [1]), ({1: 2}, {True: 2}), ({1}, {1.0}), ({1}, frozenset({1}))]
)
def test_same_equal_values_of_other_types_differ(left: object, right: object) -> None:
    assert left == right or type(left) is not type(right)
    assert not values.same(left, right)


def test_same_ignores_the_order_of_dicts_and_sets_only() -> None:
    assert values.same({"a": 1, "b": {2, 3}}, {"b": {3, 2}, "a": 1})
    assert not values.same([1, 2], [2, 1])


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (1.0, 1.0 + 5e-7, True),
        (1.0, 1.0 + 5e-6, False),
        ([1.0, 2], [1.0, 2.0000001], True),
        ([1.0], [1.0, 2.0], False),
        ([[1.0], [2.0]], [[1.0], [2.0, 3.0]], False),
        (math.inf, math.inf, True),
        (math.inf, 1.0, False),
        (math.nan, math.nan, False),
        ("1.0", 1.0, False),
        (10**400, 1.0, False),
    ],
)
def test_close_follows_numpy_allclose(left: object, right: object, expected: bool) -> None:
    assert values.close(left, right, 1e-6) is expected


def test_alike_tells_bool_from_number_but_not_int_from_float() -> None:
    assert values.alike([1, 2.0], [1.0, 2], 0.0)
    assert not values.alike(True, 1, 1.0)
    assert not values.alike([1], (1,), 0.0)
