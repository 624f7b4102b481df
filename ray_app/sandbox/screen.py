"""The fast lane's screen: which programs cannot disturb others that run later in the same process.

A program passes if its text can touch nothing that outlives it: functions only, no classes, no attribute is stored or
deleted, no name or attribute starts with an underscore, built-in functions from a list, and library functions from a
list, used as `module.function` or imported by name, so that no module object gets about. What passes can still loop,
recurse and use memory: that ends its child, and is noticed. The screen is a filter for speed, the walls are the same.
"""

import ast

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
_FORBIDDEN_NODES = (ast.ClassDef, ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith, ast.With, ast.TryStar)
_METHODS_DENIED = frozenset("format_map gi_frame gi_code cr_frame f_globals tb_frame with_traceback".split())  # noqa: SIM905
_MAX_CHARS = 20_000


def passes(code: str, calls: tuple[str, ...]) -> bool:
    """Whether the program with its calls may share a child with others."""
    defined = _bound_if_safe(code, "exec", frozenset())
    return defined is not None and all(_bound_if_safe(call, "eval", defined) is not None for call in calls)


def _bound_if_safe(source: str, mode: str, known: frozenset[str]) -> frozenset[str] | None:
    """The names that the source binds; None if it may not share a child."""
    if len(source) > _MAX_CHARS:
        return None
    try:
        nodes = list(ast.walk(ast.parse(source, mode=mode)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    modules = {alias.asname or alias.name for n in nodes if isinstance(n, ast.Import) for alias in n.names}
    named = {alias.asname or alias.name for n in nodes if isinstance(n, ast.ImportFrom) for alias in n.names}
    bound = _bound(nodes) | named
    if modules & bound:
        return None
    names = known | bound | BUILTINS
    bases = {id(n.value) for n in nodes if isinstance(n, ast.Attribute)}
    safe = all(_node_is_safe(node, names, modules, bases) for node in nodes)
    return frozenset(bound) if safe else None


def _node_is_safe(node: ast.AST, names: frozenset[str], modules: set[str], bases: set[int]) -> bool:
    if isinstance(node, _FORBIDDEN_NODES):
        return False
    if isinstance(node, ast.Import):
        return all(alias.name in LIBRARY for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        allowed = LIBRARY.get(node.module or "", frozenset()) if not node.level else frozenset[str]()
        return all(alias.name in allowed for alias in node.names)
    if isinstance(node, ast.Name):
        if node.id in modules:
            return id(node) in bases
        return not node.id.startswith("__") and node.id in names
    if isinstance(node, ast.Attribute):
        if not isinstance(node.ctx, ast.Load) or node.attr.startswith("_") or node.attr in _METHODS_DENIED:
            return False
        if isinstance(node.value, ast.Name) and node.value.id in modules:
            return any(node.attr in allowed for allowed in LIBRARY.values())
    return True


def _bound(nodes: list[ast.AST]) -> set[str]:
    """Every name that is bound somewhere: functions, parameters, variables, handlers, patterns."""
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            found.add(node.name)
        elif isinstance(node, ast.MatchMapping) and node.rest:
            found.add(node.rest)
    return found
