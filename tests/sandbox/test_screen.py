import pytest

from ray_app.sandbox.api import Job, Sandbox
from ray_app.sandbox.limits import Limits
from ray_app.sandbox.screen import is_worth_a_try, passes

INNOCENT = "def f(x):\n    return [[i] for i in range(x)][-1]"


def screened(code: str, call: str = "f(1)") -> bool:
    """What the child decides: a program whose code cannot be compiled never shares."""
    try:
        return passes(compile(code, "<program>", "exec"), (compile(call, "<call>", "eval"),))
    except SyntaxError:
        return False


@pytest.mark.parametrize(
    "code",
    [
        "def f(x):\n    return sorted(x, key=lambda y: -y)",
        "import math\nfrom collections import Counter\ndef f(x):\n    return math.sqrt(Counter(x).total())",
        "def f(s):\n    try:\n        return int(s)\n    except ValueError as e:\n        return str(e)",
        "import re as r\np = r.compile('a+')\ndef f(x): return [m.group() for m in p.finditer(x)]",
        "def f(x, *rest, k=1, **more):\n    a, *b = x\n    b[0:1] = {**more, 'k': k}\n    yield f'{a!r:>{k}}'",
        "def f(x):\n    match x:\n        case [1, *rest] | {'k': rest}:\n            return rest",
        "def f(x):\n    global total\n    total = x\n    def g():\n        nonlocal x\n        x += 1\n    return g",
        "from typing import List\ndef f(x: List[int]) -> int: return x[0]",
        "def f(input): return input",
        "def f(x): return '{:>3} {}'.format(x, format(x, 'd'))",
    ],
)
def test_screen_ordinary_functions_pass(code):
    assert screened(code)
    assert is_worth_a_try(code, ("f(1)",))


@pytest.mark.parametrize(
    "code",
    [
        "import os\ndef f(x): return x",
        "from collections import abc\ndef f(x): return x",
        "import math\ndef f(x):\n    math.pi = 3\n    return x",
        "import math\ny = math\ndef f(x): return x",
        "def f(x): return x.__class__",
        "def f(x): return getattr(x, 'a')",
        "def f(x): return eval(x)",
        "def f(x): return open(x)",
        "class A: pass\ndef f(x): return x",
        "def f(x): return ().__class__.__base__.__subclasses__()",
        "def f(x): return globals()",
        "def f(x):\n    s = '{0.\\137_globals_\\137}'\n    return s.format(f)",
        "def f(x): return '{0.\\137_globals_\\137}'.format(f)",
        "def f(x): return list(map(str.format, [x], [f]))",
        "def f(x): return type('A', (), {})",
        "import math as len\nlen = 1\ny = len\ndef f(x): return x",
        "import math as m\nimport re as m\ndef f(x): return x",
        "def f(x):\n    x.y = 1\n    return x",
        "def f(x):\n    del x.y",
        "def f(:",
        "def f(x):\n    match x:\n        case object(__class__=y):\n            return y",
        "def f(x):\n    match x:\n        case int(real=y):\n            return y",
        "import math\ndef f(x): return [math for _ in x]",
        "import math\ndef f(x): return math.system(x)",
        "import collections\ndef f(x): return collections.sqrt",
        "import collections.abc\ndef f(x): return x",
        "from math import *\ndef f(x): return x",
        "from . import math\ndef f(x): return x",
        "from .math import sqrt\ndef f(x): return x",
        "def f(x):\n    import math\n    return [math]",
        "def f(x): return (yield x).gi_frame",
        "def f(x, *, y=open): return y(x)",
        "def f(x): return {**globals(), 'x': x}",
        "def g(eval): pass\ndef f(x): return eval(x)",
        "for eval in []: pass\ndef f(x): return eval(x)",
        "def f(x): return f'{eval(x)}'",
        "@eval\ndef f(x): return x",
        "def f(x: eval('1')): return x",
        "def f(x):\n    with x: pass",
        "def f(x):\n    try: pass\n    except* ValueError: pass",
        "async def f(x): return x",
        "async def f(x): yield x",
        "x: int = 1\ndef f(x): return x",
        "def f(x): return (lambda: [exec for _ in x])()",
        "from typing import List\ndef f(x): return List[(i for i in x)]",
    ],
)
def test_screen_whatever_outlives_a_program_is_refused(code):
    assert not screened(code)


def test_screen_call_is_screened_too():
    assert not screened("def f(x): return x", "f(1).__class__")
    assert not screened("def f(x): return x", "f(open)")


def test_screen_far_operands_are_read_whole():
    many = "".join(f"a{n} = {n}.5\n" for n in range(300))
    assert screened(f"import math\n{many}def f(x): return x\nb = math.pi")
    assert not screened(f"import math\n{many}def f(x): return x\nb = math")
    assert not screened(f"{many}import math\nb = math\ndef f(x): return x")
    assert screened(f"{many}import math\nb = math.pi\ndef f(x): return x")


@pytest.mark.parametrize("code", ["def f(x): return '{0.__class__}'.format(x)", "x = 1\n" * 10_000])
def test_screen_text_that_gives_reason_to_doubt_is_not_tried(code):
    assert not is_worth_a_try(code, ("f(1)",))


def test_fast_lane_prints_stay_with_the_program_that_printed():
    """Programs that print nothing hand their streams on."""
    codes = [f"def f(x):\n    if {n} % 3 == 0: print('{n}', end='')\n    return x" for n in range(200)]
    with Sandbox() as sandbox:
        results = list(sandbox.execute_many((Job(code, ("f(1)", "f(2)")) for code in codes), lane="fast"))
    assert [[one.stdout for one in calls] for calls in results] == [[str(n) * (n % 3 == 0)] * 2 for n in range(200)]


NEIGHBOURS = {
    "a generator that prints when it is collected": """
def f(x):
    def g():
        try:
            yield
        finally:
            print('forged')
    started = g()
    next(started)
    ring = [started]
    ring.append(ring)
""",
    "memory that is kept": "kept = []\ndef f(x):\n    kept.append(bytearray(250_000_000))",
    "a built-in function that is changed": """
def g(eval): pass
def f(x): return eval("_" "_import_" "_('builtins')._" "_dict_" "_.update(sum=len)")
""",
    "a compiler that runs out of time": "def f(x):\n"
    + "".join(f"{' ' * depth}try: pass\n{' ' * depth}finally:\n" for depth in range(1, 19))
    + " " * 19
    + "x = 1\n",
    "a compiler that runs out of stack": f"def f(x): return {'-' * 15_000}1",
    "a syntax error": "def f(:",
    "unusual escapes": r"def f(x): return '\d'",
    "a null character": "def f(x): return '\0'",
}
CAUTIOUS = (
    "def f(x):\n    try:\n        return len(bytearray(100_000_000))\n    except Exception:\n        return 'harmed'"
)


@pytest.mark.parametrize("hostile", NEIGHBOURS.values(), ids=NEIGHBOURS.keys())
def test_fast_lane_neighbours_of_what_the_screen_is_for_are_unharmed(hostile):
    limits = Limits(cpu_s=0.3)
    programs = [INNOCENT, hostile, CAUTIOUS, INNOCENT]
    jobs = [Job(code, ("f(2000)", "f(1)"), limits) for code in programs]
    with Sandbox() as sandbox:
        shared, alone = (
            [[(e.status, e.output, e.exception, e.stdout, e.flags, e.trace) for e in calls] for calls in results]
            for results in (sandbox.execute_many(jobs, lane="fast"), sandbox.execute_many(jobs))
        )
    for number in (0, 2, 3):
        assert shared[number] == alone[number]
    if "timeout-cpu" not in (shared[1][0][0], alone[1][0][0]):  # what a compiler runs out of first is a matter of speed
        assert shared[1] == alone[1]
