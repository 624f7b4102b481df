import pytest

from ray_app.sandbox.screen import passes


@pytest.mark.parametrize(
    "code",
    [
        "def f(x):\n    return sorted(x, key=lambda y: -y)",
        "import math\nfrom collections import Counter\ndef f(x):\n    return math.sqrt(Counter(x).total())",
        "def f(s):\n    try:\n        return int(s)\n    except ValueError as e:\n        return str(e)",
    ],
)
def test_screen_ordinary_functions_pass(code):
    assert passes(code, ("f(1)",))


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
        "def f(x): return type('A', (), {})",
        "import math as len\nlen = 1\ndef f(x): return x",
        "def f(x):\n    x.y = 1\n    return x",
        "def f(x): return unknown(x)",
        "def f(:",
        "def f(x):\n    match x:\n        case object(__class__=y):\n            return y",
        "import math\ndef f(x): return [math for _ in x]",
        "import math\ndef f(x): return math.system(x)",
        "def f(x): return (yield x).gi_frame",
        "def f(x, *, y=open): return y(x)",
        "def f(x): return {**globals(), 'x': x}",
    ],
)
def test_screen_whatever_outlives_a_program_is_refused(code):
    assert not passes(code, ("f(1)",))


def test_screen_call_is_screened_too():
    assert not passes("def f(x): return x", ("f(1).__class__",))
