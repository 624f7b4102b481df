"""The contamination gate: planted copies of benchmark solutions are all caught, clean code passes."""

import ast
import json
import random
from pathlib import Path

import pytest

from ray_app.errors import InputError
from ray_app.programs.benchmarks import Problem, load_benchmark
from ray_app.programs.decontaminate import Gate, report
from ray_app.programs.normalise import normalised
from ray_app.records import Program, Reject, content_id

DATA = Path(__file__).parents[2].parent / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.exists(), reason="needs the benchmark files of ../shared/data")

RECORD = {
    "task_id": "T/1",
    "prompt": "Write a function that sums the squares of all even numbers in the given list of integers.",
    "canonical_solution": "def sum_squares(xs):\n    total = 0\n    for x in xs:\n        if x % 2 == 0:\n"
    "            total += x * x\n    return total\n",
    "entry_point": "sum_squares",
    "test": "def check(candidate):\n    assert candidate([1, 2]) == 4\n    assert candidate([]) == 0\n"
    "    assert candidate([2, 4, 5]) == 20\n    assert not candidate([1])\n",
}


def gate(tmp_path: Path) -> Gate:
    path = tmp_path / "toy.jsonl"
    path.write_text(json.dumps(RECORD) + "\n")
    return Gate([load_benchmark(path)])


def program(code: str, entry: str, *calls: str, description: str = "") -> Program:
    return Program(content_id(code), "ask", code, entry, calls, description, "test", "MIT")


RENAMED = """def f(v: list) -> int:
    # sum
    r = 0
    for e in v:
        if (e % 2 == 0):
            r += e * e
    return r
"""
REWRITTEN = "def g(numbers):\n    return sum(n ** 2 for n in numbers if not n & 1)\n"
CLEAN = "def h(numbers):\n    return sum(n ** 3 for n in numbers if n & 1)\n"


@pytest.mark.parametrize(
    ("candidate", "how"),
    [
        (program(RENAMED, "f", "f([1])"), "code"),
        (program(REWRITTEN, "g", "g([1, 5])"), "behaviour"),
        (program(CLEAN, "h", "h([1])", description=RECORD["prompt"].upper()), "words"),
    ],
)
def test_planted_copy_is_refused_with_the_problem_it_copies(tmp_path: Path, candidate: Program, how: str) -> None:
    (row,) = gate(tmp_path).admit([candidate])
    assert isinstance(row, Reject)
    assert row.reason == f"contaminated: {how}"
    assert "toy/T/1" in row.detail


def test_solution_with_a_small_edit_is_refused_for_its_likeness(tmp_path: Path) -> None:
    """It shares no run of words that is long enough, equals no function, and gives other results."""
    body = "".join(f"    total = total * {n} + x // {n + 2}\n" for n in range(3, 12))
    solution = f"def mixed(x):\n    total = 0\n{body}    return total\n"
    record = RECORD | {"canonical_solution": solution, "entry_point": "mixed", "prompt": "", "test": ""}
    (tmp_path / "toy.jsonl").write_text(json.dumps(record) + "\n")
    edited = normalised(solution).replace("* 7", "* 8")
    near, far = program(edited, "v0", "v0(3)"), program(edited[: len(edited) // 2], "v0", "v0(3)")
    refused, passed = Gate([load_benchmark(tmp_path / "toy.jsonl")]).admit([near, far])
    assert isinstance(refused, Reject)
    assert refused.reason == "contaminated: likeness"
    assert passed == far


def test_clean_program_passes_and_the_report_counts_both(tmp_path: Path) -> None:
    rows = list(gate(tmp_path).admit([program(CLEAN, "h", "h([1])"), program(RENAMED, "f", "f([1])")]))
    assert isinstance(rows[0], Program)
    rejects = [row for row in rows if isinstance(row, Reject)]
    found = report(
        [load_benchmark(tmp_path / "toy.jsonl")], 2, [*rejects, Reject("dedup", "x", "near-duplicate", "a: b")]
    )
    assert (found.checked, found.refused) == (2, 1)
    assert found.by_reason == (("code", 1),)
    assert found.by_benchmark == (("toy", 1),)
    assert found.files[0][0] == "toy"
    assert len(found.files[0][1]) == 64


def test_program_that_hangs_or_raises_on_the_tests_is_clean(tmp_path: Path) -> None:
    hangs = program("def f(x):\n    while len(x) > 1:\n        pass\n    return 4\n", "f", "f([])")
    raises = program("def f(x):\n    return x.upper()\n", "f", "f([3])")
    assert all(isinstance(row, Program) for row in gate(tmp_path).admit([hangs, raises]))


def test_file_without_problems_is_an_input_error(tmp_path: Path) -> None:
    for text in ("{", '{"a": 1}'):
        path = tmp_path / "bad.jsonl"
        path.write_text(text)
        with pytest.raises(InputError, match=r"bad\.jsonl"):
            load_benchmark(path)
    with pytest.raises(InputError, match="cannot be read"):
        load_benchmark(tmp_path / "absent.jsonl")


FILES = ("humaneval/HumanEval.jsonl.gz", "mbpp/mbpp.jsonl", "cruxeval/cruxeval.jsonl", "quixbugs/quixbugs_python.jsonl")


@needs_data
def test_real_benchmark_files_give_text_code_and_tests() -> None:
    found = {b.name: b.problems for b in (load_benchmark(DATA / name) for name in FILES)}
    assert {name: len(problems) for name, problems in found.items()} == {
        "HumanEval": 164,
        "mbpp": 974,
        "cruxeval": 800,
        "quixbugs_python": 40,
    }
    assert sum(len(p.tests) >= 3 for p in found["mbpp"]) > 950
    assert sum(len(p.tests) >= 3 for p in found["HumanEval"]) > 150
    assert all(p.codes for problems in found.values() for p in problems)


@needs_data
def test_reformatted_and_renamed_copies_of_real_solutions_are_all_caught() -> None:
    benchmarks = [load_benchmark(DATA / name) for name in FILES]
    checked = Gate(benchmarks)
    rng = random.Random(0)
    for benchmark in benchmarks:
        for problem in rng.sample(benchmark.problems, 12):
            planted = [copy_of(problem, rename=False), copy_of(problem, rename=True)]
            assert all(checked.matches(planted)), f"{benchmark.name}/{problem.id}"


def copy_of(problem: Problem, *, rename: bool) -> Program:
    code = normalised(problem.codes[0]) if rename else ast.unparse(ast.parse(problem.codes[0]))
    entry = [node.name for node in ast.parse(code).body if isinstance(node, ast.FunctionDef)][-1]
    calls = (f"{entry}({problem.tests[0].arguments})",) if problem.tests else ()
    return program(code, entry, *calls)


REWRITES = {
    "HumanEval/0": "def near(a, t):\n    a = sorted(a)\n    return any(y - x < t for x, y in zip(a, a[1:]))\n",
    "HumanEval/3": "def dips(steps):\n    level = 0\n    return any((level := level + s) < 0 for s in steps)\n",
    "HumanEval/7": "def having(words, part):\n    kept = filter(lambda w: part in w, words)\n    return list(kept)\n",
    "HumanEval/16": "def kinds(s):\n    return len({c.casefold() for c in s})\n",
    "HumanEval/23": "def size(s):\n    n = 0\n    for _ in s:\n        n += 1\n    return n\n",
}


@pytest.mark.parametrize(
    ("code", "asserted"),
    [
        (
            "from collections import Counter\ndef g(s):\n    return Counter(s)\n",
            ("candidate('aab') == {'a': 2, 'b': 1}", "candidate('') == {}", "candidate('c') == {'c': 1}"),
        ),
        (
            "import re\ndef g(s):\n    return re.search('ab', s)\n",
            ("candidate('aab') == True", "candidate('') == False", "candidate('ba') == False"),
        ),
    ],
)
def test_result_that_the_benchmarks_check_takes_for_equal_is_equal(
    tmp_path: Path, code: str, asserted: tuple[str, ...]
) -> None:
    lines = "".join(f"    assert {each}\n" for each in asserted)
    record = RECORD | {"canonical_solution": "def k(s):\n    ...\n", "test": f"def check(candidate):\n{lines}"}
    path = tmp_path / "toy.jsonl"
    path.write_text(json.dumps(record | {"entry_point": "k"}) + "\n")
    (found,) = Gate([load_benchmark(path)]).matches([program(code, "g", "g('x')")])
    assert [match.how for match in found] == ["behaviour"]


@needs_data
def test_rewritten_solutions_are_caught_by_what_they_do() -> None:
    benchmark = load_benchmark(DATA / FILES[0])
    problems = {problem.id: problem for problem in benchmark.problems}
    planted = []
    for item, code in REWRITES.items():
        entry = code[4 : code.index("(")]
        planted.append(program(code, entry, f"{entry}({problems[item].tests[0].arguments})"))
    found = Gate([benchmark]).matches(planted)
    assert [{match.item_id for match in each} & {item} for each, item in zip(found, REWRITES, strict=True)] == [
        {item} for item in REWRITES
    ]
    assert all(match.how == "behaviour" for each in found for match in each)
