"""The Python API: its examples run as they stand, and it needs neither Ray nor PyTorch."""

import doctest
import subprocess
import sys

import pytest

import ray_app
from ray_app import api
from ray_app.errors import InputError


def test_examples_in_the_docstrings_are_true() -> None:
    found = doctest.testmod(api, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert found.attempted > 8
    assert found.failed == 0


def test_package_offers_the_functions_and_nothing_else() -> None:
    assert all(getattr(ray_app, name) is getattr(api, name) for name in ray_app.__all__)
    with pytest.raises(AttributeError, match="no attribute 'speak'"):
        ray_app.speak  # noqa: B018


def test_functions_load_neither_ray_nor_pytorch() -> None:
    code = "import sys; from ray_app import narrate; narrate('def f(n):\\n    return n + 1\\n', 'f(1)')"
    code += "; print(sorted({'ray', 'torch', 'transformers'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_what_cannot_be_is_an_input_error_with_the_reason() -> None:
    with pytest.raises(InputError, match="run not finished: timeout"):
        ray_app.record("def f():\n    while True:\n        pass\n", "f()")
    with pytest.raises(InputError, match="looks at itself"):
        ray_app.narrate("import inspect\ndef f():\n    return len(inspect.stack())\n", "f()")
