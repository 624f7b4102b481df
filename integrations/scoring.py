"""What lm-eval and inspect_ai need to hold our exams: the questions of a file, and the verdict on an answer.

It stands alone, for the frameworks live in environments of their own: the standard library, and `datasets` where
lm-eval asks for one. The verdict is the strict rule of docs/evaluation.md: one literal, equal to the output, and of
the same type at every depth.
"""

import ast
import json
import os
from pathlib import Path
from typing import Any

STOP = "[/ANSWER]"
FILE = "SEMRAY_QUESTIONS"
"""The environment variable that names the file which `python -m pipelines.export_exam` wrote."""


def questions() -> list[dict[str, str]]:
    """The questions of the file; FileNotFoundError says how to make it."""
    path = Path(os.environ.get(FILE, "questions.jsonl"))
    if not path.is_file():
        raise FileNotFoundError(f"no {path}: write it with `python -m pipelines.export_exam`, and name it in ${FILE}")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def answered(reply: str, call: str) -> str:
    """What stands in the reply's last [ANSWER]: of an assertion about the call, its other side; "" if there is none."""
    _, tag, rest = reply.rpartition("[ANSWER]")
    text = rest.partition(STOP)[0].strip() if tag else ""
    if not text.startswith("assert"):
        return text
    side = text.removeprefix("assert").strip()
    return side.removeprefix(call).strip().removeprefix("==").strip()


def is_right(answer: str, output: str) -> bool:
    """Whether the answer is a literal of the output's value and types."""
    try:
        given, right = (ast.literal_eval(text) for text in (answer, output))
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return False
    return _typed(given) == _typed(right)


def _typed(value: Any) -> Any:
    """The value with its types beside it, so that 1, 1.0 and True differ; the order of a dict does not count."""
    if isinstance(value, list | tuple):
        return type(value).__name__, [_typed(part) for part in value]
    if isinstance(value, dict):
        return "dict", {repr(_typed(key)): _typed(part) for key, part in value.items()}
    if isinstance(value, set | frozenset):
        return type(value).__name__, sorted(repr(_typed(part)) for part in value)
    return type(value).__name__, repr(value)


def lm_eval_dataset(**_: Any) -> dict[str, Any]:
    """`custom_dataset` of the task file."""
    from datasets import Dataset

    return {"test": Dataset.from_list(questions())}


def lm_eval_results(doc: dict[str, str], results: list[str]) -> dict[str, float]:
    """`process_results` of the task file."""
    answer = answered(results[0], doc["call"])
    return {"strict": float(is_right(answer, doc["output"])), "answered": float(bool(answer))}
