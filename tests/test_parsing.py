import ast
import gc
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from ray_app.parsing import literal, parse, parse_expression

DEEP = "x = " + "[" * 40 + "1" + "]" * 40 + "\n"


@pytest.fixture
def restless():
    """Threads change places in the middle of a tree: where the garbage collector calls back, as some libraries ask."""

    def noticed(phase: str, info: dict[str, int]) -> None:
        sum(range(30))

    interval, thresholds = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(1e-6)
    gc.set_threshold(50)
    gc.callbacks.append(noticed)
    yield
    gc.callbacks.remove(noticed)
    gc.set_threshold(*thresholds)
    sys.setswitchinterval(interval)


def test_parse_in_threads_at_once(restless):
    with ThreadPoolExecutor(4) as pool:
        trees = list(pool.map(parse, [DEEP * 5, DEEP * 20] * 100))
    assert {ast.dump(tree) for tree in trees} == {ast.dump(ast.parse(DEEP * count)) for count in (5, 20)}


def test_parse_expression_and_literal_leave_out_blanks():
    assert ast.dump(parse_expression("  [1, 'a']\n")) == ast.dump(ast.parse("[1, 'a']", mode="eval").body)
    assert literal(" {'a': (1, -2.5)} ") == {"a": (1, -2.5)}
    with pytest.raises(ValueError, match="malformed"):
        literal("f()")
