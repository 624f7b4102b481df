"""Backward monologues: what is said follows, was tried, or is read off the run; never more."""

import ast

import pytest

from ray_app.monologue.backward.constraints import constraints
from ray_app.monologue.backward.narrate import Narration, ask, narrate
from ray_app.sandbox.api import execute
from tests.semantics.local import record


def told(code: str, call: str, **more) -> Narration:
    return narrate(record(code, call), **more)


def stated(code: str, call: str) -> dict[str, str]:
    """Constraint -> its basis."""
    question = ask(record(code, call), execute)
    assert not isinstance(question, str)
    return {one.predicate: one.basis for one in constraints(question).constraints}


JOIN = """def f(text, mark):
    parts = list(text)
    parts.append(mark)
    return '-'.join(parts)
"""


def test_narrate_result_is_followed_back_to_the_parameters():
    text = told(JOIN, "f('ab', 'c')").text
    assert "[L4] `return '-'.join(parts)` gives the result, so `'-'.join(parts)` is 'a-b-c'." in text
    assert "[L3] With `parts` as it was before this, `'-'.join(parts + [mark])` is 'a-b-c'." in text
    assert "`'-'.join(list(text) + [mark])` is 'a-b-c'." in text


def test_narrate_last_write_is_the_last_one_not_the_last_that_decides():
    code = "def f(n):\n    m = n + 1\n    r = m * 2\n    m = 0\n    return r + m\n"
    text = told(code, "f(3)").text
    line = next(line for line in text.split("\n") if line.startswith("[L4]"))
    assert "`m = 0`" in line
    assert "`m`" in line
    assert not any("`m = n + 1`" in one and "last" in one for one in text.split("\n"))


def test_narrate_write_without_a_change_is_the_last_write():
    code = "def f(xs):\n    n = len(xs)\n    k = 1\n    for x in xs:\n        k = 1\n    return n + k\n"
    text = told(code, "f([2, 3])").text
    assert any(one.startswith("[L5] `k = 1`") for one in text.split("\n"))


def test_narrate_answer_is_the_witness_and_gives_the_output():
    found = told(JOIN, "f('ab', 'c')", record=record)
    answer = ast.parse(found.text.rpartition("[ANSWER]")[2].removesuffix("[/ANSWER]\n")).body[0]
    assert isinstance(answer, ast.Assert)
    assert ast.unparse(answer.test) == f"{found.witness} == 'a-b-c'"
    assert record(JOIN, found.witness).output == "'a-b-c'"


@pytest.mark.parametrize(
    ("code", "call", "expected"),
    [
        ("def f(n):\n    return n * 2 + 1\n", "f(3)", {"n * 2 + 1 == 7", "n * 2 == 6", "n == 3"}),
        ("def f(t):\n    return t[::-1]\n", "f('ab')", {"t == 'ab'"}),
        ("def f(line):\n    return line.split(',')\n", "f('a,b')", {"line == 'a,b'"}),
        ("def f(n):\n    if n < 0:\n        return -1\n    return n // 2\n", "f(5)", {"n >= 0", "4 <= n < 6"}),
        (
            "def f(xs):\n    out = []\n    for x in xs:\n        if x > 1: out.append(x * 2)\n    return out\n",
            "f([1, 2, 3])",
            {"[x * 2 for x in xs if x > 1] == [4, 6]", "len(xs) >= 2"},
        ),
        (
            "def f(t):\n    for c in t:\n        if not c.isdigit():\n            return False\n    return True\n",
            "f('a1')",
            {"any(not c.isdigit() for c in t)"},
        ),
    ],
)
def test_constraints_implied_by_exact_steps(code, call, expected):
    found = stated(code, call)
    assert expected <= {predicate for predicate, basis in found.items() if basis == "implied"}


@pytest.mark.parametrize(
    ("code", "call"),
    [
        # A variable that is carried, an alias, a changed element: each would make a comprehension a lie.
        (
            "def f(xs):\n    out = []\n    for x in xs:\n        if x not in out: out.append(x)\n    return out\n",
            "f([1, 1, 2])",
        ),
        ("def f(xs):\n    ys = xs\n    ys.append(9)\n    xs.pop(0)\n    return ys\n", "f([1, 2])"),
        (
            "def f(d):\n    e = d.copy()\n    for k, v in e.items():\n        v.append(k)\n    return e\n",
            "f({'a': ['x']})",
        ),
        (
            "def f(t):\n    n = 0\n    s = ''\n    for c in t:\n        n += 1\n        s += c * n\n    return s\n",
            "f('ab')",
        ),
    ],
)
def test_constraints_of_what_cannot_be_said_exactly_are_not_implied(code, call):
    assert "implied" not in stated(code, call).values()


def test_constraints_are_bracketed():
    code = "def f(a, b):\n    return a or b\n"
    assert "(a or b) == 7" in stated(code, "f(0, 7)")
    code = "def f(n):\n    x = 'neg' if n < 0 else 'pos'\n    return x\n"
    assert all(predicate != "'neg' if n < 0 else 'pos' == 'neg'" for predicate in stated(code, "f(-1)"))


def test_constraints_by_law_say_the_law_and_on_how_many_inputs():
    code = "def f(t):\n    i = 0\n    while i < len(t):\n        i += 2\n    return t.swapcase() + t[i:]\n"
    text = told(code, "f('aBcd')").text
    assert "`t.lower() == 'abcd'` (tested on" in text
    assert "inputs: `result.lower() == t.lower()` holds for each of them)" in text


def test_narrate_constant_function_has_no_constraint():
    assert told("def f(xs):\n    xs.clear()\n    return 'quack'\n", "f([1])") == Narration(
        "", "", "no constraint found"
    )


@pytest.mark.parametrize(
    ("code", "call", "reason"),
    [
        ("def f(*xs):\n    return xs\n", "f(1)", "takes any number of arguments"),
        ("def f(x):\n    raise KeyError(x)\n", "f(1)", "no output"),
        ("def f(x):\n    return object\n", "f(1)", "output is no literal"),
    ],
)
def test_narrate_refuses_with_a_reason(code, call, reason):
    assert told(code, call).reason == reason


def test_narrate_same_seed_same_text():
    assert told(JOIN, "f('ab', 'c')", seed=3) == told(JOIN, "f('ab', 'c')", seed=3)


def test_narrate_says_what_close_inputs_give_where_nothing_holds_of_all():
    code = (
        "def f(text):\n    out = []\n    for part in text.split():\n        part += 'y' if part[-1] == 'd' else 'd'\n"
        "        out.append(part)\n    return ' '.join(out)\n"
    )
    text = told(code, "f('ab cd')").text
    assert "`f('" in text
    assert "` gives '" in text


def test_constraint_that_somebody_has_broken_is_left_out():
    found = told(JOIN, "f('ab', 'c')")
    first = next(iter(stated(JOIN, "f('ab', 'c')")))
    assert f"`{first}` (" in found.text
    assert f"`{first}` (" not in told(JOIN, "f('ab', 'c')", without={first}).text


def test_output_of_another_shape_on_other_inputs_is_no_item_of_a_result():
    code = "def f(n):\n    if n > 2:\n        return (n, n * 2)\n    return None if n else {'a': Ellipsis}\n"
    assert told(code, "f(3)").text


def test_constraint_does_not_call_what_the_program_has_given_another_meaning():
    code = "def f(list):\n    max = list[0]\n    for x in list:\n        if x > max: max = x\n    return max\n"
    assert not any("max(" in predicate for predicate in stated(code, "f([5, 3, 9])"))


def test_narrate_says_whose_run_it_is_before_it_speaks_of_its_iterations():
    code = "def f(xs):\n    t = 0\n    for x in xs:\n        t = t * 2 % 7 + x\n    return t\n"
    lines = told(code, "f([1, 2])").text.split("\n")
    whose = next(at for at, line in enumerate(lines) if line.startswith("The way back, in the run of one such input"))
    assert not any("iteration" in line for line in lines[:whose])
    assert any("iteration" in line for line in lines[whose:])


def test_narrate_states_no_opaque_values():
    code = "def f(xs):\n    it = iter(xs)\n    first = next(it)\n    return first * 2\n"
    assert "<list_iterator" not in told(code, "f([3, 4])").text
