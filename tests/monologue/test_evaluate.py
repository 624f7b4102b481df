import pytest

from ray_app.monologue.evaluate import Unknown, evaluate, parse_value, same, show

STATE = {"s": "'banana'", "xs": "[3, 1, 2]", "d": "{'a': 1, 'b': 4}", "n": "7"}


@pytest.mark.parametrize(
    "expression",
    [
        "n % 2 == 1",
        "s[1:4][::-1]",
        "''.join(c for c in s if c != 'a')",
        "sorted(d.items(), key=lambda p: -p[1])[0]",
        "xs[0] if len(xs) > 2 else None",
        "[x * 2 for x in xs if x > 1]",
        "{k: v + 1 for k, v in d.items()}",
        "s.count('a') == 3 and not xs[-1:] == [9]",
        "f'{n}-{s!r}'",
        "max(xs) + sum(d.values())",
        "1 < n < 10",
    ],
)
def test_evaluate_pure_expression_gives_what_python_gives(expression: str) -> None:
    state = {name: eval(text) for name, text in STATE.items()}
    assert evaluate(expression, STATE) == eval(expression, {}, state)


@pytest.mark.parametrize(
    "expression",
    [
        "xs.pop()",
        "unknown + 1",
        "'a' * 10**9",
        "2 ** 10**6",
        "xs[9]",
        "open('x')",
        "s.__class__",
        "(x := 3)",
        "1 << 10**9",
    ],
)
def test_evaluate_what_it_does_not_know_is_unknown(expression: str) -> None:
    with pytest.raises(Unknown):
        evaluate(expression, STATE)


def test_show_sets_are_in_sorted_order() -> None:
    assert show({"b", "a"}) == "{'a', 'b'}"
    assert show((1,)) == "(1,)"


def test_same_is_strict_about_types() -> None:
    assert not same(1, True)
    assert not same([1], [1.0])
    assert same({"a": [1]}, {"a": [1]})


@pytest.mark.parametrize("text", ["[[...]]", "{'a': [...]}", "[1, 2, ...]", "..."])
def test_parse_value_with_a_part_that_is_not_shown_is_unknown(text: str) -> None:
    with pytest.raises(Unknown):
        parse_value(text)


def test_parse_value_dots_in_a_string_are_its_text() -> None:
    assert parse_value("['...', 'a...b']") == ["...", "a...b"]
