import pytest

from ray_app.monologue.claims import parse

NAMES = frozenset({"total", "i", "xs", "count"})


def kinds(text: str) -> list[tuple[str, str, str]]:
    return [(c.kind, c.subject, c.value) for c in parse(text, NAMES).claims if c.kind not in ("line", "code", "quote")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("total becomes 3", [("value", "total", "3")]),
        ("`total` goes from 1 to 3", [("value", "total", "3")]),
        ("`len(xs)` is 2", [("expression", "len(xs)", "2")]),
        ("xs becomes ['a; b', \"it's\"].", [("value", "xs", "['a; b', \"it's\"]")]),
        ("the function returns (24+0j).", [("return", "", "(24+0j)")]),
        ("the loop runs twice", [("count", "", "2")]),
        ("it raises ValueError", [("exception", "ValueError", "")]),
        ("nothing to see here", []),
    ],
)
def test_parse_sentence_gives_its_claims(text: str, expected: list[tuple[str, str, str]]) -> None:
    assert [(k, s, v) for k, s, v in kinds(text) if k != "exception"] == [e for e in expected if e[0] != "exception"]


def test_parse_label_and_iteration_place_a_claim() -> None:
    claim = next(
        c for c in parse("Iteration 2 of the loop on L3: total becomes 1 on line 4.", NAMES).claims if c.kind == "value"
    )
    assert (claim.line, claim.iterations) == (4, ((3, 2),))


def test_parse_claim_text_is_the_text_it_spans() -> None:
    text = "First, total becomes 3; then `xs` is [1, 2]."
    for claim in parse(text, NAMES).claims:
        assert claim.text == text[claim.start : claim.end].strip()


def test_parse_literals_outside_claims_are_unchecked() -> None:
    assert parse("Think of 42 and 'zebra'. total becomes 3.", NAMES).unchecked == ("42", "'zebra'")


def test_parse_part_of_a_number_or_string_is_no_literal() -> None:
    assert parse("total becomes 1234", NAMES).claims[0].value == "1234"
    assert parse("total becomes 'a 2 b'", NAMES).unchecked == ()


def test_parse_answer_is_the_last_one_and_no_claim() -> None:
    parsed = parse("[ANSWER] assert f(1) == 2 [/ANSWER]\n[ANSWER] assert f(1) == 3 [/ANSWER]", NAMES)
    assert parsed.answer == "assert f(1) == 3"
    assert parsed.claims == ()


def test_parse_table_row_is_one_iteration() -> None:
    claims = parse("| iteration | `total` |\n|---|---|\n| 2 | 'a|b' |\n", NAMES).claims
    assert [(c.kind, c.value, c.iterations) for c in claims][-1] == ("value", "'a|b'", ((None, 2),))


def test_parse_hypothetical_sentence_claims_nothing() -> None:
    assert kinds("Otherwise total would be 9.") == []


@pytest.mark.parametrize(
    "text", ["[" * 500, "`" * 99, "'" * 99, "‹v1› is ‹v2›", "x = " + "(" * 300, "|" * 50, "\x00", "É = 3"]
)
def test_parse_hostile_text_does_not_fail(text: str) -> None:
    parse(text, NAMES)


def placed(text: str) -> list[tuple[str, tuple[tuple[int | None, int], ...]]]:
    return [(claim.subject, claim.iterations) for claim in parse(text, NAMES).claims if claim.kind in ("value", "line")]


def test_parse_iteration_goes_on_over_a_sentence_that_claims_nothing() -> None:
    text = "Iteration 2 of the loop on L3: `count` is 1. Nothing is wrong so far. `total` becomes 3."
    assert placed(text) == [("count", ((3, 2),)), ("total", ((3, 2),))]


def test_parse_iteration_is_left_with_a_call_whatever_else_is_said() -> None:
    text = "Iteration 2 of the loop on L3: `count` is 1, so this calls `f(1)`. `total` becomes 3."
    assert placed(text) == [("count", ((3, 2),)), ("total", ())]


def test_parse_line_that_opens_a_sentence_on_the_time_after_two_loops_is_in_neither() -> None:
    text = (
        "Iteration 2 of the loop on L3: `count` is 1. [L6] After the loop and once the loop on L3 ends, `total` is 3."
    )
    assert placed(text) == [("count", ((3, 2),)), ("6", ((None, 0),)), ("total", ())]


@pytest.mark.parametrize(
    ("ends", "left"),
    [
        ("The loop on L5 ends.", ((3, 2),)),
        ("The loop on L3 ends.", ()),
        ("The loop on L5 and the loop on L3 ends.", ()),
        ("The loop ends.", ()),
        ("The loop on L9 ends.", ()),
    ],
)
def test_parse_loop_that_ends_leaves_the_iterations_around_it(ends: str, left: tuple[tuple[int, int], ...]) -> None:
    text = (
        f"In iteration 2 of the loop on L3, in iteration 1 of the loop on L5: `count` is 1. {ends} `total` becomes 3."
    )
    assert placed(text) == [("count", ((3, 2), (5, 1))), ("total", left)]


def test_parse_code_in_backticks_is_claimed_of_its_line() -> None:
    claims = [claim for claim in parse("[L4] `total += i` runs.", NAMES).claims if claim.kind == "code"]
    assert [(claim.subject, claim.line) for claim in claims] == [("total += i", 4)]
