"""A static screen: may this code be expected to be a deterministic function of its arguments?

What decides is the sandbox: it denies the network and runs everything twice. But it gives a program files and a clock
of its own, so what depends on those of a machine must be refused here.
"""

import ast
from collections.abc import Collection

_words = str.split

ALLOWED_MODULES = frozenset(
    _words(
        """__future__ abc array ast base64 binascii bisect calendar cmath codecs collections collections.abc colorsys
        contextlib copy csv dataclasses datetime decimal difflib enum errno fnmatch fractions functools graphlib hashlib
        heapq hmac html html.entities io ipaddress itertools json keyword math ntpath numbers operator os.path posixpath
        pprint quopri re reprlib shlex stat statistics string struct textwrap token tokenize types typing unicodedata
        urllib.parse warnings zlib"""
    )
)
"""Standard modules whose functions depend on their arguments only and that the sandbox can import."""

PARTLY_ALLOWED: dict[str, frozenset[str]] = {
    "os": frozenset({"path", "sep", "altsep", "linesep", "pathsep", "extsep", "curdir", "pardir", "fspath"}),
    "sys": frozenset({"maxsize", "maxunicode", "byteorder", "version_info", "float_info"}),
    "inspect": frozenset({"cleandoc"}),
}
"""Standard modules of which only these attributes may be used."""

_DENIED_NAMES = frozenset(
    _words(
        """open input exec eval compile globals locals vars id hash __import__ exit quit breakpoint help memoryview
        print __file__ __builtins__ __loader__ __spec__ __path__ __package__ copyright credits license"""
    )
)
_DENIED_ATTRIBUTES = frozenset(
    _words(
        """now today utcnow fromtimestamp localtime __globals__ __code__ __closure__ __subclasses__ __builtins__
        __bases__ __mro__ __dict__ __getattribute__ __reduce__ __module__ f_back gi_frame tb_frame"""
    )
)


class Impure(Exception):
    """The code cannot stand alone or is not a function of its arguments: a short fixed reason, and what caused it."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


def check_pure(tree: ast.AST) -> None:
    """Raises Impure for denied names and attributes, `global`, async code and modules that are not allowed.

    A denied name is harmless where the code binds it itself, as a parameter for example.
    """
    nodes = list(ast.walk(tree))
    bound = {node.arg for node in nodes if isinstance(node, ast.arg)}
    bound |= {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    denied = _DENIED_NAMES - bound
    for node in nodes:
        match node:
            case ast.Name(id=name, ctx=ast.Load()) if name in denied:
                raise Impure("denied name", name)
            case ast.Attribute(attr=name) if name in _DENIED_ATTRIBUTES:
                raise Impure("denied attribute", name)
            case ast.Global():
                raise Impure("global state")
            case ast.AsyncFunctionDef() | ast.AsyncFor() | ast.AsyncWith() | ast.Await():
                raise Impure("async")
            case ast.Import(names=aliases):
                for alias in aliases:
                    _check_module(alias.name, PARTLY_ALLOWED.keys())
            case ast.ImportFrom(module=module, level=level, names=aliases):
                for alias in aliases:
                    _check_from("." * level + (module or ""), alias.name)
            case _:
                pass
    _check_partly(nodes)


def _check_module(name: str, also: Collection[str] = ()) -> None:
    if name not in ALLOWED_MODULES and name not in also:
        raise Impure("foreign import", name)


def _check_from(module: str, name: str) -> None:
    if name not in PARTLY_ALLOWED.get(module, ()) and f"{module}.{name}" not in ALLOWED_MODULES:
        _check_module(module)


def _check_partly(nodes: list[ast.AST]) -> None:
    """Of the modules that are allowed in part, only the allowed attributes, and never the module as a value."""
    aliases = [alias for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    modules = {alias.asname or _top(alias.name): alias.name if alias.asname else _top(alias.name) for alias in aliases}
    modules = {name: module for name, module in modules.items() if module in PARTLY_ALLOWED}
    uses = [node for node in nodes if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)]
    bases = {id(node.value): node.attr for node in uses}
    for node in nodes if modules else ():
        if isinstance(node, ast.Name) and node.id in modules:
            used = bases.get(id(node), "as a value")
            if used not in PARTLY_ALLOWED[modules[node.id]]:
                raise Impure("denied attribute", f"{modules[node.id]}.{used}")


def _top(module: str) -> str:
    return module.partition(".")[0]
