"""REval, CoRE, CRUXEval-X and LiveCodeBench generation on small files of their forms."""

import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from ray_app.cli import app
from ray_app.errors import InputError
from ray_app.evaluation import benchmarks, prompts
from ray_app.evaluation.breakdowns import breakdown
from ray_app.evaluation.grade import Grader
from ray_app.evaluation.items import Benchmark
from ray_app.records import Score
from tests.evaluation import exam_files

MAKERS = {
    "reval": exam_files.reval,
    "core_io": exam_files.core,
    "core_qa": exam_files.core,
    "cruxeval_x": exam_files.cruxeval_x,
    "lcb_generation": exam_files.contest,
}
SUM = "a, b = map(int, input().split())\nprint(a + b)\nprint((a + b) / 2)"


def made(name: str, folder: Path) -> Benchmark:
    return benchmarks.load(name, MAKERS[name](folder))


def graded(benchmark: Benchmark, answers: dict[str, str]) -> dict[str, Score]:
    rows = [Score(benchmark.name, key, 0, "", "", "", text, None, None, "ungraded") for key, text in answers.items()]
    with Grader.of(benchmark) as grader:
        return {row.item_id: row for row in grader.grade(rows) if isinstance(row, Score)}


def rules(benchmark: Benchmark, answers: dict[str, str]) -> dict[str, tuple[bool | None, bool | None]]:
    return {key: (row.official, row.strict) for key, row in graded(benchmark, answers).items()}


@pytest.mark.parametrize("name", ["reval", "core_io", "core_qa", "cruxeval_x"])
def test_gold_answers_pass_by_both_rules_and_others_fail(name: str, tmp_path: Path) -> None:
    benchmark = made(name, tmp_path)
    golds = rules(benchmark, {item.id: item.gold for item in benchmark.items})
    assert set(golds.values()) == {(True, True)}
    corrupted = {item.id: "YES" if item.gold == "NO" else "NO" for item in benchmark.items}
    assert not any(official for official, _ in rules(benchmark, corrupted).values())


@pytest.mark.parametrize("name", MAKERS)
def test_prompts_hold_the_code_but_not_the_answer(name: str, tmp_path: Path) -> None:
    for item in made(name, tmp_path).items:
        for prompt_format in ("direct", "cot"):
            text = prompts.prompt(item, prompt_format)
            assert item.code in text
            assert item.description in text
    if name == "cruxeval_x":
        assert '"hi!"' not in text


def test_reval_truth_is_what_cpython_does(tmp_path: Path) -> None:
    truth = {item.id: item.output for item in made("reval", tmp_path).items}
    assert truth["DREval/0/0/0/covered"] == "YES"
    assert truth["DREval/0/0/1/covered"] == "NO"
    assert json.loads(truth["DREval/0/0/0/state"]) == [["1", "int"], ["2", "int"]]
    assert json.loads(truth["DREval/0/0/1/state"]) == []
    assert json.loads(truth["DREval/0/0/0/next"]) == [3]
    assert json.loads(truth["DREval/0/0/1/next"]) == [-1]
    assert json.loads(truth["DREval/0/1/0/next"]) == [-1]
    assert json.loads(truth["DREval/1/0/0/state"]) == [["['a']", "list"]]
    assert truth["DREval/1/1/0/covered"] == "NO"
    assert truth["DREval/1/0/output"] == "first = self.box.put('a')\nassertEqual(first, ??)"


@pytest.mark.parametrize(
    ("question", "answer", "expected"),
    [
        ("0/0/0/covered", "[ANSWER]YES[/ANSWER]", (True, True)),
        ("0/0/0/covered", "[ANSWER]Yes, it is[/ANSWER]", (True, False)),
        ("0/0/1/covered", "", (True, False)),
        ("0/0/0/next", "for word in words:", (True, True)),
        ("0/0/1/next", "return best", (False, False)),
        ("0/0/0/state", "2; int", (True, True)),
        ("0/0/0/state", "2; <class 'int'>", (True, False)),
        ("0/0/0/state", "1 + 1; integer", (True, False)),
        ("0/0/0/state", "2; str", (False, False)),
        ("0/0/0/state", "2", (False, False)),
        ("0/0/0/state", "2.0; float", (False, False)),
        ("0/0/0/state", "Nil", (False, False)),
        ("0/0/1/state", "[Nil]", (True, True)),
        ("1/0/0/state", "['a']; list[str]", (True, False)),
        ("0/0/output", "assert tally(['a', 'bb', 'bb'], 2) == 2", (True, True)),
        ("0/0/output", "assert tally(['a', 'bb', 'bb'], 2) == 1 + 1", (True, False)),
        ("0/0/output", "assert 1 == 1", (True, False)),
        ("0/0/output", "assert True", (False, False)),
        ("0/0/output", "print(2)", (False, False)),
        ("0/0/output", "assert tally(['a', 'bb', 'bb'], 2) == 3", (False, False)),
        ("1/0/output", "first = self.box.put('a')\nassertEqual(first, True)", (True, True)),
        ("1/0/output", "assertEqual(first, True)", (True, True)),
        ("1/0/output", "first = self.box.put('a')\nassertEqual(first, False)", (False, False)),
    ],
)
def test_reval_answers_by_both_rules(question: str, answer: str, expected: tuple[bool, bool], tmp_path: Path) -> None:
    key = f"DREval/{question}"
    assert rules(made("reval", tmp_path), {key: answer})[key] == expected


def test_reval_consistency_gives_no_credit_for_what_builds_on_a_wrong_answer(tmp_path: Path) -> None:
    benchmark = made("reval", tmp_path)
    golds = {item.id: item.gold for item in benchmark.items}
    all_right = breakdown(benchmark, list(graded(benchmark, golds).values()))["official"]
    assert all_right["consistency"] == all_right["f1"] == all_right["state"] == 1.0
    answers = golds | {"DREval/0/0/output": "print()", "DREval/1/0/0/next": "nowhere", "DREval/1/1/0/covered": "YES"}
    found = breakdown(benchmark, list(graded(benchmark, answers).values()))["official"]
    # lines: 0/0/0 and 0/0/1 lack the output, 0/1/0 is whole, 1/0/0 lacks the next line, 1/1/0 begins wrong
    assert found["consistency"] == (0.5 + 0.5 + 1 + 0 + 0) / 5
    assert found["recall"] == 1.0
    assert found["precision"] == 0.75


def test_reval_a_run_that_the_sandbox_cannot_repeat_is_left_out_with_its_reason(tmp_path: Path) -> None:
    exam_files.reval(tmp_path)
    rows = [json.loads(line) for line in (tmp_path / "DREval_data.jsonl").read_text().splitlines()]
    rows[0]["code"] = rows[0]["code"].replace("counts = {}", "raise LookupError('gone')")
    (tmp_path / "DREval_data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    benchmark = benchmarks.load("reval", tmp_path)
    assert [text.partition(":")[0] for text in benchmark.left_out] == ["DREval/0/0", "DREval/0/1"]
    assert all("LookupError: gone" in text for text in benchmark.left_out)
    assert {item.group for item in benchmark.items} == {"DREval/1/0", "DREval/1/1"}


def test_core_calls_are_made_of_the_inputs_of_the_file(tmp_path: Path) -> None:
    items = made("core_io", tmp_path).items
    assert [item.call for item in items] == [*["any_even([1, 4])"] * 2, *["any_even([3])"] * 2, "halve(9, 2)"]
    assert items[0].output == "True"


def test_core_robustness_counts_groups_in_which_every_program_is_understood(tmp_path: Path) -> None:
    benchmark = made("core_io", tmp_path)
    answers = {item.id: item.gold for item in benchmark.items} | {"7_1": "False"}
    found = breakdown(benchmark, list(graded(benchmark, answers).values()))["official"]
    assert found == {"groups": 2, "right": 0.75, "right_everywhere": 0.5, "right_here_and_there": 0.5, "gap": 0.25}


@pytest.mark.parametrize(
    ("key", "answer", "expected"),
    [
        ("Fine/7_0#0", "false", (True, False)),
        ("Fine/7_0#0", "True", (False, False)),
        ("Fine/8_0#1", "[ANSWER]4[/ANSWER]", (True, True)),
        ("Fine/8_0#1", "4.0", (False, False)),
        ("Fine/8_1#2", "ab", (True, False)),
        ("Fine/8_1#2", '"a"', (False, False)),
    ],
)
def test_core_questions_by_both_rules(key: str, answer: str, expected: tuple[bool, bool], tmp_path: Path) -> None:
    assert rules(made("core_qa", tmp_path), {key: answer})[key] == expected


@pytest.mark.parametrize(
    ("key", "answer", "expected"),
    [
        ("Java_3", "(2l)", (True, True)),
        ("Java_3", "2", (True, False)),
        ("Java_3", "2.0", (False, False)),
        ("Java_3", "3l", (False, False)),
        ("JavaScript_3", "'hi!'", (True, False)),
        ("JavaScript_3", '```js\n"hi!";\n```', (True, True)),
        ("JavaScript_3", '"hi !"', (False, False)),
    ],
)
def test_cruxeval_x_literals_by_both_rules(key: str, answer: str, expected: tuple[bool, bool], tmp_path: Path) -> None:
    assert rules(made("cruxeval_x", tmp_path), {key: answer})[key] == expected


def test_cruxeval_x_reads_parquet_and_leaves_out_tests_that_do_not_fit(tmp_path: Path) -> None:
    exam_files.cruxeval_x(tmp_path)
    rows = [json.loads(line) for line in (tmp_path / "Java.jsonl").read_text().splitlines()]
    (tmp_path / "Java.jsonl").unlink()
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "Java-00000-of-00001.parquet")
    benchmark = benchmarks.load("cruxeval_x", tmp_path)
    assert [item.id for item in benchmark.items] == ["Java_3", "JavaScript_3"]
    assert benchmark.left_out == ("Java_4: no expected value in its test",)


def test_cruxeval_x_finds_the_expected_value_where_blank_lines_of_the_test_differ(tmp_path: Path) -> None:
    exam_files.cruxeval_x(tmp_path)
    rows = [json.loads(line) for line in (tmp_path / "Java.jsonl").read_text().splitlines()]
    rows[0]["code"] = rows[0]["code"].replace("    }\n    public", "    }\n\n    public").replace("}\n\n}", "}\n}")
    (tmp_path / "Java.jsonl").write_text(json.dumps(rows[0]) + "\n")
    item = benchmarks.load("cruxeval_x", tmp_path).items[0]
    assert item.gold == "(2l)"
    assert item.code.count("????") == 1
    assert item.gold not in item.code


def test_contest_programs_pass_their_tests_by_both_rules(tmp_path: Path) -> None:
    benchmark = made("lcb_generation", tmp_path)
    method = "class Solution:\n    def countAbove(self, values, limit):\n        return sum(v > limit for v in values)"
    assert rules(benchmark, {"add_1": SUM, "2999": method}) == {"add_1": (True, True), "2999": (True, True)}


@pytest.mark.parametrize(
    ("program", "status", "expected"),
    [
        (SUM.replace("/ 2)", "/ 2, end='  ')"), "pass", (True, True)),
        (SUM.replace("(a + b) / 2", "f'{(a + b) / 2:.3f}'"), "pass", (True, False)),
        (f"{SUM}\nimport sys\nsys.exit(1)", "pass", (True, False)),
        (SUM.replace("input()", "sys.stdin.buffer.readline()"), "pass", (True, True)),
        (f"if __name__ == '__main__':\n    {SUM.replace(chr(10), chr(10) + '    ')}", "pass", (True, True)),
        (SUM.replace("a + b)\n", "a - b)\n"), "wrong", (False, False)),
        (f"{SUM}\nprint()\nprint(0)", "wrong", (False, False)),
        (f"{SUM}\n1 / 0", "exception", (False, False)),
        ("def (", "syntax", (False, False)),
        ("print(8)\nprint(4.0)", "wrong", (False, False)),
        ("", "empty", (False, False)),
    ],
)
def test_contest_program_on_standard_input(
    program: str, status: str, expected: tuple[bool, bool], tmp_path: Path
) -> None:
    row = graded(made("lcb_generation", tmp_path), {"add_1": program})["add_1"]
    assert ((row.official, row.strict), row.status) == (expected, status)


@pytest.mark.parametrize(
    ("body", "expected"),
    [("return float(sum(v > limit for v in values))", (True, False)), ("return len(values)", (False, False))],
)
def test_contest_method_values_are_compared_outside_the_sandbox(
    body: str, expected: tuple[bool, bool], tmp_path: Path
) -> None:
    program = f"class Solution:\n    def countAbove(self, values, limit):\n        {body}"
    assert rules(made("lcb_generation", tmp_path), {"2999": program})["2999"] == expected


def test_contest_releases_add_up_and_windows_select_by_date(tmp_path: Path) -> None:
    exam_files.contest(tmp_path)
    assert benchmarks.load("lcb_generation", tmp_path).version == "release_v2"
    within = benchmarks.load("lcb_generation", tmp_path, window="2024-08-01..")
    assert ([item.id for item in within.items], within.version) == (["2999"], "release_v2, 2024-08-01..")
    (tmp_path / "test2.jsonl").unlink()
    assert benchmarks.load("lcb_generation", tmp_path).version == "release_v1"
    for window, said in (("2025-01-01..", "no problem"), ("2024", "give two days")):
        with pytest.raises(InputError, match=said):
            benchmarks.load("lcb_generation", tmp_path, window=window)


def test_contest_tests_that_are_a_program_are_refused(tmp_path: Path) -> None:
    exam_files.contest(tmp_path)
    row = json.loads((tmp_path / "test.jsonl").read_text())
    row["private_test_cases"] = exam_files.packed(Evil(tmp_path / "seen"))
    (tmp_path / "test.jsonl").write_text(json.dumps(row) + "\n")
    with pytest.raises(InputError, match=r"add_1: its tests cannot be read .*mkdir"):
        benchmarks.load("lcb_generation", tmp_path)
    assert not (tmp_path / "seen").exists()


class Evil:
    """Pickles to an order to make a folder."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (self.path,)


def test_grade_command_reads_code_lists_and_reports_by_difficulty(tmp_path: Path) -> None:
    exam_files.contest(tmp_path)
    (tmp_path / "samples.json").write_text(json.dumps([{"question_id": "add_1", "code_list": [SUM, "print(1)"]}]))
    asked = ["--benchmark", "lcb_generation", "--data", str(tmp_path), "--samples", str(tmp_path / "samples.json")]
    places = ["--out", str(tmp_path / "v.jsonl"), "--official", str(tmp_path / "official")]
    result = CliRunner().invoke(app, ["grade", *asked, *places, "--window", "..2024-06-01"])
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report["official_pass@1"] == 0.5
    assert report["breakdown"]["official"] == {"easy": 0.5}
    assert report["data"]["version"] == "release_v2, ..2024-06-01"
    written = json.loads((tmp_path / "official" / "code_lists.json").read_text())
    assert written == [{"question_id": "add_1", "code_list": [SUM, "print(1)"]}]
