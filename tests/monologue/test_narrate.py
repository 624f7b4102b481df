import functools
from itertools import product

import pytest

from ray_app.monologue.narrate import backward, forward, narrate
from ray_app.monologue.phrase import tokens
from ray_app.monologue.verify import verify_backward, verify_forward
from ray_app.records import Execution, Monologue, Program, TracedProgram
from ray_app.sandbox.api import execute

PROGRAMS = {
    "loop": ("def f(n):\n    total = 0\n    for i in range(n):\n        total += i\n    return total\n", "f(4)"),
    "long loop": ("def f(n):\n    total = 0\n    for i in range(n):\n        total += i\n    return total\n", "f(200)"),
    "empty loop": ("def f(xs):\n    for x in xs:\n        return x\n    return None\n", "f([])"),
    "break": (
        "def f(xs):\n    k = 0\n    for x in xs:\n        if x > 2:\n            break\n        k += x\n    return k\n",
        "f([1, 2, 3, 4])",
    ),
    "while true": (
        "def f(n):\n    k = 1\n    while True:\n        k *= 2\n        if k > n:\n            return k\n",
        "f(9)",
    ),
    "nested": (
        "def f(n):\n    s = ''\n    for i in range(n):\n        for j in range(i):\n            s += str(j)\n    return s\n",  # noqa: E501
        "f(4)",
    ),
    "recursion": ("def f(n):\n    if n <= 1:\n        return 1\n    return n * f(n - 1)\n", "f(4)"),
    "two calls": ("def g(x):\n    y = x + 1\n    return y\n\ndef f(a):\n    b = g(a)\n    return b + g(b)\n", "f(3)"),
    "exception": (
        "def f(s):\n    try:\n        k = int(s)\n    except ValueError:\n        k = -1\n    return k\n",
        "f('x')",
    ),
    "dictionary": (
        "def f(ws):\n    d = {}\n    for w in ws:\n        d[w] = d.get(w, 0) + 1\n    return d\n",
        "f(['a', 'b', 'a'])",
    ),
    "mutation": ("def f(xs):\n    xs.sort()\n    xs.append(xs.pop(0))\n    return xs\n", "f([3, 1, 2])"),
    "strings": (
        "def f(t):\n    r = ''\n    for i in range(len(t) - 1, -1, -1):\n        r += t[i]\n    return r.upper()\n",
        "f('it\\'s \"q\"')",
    ),
    "one line": ("def f(x):\n    return x * 2 + 1\n", "f(20)"),
    "comprehension": ("def f(xs):\n    ys = [x * x for x in xs if x > 1]\n    return sum(ys)\n", "f([1, 2, 3])"),
}


@functools.cache
def executed(name: str) -> Execution:
    code, call = PROGRAMS[name]
    return execute(code, [call])[0]


@pytest.mark.parametrize(("name", "seed"), list(product(PROGRAMS, (0, 1, 7))))
def test_forward_every_kind_of_program_verifies_with_nothing_unchecked(name: str, seed: int) -> None:
    code, _ = PROGRAMS[name]
    text = forward(code, "f", executed(name), seed=seed)
    verdict = verify_forward(code, "f", executed(name), text)
    assert verdict.accepted, (verdict.reason, verdict.detail, text)
    assert verdict.unchecked == (), text


def test_forward_same_seed_gives_the_same_text_and_others_vary() -> None:
    code, _ = PROGRAMS["break"]
    texts = [forward(code, "f", executed("break"), seed=seed) for seed in range(8)]
    assert texts == [forward(code, "f", executed("break"), seed=seed) for seed in range(8)]
    assert len(set(texts)) > 4


def test_forward_long_loop_tells_first_and_last_within_the_budget() -> None:
    code, _ = PROGRAMS["long loop"]
    text = forward(code, "f", executed("long loop"), max_tokens=512)
    assert tokens(text) <= 512
    assert "Iteration 1:" in text
    assert "Iteration 200:" in text
    assert "Iteration 100:" not in text


GROWING = (
    "def f(n):\n    total = 0\n    seen = []\n    for i in range(n):\n        if i % 3 == 0:\n"
    "            total += i * i\n        else:\n            seen.append(total % 7)\n    return total, len(seen)\n"
)


@pytest.mark.parametrize("budget", [4_000, 1_000, 600, 450])
def test_forward_detail_gives_way_to_the_budget_and_every_telling_verifies(budget: int) -> None:
    run = execute(GROWING, ["f(12)"])[0]
    text = forward(GROWING, "f", run, max_tokens=budget)
    assert tokens(text) <= budget
    verdict = verify_forward(GROWING, "f", run, text)
    assert verdict.accepted, (verdict.reason, verdict.detail, text)


def test_forward_shortest_telling_lists_what_a_loop_does() -> None:
    run = execute(GROWING, ["f(12)"])[0]
    text = forward(GROWING, "f", run, max_tokens=1)
    assert "`total`" in text
    assert "the values 9, 45 and 126" in text
    assert verify_forward(GROWING, "f", run, text).accepted


def test_forward_helper_with_a_long_argument_and_a_loop_over_a_call_are_told() -> None:
    code = (
        "def g(xs):\n    k = sum(xs)\n    return [k, k + 1]\n\n"
        "def f(n):\n    t = 0\n    for x in g(list(range(n))):\n        t += x\n    return t\n"
    )
    run = execute(code, ["f(60)"])[0]
    text = forward(code, "f", run)
    assert "This calls `g(...)`" in text
    verdict = verify_forward(code, "f", run, text)
    assert verdict.accepted, (verdict.reason, verdict.detail, text)
    assert not verify_forward(code, "f", run, text.replace("calls `g(...)`", "calls `f(...)`")).accepted


def test_forward_dead_variable_is_not_told() -> None:
    code = "def f(n):\n    dead = n * 7\n    for k in range(n):\n        dead += k\n    return n + 1\n"
    text = forward(code, "f", execute(code, ["f(3)"])[0])
    assert "dead" not in text


def test_forward_ends_with_the_answer() -> None:
    assert forward(PROGRAMS["loop"][0], "f", executed("loop")).endswith("[ANSWER]assert f(4) == 6[/ANSWER]\n")


def test_forward_unfinished_run_is_a_value_error() -> None:
    code = "def f(n):\n    while True:\n        n += 1\n"
    with pytest.raises(ValueError, match="timeout"):
        forward(code, "f", execute(code, ["f(0)"])[0])


RAISING = {
    "at once": ("def f(n):\n    return 1 // n\n", "f(0)"),
    "in a loop's callee": (
        "def g(x):\n    if x < 0:\n        raise ValueError('no')\n    return x\n\n"
        "def f(a):\n    t = 0\n    for i in a:\n        t += g(i)\n    return t\n",
        "f([1, -2])",
    ),
    "past a handler": (
        "def f(a):\n    try:\n        r = [1][a]\n    except KeyError:\n        r = 0\n    return r\n",
        "f(7)",
    ),
    "from a handler": (
        "def f(d):\n    try:\n        v = d['k']\n    except KeyError as e:\n        raise ValueError('k') from e\n"
        "    return v\n",
        "f({})",
    ),
    "in recursion": ("def f(n):\n    if n == 0:\n        raise RuntimeError('x')\n    return n * f(n - 1)\n", "f(2)"),
    "in a comprehension": ("def f(xs):\n    return [int(x) for x in xs]\n", "f(['1', 'b'])"),
}


@pytest.mark.parametrize("name", RAISING)
def test_forward_call_that_an_exception_leaves_is_told_and_verifies(name: str) -> None:
    code, call = RAISING[name]
    run = execute(code, [call])[0]
    kind = (run.exception or "").split(":")[0]
    text = forward(code, "f", run, seed=3)
    verdict = verify_forward(code, "f", run, text)
    assert verdict.accepted, (verdict.reason, verdict.detail, text)
    assert verdict.unchecked == ()
    assert f"ends with `{kind}`" in text
    assert text.endswith(f"[ANSWER]{call} raises {kind}[/ANSWER]\n")
    for wrong in (
        text.replace(f"`{kind}`", "`OSError`", 1),
        text.replace(f"raises {kind}[", "raises OSError["),
        text.replace(f"{call} raises {kind}[", f"assert {call} == 1["),
    ):
        assert wrong != text
        assert not verify_forward(code, "f", run, wrong).accepted, wrong


def test_forward_exception_goes_to_the_line_that_raises_and_through_each_call() -> None:
    code, call = RAISING["in a loop's callee"]
    text = forward(code, "f", execute(code, [call])[0])
    assert "[L3] This raises `ValueError`" in text
    assert "[L9] Back here, `ValueError` comes out of that call" in text
    verdict = verify_forward(code, "f", execute(code, [call])[0], text.replace("[L3] This", "[L4] This"))
    assert verdict.reason == "false claim"


@pytest.mark.parametrize("name", ["loop", "one line", "dictionary", "comprehension", "strings"])
def test_backward_text_verifies_and_its_witness_gives_the_output(name: str) -> None:
    code, _ = PROGRAMS[name]
    text, witness = backward(code, "f", executed(name))
    assert text
    assert execute(code, [witness])[0].output == executed(name).output
    verdict = verify_backward(code, "f", executed(name), text)
    assert verdict.accepted, (verdict.reason, verdict.detail, text)


def test_backward_finds_another_input_where_there_is_one() -> None:
    code = "def f(s):\n    return len(s)\n"
    text, witness = backward(code, "f", execute(code, ["f('abcd')"])[0])
    assert witness != "f('abcd')"
    assert "`len(s) == 4`" in text


@pytest.mark.parametrize("joined", ["gap.join(words)", "f', {gap}'.join(words)"])
@pytest.mark.parametrize("separator", ["\\n", "\\t"])
def test_backward_constraint_that_no_f_string_can_hold_is_left_out(separator: str, joined: str) -> None:
    code = f"def f(words):\n    gap = '{separator}'\n    body = {joined}\n    return f'<{{body}}>'\n"
    execution = execute(code, ["f(['a', 'b'])"])[0]
    text, _ = backward(code, "f", execution, seed=0, max_tokens=1024)
    assert "1. `" in text
    assert verify_backward(code, "f", execution, text).accepted


def test_narrate_rows_are_two_per_call_that_returns_and_one_per_call_that_raises() -> None:
    code = "def f(n):\n    k = 10 // n\n    return k\n"
    calls = ("f(3)", "f(0)")
    program = Program("p", "mine", code, "f", calls, "", "", "MIT")
    row = TracedProgram("p", program, tuple(execute(code, calls)), "", "", "")
    rows = list(narrate([row], seed=1))
    assert [type(one) for one in rows] == [Monologue, Monologue, Monologue]
    told = [one for one in rows if isinstance(one, Monologue)]
    assert [(one.direction, one.output) for one in told] == [("forward", "3"), ("backward", "3"), ("forward", "")]
    assert told[2].exception.startswith("ZeroDivisionError")
    assert all(claim.verdict == "true" for one in rows if isinstance(one, Monologue) for claim in one.claims)


# What mined code does and small examples seldom do: each with something that its telling must say.
MINED = {
    "a constant of the module": (
        "LIMIT = 3\nSTRICT = False\n\ndef f(n):\n    if STRICT:\n        return 0\n"
        "    return n if n < LIMIT else LIMIT\n",
        "f(5)",
        "`STRICT` is False",
    ),
    "a generator that goes on": (
        "def g(xs):\n    for x in xs:\n        y = x * 2\n        yield y\n\n"
        "def f(xs):\n    total = 0\n    for y in g(xs):\n        total += y\n    return total\n",
        "f([1, 2, 3])",
        "`g` goes on where it stopped",
    ),
    "a generator that is asked once": (
        "def g(n):\n    while n:\n        n -= 1\n        yield n\n\n"
        "def f(n):\n    it = g(n)\n    first = next(it)\n    for n in it:\n        first += n\n    return first\n",
        "f(3)",
        "this yields 2",
    ),
    "a generator as entry": (
        "def f(n):\n    while n > 0:\n        yield n\n        n -= 2\n",
        "list(f(3))",
        "this yields 3",
    ),
    "a generator without a round": (
        "def f(n):\n    while n > 0:\n        yield n\n        n -= 2\n",
        "list(f(0))",
        "0 times",
    ),
    "a call in the header of a loop that does not run": (
        "def g(s):\n    parts = []\n    for c in s:\n        parts.append(c)\n    return parts\n\n"
        "def f(s):\n    found = {}\n    for c in g(s):\n        found[c] = 1\n    return found\n",
        "f('')",
        "this calls `g('')`",
    ),
    "calls in a header, round by round": (
        "def g(x):\n    y = x * 3\n    return y\n\n"
        "def f(xs):\n    total = 0\n    for y in map(g, xs):\n        total += y\n    return total\n",
        "f([1, 2])",
        "this calls `g(2)`",
    ),
    "a test that sets a variable": (
        "def f(n):\n    total = 0\n    while (half := n // 2) > 1:\n        n -= half\n        total += half\n"
        "    return total + half\n",
        "f(9)",
        "the loop ends after",
    ),
    "an endless loop around a try": (
        "def f(xs):\n    total = 0\n    i = 0\n    while True:\n        try:\n            total += xs[i]\n"
        "            i += 1\n        except IndexError:\n            break\n    return total\n",
        "f([4, 5, 6])",
        "Iteration 3",
    ),
    "a header that raises": (
        "def f(xs, i):\n    try:\n        while xs[i] > 0:\n            i += 1\n    except IndexError:\n"
        "        pass\n    return i\n",
        "f([3, 4], 0)",
        "the loop stops after 2 iterations",
    ),
    "an exception after a loop": (
        "def f(xs, x):\n    for i, y in enumerate(xs):\n        if x == y:\n            return i\n"
        "    raise ValueError(x)\n",
        "f([3], 1)",
        "so the call ends with `ValueError`",
    ),
    "a change on the way out": (
        "def g(xs):\n    xs.append(0)\n    return 1 // xs[-1]\n\ndef f(xs):\n    return g(xs) + 1\n",
        "f([4])",
        "[4, 0] and `ZeroDivisionError` comes out of that call",
    ),
    "names like words and labels": (
        "def f(to, L2):\n    of = []\n    for at in to:\n        of.append(at)\n    L2 += of\n    return L2\n",
        "f([3, 1], [2])",
        "`L2`",
    ),
    "its own call in its docstring": (
        'def f(s):\n    """Shout.\n\n    f(\'a\')\n    """\n    t = s.upper()\n    return t + "!"\n',
        "f('a')",
        "`f('a')`",
    ),
    "a loop variable written again": (
        "def f(words, pairs):\n    found = []\n    for word in words:\n        for old, new in pairs:\n"
        "            word = word.replace(old, new)\n        found.append(word)\n    return found\n",
        "f(['ab', 'ba', 'aa', 'bb', 'a'], [('a', 'x'), ('b', 'y')])",
        "`word`",
    ),
    "a set of constants": (
        "def f(way):\n    if way not in {'up', 'down'}:\n        return 0\n    return len(way)\n",
        "f('up')",
        "`way not in {",
    ),
}


@pytest.mark.parametrize(("name", "seed", "budget"), list(product(MINED, (0, 1, 5), (1024, 60))))
def test_forward_of_what_mined_code_does_verifies(name: str, seed: int, budget: int) -> None:
    code, call, said = MINED[name]
    execution = execute(code, [call])[0]
    text = forward(code, "f", execution, seed=seed, max_tokens=budget)
    verdict = verify_forward(code, "f", execution, text)
    assert verdict.accepted, (verdict.reason, verdict.detail, text)
    if budget > 1_000:
        assert said.lower() in text.lower()


def test_exception_that_no_frame_shows_is_declined() -> None:
    code = "def f(n):\n    it = iter(range(n))\n    yield next(it)\n"
    execution = execute(code, ["list(f(0))"])[0]
    assert execution.exception == "RuntimeError: generator raised StopIteration"
    with pytest.raises(ValueError, match="exception is not in the trace"):
        forward(code, "f", execution)


def test_backward_result_that_repeats_a_test_of_another_line_verifies() -> None:
    code = "def f(c):\n    if c == 'x' or c.isdigit():\n        return c\n    return c.upper()\n"
    execution = execute(code, ["f('x')"])[0]
    for seed in range(4):
        text, _ = backward(code, "f", execution, seed=seed)
        verdict = verify_backward(code, "f", execution, text)
        assert verdict.accepted, (verdict.reason, verdict.detail, text)


def test_call_with_a_function_as_argument_verifies() -> None:
    code = "def f(xs, test):\n    kept = filter(test, xs)\n    return list(kept)\n"
    execution = execute(code, ["f([0, 3, 1], lambda x: x < 2)"])[0]
    for seed in range(4):
        text = forward(code, "f", execution, seed=seed)
        verdict = verify_forward(code, "f", execution, text)
        assert verdict.accepted, (verdict.reason, verdict.detail, text)


def test_made_up_expression_that_stands_on_another_line_is_not_told() -> None:
    code = "def f(xs):\n    k = 0\n    for i in range(len(xs)):\n        k += i\n    return k, list(range(len(xs)))\n"
    execution = execute(code, ["f([5, 6])"])[0]
    for seed in range(6):
        text = forward(code, "f", execution, seed=seed)
        assert "[L3] `list(range" not in text
        assert verify_forward(code, "f", execution, text).accepted


def test_backward_constraint_may_name_a_comprehensions_variable_like_the_parameter() -> None:
    code = "def f(s):\n    return sum([s.istitle() for s in s.split()])\n"
    execution = execute(code, ["f('Some of This')"])[0]
    text, _ = backward(code, "f", execution, seed=0)
    verdict = verify_backward(code, "f", execution, text)
    assert verdict.accepted, (verdict.reason, verdict.detail, text)
    assert any(claim.kind == "constraint" and "sum(" in claim.text for claim in verdict.claims)


def test_backward_test_of_a_bare_name_is_asked_for_its_truth() -> None:
    code = "def f(first, n):\n    if first:\n        n //= 7\n    return n + 1\n"
    execution = execute(code, ["f('yes', 20)"])[0]
    for seed in range(4):
        text, _ = backward(code, "f", execution, seed=seed)
        assert "`first` must" not in text
        verdict = verify_backward(code, "f", execution, text)
        assert verdict.accepted, (verdict.reason, verdict.detail, text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 0),
        ("total", 1),
        ("totals", 2),
        ("a_b", 3),
        ("__x", 2),
        ("x = 120\n", 6),
        ("\t (1)", 3),
        ("é", 1),
        ("é_1", 3),
    ],
)
def test_tokens_counts_signs_digits_and_words_by_fives(text: str, expected: int) -> None:
    assert tokens(text) == expected
    assert tokens(f"{text} ü") == expected + 1


def test_call_of_a_helper_is_spelled_with_all_its_arguments_and_no_others_pass() -> None:
    code = (
        "def g(a, *rest, key=0, **more):\n    total = a + sum(rest) + key\n    return total + len(more)\n\n"
        "def f(n):\n    return g(n, 2, 3, key=n, wide=True)\n"
    )
    execution = execute(code, ["f(4)"])[0]
    text = forward(code, "f", execution)
    spelled = "`g(4, 2, 3, key=4, wide=True)`"
    assert spelled in text
    assert verify_forward(code, "f", execution, text).accepted
    for other in (
        "g(4, 2, 9, key=4, wide=True)",
        "g(4, 2, 3, 5, key=4)",
        "g(4, 2, 3, key=4, wide=False)",
        "g(4, high=1)",
    ):
        assert not verify_forward(code, "f", execution, text.replace(spelled, f"`{other}`")).accepted
