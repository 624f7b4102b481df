import importlib.util
import sys

import pytest

from ray_app.sandbox import warm
from ray_app.sandbox.api import Sandbox

needs_packages = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("numpy", "pandas", "sympy")),
    reason="numpy, pandas and sympy are not all installed",
)


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as started:
        yield started


def run(sandbox, code, call="f(3)", trace=True):
    return sandbox.execute(code, [call], trace=trace)[0]


@pytest.mark.parametrize(
    ("code", "tier"),
    [
        ("def f(x): return x", "lean"),
        ("import math, re", "lean"),
        ("import math, doctest", "full"),
        ("from numpy import array", "packages"),
        ("if True:\n    import numpy.linalg as la", "packages"),
    ],
)
def test_tier_of_is_the_smallest_that_has_the_imports(code, tier):
    assert warm.tier_of(code) == tier


def test_execute_identifiers_outside_ascii_compile_in_every_tier(sandbox):
    for first in ("", "import json\n", "import doctest\n"):
        assert run(sandbox, first + "def f(größe):\n    ñ = größe + 1\n    return ñ").output == "4"


def test_execute_every_public_module_that_computes_can_be_imported(sandbox):
    names = sorted(name for name in sys.stdlib_module_names - warm._LEFT_OUT if not name.startswith("_"))
    code = """
def f(names):
    missing = []
    for name in names:
        try:
            __import__(name)
        except ImportError as error:
            missing.append(name)
    return missing
"""
    here = [name for name in names if importlib.util.find_spec(name) is not None]
    found = run(sandbox, "import doctest\n" + code, f"f({here})", trace=False)
    assert found.output == "[]", found


def test_execute_asyncio_runs_without_descriptors_in_the_order_of_the_clock(sandbox):
    code = """
import asyncio

async def wake(order, name, seconds):
    await asyncio.sleep(seconds)
    order.append(name)

async def main(order):
    await asyncio.gather(wake(order, "late", 60), wake(order, "soon", 1), wake(order, "now", 0))
    return order

def f(x):
    return asyncio.run(main([]))
"""
    found = run(sandbox, code)
    assert (found.status, found.output, found.flags) == ("ok", "['now', 'soon', 'late']", ())
    assert found.cpu_us < 500_000


def test_execute_asyncio_that_waits_for_nothing_says_so(sandbox):
    code = "import asyncio\nasync def g():\n    await asyncio.Event().wait()\ndef f(x):\n    return asyncio.run(g())"
    assert "waits for ever" in run(sandbox, code).exception


@pytest.mark.parametrize("trace", [False, True])
def test_execute_settrace_is_only_a_danger_to_a_trace(sandbox, trace):
    code = "import sys\ndef f(x):\n    sys.settrace(None)\n    return x"
    assert run(sandbox, code, trace=trace).status == ("tampered" if trace else "ok")


@needs_packages
@pytest.mark.parametrize(
    ("body", "output"),
    [
        ("import numpy as np", "3"),
        ("import numpy as np\nx = float(np.linalg.inv(np.eye(2) * x)[0, 0] * 9)", "3.0"),
        ("import pandas as pd\nx = int(pd.DataFrame({'a': [1, x]}).query('a > 1').a.sum())", "3"),
        ("import sympy\nx = str(sympy.factor(sympy.Symbol('x') ** 2 - x * x))", "'(x - 3)*(x + 3)'"),
    ],
)
def test_execute_packages_are_there(sandbox, body, output):
    lines = "\n".join(f"    {line}" for line in body.split("\n"))
    found = run(sandbox, f"def f(x):\n{lines}\n    return x")
    assert (found.status, found.output, found.flags) == ("ok", output, ())


@needs_packages
def test_execute_numpys_random_numbers_are_pinned(sandbox):
    code = "import numpy as np\ndef f(x):\n    return np.random.rand(x).tolist()"
    assert sandbox.execute(code, ["f(3)"], twice=True)[0].flags == ()


def test_execute_package_that_is_not_preloaded_is_refused_in_words(sandbox):
    from ray_app.sandbox.refusals import explain

    assert "torch" in explain(run(sandbox, "import torch\ndef f(x): return x").flags)
