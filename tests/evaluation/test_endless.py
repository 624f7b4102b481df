import pytest

from ray_app.evaluation import endless
from ray_app.evaluation.verdicts import Executor
from ray_app.sandbox.api import Job
from ray_app.sandbox.limits import Limits

LIMITS = Limits(cpu_s=0.1)

ENDLESS = {
    "turns in a circle": "def f(xs):\n    while len(xs) != 1:\n        xs.append(xs.pop(0))\n    return xs\n",
    "counts modulo": "def f(xs):\n    j = 0\n    while True:\n        j = (j + 3) % len(xs)\n        if j % 2:\n"
    "            return j\n",
    "does nothing": "def f(xs):\n    while xs:\n        pass\n",
    "inner loop over the same": "def f(xs):\n    while xs:\n        n = 0\n        for x in xs:\n            n += x\n",
    "loop within a loop": "def f(xs):\n    for x in xs:\n        while x < 9:\n            x = x + 1 - 1\n",
    "first a test": "def f(xs):\n    while xs:\n        if len(xs) > 99:\n            break\n",
}
ENDS_OR_UNKNOWN = {
    "ends": "def f(xs):\n    while xs:\n        xs.pop()\n",
    "grows": "def f(xs):\n    while xs:\n        xs.append(1)\n",
    "the outer iterator moves on": "def f(xs):\n    n = 3\n    for x in range(10 ** 9):\n        while n:\n"
    "            n = 0\n        n = 3\n",
    "an iterator in a variable": "def f(xs):\n    it = iter(range(10 ** 9))\n    while True:\n        next(it)\n",
    "state in a default": "def g(seen=[]):\n    seen.append(1)\n    return len(seen)\ndef f(xs):\n"
    "    while g() < 10 ** 9:\n        pass\n",
    "state of the module": "seen = []\ndef f(xs):\n    while len(seen) < 10 ** 9:\n        seen.append(1)\n",
    "state of a function": "def f(xs):\n    f.n = 0\n    while f.n < 10 ** 9:\n        f.n += 1\n",
    "two lists that may be one": "def f(xs):\n    a, b = [1], [1]\n    while True:\n        a = b\n",
    "a set": "def f(xs):\n    s = {1, 2}\n    while True:\n        s.add(s.pop())\n",
    "identity": "def f(xs):\n    x = 10 ** 6\n    while x is x:\n        x = x + 0\n",
    "not a number": "def f(xs):\n    x = float('nan')\n    while x != x:\n        x = x + 0\n",
    "values longer than the trace shows": "def f(xs):\n    s = 'a' * 9000\n    while len(s) < 10 ** 9:\n"
    "        s = s + 'a'\n",
    "own class": "class C:\n    n = 0\ndef f(xs):\n    while C.n < 10 ** 9:\n        C.n += 1\n",
    "a pure name that is not": "def len(x):\n    return 1\ndef f(xs):\n    while len(xs):\n        pass\n",
    "a pure name in a variable": "def f(xs):\n    len = 1\n    while len:\n        xs = xs\n",
}


def proved(code: str, executor: Executor) -> bool:
    done = executor.run(Job(code, ("f([1, 2, 3])",), LIMITS, trace=True))
    assert done is not None
    assert done[0].trace is not None
    return endless.proves(code, done[0].trace)


@pytest.mark.parametrize("name", ENDLESS)
def test_loop_that_comes_back_to_its_state_is_endless(name: str, executor: Executor) -> None:
    assert proved(ENDLESS[name], executor)


@pytest.mark.parametrize("name", ENDS_OR_UNKNOWN)
def test_loop_that_ends_or_is_not_known_completely_is_not_called_endless(name: str, executor: Executor) -> None:
    assert not proved(ENDS_OR_UNKNOWN[name], executor)


def test_a_program_without_such_a_loop_is_not_traced_for_it() -> None:
    assert endless.may_prove(ENDLESS["does nothing"])
    assert not endless.may_prove("def f(x):\n    return f(x)\n")
    assert not endless.may_prove("def f(x) return")
