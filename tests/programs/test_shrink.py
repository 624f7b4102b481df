"""Smaller inputs keep their types."""

from ray_app.programs.shrink import smaller_calls


def test_smaller_calls_cut_every_argument_then_each_by_itself() -> None:
    calls = smaller_calls("f([1, 2, 3, 4], 8, 'abcd', {'a': 1, 'b': 2})", "f")
    assert calls[0] == "f([1, 2], 4, 'ab', {'a': 1})"
    assert "f([1, 2], 8, 'abcd', {'a': 1, 'b': 2})" in calls
    assert "f([1, 2, 3, 4], 8, 'abcd', {'a': 1, 'b': 2})" not in calls
    assert len(set(calls)) == len(calls)


def test_smaller_calls_cut_the_rows_of_a_table_too() -> None:
    assert smaller_calls("f([[1, 2], [3, 4]])", "f")[0] == "f([[1]])"


def test_smaller_calls_of_what_cannot_shrink_or_be_read_are_none() -> None:
    assert smaller_calls("f(True, None, [1])", "f") == ()
    assert smaller_calls("f(x)", "f") == ()
