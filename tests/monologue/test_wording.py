"""How a forward monologue puts things: what it must say, and what it must not say in so many words."""

import pytest

from ray_app.monologue.narrate import forward
from ray_app.monologue.verify import verify_forward
from ray_app.sandbox.api import execute

SKIPPING = """def f(xs):
    t = 0
    for x in xs:
        if x < 0:
            continue
        if x > 5:
            break
        t += x
    return t
"""
WORKED = """def f(words):
    sizes = tuple(sorted(words))
    return sizes
"""
NEVER = """def f(n):
    while n > 9:
        n -= 1
    return n
"""
PARTING = """def f(s, sep):
    out = 'x'
    out += s.split(sep)[0]
    return out
"""
LOOKED = """def f(d, k):
    return d[k[-1]]
"""
FIRST = """def f(s):
    return s[0] + s[-1]
"""
LENGTH = """def f(s):
    length = 3
    return s[length]
"""
STEPPED = """def f(s, n):
    return s[:2:n // 2]
"""
FOUND = """def f(s):
    at = s.find('b')
    return at
"""
TURNED = """def f(n):
    n *= -1
    return n
"""
MATCHED = """import re

def f(s):
    if re.match('b', s):
        return 1
    return 2
"""
POPPED = """def f(xs, i):
    xs.insert(xs.pop(0), i)
    return xs
"""

TOLD = {
    "continue": (SKIPPING, "f([-1, 3, 9])", "[L5] `continue` leaves out the rest and goes on to L3."),
    "break": (SKIPPING, "f([-1, 3, 9])", "after 3 iterations."),
    "no round": (NEVER, "f(3)", "`n` is 3, so `n > 9` is False, and the loop runs 0 times."),
    "part that raises": (PARTING, "f('a', '')", "`s` is 'a' and `sep` is '', and this raises `ValueError`"),
    "step of zero": (STEPPED, "f('ab', 1)", "`s` is 'ab' and `n // 2` is 0, and this raises `ValueError`"),
    "match that is no truth value": (MATCHED, "f('a')", "`re.match('b', s)` is falsy, so the test fails"),
    "missing key": (LOOKED, "f({'a': 1}, 'ab')", "so there is no `d[k[-1]]`, and this raises `KeyError`"),
    "missing index": (FIRST, "f('')", "`s` has length 0, so there is no `s[0]`, and this raises `IndexError`"),
    "variable of the name length": (LENGTH, "f('ab')", "`length` is 3 and `len(s)` is 2, so there is no `s[length]`"),
}


@pytest.mark.parametrize("name", TOLD)
def test_forward_says_what_happens(name: str) -> None:
    code, call, part = TOLD[name]
    run = execute(code, [call])[0]
    found = [forward(code, "f", run, seed=seed) for seed in range(8)]
    assert all(verify_forward(code, "f", run, text).accepted for text in found)
    assert any(part in text for text in found), found[0]


@pytest.mark.parametrize(
    ("code", "call", "part"),
    [
        (WORKED, "f(['b', 'a'])", "and `words` is ['b', 'a'], so"),
        (POPPED, "f([2, 5, 7], 4)", "is inserted into"),
        (NEVER, "f(3)", "so the loop runs 0 times, so"),
        (PARTING, "f('a', '')", "`out` is 'x', and this raises"),
        (FOUND, "f('abcab')", " and `s` is 'abcab', so"),
        (TURNED, "f(3)", "`-1` is -1"),
    ],
)
def test_forward_leaves_out_what_is_of_no_use(code: str, call: str, part: str) -> None:
    run = execute(code, [call])[0]
    found = [forward(code, "f", run, seed=seed) for seed in range(8)]
    assert all(verify_forward(code, "f", run, text).accepted for text in found)
    assert not any(part in text for text in found)


def test_forward_parts_of_a_return_are_joined_by_and() -> None:
    code = "def f(xs):\n    return list(xs.values()) + [n * 2 for n in xs.values()] + list('a'.encode())\n"
    run = execute(code, ["f({'a': 1})"])[0]
    text = forward(code, "f", run, seed=0)
    assert verify_forward(code, "f", run, text).accepted
    assert "`list(xs.values())` is [1] and" in text or " and `[n * 2 for n in xs.values()]` is [2], so" in text
