"""What led to a step: the writes that it read, the tests above it, the calls it made; nothing else."""

from ray_app.repair.chain import leading_to
from tests.repair.kit import recorded

CODE = """def g(n):
    unused = n * 3
    return n + 1


def f(xs):
    total = 0
    other = 1
    for x in xs:
        other = other + x
        if x > 0:
            total += g(x)
    return total
"""


def lines(call: str) -> list[int]:
    run = recorded(CODE, call)
    return [run.steps[index].line for index in sorted(leading_to(run, run.steps[-1:]))]


def test_leading_to_leaves_out_what_the_result_does_not_depend_on():
    assert set(lines("f([4])")) == {3, 7, 9, 11, 12, 13}


def test_leading_to_holds_each_iteration_that_wrote():
    assert lines("f([4, 5])").count(12) == 2


def test_leading_to_of_a_test_that_stopped_everything_is_short():
    assert set(lines("f([-4])")) == {7, 13}
