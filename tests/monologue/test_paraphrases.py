"""Free prose in many styles: how much of it is recognised, and that no false statement is ever found true."""

import functools

import pytest

from ray_app.monologue.claims import parse
from ray_app.monologue.source import read
from ray_app.monologue.timeline import Timeline, arrange
from ray_app.monologue.walk import Checked, walk
from ray_app.sandbox.api import execute
from tests.monologue.paraphrases import PROGRAMS, TWINS
from tests.monologue.prose import share_recognised


@functools.cache
def timeline_of(program: str) -> Timeline:
    code, call = PROGRAMS[program]
    trace = execute(code, [call])[0].trace
    assert trace is not None
    return arrange(read(code), trace)


def told(program: str, text: str) -> list[Checked]:
    timeline = timeline_of(program)
    checked = walk(timeline, parse(text, timeline.source.names).claims)
    return [item for item in checked if item.claim.kind not in ("line", "code", "quote", "iteration")]


@pytest.mark.parametrize(("program", "true", "false"), TWINS, ids=[twin[1][:40] for twin in TWINS])
def test_paraphrase_true_and_false_twin_are_told_apart(program: str, true: str, false: str) -> None:
    right, wrong = told(program, true), told(program, false)
    assert right, "not recognised"
    assert all(item.finding.holds is not False for item in right), [
        item for item in right if item.finding.holds is False
    ]
    assert any(item.finding.holds is False for item in wrong), [(item.claim.text, item.finding) for item in wrong]


def test_paraphrases_are_many() -> None:
    assert len(TWINS) >= 100


def test_prose_not_written_for_the_grammar_is_mostly_read_and_nothing_false_passes() -> None:
    found = share_recognised()
    assert found["share"] >= 0.74
    assert found["true passages refuted"] == 0
    assert found["false twins found true"] == 0
    assert found["refuted"] >= 64
