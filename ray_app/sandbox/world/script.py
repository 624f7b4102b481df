"""A whole program: what stands before its first line and after its last, as the interpreter arranges it.

`begin` gives it standard streams, arguments, files and a module named `__main__`; `finish` does what the interpreter
does at the end (exit handlers, a traceback, the exit code) and says how it ended. Both run beside the program, which
can break them; what they say is its own word, as is all that a program prints.
"""

import atexit
import builtins
import io
import os
import sys
from typing import Any

from _world import clock, files, threads, tracebacks  # type: ignore[import-not-found]

NAME = "main.py"
_EXIT_SLEPT = 99
_MOST_STDERR = 65_536


class _Run:
    """The program under way."""

    def __init__(self, source: str, fetched: "tuple[str, ...]") -> None:
        self.source, self.fetched = source, fetched
        self.stderr = io.BytesIO()
        self.handlers: list[Any] = []


current: Any = None


def begin(module: Any, source: str, out: io.BytesIO, spec: "tuple[Any, ...]") -> None:
    """Arranges the interpreter for a program; `out` gets what it prints."""
    global current
    stdin, arguments, given, fetched, seconds = spec
    current = _Run(source, fetched)
    files.system.begin()
    clock.clock.slept_ns = 0
    opened = files.system.descriptors
    opened[0], opened[1], opened[2] = files.Input(stdin), files.Output(out.write), files.Output(current.stderr.write)
    sys.stdin = sys.__stdin__ = _stream(0, "<stdin>", "r", "strict")  # type: ignore[misc]
    sys.stdout = sys.__stdout__ = _stream(1, "<stdout>", "w", "strict")  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = _stream(2, "<stderr>", "w", "backslashreplace")  # type: ignore[misc]
    sys.argv = [NAME, *arguments]
    for path, data in given:
        files.system.put(path, data)
    if any(path.endswith(".py") for path, _ in given):
        builtins.__import__ = _import_given(builtins.__import__)
    files.system.put(NAME, source.encode("utf-8", "surrogatepass"))
    threads.begin()
    module.__file__, module.__builtins__ = NAME, builtins
    sys.modules["__main__"] = module
    atexit.register, atexit.unregister = _register, _unregister
    clock.clock.most_ns = int(seconds * 1e9) if seconds is not None else None
    clock.clock.leave = _leave


def _stream(descriptor: int, name: str, mode: str, errors: str) -> io.TextIOWrapper:
    raw = files.Raw(descriptor, name, mode + "b", closes=False)
    buffered: Any = io.BufferedReader(raw) if mode == "r" else io.BufferedWriter(raw)
    made = io.TextIOWrapper(buffered, "utf-8", errors, "\n", line_buffering=descriptor == 2)
    made.mode = mode  # type: ignore[misc]
    return made


def _leave() -> None:
    """The program's time is up: what it has not written is lost, as outside."""
    os._exit(_EXIT_SLEPT)


def _register(function: Any, /, *arguments: Any, **named: Any) -> Any:
    current.handlers.append((function, arguments, named))
    return function


def _unregister(function: Any) -> None:
    current.handlers[:] = [handler for handler in current.handlers if handler[0] != function]


def _import_given(plain: Any) -> Any:
    """`__import__` that first finds the modules that lie beside the program, in memory."""

    def import_module(name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0) -> Any:
        base = (globals or {}).get("__package__") or "" if level else ""
        if level > 1:
            base = base.rsplit(".", level - 1)[0]
        whole = ".".join(part for part in (base, name) if part)
        steps = whole.split(".")
        for end in range(1, len(steps) + 1):
            _load(".".join(steps[:end]))
        for attribute in fromlist or ():
            _load(f"{whole}.{attribute}")
        return plain(name, globals, locals, fromlist, level)

    return import_module


def _load(name: str) -> None:
    """Runs the module of this name, where a file in memory holds it."""
    base = f"{files.HOME}/{name.replace('.', '/')}"
    found = next((file for file in (f"{base}/__init__.py", f"{base}.py") if file in files.system.nodes), None)
    if name in sys.modules or found is None:
        return
    package = name if found.endswith("__init__.py") else name.rpartition(".")[0]
    module: Any = type(sys)(name)
    module.__file__, module.__package__ = found, package
    if package == name:
        module.__path__ = [base]
    sys.modules[name] = module
    exec(compile(bytes(files.system.nodes[found].data), found, "exec", dont_inherit=True), module.__dict__)
    above, _, last = name.rpartition(".")
    if above in sys.modules:
        setattr(sys.modules[above], last, module)


def finish(error: "BaseException | None") -> "tuple[Any, ...]":
    """(exit code, standard error, seconds slept, files) of a program that ended with this exception, or with none."""
    code = 0 if error is None else _end(error)
    threads.run_all()
    for function, arguments, named in reversed(current.handlers):
        try:
            function(*arguments, **named)
        except SystemExit:
            continue
        except BaseException as wrong:
            _print(wrong, "Exception ignored in atexit callback")
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (ValueError, OSError, AttributeError):
            continue
    files.write_what_is_open()
    return code & 0xFF, _stderr(), clock.clock.slept_ns / 1e9, tuple(map(_fetched, current.fetched))


def _fetched(path: str) -> "tuple[str, bytes | None]":
    """A file that is asked for, None where there is none."""
    try:
        data = files.system.node(path).data
    except OSError:
        return path, None
    return path, None if data is None else bytes(data)


def _stderr() -> str:
    return current.stderr.getvalue()[:_MOST_STDERR].decode("utf-8", "replace")


def _end(error: BaseException) -> int:
    """What the interpreter does with an exception that nothing caught; the exit code."""
    if isinstance(error, SystemExit):
        code = error.code
        if code is None or isinstance(code, int):
            return int(code or 0)
        _flush_and_write(f"{code}\n")
        return 1
    hook = sys.excepthook
    if hook is not sys.__excepthook__:
        try:
            sys.stdout.flush()
            hook(type(error), error, error.__traceback__)
            return 1
        except BaseException as wrong:
            _flush_and_write("Error in sys.excepthook:\n")
            _print(wrong)
            _flush_and_write("\nOriginal exception was:\n")
    _print(error)
    return 130 if isinstance(error, KeyboardInterrupt) else 1


def _flush_and_write(text: str) -> None:
    try:
        sys.stdout.flush()
        sys.stderr.write(text)
        sys.stderr.flush()
    except (ValueError, OSError, AttributeError):
        return


def _print(error: BaseException, title: str = "") -> None:
    text = tracebacks.text_of(error)
    _flush_and_write(f"{title}:\n{text}" if title else text)


def refuse(source: str) -> "tuple[Any, ...]":
    """What `finish` would say of a text that does not compile."""
    try:
        compile(source, NAME, "exec", dont_inherit=True)
    except SyntaxError as error:
        lines = source.splitlines(keepends=True)
        if error.text is None and error.lineno and error.lineno <= len(lines):
            error.text = lines[error.lineno - 1]  # what the compiler finds wrong, it would quote from the file
        return finish(error.with_traceback(None))
    except (ValueError, RecursionError, MemoryError, OverflowError) as error:
        return finish(error.with_traceback(None))
    return finish(None)
