"""The page with every answer side by side."""

from pathlib import Path

import pytest

from ray_app.records import Score
from ray_app.report import answers
from tests.report.run import HOSTILE, write, write_run
from tests.report.test_page import Page


def row(item: str, right: bool | None, text: str = "x", sample: int = 0) -> Score:
    status = "infrastructure" if right is None else "pass" if right else "wrong"
    return Score("demo", item, sample, "m", "direct", f"what is {item}?", text, right, right, status)


def test_write_shows_every_answer_of_a_run_and_no_script(tmp_path: Path) -> None:
    path = answers.write(str(write_run(tmp_path)))
    assert path is not None
    page = Page(Path(path).read_text())
    assert page.misnested == []
    assert not {"script", "img"} & set(page.tags)
    assert not [value for _, name, value in page.attributes if name in ("src", "href") and not value.startswith("#")]
    assert "only after right" in page.text


def test_outcomes_part_what_changed_from_what_did_not(tmp_path: Path) -> None:
    base = [row("a", False), row("b", True, HOSTILE), row("c", True), row("d", False), row("e", None), row("f", True)]
    tuned = [row("a", True), row("b", False), row("c", True), row("d", False), row("e", True)]
    write(tmp_path, Score, "scores-base", base)
    write(tmp_path, Score, "scores-tuned", tuned)
    [group] = answers.compare(str(tmp_path))
    found = {outcome.name: [question.item_id for question in outcome.questions] for outcome in group["outcomes"]}
    assert found == {
        "only after right": ["a"],
        "only before right": ["b"],
        "both wrong": ["d"],
        "both right": ["c"],
        "one not graded": ["e", "f"],
    }
    path = answers.write(str(tmp_path))
    assert path is not None
    text = Path(path).read_text()
    assert "what is a?" in text
    assert HOSTILE not in text
    assert "not asked" in text


@pytest.mark.parametrize("count", [answers.PER_OUTCOME, answers.PER_OUTCOME + 3])
def test_long_outcomes_say_how_much_is_left_out(tmp_path: Path, count: int) -> None:
    rows = [row(f"q{n}", False) for n in range(count)]
    write(tmp_path, Score, "scores-base", rows)
    write(tmp_path, Score, "scores-tuned", rows)
    path = answers.write(str(tmp_path))
    assert path is not None
    assert ("and 3 more" in Path(path).read_text()) is (count > answers.PER_OUTCOME)


def test_write_without_scores_writes_nothing(tmp_path: Path) -> None:
    assert answers.write(str(tmp_path)) is None
    assert not (tmp_path / "report").exists()
