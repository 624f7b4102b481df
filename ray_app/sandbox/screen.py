"""The fast lane's screen: which programs cannot disturb others that run later in the same process.

A program passes if its text can touch nothing that outlives it: functions only, no classes, no attribute is stored or
deleted, no name or attribute starts with an underscore, built-in functions from a list, and library functions from a
list, used as `module.function` or imported by name, so that no module object gets about. What passes can still loop,
recurse and use memory: that ends its child, and is noticed. The screen is a filter for speed, the walls are the same.
"""

import ast
from functools import cache

_BUILTINS = """
    abs all any ascii bin bool bytes bytearray callable chr complex dict divmod enumerate filter float
    format frozenset int isinstance issubclass iter len list map max min next oct ord pow print range repr
    reversed round set slice sorted str sum tuple zip True False None NotImplemented Ellipsis
    ArithmeticError AssertionError AttributeError BaseException Exception IndexError KeyError LookupError
    NameError OverflowError RecursionError RuntimeError StopIteration SyntaxError TypeError
    UnicodeDecodeError UnicodeEncodeError UnicodeError ValueError ZeroDivisionError NotImplementedError
    EOFError
"""
BUILTINS = frozenset(_BUILTINS.split())
_LIBRARY = {
    "math": "ceil comb copysign cos degrees e exp fabs factorial floor fmod fsum gcd hypot inf isclose isfinite isinf"
    " isnan isqrt lcm log log10 log2 modf nan perm pi pow prod radians sin sqrt tan tau trunc",
    "collections": "Counter defaultdict deque OrderedDict",
    "itertools": "accumulate chain combinations combinations_with_replacement compress count cycle dropwhile"
    " filterfalse groupby islice permutations product repeat starmap takewhile tee zip_longest pairwise",
    "functools": "reduce partial cmp_to_key lru_cache cache",
    "string": "ascii_letters ascii_lowercase ascii_uppercase digits hexdigits octdigits punctuation whitespace",
    "heapq": "heapify heappop heappush heappushpop heapreplace merge nlargest nsmallest",
    "bisect": "bisect bisect_left bisect_right insort insort_left insort_right",
    "operator": "add and_ floordiv itemgetter mod mul neg or_ sub truediv xor",
    "re": "compile findall finditer fullmatch match search split sub subn escape IGNORECASE MULTILINE DOTALL I M S",
    "copy": "copy deepcopy",
    "typing": "Any Dict FrozenSet Iterable Iterator List Optional Sequence Set Tuple Union Callable",
}
LIBRARY = {module: frozenset(names.split()) for module, names in _LIBRARY.items()}
_ANY_LIBRARY_NAME = frozenset[str]().union(*LIBRARY.values())
_FORBIDDEN_NODES = frozenset(
    (ast.ClassDef, ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith, ast.With, ast.TryStar, ast.MatchClass)
)
_METHODS_DENIED = frozenset("format_map gi_frame gi_code cr_frame f_globals tb_frame with_traceback".split())  # noqa: SIM905
_MAX_CHARS = 20_000
_WITHOUT_NODES = frozenset(("ctx", "op", "ops", "id", "attr", "arg", "n", "s", "kind", "type_comment", "names"))


def passes(code: str, calls: tuple[str, ...]) -> bool:
    """Whether the program with its calls may share a child with others."""
    defined = _bound_if_safe(code, "exec", frozenset())
    return defined is not None and all(_bound_if_safe(call, "eval", defined) is not None for call in calls)


def _bound_if_safe(source: str, mode: str, known: frozenset[str]) -> frozenset[str] | None:
    """The names that the source binds; None if it may not share a child."""
    if len(source) > _MAX_CHARS:
        return None
    try:
        uses = _Uses()
        if not uses.collect(ast.parse(source, mode=mode)):
            return None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    bound, modules = frozenset(uses.bound), uses.modules
    if modules & (bound | uses.plain) or not uses.attributes_of(modules) <= _ANY_LIBRARY_NAME:
        return None
    names = uses.plain | {name for name, _ in uses.based if name not in modules}
    unsafe = names - known - bound - BUILTINS
    return None if unsafe or any(name.startswith("__") for name in names) else bound


class _Uses:
    """What one source binds and uses. `plain` are names used otherwise than as `name.attribute`, which are `based`."""

    def __init__(self) -> None:
        self.bound: set[str] = set()
        self.plain: set[str] = set()
        self.based: set[tuple[str, str]] = set()
        self.modules: set[str] = set()

    def attributes_of(self, modules: set[str]) -> set[str]:
        """What is used of the modules."""
        return {attribute for name, attribute in self.based if name in modules}

    def collect(self, tree: ast.AST) -> bool:
        """False if a node can never be allowed."""
        stack: list[ast.AST | None] = [tree]
        while stack:
            node = stack.pop()
            if node is None:
                continue
            kind = type(node)
            if kind is ast.Name:
                self._name(node)  # type: ignore[arg-type]
            elif kind is ast.Attribute:
                if not self._attribute(node, stack):  # type: ignore[arg-type]
                    return False
            elif kind is not ast.Constant:
                if not self._other(node, kind):
                    return False
                for field in _fields(kind):
                    value = getattr(node, field, None)
                    if type(value) is list:
                        stack.extend(value)  # pyright: ignore[reportUnknownArgumentType]
                    elif isinstance(value, ast.AST):
                        stack.append(value)
        return True

    def _name(self, node: ast.Name) -> None:
        self.plain.add(node.id)
        if type(node.ctx) is ast.Store:
            self.bound.add(node.id)

    def _attribute(self, node: ast.Attribute, stack: list[ast.AST | None]) -> bool:
        if type(node.value) is ast.Name:
            self.based.add((node.value.id, node.attr))
        else:
            stack.append(node.value)
        return type(node.ctx) is ast.Load and not node.attr.startswith("_") and node.attr not in _METHODS_DENIED

    def _other(self, node: ast.AST, kind: type[ast.AST]) -> bool:
        """Notes what the node binds; False if it can never be allowed."""
        if kind is ast.FunctionDef:
            self.bound.add(node.name)  # type: ignore[attr-defined]
        elif kind is ast.arg:
            self.bound.add(node.arg)  # type: ignore[attr-defined]
        elif isinstance(node, ast.Import):
            self.modules |= {alias.asname or alias.name for alias in node.names}
            return all(alias.name in LIBRARY for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            self.bound |= {alias.asname or alias.name for alias in node.names}
            allowed = LIBRARY.get(node.module or "", frozenset()) if not node.level else frozenset[str]()
            return all(alias.name in allowed for alias in node.names)
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            self.bound.add(node.name)
        elif isinstance(node, ast.MatchMapping) and node.rest:
            self.bound.add(node.rest)
        return kind not in _FORBIDDEN_NODES


@cache
def _fields(kind: type[ast.AST]) -> tuple[str, ...]:
    """The fields that may hold nodes; in a list of them None may stand, as for `**` in a dictionary."""
    return tuple(field for field in kind._fields if field not in _WITHOUT_NODES)
