import ast

import pytest

from ray_app.semantics.source import Source, label, read

CODE = """\
import math
@deco
def f(xs, é='ü'):
    for x in [y*2 for y in xs if y]:
        while x > 3:
            x -= 1
    return sum(z + é for z in xs for w in z)
class A:
    def m(self):
        return lambda q: (q +
            1)
"""


def find(source: Source, text: str) -> int:
    return next(number for number in range(1, len(source.nodes)) if source.text(number) == text)


def test_nodes_are_numbered_alike_for_the_same_text():
    first, second = read(CODE), read.__wrapped__(CODE)
    assert [ast.dump(node) for node in first.nodes] == [ast.dump(node) for node in second.nodes]
    assert all(first.id_of(node) == number for number, node in enumerate(first.nodes))


def test_text_counts_bytes_and_spans_lines():
    source = read(CODE)
    assert source.text(find(source, "z + é")) == "z + é"
    assert source.text(find(source, "(q +\n            1)".strip("()"))) == "q +\n            1"
    assert source.line(source.functions["f"]) == 3


@pytest.mark.parametrize(
    ("text", "function", "loops"),
    [
        ("y*2", "f", ["x", "y"][1:]),
        ("x -= 1", "f", ["x", "while"]),
        ("x > 3", "f", ["x", "while"]),
        ("[y*2 for y in xs if y]", "f", []),
        ("z + é", "f.<locals>.<genexpr>", ["z", "w"]),
        ("sum(z + é for z in xs for w in z)", "f", []),
        ("'ü'", "<module>", []),
        ("deco", "<module>", []),
        ("q +\n            1", "A.m.<locals>.<lambda>", []),
    ],
)
def test_scope_and_loops_are_those_in_which_the_node_runs(text, function, loops):
    source = read(CODE)
    node = find(source, text)
    assert source.qualified_name(source.function_of(node)) == function
    found = [source.nodes[loop] for loop in source.loops_of(node)]
    assert [ast.unparse(loop.target) if hasattr(loop, "target") else "while" for loop in found] == loops


def test_first_iterable_of_a_generator_expression_runs_outside():
    source = read("def f(a):\n    return sum(x for x in a.b for y in x.c)\n")
    assert source.qualified_name(source.function_of(find(source, "a.b"))) == "f"
    assert source.qualified_name(source.function_of(find(source, "x.c"))) == "f.<locals>.<genexpr>"


def test_label_keeps_the_program():
    assert label("x = 1\n\ny = '''a\nb'''\n") == "x = 1  # [L1]\n\ny = '''a\nb'''  # [L4]\n"
