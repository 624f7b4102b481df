import pyarrow as pa
import pytest

from ray_app.records import (
    Execution,
    Program,
    Reject,
    TracedProgram,
    content_id,
    from_table,
    schema,
    to_table,
)
from ray_app.tracing.model import Change, Event, Trace


def traced() -> TracedProgram:
    program = Program("p", "mine", "def f(x): return x", "f", ("f(1)", "f(2)"), "", "here", "MIT", 2, ("f(1) == 1",))
    events = (
        Event("call", 1, 0, 0, "f", (Change("x", "1"), Change("y", None))),
        Event("return", 1, 0, 0, "f", (), "1"),
    )
    done = Execution("f(1)", "ok", "1", None, "", 12, ("denied:open",), Trace(events, truncated=True))
    failed = Execution("f(2)", "exception", None, "ValueError: é", "out", 3, (), None)
    return TracedProgram("p", program, (done, failed), "seccomp", "3.11.7", "c")


def test_to_table_nested_row_survives_round_trip():
    table = to_table(TracedProgram, [traced()])
    assert table.schema == schema(TracedProgram)
    assert from_table(TracedProgram, table) == [traced()]


def test_to_table_no_rows_keeps_schema():
    table = to_table(Reject, [])
    assert (table.num_rows, table.schema) == (0, schema(Reject))


def test_schema_only_optional_fields_are_nullable():
    nullable = {field.name for field in schema(Execution) if field.nullable}
    assert nullable == {"output", "exception", "trace"}


def test_from_table_missing_column_names_it():
    with pytest.raises(KeyError, match="reason"):
        from_table(Reject, pa.table({"stage": ["s"], "id": ["i"], "detail": ["d"]}))


def test_content_id_depends_on_part_boundaries():
    assert content_id("ab", "c") != content_id("a", "bc")
    assert content_id("ab", "c") == content_id("ab", "c")
    assert len(content_id("\ud800")) == 16
