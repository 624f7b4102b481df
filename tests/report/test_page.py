import html.parser
import json
import re
from pathlib import Path

import pytest

from ray_app.records import Program
from ray_app.report import formats
from ray_app.report.page import render, write
from tests.report.run import HOSTILE, programs, write_run
from tests.report.run import write as write_dataset

VOID = {"meta", "img", "br", "hr", "input", "link", "rect", "path"}


class Page(html.parser.HTMLParser):
    """Tags, ids, targets and the text of each cell, and whether every tag was closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: list[str] = []
        self.misnested: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.misnested += self._open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        if not self._open or self._open.pop() != tag:
            self.misnested.append(f"/{tag}")

    def handle_data(self, data):
        if self._open and self._open[-1] != "style":
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    root = write_run(tmp_path_factory.mktemp("run"))
    path = Path(write(str(root)))
    return path.read_text(), json.loads((path.parent / "report.json").read_text())


@pytest.fixture(scope="module")
def page(written):
    return Page(written[0])


def test_page_is_well_formed(page):
    assert page.misnested == []


def test_page_hostile_rows_are_text(written, page):
    assert "script" not in page.tags
    assert "img" not in page.tags
    assert not [a for a in page.attributes if a[1].startswith("on")]
    assert HOSTILE in "".join(page.texts)


def test_page_asks_for_nothing(written, page):
    links = [value for _, name, value in page.attributes if name in ("src", "href", "action", "data")]
    assert links
    assert all(link.startswith("#") for link in links)
    assert not re.search(r"url\(|@import", written[0])
    policy = next(
        value for tag, name, value in page.attributes if tag == "meta" and name == "content" and "default-src" in value
    )
    assert policy.startswith("default-src 'none'")


def test_page_targets_of_links_exist(page):
    ids = [value for _, name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    assert {value[1:] for _, name, value in page.attributes if name == "href"} <= set(ids)


def test_page_shows_the_figures_of_the_json(written, page):
    _, figures = written
    for step in figures["funnel"]:
        assert f"{step['label']} {step['count']}" in page.text
    for stage in figures["stages"]:
        if stage["status"] == "complete":
            assert f"{stage['title']} {stage['rows_in']} {stage['rows_out']} {stage['rows_rejected']}" in page.text
    for group in figures["scores"]["groups"]:
        assert formats.percent(group["tuned"]["mean"]) in page.text
        assert formats.points(group["paired"]["difference"]) in page.text
        assert group["benchmark"] in page.text
    assert "2.100 → 1.500" in page.text
    assert "of their 90 checked claims 1 does not hold" in page.text


def test_page_marks_claims_by_verdict_with_evidence(written):
    text = written[0]
    assert text.count('class="claim bad" tabindex') == 1
    assert text.count('class="claim ok" tabindex') == 8
    assert "event 7: out = 7" in text


def test_page_partial_run_says_what_is_missing(tmp_path):
    write_dataset(tmp_path, Program, "mined", programs(3))
    page = Page(Path(write(str(tmp_path))).read_text())
    assert page.misnested == []
    assert "Not in this report:" in page.text
    assert "scores after fine-tuning ( scores-tuned has not been run)" in page.text
    assert "Before and after fine-tuning" not in page.text


def test_page_lone_surrogates_in_rows_are_written(written):
    _, figures = written
    figures["examples"][0]["call"] = "f('\ud800')"
    assert "f(&#39;\ud800&#39;)" in render(figures)


def test_percent_never_rounds_to_nothing_or_all():
    assert [formats.percent(x) for x in (0, 0.0001, 0.123, 0.9999, 1)] == [
        "0.0 %",
        "< 0.1 %",
        "12.3 %",
        "> 99.9 %",
        "100.0 %",
    ]


def test_points_carry_their_sign():
    assert [formats.points(x) for x in (0.0123, -0.0123, 0.0001)] == ["+1.2", "\N{MINUS SIGN}1.2", "0.0"]


def test_shorten_says_how_much_is_left_out():
    assert formats.shorten("x" * 1_010, 10) == "x" * 10 + "\N{HORIZONTAL ELLIPSIS} (1,000 more)"
    assert formats.shorten("short", 10) == "short"
