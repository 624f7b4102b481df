"""Trusted code that runs in the child, around the programs.

A program must not find a trusted frame to walk into, so its code runs as the outermost frame: the child first lets
every frame of the server return and then works in exit callbacks, which the interpreter calls with an empty stack.
There `map(operator.call, generator)`, driven from C, resumes our generator; the generator hands out what to run and is
suspended while that runs. An exception of the program ends one callback and reaches `sys.unraisablehook`, a list's
`append`; the next callback resumes the generator. Trusted code then works with builtins of its own, with the collector
off and the recursion limit restored, and drops nothing of the program's while a frame of ours is below.
"""

import atexit
import gc
import io
import itertools
import os
import sys
import time
import types
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from operator import call as call_object
from typing import Any

from ray_app.sandbox import guard, protocol
from ray_app.tracing.wire import SCRIPT_FILENAME

FILENAME = "<program>"
CALL_FILENAME = "<call>"
MODULE = "program"
SCRIPT_CHARS = 8_000_000
_BALLAST_BYTES = 1 << 20
_MAX_NOTES = 16
_COMPILE_ERRORS = (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError)

Programs = tuple[tuple[str, tuple[Any, ...]], ...]
Job = tuple[Programs, int, int, int, int]
"""Programs (code, calls or `scripts.Spec`s), and caps: stdout, output and value characters, trace events."""
Code = Any
"""Compiled, or what is wrong with the source; of a whole program's run, what `begin` takes."""


class Tools:
    """The tracer, as functions: `canonical(value, max_chars)`, `describe(error, max_chars)`, `start`, `stop`.

    Those with notes are there only where records are made.
    """

    canonical: Callable[[object, int], str]
    describe: Callable[[BaseException, int], str]
    start: Callable[..., None]
    stop: Callable[[], None]
    compile_noted: Callable[[str, str], tuple[types.CodeType, tuple[str, ...]]]
    start_noted: Callable[..., None]
    stop_noted: Callable[[], None]
    script: Any = None
    """`world/script.py`, where whole programs run."""


def arrange(tools: Tools, job: Job, tracing: int, slot: memoryview) -> None:
    """Registers the whole run with `atexit`; it begins when the caller's frames have returned.

    Only the job's first program runs: here, programs do not share a child.
    """
    driver = map(call_object, _run(tools, job, tracing, slot))
    for _ in range(2 * len(job[0][0][1]) + 3):
        atexit.register(deque, driver, 0)


def _run(tools: Tools, job: Job, tracing: int, slot: memoryview) -> Iterator[Callable[[], Any]]:
    """The whole life of the child.

    Programs can patch modules, so what is needed later is looked up before the first `yield`; and they can fill the
    interpreter's dictionaries with keys that run their code, so those are touched only by what is yielded.
    """
    programs, stdout_chars, output_chars, value_chars, trace_events = job
    clock, leave, call_all = time.process_time_ns, os._exit, partial(map, call_object)
    interpreter, modules, new_module, bytes_io = sys.__dict__, sys.modules, types.ModuleType, io.BytesIO
    streams = _stream_makers()
    repair = [gc.disable, partial(sys.setrecursionlimit, sys.getrecursionlimit())]
    collect_garbage = gc.enable
    commit, header_bytes = protocol.HEADER.pack_into, protocol.HEADER.size
    notes: list[str] = []
    settraces = itertools.count()
    kept: list[Any] = []
    ballast = [bytes(_BALLAST_BYTES)]
    position = header_bytes
    no_trace = bytes(protocol.TRACE_HEADER.size)
    slot[position + protocol.HEAD_BYTES :][: len(no_trace)] = no_trace
    compile_noted = tools.compile_noted if tracing == protocol.RECORDED else None
    announce = lambda index: commit(slot, 0, 0, index, clock())  # noqa: E731
    compiled, watched = _compile_all(programs[0], announce, compile_noted)
    sys.addaudithook(guard.make_audit_hook(notes, settraces, leave))  # from here on programs run
    for index, (module_code, call_code) in enumerate(compiled):
        trace_at = position + protocol.HEAD_BYTES
        slot[trace_at : trace_at + len(no_trace)] = no_trace
        commit(slot, 0, position - header_bytes, index, clock())
        printed, trace_bytes, output, cpu_ns = "", 0, None, 0
        wrong = next((code for code in (module_code, call_code) if isinstance(code, str)), None)
        spec = call_code if isinstance(call_code, tuple) else None
        if wrong is not None and spec is None:
            status, exception = protocol.COMPILE_ERROR, wrong
        else:
            name = MODULE if spec is None else "__main__"
            module, failures, box, pipes, hook_now, said = new_module(name), [], [], [], [], []
            space, hook, raw = module.__dict__, failures.append, bytes_io()
            kept.append((module, failures, box, pipes, raw, said))
            execute: Callable[[], Any] = partial(exec, module_code, space)
            actions: list[Any] = [execute, partial(eval, call_code, space)]  # pyright: ignore[reportArgumentType]
            ended: Any = None
            if spec is not None:
                begin_script = partial(tools.script.begin, module, programs[0][0], raw, spec)
                actions = [begin_script, execute][: 1 if wrong else 2]
            if tracing and wrong is None:
                buffer = slot[trace_at : trace_at + protocol.TRACE_BYTES]
                begin = partial(tools.start_noted, space, watched) if tracing == protocol.RECORDED else tools.start
                start = partial(
                    begin,
                    buffer,
                    FILENAME if spec is None else SCRIPT_FILENAME,
                    value_chars=value_chars,
                    max_events=trace_events,
                )
                actions[1:1] = [settraces.__next__, start, settraces.__next__]
            yield partial(
                pipes.extend,
                call_all(
                    [partial(make, pipe) for make, pipe in zip(streams, (raw, bytes_io(), bytes_io()), strict=True)]
                ),
            )
            out, err, in_ = pipes
            yield partial(
                interpreter.update,
                stdout=out, __stdout__=out, stderr=err, __stderr__=err, stdin=in_, __stdin__=in_,
                unraisablehook=hook, modules=modules,
            )  # fmt: skip
            yield partial(modules.__setitem__, name, module)
            collect_garbage()
            before, begun = next(settraces), clock()
            yield partial(box.extend, call_all(actions))
            if spec is not None:
                yield from repair
                ended = failures[-1].exc_value if failures else None
                finish = partial(tools.script.finish, ended)
                if wrong is not None:
                    finish = partial(tools.script.refuse, programs[0][0])
                yield partial(said.extend, call_all([finish]))
            yield from repair
            cpu_ns = clock() - begun
            yield partial(hook_now.extend, map(interpreter.get, ("unraisablehook",)))
            ballast.clear()
            blinded = next(settraces) - before - 1
            if tracing:
                (tools.stop_noted if tracing == protocol.RECORDED else tools.stop)()
                trace_bytes = 8 + protocol.TRACE_HEADER.unpack_from(slot, trace_at)[0]
                blinded -= box[3] - box[1] + 1 if len(box) > 3 else 0
            status, exception = protocol.TAMPERED, None
            if blinded > 0 or not hook_now or hook_now[0] is not hook:
                exception = "the program replaced the interpreter's hooks"
            elif spec is not None:
                status, output = _value(said[0], tools, SCRIPT_CHARS) if said else (protocol.TAMPERED, None)
                if said and status == protocol.OK and (failures or wrong is not None):
                    status, exception = _failure(ended, tools) if ended else (protocol.COMPILE_ERROR, wrong)
            elif len(box) == len(actions):
                status, output = _value(box[-1], tools, output_chars)
            elif failures:
                status, exception = _failure(failures[-1].exc_value, tools)
            printed = _printed(raw, stdout_chars)
        texts = (output, exception, printed, "\n".join(notes[:_MAX_NOTES]))
        head, tail = protocol.pack_record(status, cpu_ns, trace_bytes, texts)
        tail += bytes(-(trace_bytes + len(tail)) % protocol.ALIGNMENT)
        end = trace_at + trace_bytes + len(tail)
        slot[position:trace_at] = head
        slot[trace_at + trace_bytes : end] = tail
        notes.clear()
        position = end
        commit(slot, 0, position - header_bytes, index + 1, clock())
        if len(slot) - position < 2 * protocol.TRACE_BYTES:
            leave(protocol.EXIT_SLOT_FULL)
    leave(0 if len(programs) == 1 else protocol.EXIT_SLOT_FULL)


def _stream_makers() -> list[Callable[[io.BytesIO], io.TextIOWrapper]]:
    """For stdout, stderr and stdin, from a fresh buffer each."""
    make = io.TextIOWrapper
    return [
        partial(make, encoding="utf-8", write_through=True),
        partial(make, encoding="utf-8", errors="backslashreplace"),
        partial(make, encoding="utf-8"),
    ]


def _compile_all(
    program: tuple[str, tuple[str, ...]],
    announce: Callable[[int], object],
    compile_noted: "Callable[[str, str], tuple[types.CodeType, tuple[str, ...]]] | None",
) -> tuple[list[tuple[Code, Code]], tuple[str, ...]]:
    """(module, call) for every call, all before any of them runs; and the names that records watch."""
    announce(0)
    filename = SCRIPT_FILENAME if isinstance(program[1][0], tuple) else FILENAME
    watched: tuple[str, ...] = ()
    if compile_noted is None:
        module = _compile(program[0], filename, "exec")
    else:
        try:
            module, watched = compile_noted(program[0], filename)
        except _COMPILE_ERRORS as error:
            module = _wrong(error)
    compiled: list[tuple[Any, Any]] = []
    for call in program[1]:
        announce(len(compiled))
        compiled.append((module, call if isinstance(call, tuple) else _compile(call, CALL_FILENAME, "eval")))
    return compiled, watched


def _compile(source: str, filename: str, mode: str) -> Code:
    """The code object, or what is wrong with the source."""
    try:
        return compile(source, filename, mode, dont_inherit=True)
    except _COMPILE_ERRORS as error:
        return _wrong(error)


def _wrong(error: BaseException) -> str:
    return f"{type(error).__name__}: {error.args[0] if error.args else ''}"


def _value(value: object, tools: Tools, output_chars: int) -> tuple[int, str | None]:
    text = tools.canonical(value, output_chars)
    if len(text) > output_chars or text.endswith("..."):
        return protocol.TRUNCATED, None
    return protocol.OK, text


def _failure(error: BaseException, tools: Tools) -> tuple[int, str | None]:
    status = protocol.EXCEPTION
    if issubclass(type(error), MemoryError):  # not isinstance, which would ask the program's __class__
        status = protocol.MEMORY
    elif issubclass(type(error), SystemExit):
        status = protocol.SYSTEM_EXIT
    return status, tools.describe(error, 2_000)


def _printed(raw: io.BytesIO, limit: int) -> str:
    try:
        return raw.getvalue()[: 4 * limit].decode("utf-8", "replace")[:limit]
    except (ValueError, MemoryError):  # closed by the program, or too much for what memory is left
        return ""
