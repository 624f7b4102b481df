import pytest

from ray_app.errors import SandboxError
from ray_app.evaluation import differential, oracles
from ray_app.evaluation.arguments import decode, encode
from ray_app.evaluation.items import Benchmark, Item
from ray_app.evaluation.verdicts import Executor, Verdict
from ray_app.records import Execution
from ray_app.sandbox.api import Job

GOLD = "def halves(n):\n    return [n / 2] * 2\n"
ITEM = Item("Demo/1", "code", "", "halves", GOLD, base_inputs=encode([[2]]), plus_inputs=encode([[3], [0], [-8]]))
BENCHMARK = Benchmark("demo", "own", "", "demo-hash", "", (ITEM,))


def verdict(solution: str, executor: Executor, item: Item = ITEM) -> Verdict:
    return differential.grade(BENCHMARK, item, [solution], executor)[0]


@pytest.mark.parametrize(
    ("solution", "expected"),
    [
        (GOLD, Verdict(True, True, "pass")),
        ("def halves(n):\n    return [n * 0.5000000001] * 2", Verdict(True, True, "pass")),
        ("def halves(n):\n    return [1.0, 1.0]", Verdict(False, False, "base=pass plus=fail")),
        ("def halves(n):\n    return (n / 2, n / 2)", Verdict(False, False, "base=fail plus=fail")),
        ("def halves(n):\n    return [n / 2] if n else 1 / 0", Verdict(False, False, "base=fail plus=fail")),
        ("def halves(n):\n    assert n == 2\n    return [1.0, 1.0]", Verdict(False, False, "base=pass plus=fail")),
        (
            "def halves(n):\n    while n == 0:\n        pass\n    return [n / 2] * 2",
            Verdict(False, False, "base=pass plus=timeout"),
        ),
        ("def halves(n):\n    raise SystemExit", Verdict(False, False, "base=fail plus=fail")),
        ("import os\nos._exit(0)", Verdict(False, False, "base=fail plus=fail")),
        ("def halves(n) return", Verdict(False, False, "base=fail plus=fail")),
        ("", Verdict(False, False, "empty")),
    ],
)
def test_solution_is_compared_with_the_reference(solution: str, expected: Verdict, executor: Executor) -> None:
    assert verdict(solution, executor) == expected


class Counting(Executor):
    """Counts the jobs that it runs."""

    jobs = 0

    def run(self, job: Job) -> list[Execution] | None:
        self.jobs += 1
        return super().run(job)


def test_the_same_code_is_run_once_and_the_reference_not_again() -> None:
    renamed = "def halves(number):  # in two\n    return [number / 2] * 2\n"
    other = "def halves({0}):\n    half = {0} / 2\n    return [half, half]\n"
    with Counting() as executor:
        verdict(GOLD, executor)
        executor.jobs = 0
        assert verdict(renamed, executor).strict
        assert executor.jobs == 0
        found = differential.grade(BENCHMARK, ITEM, [other.format("n"), other.format("m")], executor)
        assert [one.strict for one in found] == [True, True]
        assert executor.jobs == 2


def test_a_reference_that_returns_nan_does_not_pass_by_its_text(executor: Executor) -> None:
    gold = "def f(n):\n    return float('nan')\n"
    item = Item("Demo/nan", "code", "", "f", gold, base_inputs=encode([[1]]), plus_inputs="[]")
    assert not verdict(gold, executor, item).official


def test_object_that_equals_everything_passes_officially_at_most(executor: Executor) -> None:
    """The official assertion runs beside the solution, so an `__eq__` that lies passes there; never strictly."""
    liar = "class L:\n    def __eq__(self, other):\n        return True\ndef halves(n):\n    return L()"
    assert not verdict(liar, executor).strict


@pytest.mark.parametrize("report", ["[]", "[['1', 'fast']]", "[['[1.0, 1.0]', 0]] * 99", "[1]", "{}", "'x'"])
def test_a_forged_report_fails(report: str, executor: Executor) -> None:
    forger = f"import json\nreal = json.dumps\njson.dumps = lambda told: real({report})\ndef halves(n):\n    return 0"
    assert not verdict(forger, executor).official


def test_slow_inputs_that_each_keep_the_limit_pass_and_one_that_does_not_is_a_timeout(executor: Executor) -> None:
    inputs = encode([[n] for n in range(3)])
    item = Item("Demo/slow", "code", "", "f", "def f(n):\n    return n\n", base_inputs=inputs, plus_inputs="[]")
    burn = "    while process_time() < end:\n        pass\n    return n\n"
    slow = "from time import process_time\ndef f(n):\n    end = process_time() + {}\n" + burn
    assert verdict(slow.format("0.4"), executor, item).strict
    assert verdict(slow.format("1.1 * (n == 1)"), executor, item).status == "base=timeout plus=pass"


def test_names_of_the_driver_may_be_names_of_the_solution(executor: Executor) -> None:
    for name in ("first", "last", "longest", "start", "slice_s", "told", "repr", "arguments", "dumps"):
        gold = f"def {name}(n):\n    return n + 1\n"
        item = Item(f"Demo/{name}", "code", "", name, gold, base_inputs=encode([[1]]), plus_inputs=encode([[2]]))
        assert verdict(gold, executor, item).strict, name


def test_long_and_huge_values_are_compared_in_full(executor: Executor) -> None:
    gold = "def big(n):\n    return [list(range(n)), 10 ** n]\n"
    item = Item("Demo/big", "code", "", "big", gold, base_inputs=encode([[9000]]), plus_inputs=encode([]))
    assert not verdict("def big(n):\n    return [list(range(n - 1)) + [0], 10 ** n]\n", executor, item).official
    text = Item(
        "Demo/text", "code", "", "t", "def t(n):\n    return 'ab' * n", base_inputs=encode([[50_000]]), plus_inputs="[]"
    )
    assert verdict("def t(n):\n    return ''.join(['ab'] * n)", executor, text).strict
    assert not verdict("def t(n):\n    return 'ab' * n + ' '", executor, text).official


@pytest.mark.parametrize("part", ["(k, 'x')", "{k: [k / 2]}", "Fraction(k, 7)", "Odd(k)"])
def test_lists_of_very_many_parts_are_compared_part_by_part(part: str, executor: Executor) -> None:
    """Plain parts by one form, others by their repr."""
    head = "from fractions import Fraction\nclass Odd(int): pass\n"
    gold = f"{head}def many(n):\n    return [{part} for k in range(n)]\n"
    item = Item("Demo/many", "code", "", "many", gold, base_inputs=encode([[25_000]]), plus_inputs="[]")
    again = f"{head}def many(n):\n    return list(map(lambda k: {part}, range(n)))\n"
    late = f"{head}def many(n):\n    return [{part} for k in [*range(n - 1), -3]]\n"
    assert verdict(again, executor, item).official
    assert not verdict(late, executor, item).official


def test_state_kept_between_inputs_is_seen_as_officially(executor: Executor) -> None:
    """EvalPlus loads the program once for all inputs of a suite."""
    counting = "seen = []\ndef halves(n):\n    seen.append(n)\n    return [n / 2] * 2 if len(seen) < 3 else None"
    assert verdict(counting, executor).status == "base=pass plus=fail"


def test_reference_that_fails_is_an_error_and_no_verdict(executor: Executor) -> None:
    item = Item(
        "Demo/broken", "code", "", "f", "def f(n):\n    return 1 / 0", base_inputs=encode([[1]]), plus_inputs="[]"
    )
    with pytest.raises(SandboxError, match=r"reference solution of Demo/broken"):
        verdict("def f(n):\n    return 1", executor, item)


@pytest.mark.parametrize("value", [[1, (2, "x")], [{1, 2}], [{"k": (1,)}], [1 + 2j], [[[]]], [None, True, 1.5]])
def test_arguments_survive_the_way_through_json(value: list[object]) -> None:
    assert decode(encode(value)) == value
    assert repr(decode(encode(value))) == repr(value)


def test_tolerance_is_turned_on_by_the_first_float_for_the_rest() -> None:
    item = Item("Demo/1", "code", "", "f", "")
    assert oracles.tolerances(item, [1, "a", 2.0, 3]) == [0, 0, 1e-6, 1e-6]


@pytest.mark.parametrize(
    ("entry", "arguments", "value", "expected", "official", "strict"),
    [
        ("are_equivalent", [1, 2], "anything", True, True, False),
        ("sum_div", [8], 0, 7, True, False),
        ("similar_elements", [(), ()], (1, 2), (2, 1), True, True),
        ("similar_elements", [(), ()], (1, 1, 2), (2, 1), True, False),
        ("check_str", ["x"], "Invalid", True, True, False),
        ("check_str", ["x"], True, True, True, True),
        ("check_str", ["x"], None, False, True, True),
        ("check_str", ["x"], oracles.OPAQUE, True, True, True),
        ("digit_distance_nums", [123, 9], 9, 0, True, True),
        ("other", [1], 1, True, True, False),
        ("other", [1], 1, 1.0, True, True),
        ("other", [1], 2, 1, False, False),
    ],
)
def test_mbpp_exceptions_hold_officially_and_loopholes_are_closed_strictly(
    entry: str, arguments: list[object], value: object, expected: object, official: bool, strict: bool
) -> None:
    item = Item("Mbpp/0", "code", "", entry, "")
    found = oracles.official(item, arguments, value, expected, 0.0)
    assert found is official
    assert (found and oracles.strict(item, arguments, value, expected, 0.0)) is strict
