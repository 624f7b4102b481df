"""Near-duplicates by normalised code."""

from ray_app.programs.dedup import Index, deduplicate, shingles
from ray_app.programs.grow import grow
from ray_app.programs.normalise import functions, normalised
from ray_app.records import Program, Reject, content_id

CODE = """def total(items, limit):
    result = 0
    for item in items:
        if item > limit:
            result += item * 2
        else:
            result -= 1
    return result
"""
RENAMED = '''def count(xs: list, top: int) -> int:
    """Another text."""
    # a comment
    out = 0
    for x in xs:
        if (x > top):
            out += x * 2
        else:
            out -= 1
    return out
'''


def program(code: str, name: str = "f") -> Program:
    return Program(content_id(code, name), "mine", code, name, (), "", "test", "MIT")


def test_normalised_code_ignores_names_layout_docstrings_and_annotations() -> None:
    assert normalised(CODE) == normalised(RENAMED)
    assert normalised(CODE) != normalised(CODE.replace("* 2", "* 3"))
    assert normalised(CODE) != normalised(CODE.replace("item > limit", "limit > item"))


def test_normalised_code_keeps_builtins_and_methods_apart() -> None:
    assert normalised("def f(x):\n    return sorted(x)") != normalised("def f(x):\n    return reversed(x)")
    assert normalised("def f(x):\n    return x.upper()") != normalised("def f(x):\n    return x.lower()")


def test_functions_are_normalised_on_their_own_from_a_size_on() -> None:
    both = "def a(x):\n    return x\n\n" + RENAMED
    assert [text for *_, text in functions(both, 10)] == [text for *_, text in functions(CODE, 10)]
    assert len(functions(both, 1)) == 2


def test_shingles_are_all_runs_of_tokens_and_a_short_text_is_one() -> None:
    assert shingles("1 2 3 4 5 6", length=5) == {"1 2 3 4 5", "2 3 4 5 6"}
    assert shingles("1 2", length=5) == {"1 2"}


def test_renamed_copy_is_refused_with_the_id_of_the_original() -> None:
    first, copy = program(CODE), program(RENAMED, "g")
    kept, refused = deduplicate([first, copy])
    assert kept == first
    assert isinstance(refused, Reject)
    assert (refused.reason, refused.id) == ("near-duplicate", copy.id)
    assert first.id in refused.detail


def test_small_edit_of_a_long_program_is_a_near_duplicate_but_another_program_is_not() -> None:
    long = CODE + "".join(CODE.replace("total", f"part{i}").replace("* 2", f"* {i}") for i in range(5))
    index = Index()
    assert index.add("a", long) is None
    assert index.add("b", long.replace("result -= 1", "result -= 7", 1)) == "a"
    assert index.add("c", "def f(s):\n    return ''.join(sorted(s.split(','))) + s[::-1]\n") is None


def test_code_that_does_not_parse_is_still_compared() -> None:
    assert shingles("def broken(:") == shingles("def broken(:")


def test_grown_programs_are_almost_never_duplicates_of_one_another() -> None:
    grown = [row for row in grow(1, 60, 4) if isinstance(row, Program)]
    kept = [row for row in deduplicate(grown) if isinstance(row, Program)]
    assert len(kept) >= 58
    assert kept == [row for row in deduplicate(grown) if isinstance(row, Program)]
