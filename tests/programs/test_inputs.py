"""Calls as data: parsing, writing, type-aware mutation."""

import ast
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ray_app.errors import InputError
from ray_app.programs.inputs import MAX_TEXT, Call, Mutator, constants, corners, expand, literal, parse_call

ATOMS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.binary()
)
VALUES = st.recursive(
    ATOMS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=3)
        | st.sets(st.integers() | st.text(max_size=3), max_size=4)
    ),
    max_leaves=8,
)


@given(VALUES)
def test_literal_of_any_value_evaluates_to_it(value: Any) -> None:
    assert ast.literal_eval(literal(value)) == value


def test_literal_of_a_set_is_sorted_so_that_it_never_depends_on_hashing() -> None:
    assert literal({"b", "a", "c"}) == "{'a', 'b', 'c'}"
    assert literal(set()) == "set()"
    assert literal([(1,), {2: {"z", "y"}}]) == "[(1,), {2: {'y', 'z'}}]"


@pytest.mark.parametrize(
    "text",
    [
        "f()",
        "f(1, 'a', [2.5])",
        "f(x=1, y={'a': (1, 2)})",
        "list(f(3))",
        "sorted(f({1, 2}), key=len)",
        "f('é', b'\\x00')[0]",
    ],
)
def test_call_with_literal_arguments_survives_parsing_and_writing(text: str) -> None:
    call = parse_call(text, "f")
    assert call is not None
    assert ast.dump(ast.parse(str(call))) == ast.dump(ast.parse(text))


@pytest.mark.parametrize(
    "text", ["f(x)", "f(g(1))", "f(*[1])", "f(**{})", "g(1)", "f(1", "", "f(lambda: 1)", "f(1 + 1)"]
)
def test_call_without_literal_arguments_is_not_parsed(text: str) -> None:
    assert parse_call(text, "f") is None


@given(VALUES, st.integers(0, 1_000))
def test_mutation_keeps_the_type_and_the_original(value: Any, seed: int) -> None:
    before = literal(value)
    mutated = Mutator(random.Random(seed))(value)
    assert type(mutated) is type(value)
    assert literal(value) == before


def test_mutation_of_a_list_changes_elements_recursively_by_their_type() -> None:
    rng = random.Random(3)
    mutated = [Mutator(rng)([["a"], [1]]) for _ in range(60)]
    assert any(m and m[0] != ["a"] and isinstance(m[0], list) and m[0] and isinstance(m[0][0], str) for m in mutated)
    assert any(len(m) == 1 for m in mutated)
    assert any(len(m) == 3 for m in mutated)


def test_mutation_takes_new_values_from_the_pool() -> None:
    mutate = Mutator(random.Random(0), ["needle"])
    assert any("needle" in mutate("hay") for _ in range(50))


def test_corner_cases_of_each_type() -> None:
    assert corners(5) == (0, 1, -5)
    assert corners("abc") == ("", "a")
    assert corners([1, 2]) == ([], [1])
    assert corners({"a": 1}) == ({},)
    assert corners(True) == (False,)
    assert corners(None) == ()


def test_expansion_gives_the_given_calls_first_then_corners_then_mutations_without_repeats() -> None:
    calls = expand(["f([3, 1])", "f([2])"], "f", 12, seed=1)
    assert calls[:4] == ("f([3, 1])", "f([2])", "f([])", "f([3])")
    assert len(calls) == 12
    assert len(set(calls)) == 12
    assert all(isinstance(parse_call(call, "f"), Call) for call in calls)


def test_expansion_is_the_same_for_the_same_seed_and_differs_for_another() -> None:
    first = expand(["f('word', 3)"], "f", 15, seed=1)
    assert first == expand(["f('word', 3)"], "f", 15, seed=1)
    assert first != expand(["f('word', 3)"], "f", 15, seed=2)


def test_expansion_never_writes_a_call_beyond_the_cap() -> None:
    start = f"f({'x' * (MAX_TEXT - 10)!r})"
    assert all(len(call) <= MAX_TEXT for call in expand([start], "f", 20, seed=0))


def test_expansion_keeps_what_it_cannot_mutate() -> None:
    assert expand(["f(g(1))"], "f", 5, seed=0) == ("f(g(1))",)
    assert expand([], "f", 5, seed=0) == ()


def test_expansion_to_no_calls_is_an_input_error() -> None:
    with pytest.raises(InputError, match="at least 1, not 0"):
        expand(["f(1)"], "f", 0, seed=0)


def test_constants_of_a_program_are_distinct_and_in_order() -> None:
    assert constants("def f(x):\n    return x + 'ab' + str(7) + 'ab' + str(True)\n") == ("ab", 7)
