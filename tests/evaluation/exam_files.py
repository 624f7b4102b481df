"""Small files in the forms of the public benchmarks, with programs and questions of our own."""

import base64
import json
import pickle
import zlib
from pathlib import Path
from typing import Any

TALLY = """\
def tally(words, least):
    counts = {}
    for word in words:
        if len(word) < least:
            continue
        counts[word] = counts.get(word, 0) + 1
    if not counts:
        return None
    best = max(counts.values())
    return best"""
BOX = """\
class Box:
    def __init__(self, size):
        self.size = size
        self.held = []

    def put(self, thing):
        if len(self.held) >= self.size:
            return False
        self.held.append(thing)
        return True"""
BOX_TEST = """\
import unittest

class BoxTestPut(unittest.TestCase):
    def setUp(self):
        self.box = Box(1)

    def test_put_1(self):
        first = self.box.put('a')
        self.assertEqual(first, True)

    def test_put_2(self):
        self.assertEqual(self.box.put('b'), True)

class BoxTestFull(unittest.TestCase):
    def test_full(self):
        box = Box(0)
        self.assertEqual(box.put('a'), False)
        self.assertEqual(box.held, [])
"""


def reval(folder: Path) -> Path:
    """Two programs, a function and a class, with five lines that are asked about."""
    data = [
        {
            "task_id": "DREval/0",
            "entry_point": "tally",
            "code": TALLY,
            "inputs": ["(['a', 'bb', 'bb'], 2,)", "([], 1,)"],
            "outputs": ["2", "None"],
            "test": None,
        },
        {
            "task_id": "DREval/1",
            "entry_point": "Box",
            "code": BOX,
            "inputs": [
                "first = self.box.put('a')\nassertEqual(first, True)",
                "box = Box(0)\nassertEqual(box.put('a'), False)\nassertEqual(box.held, [])",
            ],
            "outputs": [],
            "test": BOX_TEST,
        },
    ]
    tasks = [
        {
            "task_id": "DREval/0",
            "idx": 0,
            "tasks": [
                {
                    "input_idx": 0,
                    "task": [{"lineno": 6, "var": "counts[word]"}, {"lineno": 8, "var": "best"}],
                    "output_pred": "assert tally(['a', 'bb', 'bb'], 2) == ??",
                },
                {
                    "input_idx": 1,
                    "task": [{"lineno": 8, "var": "counts"}],
                    "output_pred": "assert tally([], 1) == ??",
                },
            ],
        },
        {
            "task_id": "DREval/1",
            "idx": 1,
            "tasks": [
                {
                    "input_idx": 0,
                    "task": [{"lineno": 9, "var": "self.held"}],
                    "output_pred": "first = self.box.put('a')\nassertEqual(first, ??)",
                },
                {
                    "input_idx": 1,
                    "task": [{"lineno": 9, "var": "self.held"}],
                    "output_pred": "box = Box(0)\nassertEqual(box.put('a'), ??)\nassertEqual(box.held, [])",
                },
            ],
        },
    ]
    _lines(folder / "DREval_data.jsonl", data)
    _lines(folder / "DREval_tasks.jsonl", tasks)
    return folder


def core(folder: Path) -> Path:
    """Three programs that find an even number in a list, with two inputs, and three questions about the middle."""
    loop = "def any_even(l: list):\n    for x in l:\n        if x % 2 == 0:\n            return True\n    return False"
    short = "def any_even(l: list):\n    return any(x % 2 == 0 for x in l)"
    two = "def halve(n: int, times: int = 1):\n    for _ in range(times):\n        n = n // 2\n    return n"
    outputs = [
        {"id": "7_0", "input": "[1, 4]", "output": "true", "code": loop, "model_used": "a"},
        {"id": "7_1", "input": "[1, 4]", "output": "true", "code": short, "model_used": "b"},
        {"id": "7_2", "input": "[3]", "output": "false", "code": loop, "model_used": "a"},
        {"id": "7_3", "input": "[3]", "output": "false", "code": short, "model_used": "b"},
        {"id": "8_0", "input": "9, 2", "output": "2", "code": two, "model_used": "a"},
    ]
    middle = [
        _asked("7_0", loop, "[1, 4]", "What is `x % 2 == 0` for x = 1?", "False", "boolean"),
        _asked("8_0", two, "9, 2", "What is n after the first iteration?", "4", "integer"),
        _asked("8_1", "def f(s):\n    t = s + 'b'\n    return t", '"a"', "What is t on line 3?", "'ab'", "string"),
    ]
    (folder / "core_io.json").write_text(json.dumps(outputs, indent=1))
    (folder / "core_qa.json").write_text(json.dumps(middle, indent=1))
    return folder


def _asked(key: str, code: str, given: str, question: str, truth: str, kind: str) -> dict[str, Any]:
    asked = {"id": f"Fine/{key}", "question": question, "ground_truth": truth, "answer_type": kind}
    return {**asked, "source_code": code, "input": given, "output": ""}


JAVA = """\
import java.util.*;
class Problem {
    public static long f(ArrayList<Long> xs) {
        return xs.size();
    }
    public static void main(String[] args) {
    assert(f((new ArrayList<Long>(Arrays.asList((long)4l, (long)5l)))) == (2l));
    }

}
"""
SCRIPT = """\
function f(s){
    return s + "!";
}
const assert = require('node:assert');


function test() {
  let candidate = f;
  assert.deepEqual(candidate("hi"),"hi!");
}

test();"""


def cruxeval_x(folder: Path) -> Path:
    """One function in Java, one in JavaScript, one whose test does not fit its program."""
    test = JAVA[JAVA.index("    public static void main") :]
    _lines(
        folder / "Java.jsonl",
        [
            {"id": 3, "code": JAVA, "input_reasoning": "", "output_reasoning": test.replace("(2l)", "????")},
            {"id": 4, "code": JAVA, "input_reasoning": "", "output_reasoning": "assert(g(1) == ????);"},
        ],
    )
    test = SCRIPT[SCRIPT.index("const assert") :].replace('"hi!"', "????")
    _lines(folder / "JavaScript.jsonl", [{"id": 3, "code": SCRIPT, "input_reasoning": "", "output_reasoning": test}])
    return folder


def contest(folder: Path) -> Path:
    """A problem on standard input in the first release, one with a method in the second; private tests are packed."""
    adding = _problem("add_1", "Print the sum and the mean of two numbers.", "2024-03-02T00:00:00", {})
    adding |= _cases([("3 5\n", "8\n4.0\n")], [("1 2\n", "3\n1.5\n")], "stdin")
    method = _problem("2999", "Count the values above a limit.", "2024-09-20T00:00:00", {"func_name": "countAbove"})
    method |= _cases([("[1, 5, 9]\n4", "2")], [("[]\n0", "0")], "functional")
    method["starter_code"] = (
        "class Solution:\n    def countAbove(self, values: List[int], limit: int) -> int:\n        "
    )
    _lines(folder / "test.jsonl", [adding])
    _lines(folder / "test2.jsonl", [method])
    return folder


def _problem(key: str, content: str, date: str, metadata: dict[str, str]) -> dict[str, Any]:
    return {
        "question_title": key,
        "question_content": content,
        "platform": "atcoder",
        "question_id": key,
        "contest_id": "c",
        "contest_date": date,
        "starter_code": "",
        "difficulty": "easy",
        "metadata": json.dumps(metadata),
    }


def _cases(public: list[tuple[str, str]], private: list[tuple[str, str]], kind: str) -> dict[str, str]:
    texts = [
        json.dumps([{"input": given, "output": right, "testtype": kind} for given, right in cases])
        for cases in (public, private)
    ]
    return {"public_test_cases": texts[0], "private_test_cases": packed(texts[1])}


def packed(value: object) -> str:
    """As LiveCodeBench packs its hidden tests."""
    return base64.b64encode(zlib.compress(pickle.dumps(value))).decode()


def _lines(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
