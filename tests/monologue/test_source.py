import ast

import pytest

from ray_app.monologue.source import is_inner, label, read


@pytest.mark.parametrize(
    "code",
    [
        "def f(x):\n    return x\n",
        'def f(x):\n    s = """a\n  b # c\n"""\n    return s + x\n',
        "def f(x):\n    y = x + \\\n        1\n    return y  # done\n",
        "def f(x):\n    return (x,\n            '#')\n",
        "x = '''\n\n'''\n",
    ],
)
def test_label_any_code_keeps_its_meaning(code: str) -> None:
    assert ast.dump(ast.parse(label(code))) == ast.dump(ast.parse(code))


def test_label_lines_carry_their_own_numbers() -> None:
    assert label("def f(x):\n\n    return x\n").split("\n")[:3] == ["def f(x):  # [L1]", "", "    return x  # [L3]"]


def test_label_lines_inside_a_string_carry_none() -> None:
    assert label('s = """a\nb"""\n') == 's = """a\nb"""  # [L2]\n'


def test_read_nested_loops_knows_which_hold_a_line() -> None:
    source = read("def f(n):\n    for i in range(n):\n        while n:\n            n -= 1\n    return n\n")
    assert source.enclosing[4] == (2, 3)
    assert source.enclosing[5] == ()
    assert source.loops[2].targets == ("i",)


def test_is_inner_comprehensions_and_lambdas_only() -> None:
    assert is_inner("f.<locals>.<listcomp>")
    assert not is_inner("f.<locals>.g")
