"""Reading what teachers write: real replies in every wrapping, and replies that hold nothing usable."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ray_app.programs.replies import Malformed, parse_reply

DATA = Path(__file__).parents[2].parent / "shared" / "data" / "kodcode" / "kodcode_demo_232.jsonl.gz"

SOLUTION = 'def double(x):\n    """Twice. double(2) is 4."""\n    return x * 2\n'
CODE = "def double(x):\n    return x * 2\n"
TASK = "Return twice the number that is given."

FENCED = f"```python\n{SOLUTION}```"
CALLS = "double(3)\ndouble(-1)"
TESTS = "    assert double(3) == 6\n    assert double(-1) == -2\n"
INDENTED = """1. {task}
2. Solution
   ```python
   def double(x):
       return x * 2
   ```
3. Calls
   ```python
   double(3)
   double(-1)
   ```"""

WRAPPED = {
    "fences": f"{TASK}\n\n{FENCED}\n\n```python\n{CALLS}\n```\n",
    "unclosed fence": f"{TASK}\n{FENCED}\nExamples:\n```\n{CALLS}",
    "headings": f"## 1. Description\n\n**Task:** {TASK}\n\n## 2. Solution\n\n{FENCED}\n\n```py\n{CALLS}\n```",
    "json": json.dumps({"description": TASK, "code": SOLUTION, "calls": CALLS.splitlines()}),
    "json in prose": "Sure!\n" + json.dumps({"Task": TASK, "Solution": SOLUTION, "examples": CALLS}) + "\nOK?",
    "tags": f"<task>{TASK}</task>\n<solution>\n{SOLUTION}\n</solution>\n<tests>\ndef test_it():\n{TESTS}</tests>",
    "special tokens": f"<|Question Begin|>{TASK}<|Question End|><|Solution Begin|>\n{SOLUTION}<|Solution End|>\n"
    f"<|Test Begin|>\nfrom solution import double\ndef test_it():\n{TESTS}<|Test End|>",
    "bare": f"{TASK}\n\n{SOLUTION}\nprint(double(3))\nprint(double(-1))\n",
    "thinking": f"<think>```python\ndef wrong(y): pass\n```</think>{TASK}\n{FENCED}\n```python\n{CALLS}\n```",
    "one block": f"{TASK}\n```python\n{SOLUTION}\nif __name__ == '__main__':\n    print(double(3), double(-1))\n```",
    "indented fence": INDENTED.format(task=TASK),
    "console": f"{TASK}\n{FENCED}\n```\n>>> double(3)\n>>> double(-1)\n```",
    "numbered calls": f"{TASK}\n{FENCED}\n```\n1. double(3)\n2. double(-1) -> -2\n```",
}


@pytest.mark.parametrize("text", WRAPPED.values(), ids=WRAPPED.keys())
def test_reply_in_any_wrapping_gives_description_code_and_calls(text: str) -> None:
    draft = parse_reply(text)
    assert draft.code == CODE
    assert draft.entry == "double"
    assert draft.calls == ("double(3)", "double(-1)")
    assert draft.description == TASK


def test_solution_keeps_helpers_imports_and_constants_but_no_tests_or_prints() -> None:
    helper = "def helper(x):\n    return math.log(x, BASE)\n"
    solution = f"import math\nimport pytest\nBASE = 2\n{helper}def main(x):\n    return helper(x) + 1\n"
    draft = parse_reply(f"```python\n{solution}print(main(4))\ndef test_main():\n    assert main(8) == 4\n```")
    assert draft.entry == "main"
    assert draft.calls == ("main(4)", "main(8)")
    assert "pytest" not in draft.code
    assert "test_main" not in draft.code
    assert draft.code.startswith("import math\nBASE = 2\n\n\ndef helper")


def test_description_falls_back_to_the_docstring() -> None:
    assert parse_reply(f"```python\n{SOLUTION}```\n```\ndouble(1)\n```").description == "Twice. double(2) is 4."


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no code"),
        ("I am sorry, I cannot do that.", "no code"),
        ("```python\ndef broken(:\n```", "no code"),
        ("```python\nx = 3\n```", "no function"),
        ("```python\ndef f(x):\n    return x\n```", "no example calls"),
        ("```python\ndef f(x):\n    return x\n```\n```\nf(y)\n```", "no example calls"),
        (
            "```python\nimport socket\ndef f(x):\n    return socket.gethostbyname(x)\n```\n```\nf('a')\n```",
            "impure: foreign import",
        ),
        ("```python\ndef f(x):\n    return input(x)\n```\n```\nf('a')\n```", "impure: denied name"),
        ('{"code": 5, "calls": null}', "no code"),
        ("```python\n" + "(" * 5_000 + "\n```", "no code"),
    ],
)
def test_unusable_reply_is_malformed_with_feedback_for_its_author(text: str, reason: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse_reply(text)
    assert caught.value.reason == reason
    assert caught.value.feedback


def _fences(row: dict[str, str]) -> str:
    return f"{row['question']}\n\n```python\n{row['solution']}\n```\n\n```python\n{row['test_code']}\n```\n"


def _tags(row: dict[str, str]) -> str:
    parts = zip(("Question", "Solution", "Test"), ("question", "solution", "test_code"), strict=True)
    return "\n".join(f"<|{name} Begin|>\n{row[key]}\n<|{name} End|>" for name, key in parts)


def _json(row: dict[str, str]) -> str:
    return json.dumps({"question": row["question"], "solution": row["solution"], "test": row["test_code"]})


@pytest.mark.skipif(not DATA.exists(), reason="needs the recorded replies of ../shared/data/kodcode")
@pytest.mark.parametrize("wrap", [_fences, _tags, _json])
def test_recorded_replies_are_read_in_every_wrapping(wrap: Callable[[dict[str, str]], str]) -> None:
    rows = [json.loads(line) for line in gzip.decompress(DATA.read_bytes()).splitlines()]
    drafts, reasons = [], []
    for row in rows:
        try:
            drafts.append(parse_reply(wrap(row)))
        except Malformed as malformed:
            reasons.append(malformed.reason)
    assert len(drafts) + len(reasons) == 232
    assert len(drafts) >= 180
    assert sum(bool(draft.description) for draft in drafts) >= 0.9 * len(drafts)
    assert set(reasons) <= {
        "no code",
        "no function",
        "no example calls",
        "impure: denied name",
        "impure: foreign import",
    }
