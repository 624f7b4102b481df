"""What a recorder records, event by event, and what the reader makes of damaged buffers."""

import mmap
import os
import signal
import struct
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ray_app.tracing import recorder
from ray_app.tracing.model import Event, Trace
from ray_app.tracing.reader import Reader
from ray_app.tracing.recorder import Recorder

RECORDERS = {"python": recorder.python_recorder, "c": recorder.c_recorder}


@pytest.fixture(params=[name for name, present in RECORDERS.items() if present is not None])
def tracer(request: pytest.FixtureRequest) -> Recorder:
    return RECORDERS[request.param]  # type: ignore[return-value]


def trace(
    tracer: Recorder, code: str, call: str, *, value_chars: int = 512, max_events: int = 4096, size: int = 1 << 20
) -> Trace:
    namespace: dict[str, Any] = {"__name__": "program"}
    exec(compile(textwrap.dedent(code), "<program>", "exec"), namespace)
    expression = compile(call, "<call>", "eval")
    with mmap.mmap(-1, size) as buffer:
        tracer.start(buffer, "<program>", value_chars=value_chars, max_events=max_events)
        try:
            eval(expression, namespace)
        except Exception:
            pass
        finally:
            tracer.stop()
        return recorder.read(buffer)


def told(events: Iterator[Event] | tuple[Event, ...]) -> list[str]:
    """One line per event: depth as indentation, kind, line, changes, value."""
    lines: list[str] = []
    for event in events:
        changes = ", ".join(f"{c.name}={'<unbound>' if c.value is None else c.value}" for c in event.changes)
        value = "" if event.value is None else f" -> {event.value}"
        lines.append(f"{'  ' * event.depth}{event.kind} {event.line} {changes}".rstrip() + value)
    return lines


def lines(text: str) -> list[str]:
    return textwrap.dedent(text).strip("\n").split("\n")


def test_recorder_of_a_loop_tells_the_effect_of_each_line(tracer: Recorder) -> None:
    code = """\
    def f(n):
        total = 0
        for i in range(n):
            total += i
        return total
    """
    assert told(trace(tracer, code, "f(2)").events) == lines("""
        call 1 n=2
        line 2
        line 3 total=0
        line 4 i=0
        line 3
        line 4 i=1
        line 3 total=1
        line 5
        return 5 -> 1
    """)


def test_recorder_of_a_mutating_callee_shows_it_to_the_caller(tracer: Recorder) -> None:
    code = """\
    def push(xs, x):
        xs.append(x)
    def f():
        items = []
        push(items, 1)
        del items
    """
    assert told(trace(tracer, code, "f()").events) == lines("""
        call 3
        line 4
        line 5 items=[]
          call 1 xs=[], x=1
          line 2
          return 2 xs=[1] -> None
        line 6 items=[1]
        return 6 items=<unbound> -> None
    """)


def test_recorder_of_a_generator_yields_and_resumes(tracer: Recorder) -> None:
    code = """\
    def g():
        x = yield 1
        return x
    def f():
        pump = g()
        first = next(pump)
        try:
            pump.send("a")
        except StopIteration as stop:
            return first, stop.value
    """
    events = trace(tracer, code, "f()").events
    assert told(events) == lines("""
        call 4
        line 5
        line 6 pump=<generator g>
          call 1
          line 2
          yield 2 -> 1
        line 7 first=1
        line 8
          resume 2
          line 3 x='a'
          return 3 -> 'a'
        exception 8 -> StopIteration: a
        line 9
        line 10 stop=StopIteration('a')
        return 10 stop=<unbound> -> (1, 'a')
    """)
    assert {event.frame for event in events if event.function == "g"} == {1}


def test_recorder_of_an_abandoned_generator_sees_its_finally(tracer: Recorder) -> None:
    code = """\
    def g():
        try:
            yield 1
        finally:
            done = True
    def f():
        next(g())
        return 2
    """
    assert told(trace(tracer, code, "f()").events) == lines("""
        call 6
        line 7
          call 1
          line 2
          line 3
          yield 3 -> 1
          resume 3
          exception 3 -> GeneratorExit
          line 5
          exception 5 done=True -> GeneratorExit
        line 8
        return 8 -> 2
    """)


def test_recorder_of_exceptions_tells_each_frame_that_they_pass(tracer: Recorder) -> None:
    code = """\
    def inner():
        raise ValueError("no")
    def outer():
        try:
            inner()
        finally:
            seen = 1
    def f():
        try:
            outer()
        except ValueError as error:
            return str(error)
    """
    assert told(trace(tracer, code, "f()").events) == lines("""
        call 8
        line 9
        line 10
          call 3
          line 4
          line 5
            call 1
            line 2
            exception 2 -> ValueError: no
          exception 5 -> ValueError: no
          line 7
          exception 7 seen=1 -> ValueError: no
        exception 10 -> ValueError: no
        line 11
        line 12 error=ValueError('no')
        return 12 error=<unbound> -> 'no'
    """)


def test_recorder_names_the_exception_that_leaves_not_the_last_raised(tracer: Recorder) -> None:
    code = """\
    def f():
        try:
            {}["a"]
        except KeyError:
            try:
                int("b")
            except ValueError:
                pass
            raise
    """
    assert told(trace(tracer, code, "f()").events)[-2:] == ["line 9", "exception 9 -> KeyError: 'a'"]


def test_recorder_of_closures_shows_captured_variables(tracer: Recorder) -> None:
    code = """\
    def f():
        count = 0
        def bump():
            nonlocal count
            count += 1
        bump()
        return count
    """
    assert told(trace(tracer, code, "f()").events) == lines("""
        call 1
        line 2
        line 3 count=0
        line 6 bump=<function f.<locals>.bump>
          call 3 count=0
          line 5
          return 5 count=1 -> None
        line 7 count=1
        return 7 -> 1
    """)


def test_recorder_of_library_calls_records_only_the_programs_frames(tracer: Recorder) -> None:
    code = """\
    import textwrap
    def f():
        return sorted([2, 1], key=lambda x: textwrap.dedent(str(x)))
    """
    events = trace(tracer, code, "f()").events
    assert [event.function for event in events if event.kind == "call"] == [
        "f",
        "f.<locals>.<lambda>",
        "f.<locals>.<lambda>",
    ]
    assert {event.depth for event in events} == {0, 1}


def test_recorder_of_methods_and_objects_shows_their_attributes(tracer: Recorder) -> None:
    code = """\
    class Stack:
        def __init__(self):
            self.items = []
        def __repr__(self):
            return "hidden"
        def push(self, item):
            self.items.append(item)
    def f():
        s = Stack()
        s.push(3)
        return len(s.items)
    """
    events = trace(tracer, code, "f()").events
    assert [e.function for e in events if e.kind == "call"] == ["f", "Stack.__init__", "Stack.push"]
    assert told(events)[-2:] == ["line 11 s=Stack(items=[3])", "return 11 -> 1"]


def test_recorder_of_recursion_numbers_frames_and_depths(tracer: Recorder) -> None:
    events = trace(tracer, "def f(n):\n    return 1 if n == 0 else n * f(n - 1)\n", "f(3)").events
    assert [(e.depth, e.frame, e.value) for e in events if e.kind == "return"] == [
        (3, 3, "1"),
        (2, 2, "1"),
        (1, 1, "2"),
        (0, 0, "6"),
    ]


def test_recorder_at_its_event_cap_truncates_and_lets_the_program_finish(tracer: Recorder) -> None:
    code = "def f():\n    for i in range(100):\n        done.append(i)\ndone = []\n"
    recorded = trace(tracer, code, "f()", max_events=10)
    assert recorded.truncated
    assert recorded.events == trace(tracer, code, "f()").events[:10]


def test_recorder_with_exactly_enough_events_is_not_truncated(tracer: Recorder) -> None:
    code = "def f():\n    return 1\n"
    assert not trace(tracer, code, "f()", max_events=3).truncated
    assert trace(tracer, code, "f()", max_events=2).truncated


def test_recorder_in_a_full_buffer_keeps_a_prefix(tracer: Recorder) -> None:
    code = "def f():\n    x = ''\n    for i in range(100):\n        x += 'abc'\n"
    whole = trace(tracer, code, "f()").events
    for size in range(16, 2_000, 37):
        part = trace(tracer, code, "f()", size=size)
        assert part.truncated
        assert part.events == whole[: len(part.events)]


def test_recorder_caps_each_value(tracer: Recorder) -> None:
    recorded = trace(tracer, "def f(x):\n    return x * 2\n", "f('a' * 100)", value_chars=10)
    assert [c.value for c in recorded.events[0].changes] == ["'aaaaaaaaa..."]
    assert recorded.events[-1].value == "'aaaaaaaaa..."


def test_recorder_of_a_killed_process_leaves_a_valid_prefix(tracer: Recorder) -> None:
    code = "def f():\n    i = 0\n    while True:\n        i += 1\n        if i == 50:\n            die()\n"
    namespace: dict[str, Any] = {"die": lambda: os.kill(os.getpid(), signal.SIGKILL)}
    exec(compile(code, "<program>", "exec"), namespace)
    with mmap.mmap(-1, 1 << 20) as buffer:
        child = os.fork()
        if child == 0:
            tracer.start(buffer, "<program>", value_chars=512, max_events=4096)
            namespace["f"]()
            os._exit(0)
        os.waitpid(child, 0)
        recorded = recorder.read(buffer)
    assert not recorded.truncated
    assert told(recorded.events)[-1] == "line 6"


def test_recorder_switched_off_by_the_program_says_truncated(tracer: Recorder) -> None:
    code = "import sys\ndef f():\n    sys.settrace(None)\n    return 1\n"
    assert trace(tracer, code, "f()").truncated


def test_recorder_does_not_call_user_code(tracer: Recorder) -> None:
    code = """\
    class Evil:
        def boom(self, *_):
            raise SystemError("called")
        __repr__ = __str__ = __eq__ = __hash__ = __iter__ = __len__ = __bool__ = __getattribute__ = boom
    def f():
        evil = Evil()
        box = [evil, {"k": evil}]
        return box
    """
    assert told(trace(tracer, code, "f()").events)[-1] == "return 8 -> [Evil(), {'k': Evil()}]"


def test_recorder_started_twice_refuses(tracer: Recorder) -> None:
    with mmap.mmap(-1, 4096) as buffer:
        tracer.start(buffer, "<program>", value_chars=10, max_events=10)
        try:
            with pytest.raises(RuntimeError):
                tracer.start(buffer, "<program>", value_chars=10, max_events=10)
        finally:
            tracer.stop()


def test_recorder_in_a_tiny_buffer_refuses(tracer: Recorder) -> None:
    with pytest.raises(ValueError, match="8"):
        tracer.start(bytearray(8), "<program>", value_chars=10, max_events=10)


LEAK = """\
import gc, mmap
from tests.tracing.tricky_programs import tricky
from ray_app.tracing import recorder
programs = [(compile(code, "<program>", "exec"), compile(call, "<call>", "eval")) for _, code, call in tricky()]
buffer = memoryview(mmap.mmap(-1, 1 << 20))
def run(count):
    for index in range(count):
        code, call = programs[index % len(programs)]
        space = {}
        exec(code, space)
        recorder.start(buffer, "<program>", value_chars=512, max_events=4096)
        try:
            eval(call, space)
        except Exception:
            pass
        recorder.stop()
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * mmap.PAGESIZE
before = run(1_000)
print(run(10_000) - before)
"""


@pytest.mark.slow
def test_recorder_over_ten_thousand_programs_does_not_grow() -> None:
    run = subprocess.run([sys.executable, "-c", LEAK], cwd=Path(__file__).parents[2], capture_output=True, check=True)
    assert int(run.stdout) < 1_000_000


def valid_bytes() -> bytes:
    assert recorder.python_recorder is not None
    buffer = bytearray(1 << 16)
    namespace: dict[str, Any] = {}
    exec(compile("def f(a):\n    b = [a, 'ü']\n    return b\n", "<program>", "exec"), namespace)
    recorder.python_recorder.start(buffer, "<program>", value_chars=512, max_events=100)
    namespace["f"](1)
    recorder.python_recorder.stop()
    return bytes(buffer[: 8 + struct.unpack("=Q", buffer[:8])[0]])


VALID = valid_bytes()


def read_or_refuse(read: Callable[[], Trace]) -> Trace | None:
    try:
        return read()
    except ValueError:
        return None


def check_readers(records: bytes) -> None:
    """Whichever reader is in use gives what the one in Python gives: a trace, or none."""
    expected = read_or_refuse(lambda: Reader(records).trace())
    found = read_or_refuse(lambda: recorder.read(struct.pack("=Q", len(records)) + records))
    assert found == expected


@settings(deadline=None)
@given(records=st.binary(max_size=200))
def test_read_of_arbitrary_bytes_is_a_value_error_or_a_trace(records: bytes) -> None:
    check_readers(records)


@settings(deadline=None)
@given(position=st.integers(8, len(VALID) - 1), byte=st.integers(0, 255))
def test_read_of_a_damaged_trace_is_a_value_error_or_a_trace(position: int, byte: int) -> None:
    damaged = bytearray(VALID)
    damaged[position] = byte
    check_readers(bytes(damaged[8:]))


@settings(deadline=None)
@given(length=st.integers(0, len(VALID) - 9))
def test_read_of_a_trace_that_ends_early_is_a_value_error_or_a_trace(length: int) -> None:
    check_readers(VALID[8 : 8 + length])


def test_read_of_a_claimed_length_beyond_the_buffer_refuses() -> None:
    with pytest.raises(ValueError, match="claims"):
        recorder.read(struct.pack("=Q", 2**63) + b"\0" * 100)


def test_read_of_an_untouched_buffer_is_an_empty_trace() -> None:
    assert recorder.read(bytes(100)) == Trace(())
