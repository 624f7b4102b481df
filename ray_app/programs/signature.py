"""The parameters of an entry function, and the two ways between a call's text and what each parameter gets."""

import ast
import functools
from dataclasses import dataclass, field

from ray_app.parsing import parse, parse_expression


@dataclass(frozen=True, slots=True)
class Signature:
    """`parameters` in order of their definition; `defaults` holds source text. `*args` and `**kwargs` have none."""

    entry: str
    parameters: tuple[str, ...]
    defaults: dict[str, str] = field(hash=False)

    def bind(self, call: str) -> dict[str, str] | None:
        """The source of what each parameter gets in a plain call of the entry; None where the call is no such call."""
        node = _expression(call)
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == self.entry):
            return None
        starred = any(isinstance(one, ast.Starred) for one in node.args)
        if starred or not all(k.arg for k in node.keywords) or len(node.args) > len(self.parameters):
            return None
        given = {name: ast.unparse(one) for name, one in zip(self.parameters, node.args, strict=False)}
        given |= {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords if keyword.arg}
        bound = {name: given.get(name, self.defaults.get(name, "")) for name in self.parameters}
        return bound if all(bound.values()) and set(given) <= set(bound) else None

    def spell(self, arguments: dict[str, str], like: str) -> str:
        """A call with these arguments, written as `like` is: by position or by name, defaults left out."""
        node = _expression(like)
        assert isinstance(node, ast.Call)
        positional = self.parameters[: len(node.args)]
        named = [keyword.arg for keyword in node.keywords if keyword.arg]
        said = {*positional, *named}
        further = [n for n in self.parameters if n not in said and arguments[n] != self.defaults.get(n)]
        parts = [arguments[name] for name in positional]
        parts += [f"{name}={arguments[name]}" for name in (*named, *further)]
        return f"{self.entry}({', '.join(parts)})"


@functools.lru_cache(maxsize=256)
def _expression(text: str) -> ast.expr | None:
    try:
        return parse_expression(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def definition_of(tree: ast.Module, entry: str) -> ast.FunctionDef | None:
    """The last definition of a function at module level: the one that a call finds."""
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == entry]
    return found[-1] if found else None


@functools.lru_cache(maxsize=256)
def signature(code: str, entry: str) -> Signature | None:
    """The signature of a module-level function; None where there is none, or it takes any number of arguments."""
    definition = definition_of(parse(code), entry)
    if definition is None or definition.args.vararg or definition.args.kwarg:
        return None
    arguments = definition.args
    plain = [*arguments.posonlyargs, *arguments.args]
    with_default = plain[len(plain) - len(arguments.defaults) :]
    pairs = [*zip(with_default, arguments.defaults, strict=True)]
    pairs += [(a, d) for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if d is not None]
    names = tuple(argument.arg for argument in (*plain, *arguments.kwonlyargs))
    return Signature(entry, names, {argument.arg: ast.unparse(default) for argument, default in pairs})
