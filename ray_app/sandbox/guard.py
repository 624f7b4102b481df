"""Keeps a program away from the trusted code that shares its interpreter, and notices what it tries.

Nothing here stops system calls; the kernel does that. This protects the *truth* of what is recorded: trusted modules,
their classes and ctypes cannot be found (not in `sys.modules`, not among subclasses, not through frames: see `child`),
they have builtins of their own, and the interpreter's introspection that could find them ends the program as tampered.
"""

import gc
import sys
import types
import weakref
from collections.abc import Callable, Iterator
from typing import Any

from ray_app.sandbox import protocol

PRIVATE = ("ray_app", "ctypes", "_ctypes", "_semray_tracer", "_semray_sandbox")
"""Top-level modules that a program must not find."""

_BLINDERS = ("f_trace_lines", "f_trace_opcodes")
"""Attributes of frames with which a program could switch its own tracing off, unseen."""

_INTERPRETER_USER = "ray_app.sandbox.child"
"""The only trusted module that needs the interpreter's real modules; it looks things up before programs run."""

FORBIDDEN = frozenset(
    "sys.setprofile sys.addaudithook sys._current_frames sys._current_exceptions code.__new__"  # noqa: SIM905
    " gc.get_objects gc.get_referrers gc.get_referents marshal.load marshal.loads"
    " sys.monitoring.register_callback".split()
)
"""Audit events with which a program reaches into the interpreter: it is stopped as "tampered"."""

OBSERVED = ("os.", "socket.", "subprocess.", "resource.", "fcntl.", "_thread.", "signal.", "pty.", "syslog.")
HARMLESS = frozenset(("os.putenv", "os.unsetenv", "os.walk", "os.fwalk"))
"""What is said of these, the kernel is not asked for; `os.walk` asks by other calls."""


_NOTES = ("co_consts", "replace", "__replace__")
"""Attributes of code through which a program would find the notes in it."""


def hide_notes() -> None:
    """Where records with notes are made: no program can look up the constants of code."""
    attributes = gc.get_referents(types.CodeType.__dict__)[0]
    for name in _NOTES:
        attributes.pop(name, None)
    forget = getattr(sys, "_clear_internal_caches", None) or getattr(sys, "_clear_type_cache")  # noqa: B009
    forget()


def hide() -> None:
    """Takes every private module and class out of the interpreter's own tables, and every way to load more.

    Trusted modules keep copies of the modules that they use, as programs can patch the shared ones.
    """
    frame_attributes = gc.get_referents(types.FrameType.__dict__)[0]
    for name in _BLINDERS:
        frame_attributes.pop(name, None)
    _unlink([kind for kind in _all_classes() if _top(str(kind.__module__)) in (*PRIVATE, "__main__")])
    for name in [name for name in sys.modules if _top(name) in PRIVATE]:
        module = sys.modules.pop(name)
        for key, value in list(module.__dict__.items()):
            if (
                name != _INTERPRETER_USER
                and isinstance(value, types.ModuleType)
                and _top(value.__name__) not in PRIVATE
            ):
                module.__dict__[key] = _copy(value)
    for module in list(sys.modules.values()):
        _forget_private(module)
    loaders = sys.modules["_imp"].__dict__
    for name in ("create_dynamic", "create_builtin", "exec_dynamic", "exec_builtin"):
        loaders.pop(name, None)
    sys.modules["__main__"] = types.ModuleType("__main__")
    sys.meta_path.clear()
    sys.path.clear()
    sys.path_importer_cache.clear()
    sys.argv[:] = sys.orig_argv[:] = [""]


def _top(name: str) -> str:
    return name.partition(".")[0]


def _forget_private(module: types.ModuleType | None) -> None:
    """Removes a module's own references to what is private: numpy keeps one to ctypes."""
    for name, value in list(getattr(module, "__dict__", {}).items()):
        owner = value.__name__ if isinstance(value, types.ModuleType) else getattr(value, "__module__", "")
        if type(owner) is str and _top(owner) in PRIVATE:
            del module.__dict__[name]


def _all_classes() -> list[type]:
    found: dict[int, type] = {}
    stack: list[type] = [object]
    while stack:
        kind = stack.pop()
        for child in type.__subclasses__(kind):
            if id(child) not in found:
                found[id(child)] = child
                stack.append(child)
    return list(found.values())


def _unlink(kinds: list[type]) -> None:
    """Removes classes from the tables behind `__subclasses__` of their bases, in one search of the heap."""
    references = {id(kind): weakref.ref(kind) for kind in kinds}
    for table in gc.get_referrers(*references.values()):
        if type(table) is dict and table is not references:
            for key in [key for key, reference in references.items() if table.get(key) is reference]:
                del table[key]


def _copy(module: types.ModuleType) -> types.ModuleType:
    twin = types.ModuleType(module.__name__)
    twin.__dict__.update(module.__dict__)
    return twin


def make_audit_hook(
    notes: list[str], settraces: Iterator[int], leave: Callable[[int], object]
) -> Callable[[str, tuple[Any, ...]], None]:
    """An audit hook that notes refused actions, counts uses of `sys.settrace` and leaves on forbidden events.

    Where the hook itself fails, because the program has used up stack or memory, the program can reach its frame. So
    it has no globals and no builtins, and what it holds can be used only against the program's own interest.
    """
    defaults = (type, str, FORBIDDEN, OBSERVED, HARMLESS, notes.append, settraces.__next__, leave)
    return types.FunctionType(_audit.__code__, {"__builtins__": {}}, "audit", (*defaults, protocol.EXIT_TAMPERED))


def _audit(
    event: str,
    arguments: tuple[Any, ...],
    kind: Callable[[object], type],
    string: type,
    forbidden: frozenset[str],
    prefixes: tuple[str, ...],
    harmless: frozenset[str],
    note: Callable[[str], None],
    count: Callable[[], int],
    leave: Callable[[int], object],
    tampered: int,
) -> None:
    if kind(event) is not string:
        leave(tampered)
    elif event == "sys.settrace":
        count()
    elif event in forbidden or event.startswith("ctypes."):
        leave(tampered)
    elif event == "import":
        name = arguments[0]
        note("denied:import " + name if kind(name) is string else "denied:import")
    elif event == "open" or (event.startswith(prefixes) and event not in harmless):
        note("denied:" + event)
