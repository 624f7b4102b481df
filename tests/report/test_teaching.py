"""A teacher's explanations in report, inspector and dataset card: counts, the three verdicts, edits as a diff."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from ray_app.records import Claim, Edit, Monologue
from ray_app.report.card import sections
from ray_app.report.examples import explanations
from ray_app.report.page import write as write_page
from ray_app.report.pages import Pages
from ray_app.report.rows import sentences_checked
from ray_app.report.teaching import teaching
from tests.report.run import HOSTILE, monologue, programs, refused, write, write_run


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> str:
    root = write_run(tmp_path_factory.mktemp("taught"))
    edits = (
        Edit("corrected", f"4 {HOSTILE}", f"2 {HOSTILE}", f"out is 2 {HOSTILE}"),
        Edit("cut", "It sorts", "", "so"),
    )
    rows = [explanation(n, edits[: n % 3]) for n in range(6)]
    lost = [
        *refused("explained", "forward: final answer is wrong", 3),
        *refused("explained", "backward: no witness", 2),
    ]
    write(root, Monologue, "explained", rows, lost, tokens_out=90)
    return str(root)


def explanation(number: int, edits: tuple[Edit, ...]) -> Monologue:
    told = monologue(programs(40)[number])
    unsure = Claim("The call is total([2, 5]).", "general", "unchecked", "")
    direction = "backward" if number == 5 else "forward"
    return replace(told, author="tiny", direction=direction, edits=edits, claims=(unsure, *told.claims))


def test_counts_say_what_was_kept_edited_and_refused(root: str) -> None:
    found = teaching(root)
    assert found is not None
    forward, backward = found["directions"]
    assert (forward["kept"], forward["untouched"], forward["edited"], forward["refused"]) == (5, 2, 3, 3)
    assert (backward["direction"], backward["kept"], backward["refused"]) == ("backward", 1, 2)
    assert forward["reasons"] == [{"reason": "final answer is wrong", "count": 3}]
    assert found["edits"] == {"corrected": 4, "cut": 2}
    assert found["verdicts"] == {"true": 18, "unchecked": 6}


def test_rows_to_look_at_are_the_most_edited_of_each_direction(root: str) -> None:
    shown = explanations(root)
    assert [(row["direction"], len(row["edits"])) for row in shown] == [("forward", 2), ("backward", 2), ("forward", 1)]


def test_report_shows_edits_as_a_diff_and_escapes_them(root: str) -> None:
    text = Path(write_page(root)).read_text()
    assert text.count("<del>") >= 3
    assert "<ins>2 " in text
    assert "explanation by tiny" in text
    assert re.search(r"\b[1-9]\d* of [1-9]\d* sentences checked", text)
    assert 'class="claim open"' in text
    assert HOSTILE not in text


def test_inspector_lists_explanations_by_their_edits_and_shows_one(root: str) -> None:
    pages = Pages(root, 60.0)
    listed = pages.page("/explained", {"edits": "cut"})
    assert listed.count('href="/explained/') == 2
    row = pages.page("/explained/0:2", {})
    assert "2 edits to the model's words" in row
    assert "<del>It sorts</del>" in row
    assert "sentences</dt>" in row
    assert HOSTILE not in row


def test_card_says_how_false_and_unchecked_statements_were_handled(root: str) -> None:
    text = dict(sections(root))["Explanations by a language model"]
    assert text.startswith("6 tiny rows were written by a language model")
    assert "put right from the record (4) or cut (2)" in text
    assert "6 are left beside 18 that were found true" in text
    assert "| forward | 2 | 3 | 3 |" in text


def test_run_without_a_teacher_says_nothing_of_one(tmp_path: Path) -> None:
    root = str(write_run(tmp_path))
    assert teaching(root) is None
    assert "What the teacher wrote" not in Path(write_page(root)).read_text()
    assert "Explanations by a language model" not in dict(sections(root))


def test_share_of_checked_sentences_leaves_out_answer_and_marks() -> None:
    text = "Steps:\n1. `x` is 3. It is odd.\n- then 4\n---\n[ANSWER]assert f(3) == 4[/ANSWER]"
    claims = (Claim("`x` is 3", "value", "true", ""), Claim("It is odd", "general", "unchecked", ""))
    assert sentences_checked(text, claims) == (1, 4)
