import ast
import contextlib
import io

import pytest

from ray_app.tracing.canonical import python_canonical, python_describe_exception
from ray_app.tracing.instrument import instrument, watched_names
from tests.semantics.local import record
from tests.semantics.programs import PROGRAMS


def run_plainly(code: str, call: str) -> tuple[str | None, str | None, str]:
    space: dict[str, object] = {"__name__": "program"}
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "<program>", "exec", dont_inherit=True), space)
        try:
            return python_canonical(eval(call, space), 16_384), None, printed.getvalue()
        except Exception as error:
            return None, python_describe_exception(error), printed.getvalue()


@pytest.mark.parametrize("name", PROGRAMS)
def test_instrumented_programs_do_what_the_plain_ones_do(name):
    code, call = PROGRAMS[name]
    run = record(code, call)
    assert (run.output, run.exception, run.stdout) == run_plainly(code, call)


@pytest.mark.parametrize("asks_truth", [True, False])
@pytest.mark.parametrize("name", PROGRAMS)
def test_instrumented_trees_keep_docstrings_and_compile(name, asks_truth):
    tree = ast.parse(PROGRAMS[name][0])
    texts = [ast.get_docstring(node) for node in ast.walk(tree) if isinstance(node, (ast.Module, ast.FunctionDef))]
    instrument(tree, "#", asks_truth=asks_truth)
    compile(tree, "<program>", "exec", dont_inherit=True)
    assert texts == [
        ast.get_docstring(node) for node in ast.walk(tree) if isinstance(node, (ast.Module, ast.FunctionDef))
    ]


def test_lines_in_exceptions_stay_right():
    code = "def f(x):\n    y = x\n    return (\n        y /\n        0)\n"
    tree = ast.parse(code)
    instrument(tree, "#", asks_truth=True)
    found = [node.lineno for node in ast.walk(tree) if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)]
    assert found == [4]


def test_watched_names_are_assigned_globals_and_class_data():
    code = (
        "import os\nA = 1\nfor i in 'ab':\n    b = i\ndef f():\n    global g\n    local = 2\n    C.n = 3\n"
        "class C:\n    m = 1\n    def h(self): self.x = 1\n    @classmethod\n    def k(cls): cls.q = 2\n"
    )
    assert set(watched_names(ast.parse(code))) == {"A", "i", "b", "g", "C.m", "C.n", "C.q"}
