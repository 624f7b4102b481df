"""Trusted code that runs in the child, around the program.

The program must not find a trusted frame to walk into: its code runs as the outermost frame. So the child first lets
every frame of the server return and works in exit callbacks, which the interpreter calls with an empty stack. There
`map(operator.call, generator)`, driven from C, resumes our generator, which hands out what to run and is suspended
while that runs. An exception of the program ends one callback and reaches `sys.unraisablehook`, a list's `append`;
the next callback resumes the generator.
"""

import atexit
import gc
import io
import os
import sys
import time
import types
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from operator import call as call_object
from typing import Any

from ray_app.sandbox import protocol

FILENAME = "<program>"
MODULE = "program"
_HEAP_TYPE = 1 << 9
_ATOMS = (str, int, float, bool, bytes, complex, type(None))

Job = tuple[str, tuple[str, ...], bool, float, float, int, int, int, int, int]
"""code, calls, traced, cpu_s, wall_s, memory, stdout, output, value, event limits (see `limits.Limits`)."""


class Tools(types.SimpleNamespace):
    """The tracer's functions as the child uses them: `canonical(value, max_chars)`, `start`, `stop`."""


def arrange(job: Job, slot: memoryview, tools: Tools) -> None:
    """Registers the whole run with `atexit`; it begins when the caller's frames have returned."""
    job = (*job[:2], job[2] and hasattr(tools, "start"), *job[3:])
    driver = map(call_object, _run(job, slot, tools))
    for _ in range(len(job[1]) + 3):
        atexit.register(deque, driver, 0)


def _run(job: Job, slot: memoryview, tools: Tools) -> Iterator[Callable[[], Any]]:
    code, calls, traced, _, _, _, stdout_chars, output_chars, value_chars, trace_events = job
    clock, leave, set_recursion_limit = time.process_time_ns, os._exit, sys.setrecursionlimit
    kept: list[Any] = []
    ballast = [bytes(1 << 20)]
    module_code = _compile(code, FILENAME, "exec")
    position = protocol.HEADER.size
    depth = sys.getrecursionlimit()
    for index, expression in enumerate(calls):
        protocol.HEADER.pack_into(slot, 0, position - protocol.HEADER.size, index, clock(), 0)
        begun = clock()
        failures: list[Any] = []
        box: list[Any] = []
        stdout = io.TextIOWrapper(io.BytesIO(), "utf-8", "surrogatepass", write_through=True)
        call_code = module_code if isinstance(module_code, str) else _compile(expression, "<call>", "eval")
        trace_at = position + protocol.RECORD.size
        if isinstance(call_code, str):
            status, output, exception = protocol.COMPILE_ERROR, None, call_code
            printed = ""
        else:
            module = types.ModuleType(MODULE)
            sys.modules[MODULE] = module
            sys.stdout = sys.stderr = sys.__stdout__ = sys.__stderr__ = stdout
            sys.stdin = sys.__stdin__ = io.StringIO()
            sys.unraisablehook = hook = failures.append
            space = module.__dict__
            kept.append((module, box, failures, stdout, space))
            actions: list[Callable[[], Any]] = [partial(exec, module_code, space), partial(eval, call_code, space)]
            if traced:
                trace_buffer = slot[trace_at : trace_at + protocol.TRACE_BYTES]
                actions.insert(
                    1, partial(tools.start, trace_buffer, FILENAME, value_chars=value_chars, max_events=trace_events)
                )
            begun = clock()
            yield partial(box.extend, map(call_object, actions))
            yield gc.disable
            yield partial(set_recursion_limit, depth)
            if traced:
                tools.stop()
            ballast.clear()
            if len(box) == len(actions):
                status, output, exception = _value(box[-1], tools, output_chars)
            elif failures and sys.unraisablehook is hook:
                status, output, exception = _failure(failures[-1].exc_value)
            else:
                status, output, exception = protocol.TAMPERED, None, None
            printed = _printed(stdout, stdout_chars)
        trace_bytes = tools.used(slot[trace_at:]) if traced and not isinstance(call_code, str) else 0
        head, texts = protocol.pack_record(status, clock() - begun, output, exception, printed, trace_bytes)
        end = trace_at + trace_bytes + len(texts)
        slot[position : position + len(head)] = head
        slot[trace_at + trace_bytes : end] = texts
        position = end
        protocol.HEADER.pack_into(slot, 0, position - protocol.HEADER.size, index + 1, clock(), 0)
        if len(slot) - position < 2 * protocol.TRACE_BYTES:
            break
    leave(0)


def _compile(source: str, filename: str, mode: str) -> types.CodeType | str:
    """The code object, or what is wrong with the source."""
    try:
        return compile(source, filename, mode, dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError) as error:
        return f"{type(error).__name__}: {error.args[0] if error.args else ''}"


def _value(value: object, tools: Tools, output_chars: int) -> tuple[int, str | None, str | None]:
    text = tools.canonical(value, output_chars + 1)
    if len(text) > output_chars:
        return protocol.TRUNCATED, None, None
    return protocol.OK, text, None


def _failure(error: BaseException) -> tuple[int, str | None, str | None]:
    status = protocol.EXCEPTION
    if isinstance(error, MemoryError):
        status = protocol.MEMORY
    elif isinstance(error, SystemExit):
        status = protocol.SYSTEM_EXIT
    return status, None, describe(error)


def describe(error: BaseException) -> str:
    """`Type: message`. We run no code of the program: of an exception class or argument that it defined, only the type."""
    kind = type(error)
    shown = next(parent for parent in kind.__mro__ if "__str__" in parent.__dict__)
    if shown.__flags__ & _HEAP_TYPE or not all(type(part) in _ATOMS for part in error.args):
        return kind.__name__
    return f"{kind.__name__}: {shown.__str__(error)}"[:2000]


def _printed(stdout: io.TextIOWrapper, limit: int) -> str:
    try:
        return stdout.buffer.getvalue()[: 4 * limit].decode("utf-8", "surrogatepass")[:limit]  # type: ignore[attr-defined]
    except (ValueError, UnicodeDecodeError):
        return ""
