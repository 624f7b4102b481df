import pytest

from ray_app.evaluation.same_code import normal_form

PLAIN = "def f(x):\n    total = 0\n    for y in x:\n        total += y\n    return total\n"
CALLS = "def g({0}):\n    return {0}\ndef f(x):\n    return g({1})"


@pytest.mark.parametrize(
    "other",
    [
        PLAIN,
        '"""What it does."""\n' + PLAIN.replace("    total = 0", '    """Adds."""\n    total = 0  # so far'),
        PLAIN.replace("total", "s").replace("y", "item").replace("(x)", "(xs)").replace("in x", "in xs"),
    ],
)
def test_layout_comments_and_names_make_no_difference(other: str) -> None:
    assert normal_form(PLAIN, ("f",)) == normal_form(other, ("f",))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (PLAIN, PLAIN.replace("+=", "-=")),
        (PLAIN, PLAIN.replace("= 0", "= 0.0")),
        (PLAIN, PLAIN.replace("= 0", "= False")),
        (PLAIN, PLAIN.replace("(x)", "(x: list)")),
        ("def f(a, b):\n    return a - b", "def f(b, a):\n    return a - b"),
        ("def f(x):\n    return max(x)", "def f(x):\n    return min(x)"),
        ("def f(x):\n    return x", "def g(x):\n    return x"),
        ("def f(x):\n    return g(x)\ndef g(x):\n    return 1", "def g(x):\n    return f(x)\ndef f(x):\n    return 1"),
        ("def f(x):\n    max = min\n    return max(x)", "def f(x):\n    m = min\n    return max(x)"),
        (
            "def g(a):\n    return a\ndef f(x):\n    return g(a=x)",
            "def g(b):\n    return b\ndef f(x):\n    return g(a=x)",
        ),
        (
            "def g(a):\n    return a\ndef f(x):\n    return g(**x)",
            "def g(b):\n    return b\ndef f(x):\n    return g(**x)",
        ),
        ("def f(a):\n    return locals()", "def f(b):\n    return locals()"),
        ("class A:\n    n = 1\ndef f(x):\n    return A.n", "class A:\n    m = 1\ndef f(x):\n    return A.n"),
        ("def f(x):\n    return g(x)", "def f(x):\n    return h(x)"),
        ("import math as m\ndef f(x):\n    return m.pi", "import math as n\ndef f(x):\n    return m.pi"),
        ("def f(x):\n    return f'{x=}'", "def f(y):\n    return f'{y=}'"),
        ("def f(x) return", "def f(y) return"),
    ],
)
def test_whatever_can_change_the_result_makes_a_difference(one: str, other: str) -> None:
    assert normal_form(one, ("f",)) != normal_form(other, ("f",))


def test_programs_without_a_statement_are_told_apart() -> None:
    assert normal_form("", ()) != normal_form("# nothing", ())
