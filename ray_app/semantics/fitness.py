"""What may be ground truth: the one place that says why an execution, or a program, may not.

A program that looks at itself (frames, code objects, tracing, patched built-ins) can behave otherwise when it is
recorded, or make the record say something else; it is refused before that. Reasons are short and fixed, so that
refused rows can be counted by them.
"""

import ast
import functools

from ray_app.records import Execution
from ray_app.semantics.source import Source, read

_ATTRIBUTES = frozenset(
    "__code__ __globals__ __closure__ __builtins__ __subclasses__ co_consts co_code f_back f_code f_locals f_globals"  # noqa: SIM905
    " f_builtins f_lasti tb_frame tb_lasti gi_frame gi_code cr_frame cr_code ag_frame ag_code _getframe settrace"
    " gettrace setprofile getprofile getrefcount currentframe getcallargs".split()
)
_NAMES = _ATTRIBUTES | {"breakpoint"}
_MODULES = frozenset("inspect dis gc ctypes tracemalloc bdb pdb trace symtable sysconfig".split())  # noqa: SIM905
_BARE_LOOKS = frozenset(("locals", "vars", "dir"))
_Import = ast.Import | ast.ImportFrom


def unfit(code: str, execution: Execution, *, raising: bool = False) -> str:
    """Why an execution can be no ground truth, "" where it can. `raising`: one that an exception ended can be, too."""
    raised = raising and execution.status == "exception" and execution.exception is not None
    if not raised and (execution.status != "ok" or execution.output is None):
        return f"run not finished: {execution.status}"
    if execution.flags:
        return f"flagged: {execution.flags[0]}"
    if execution.trace is None or not execution.trace.events:
        return "no trace"
    if execution.trace.truncated:
        return "trace truncated"
    return looks_at_itself(code)


@functools.lru_cache(maxsize=4096)
def looks_at_itself(code: str) -> str:
    """ "looks at itself: inspect", "patches built-ins", "code does not parse"; "" where there is nothing such."""
    try:
        source = read(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return "code does not parse"
    if not any(word in code for word in _WORDS):
        return ""
    for node in source.nodes:
        seen = _looked_at(source, node)
        if seen:
            return f"looks at itself: {seen}"
    return "patches built-ins" if any(map(_patches, source.nodes)) else ""


def _looked_at(source: Source, node: ast.AST) -> str:
    """What of the interpreter's inside a node names."""
    if isinstance(node, ast.Attribute) and node.attr in _ATTRIBUTES:
        return node.attr
    if isinstance(node, ast.Name) and node.id in _NAMES:
        return node.id
    if isinstance(node, _Import):
        return next((name for name in _imported(node) if name in _MODULES or name in _ATTRIBUTES), "")
    return _kept_look(source, node)


def _imported(node: _Import) -> list[str]:
    names = [alias.name.partition(".")[0] for alias in node.names]
    return [*names, (node.module or "").partition(".")[0]] if isinstance(node, ast.ImportFrom) else names


def _kept_look(source: Source, node: ast.AST) -> str:
    """`locals()` that is more than read from at once: what it gives follows the frame, or does not."""
    if not isinstance(node, ast.Call) or node.args or not isinstance(node.func, ast.Name):
        return ""
    if node.func.id not in _BARE_LOOKS:
        return ""
    above = source.nodes[source.parent(source.id_of(node))]
    read_at_once = isinstance(above, (ast.Subscript, ast.Compare, ast.Attribute))
    return "" if read_at_once else f"{node.func.id}()"


def _patches(node: ast.AST) -> bool:
    """Whether an attribute of the module `builtins` is set."""
    if not isinstance(node, ast.Attribute) or isinstance(node.ctx, ast.Load):
        return False
    return isinstance(node.value, ast.Name) and node.value.id == "builtins"


_WORDS = (*_NAMES, *_MODULES, *(f"{name}(" for name in _BARE_LOOKS), "builtins")
