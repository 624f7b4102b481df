import pytest

from ray_app.records import Claim, Monologue, TracedProgram
from ray_app.report.examples import HEAD_STEPS, TAIL_STEPS, rejects, row, rows
from ray_app.report.rows import segments, step_rows
from ray_app.report.stages import ledger
from ray_app.tracing.model import Event, Trace
from tests.report.run import SOURCES, executed, monologue, programs, refused, trace, write, write_run


def claim(text, verdict="true"):
    return Claim(text, "value", verdict, "event 1")


def test_rows_one_of_each_source_with_trace(tmp_path):
    chosen = rows(str(write_run(tmp_path)))
    assert {entry["source"] for entry in chosen} == set(SOURCES)
    assert all(entry["steps_total"] == len(trace().events) for entry in chosen)
    assert len({entry["program_id"] for entry in chosen}) == 3


def test_rows_without_executions_still_show_code_and_text(tmp_path):
    write(tmp_path, Monologue, "monologues", [monologue(programs(1)[0])])
    (entry,) = rows(str(tmp_path))
    assert entry["steps"] == []
    assert entry["claims_hold"] == 3
    assert all(line["ran"] for line in entry["code"])


def test_row_counts_visits_and_marks_what_did_not_run():
    program = programs(1)[0]
    lines = row(monologue(program), executed(program))["code"]
    assert {line["number"]: line["visits"] for line in lines} == {1: 1, 2: 0, 3: 1, 4: 3, 5: 2, 6: 1, 7: 0, 8: 1}
    assert [line["number"] for line in lines if not line["ran"]] == [2, 7]


def test_row_statement_of_several_lines_ran_as_a_whole():
    program = programs(1)[0]
    told = monologue(program)
    split = type(told)(
        **{f: getattr(told, f) for f in told.__slots__}
        | {"code": "def total(xs,\n          start=0):\n    return sum(\n        xs)\n"}
    )
    events = (
        Event("call", 1, 0, 0, "total"),
        Event("line", 3, 0, 0, "total"),
        Event("return", 3, 0, 0, "total", (), "7"),
    )
    good = executed(program).executions[0]
    traced = TracedProgram(
        program.id, program, (type(good)("total([2, 5])", "ok", "7", None, "", 1, (), Trace(events)),), "", "", ""
    )
    assert all(line["ran"] for line in row(split, traced)["code"])


def test_row_long_trace_keeps_both_ends_and_says_how_much_is_left_out():
    program = programs(1)[0]
    good = executed(program).executions[0]
    events = tuple(Event("line", 4, 0, 0, "total") for _ in range(500))
    traced = TracedProgram(
        program.id, program, (type(good)(good.call, "ok", "7", None, "", 1, (), Trace(events)),), "", "", ""
    )
    entry = row(monologue(program), traced)
    assert len(entry["steps"]) == HEAD_STEPS + TAIL_STEPS
    assert entry["steps_left_out"] == 500 - HEAD_STEPS - TAIL_STEPS
    assert entry["steps"][-1]["visit"] == 500


def test_step_rows_put_an_effect_on_the_line_that_had_it():
    table = step_rows(trace())
    assert [(s["kind"], s["line"]) for s in table[:3]] == [("call", 1), ("line", 3), ("line", 4)]
    assert table[1]["changes"] == [{"name": "out", "value": "0"}]
    assert [s["changes"] for s in table if s["line"] == 5 and s["visit"] == 2] == [[{"name": "out", "value": "7"}]]
    assert (table[-1]["kind"], table[-1]["value"]) == ("return", "7")


def test_segments_rebuild_the_text_and_mark_repeated_claims_in_order():
    text = "x is 1, then x is 1 again"
    pieces, unplaced = segments(text, [claim("x is 1"), claim("x is 1", verdict="false")])
    assert "".join(piece["text"] for piece in pieces) == text
    assert [piece["claims"][0]["verdict"] for piece in pieces if piece["claims"]] == ["true", "false"]
    assert unplaced == []


def test_segments_overlapping_claims_share_their_common_piece():
    pieces, _ = segments("a is b is c", [claim("a is b"), claim("b is c", verdict="false")])
    assert [(piece["text"], len(piece["claims"])) for piece in pieces] == [("a is ", 1), ("b", 2), (" is c", 1)]


def test_segments_claim_that_is_not_in_the_text_is_listed():
    pieces, unplaced = segments("text", [claim("other")])
    assert [piece["claims"] for piece in pieces] == [[]]
    assert unplaced[0]["text"] == "other"


@pytest.mark.parametrize("text", ["", "no claims at all"])
def test_segments_without_claims_are_one_piece_at_most(text):
    assert "".join(piece["text"] for piece in segments(text, [])[0]) == text


def test_rejects_show_the_most_frequent_reasons_of_every_stage(tmp_path):
    many = [r for n in range(12) for r in refused("monologues", f"reason {n:02}", 12 - n)]
    write(tmp_path, Monologue, "monologues", [], many)
    write(tmp_path, TracedProgram, "executions", [], refused("executions", "nothing usable", 2))
    shown = rejects(str(tmp_path), ledger(str(tmp_path)))
    assert [(r["stage"], r["reason"], r["count"]) for r in shown[:2]] == [
        ("executions", "nothing usable", 2),
        ("monologues", "reason 00", 12),
    ]
    assert len(shown) == 8
