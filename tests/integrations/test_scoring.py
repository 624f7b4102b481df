"""The verdict that both frameworks use is the strict rule of our grader."""

import sys
from pathlib import Path

import pytest

from ray_app.evaluation.items import Item
from ray_app.evaluation.predictions import grade
from ray_app.evaluation.prompts import answer
from ray_app.evaluation.verdicts import Executor

sys.path.insert(0, str(Path(__file__).parents[2] / "integrations"))
import scoring

CODE = "def f(n):\n    return n\n"
REPLIES = [
    ("[1, 2]", "[ANSWER]assert f([1, 2]) == [1, 2][/ANSWER]", True),
    ("[1, 2]", "[THOUGHT]...[/THOUGHT]\n[ANSWER][1, 2]", True),
    ("[1, 2]", "[ANSWER]assert f([1, 2]) == (1, 2)[/ANSWER]", False),
    ("1", "[ANSWER]assert f(1) == True[/ANSWER]", False),
    ("1", "[ANSWER]assert f(1) == 1.0[/ANSWER]", False),
    ("3", "[ANSWER]assert f(3) == 4 or 3[/ANSWER]", False),
    ("3", "[ANSWER]assert f(3) == 1 + 2[/ANSWER]", False),
    ("3", "3", False),
    ("'a'", "[ANSWER]assert f('a') == \"a\"[/ANSWER]", True),
    ("{'b': 1, 'a': (2,)}", "[ANSWER]assert f(x) == {'a': (2,), 'b': 1}[/ANSWER]", False),
    ("{'b': 1, 'a': (2,)}", "[ANSWER]{'a': (2,), 'b': 1}[/ANSWER]", True),
    ("{1, 2}", "[ANSWER]{2, 1}[/ANSWER]", True),
    ("None", "[ANSWER]assert f(None) == None[/ANSWER]", True),
]


@pytest.mark.parametrize(("output", "reply", "right"), REPLIES)
def test_verdict_is_that_of_the_strict_rule(output: str, reply: str, right: bool) -> None:
    call = f"f({output})"
    assert scoring.is_right(scoring.answered(reply, call), output) is right
    if "f(x)" in reply:  # an assertion about another call: ours reads its right side, the frameworks' nothing
        return
    item = Item("q", "output", CODE, "f", output, call=call, output=output)
    with Executor() as executor:
        assert bool(grade(item, [answer(item, reply)], executor)[0].strict) is right


def test_questions_missing_file_says_how_to_make_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(scoring.FILE, str(tmp_path / "none.jsonl"))
    with pytest.raises(FileNotFoundError, match=r"pipelines\.export_exam"):
        scoring.questions()
