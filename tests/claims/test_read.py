"""What is read in sentences: kinds, values, places."""

import pytest

from ray_app.claims.read import read
from ray_app.semantics.source import read as source_of

CODE = """\
def f(xs, n):
    out = []
    total = 0
    for x in xs:
        if x > 1:
            y = x * 2
            total += y
            out.append(y)
    return out
"""


def stated(text: str) -> list[tuple[str, str, str]]:
    """Kind, subject and value of each claim."""
    reading = read(text, source_of(CODE))
    return [(claim.kind, claim.subject, claim.value) for group in reading.groups for claim in group.claims]


@pytest.mark.parametrize(
    ("text", "claims"),
    [
        ("`total` becomes 0 + 6 = 6.", [("value", "total", "6"), ("expression", "0 + 6", "6")]),
        ("total is now 6", [("value", "total", "6")]),
        ("6 is stored in total", [("value", "total", "6")]),
        ("`x * 2` is 3 * 2 = 6", [("expression", "x * 2", "6"), ("expression", "3 * 2", "6")]),
        ("x * 2 = 3 * 2 = 6", [("expression", "x * 2", "6"), ("expression", "3 * 2", "6")]),
        ("The length of out is 2.", [("expression", "len(out)", "2")]),
        ("out has 2 elements", [("expression", "len(out)", "2")]),
        ("The last element of out is 8.", [("value", "out[-1]", "8")]),
        ("3 is in xs", [("property", "3 in xs", "")]),
        ("The loop runs three times.", [("count", "", "")]),
        ("The function returns [6, 8].", [("return", "", "[6, 8]")]),
        ("The return value of the function is therefore [6, 8].", [("return", "", "[6, 8]")]),
        ("We append 6 to out.", [("added", "out", "6")]),
        ("x goes from 1 to 3", [("value", "x", "3")]),
        ("out starts as an empty list", [("value", "out", "[]")]),
    ],
)
def test_read_sentence_gives_its_claims(text, claims):
    assert stated(text) == claims


@pytest.mark.parametrize(
    "text",
    [
        "If x is 3, total would become 6.",
        "The function returns -1 if n is 0.",
        "The loop continues until total is 100.",
    ],
)
def test_read_hypothetical_or_general_sentence_claims_nothing(text):
    assert stated(text) == []


@pytest.mark.parametrize(
    ("text", "deed", "names"),
    [
        ("It checks if x is 3.", "tests", ("x",)),
        ("The function iterates over each element x in xs.", "loops", ("x", "xs")),
        ("The append() method is called on out.", "calls", ("out", "append")),
        ("It returns the modified list out.", "returns", ("out",)),
    ],
)
def test_read_deed_without_a_value_is_one(text, deed, names):
    claims = [claim for group in read(text, source_of(CODE)).groups for claim in group.claims]
    assert [(claim.kind, claim.subject, claim.items) for claim in claims] == [("does", deed, names)]


def test_read_builtin_that_the_program_only_uses_is_a_word():
    code = "def f(xs):\n    out = list(xs)\n    return out\n"
    reading = read("The out list is now [1].", source_of(code))
    assert [claim.subject for group in reading.groups for claim in group.claims] == ["out"]


def test_read_label_gives_the_place():
    reading = read("[L7] `total` becomes 6; `y` is 6.", source_of(CODE))
    assert [(group.place.line, len(group.claims)) for group in reading.groups] == [(7, 2)]


def test_read_iteration_holds_for_what_is_indented_under_it():
    reading = read("Iteration 2:\n  - x is 3\n  - total becomes 6\n\ntotal is 14", source_of(CODE))
    assert [tuple(one.number for one in group.place.iterations) for group in reading.groups] == [(2,), (2,), (2,), ()]


def test_read_states_of_bare_code():
    assert stated("[L6] y = x * 2 -> 3 * 2 -> 6") == [
        ("value", "y", "6"),
        ("expression", "x * 2", "6"),
        ("expression", "3 * 2", "6"),
    ]
