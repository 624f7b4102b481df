"""The fast lane's screen: which programs cannot disturb others that run later in the same process.

It judges compiled code, in the child that is to run it, before any program runs there: what is compiled away cannot
run, and no text can hide what is compiled. A program passes if its code can touch nothing that outlives it: functions
only, no classes, no attribute is stored or deleted, no name or attribute starts with an underscore, built-in functions
from a list, and library functions from a list, used as `module.function` or imported by name, so that no module object
gets about. What passes can still loop, recurse and use memory: that ends its child, and is noticed. The screen is a
filter for speed, the walls are the same.
"""

import builtins
import opcode
import re
import sys
from collections.abc import Iterator
from itertools import pairwise
from types import CodeType
from typing import Any

_BUILTINS = """
    abs all any ascii bin bool bytes bytearray callable chr complex dict divmod enumerate filter float
    format frozenset int isinstance issubclass iter len list map max min next oct ord pow print range repr
    reversed round set slice sorted str sum tuple zip True False None NotImplemented Ellipsis
    ArithmeticError AssertionError AttributeError BaseException Exception IndexError KeyError LookupError
    NameError OverflowError RecursionError RuntimeError StopIteration SyntaxError TypeError
    UnicodeDecodeError UnicodeEncodeError UnicodeError ValueError ZeroDivisionError NotImplementedError
    EOFError
"""
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
_OPERATIONS = """
    CACHE NOP POP_TOP PUSH_NULL RESUME EXTENDED_ARG COPY SWAP UNARY_POSITIVE UNARY_NEGATIVE UNARY_NOT UNARY_INVERT
    TO_BOOL BINARY_OP BINARY_SUBSCR BINARY_SLICE STORE_SLICE STORE_SUBSCR DELETE_SUBSCR COMPARE_OP IS_OP CONTAINS_OP
    GET_LEN MATCH_MAPPING MATCH_SEQUENCE MATCH_KEYS PUSH_EXC_INFO CHECK_EXC_MATCH POP_EXCEPT RERAISE RAISE_VARARGS
    LOAD_ASSERTION_ERROR GET_ITER GET_YIELD_FROM_ITER FOR_ITER END_FOR SEND END_SEND CLEANUP_THROW YIELD_VALUE
    RETURN_GENERATOR RETURN_VALUE RETURN_CONST LOAD_CONST LOAD_FAST STORE_FAST DELETE_FAST LOAD_FAST_CHECK
    LOAD_FAST_AND_CLEAR LOAD_FAST_LOAD_FAST STORE_FAST_LOAD_FAST STORE_FAST_STORE_FAST LOAD_NAME STORE_NAME DELETE_NAME
    LOAD_GLOBAL STORE_GLOBAL DELETE_GLOBAL LOAD_CLOSURE LOAD_DEREF STORE_DEREF DELETE_DEREF MAKE_CELL COPY_FREE_VARS
    LOAD_ATTR LOAD_METHOD IMPORT_NAME IMPORT_FROM MAKE_FUNCTION SET_FUNCTION_ATTRIBUTE PRECALL CALL CALL_KW KW_NAMES
    CALL_FUNCTION_EX CALL_INTRINSIC_1 BUILD_TUPLE BUILD_LIST BUILD_SET BUILD_MAP BUILD_CONST_KEY_MAP BUILD_SLICE
    BUILD_STRING LIST_TO_TUPLE LIST_APPEND LIST_EXTEND SET_ADD SET_UPDATE MAP_ADD DICT_MERGE DICT_UPDATE UNPACK_SEQUENCE
    UNPACK_EX FORMAT_VALUE FORMAT_SIMPLE FORMAT_WITH_SPEC CONVERT_VALUE JUMP_FORWARD JUMP_BACKWARD
    JUMP_BACKWARD_NO_INTERRUPT JUMP_IF_FALSE_OR_POP JUMP_IF_TRUE_OR_POP POP_JUMP_IF_FALSE POP_JUMP_IF_TRUE
    POP_JUMP_IF_NONE POP_JUMP_IF_NOT_NONE POP_JUMP_FORWARD_IF_FALSE POP_JUMP_FORWARD_IF_TRUE POP_JUMP_FORWARD_IF_NONE
    POP_JUMP_FORWARD_IF_NOT_NONE POP_JUMP_BACKWARD_IF_FALSE POP_JUMP_BACKWARD_IF_TRUE POP_JUMP_BACKWARD_IF_NONE
    POP_JUMP_BACKWARD_IF_NOT_NONE
"""
"""What code that passes is made of, in Python 3.11 to 3.13: no class, `with`, `async`, `except*` or class pattern."""

_code = {name: number for name, number in opcode.opmap.items() if number < 256}  # above, only the compiler uses them
_ALLOWED = bytes(_code[name] for name in _OPERATIONS.split() if name in _code)
_constants = vars(CodeType)["co_consts"].__get__
"""Looked up once: where notes are recorded, programs cannot look constants up (see `guard`)."""
_ASYNC = 0x80 | 0x100 | 0x200
"""`co_flags` of coroutines and asynchronous generators."""
_DENIED = frozenset((*dir(builtins), "exit", "quit")) - frozenset(_BUILTINS.split())
_METHODS_DENIED = frozenset("format_map gi_frame gi_code cr_frame f_globals tb_frame with_traceback".split())  # noqa: SIM905
_NAME_SHIFTS = {"LOAD_NAME": 0, "STORE_NAME": 0, "IMPORT_NAME": 0, "LOAD_METHOD": 0, "LOAD_GLOBAL": 1}
_NAME_SHIFTS["LOAD_ATTR"] = 0 if sys.version_info < (3, 12) else 1
_SHIFT = {_code[name]: shift for name, shift in _NAME_SHIFTS.items() if name in _code}
"""Low bits of an operation's argument that are not part of its name's index."""
_MAX_CHARS = 20_000
_SPECIAL = re.compile(r"\b__[a-z]")


def is_worth_a_try(code: str, calls: tuple[str, ...]) -> bool:
    """Whether the text of a program gives no reason why its code should not pass."""
    text = "\n".join((code, *calls))
    return len(text) <= _MAX_CHARS and not ("__" in text and _SPECIAL.search(text))


def passes(module: CodeType, calls: tuple[CodeType, ...]) -> bool:
    """Whether the program with its calls may share a child with others."""
    codes = [module, *calls]
    names: set[str] = set()
    operations = b""
    for code in codes:  # grows while it is read
        if code.co_flags & _ASYNC:
            return False
        names.update(code.co_names)
        operations += code.co_code[::2]
        codes += [constant for constant in _constants(code) if type(constant) is CodeType]
    if operations.translate(None, _ALLOWED) or names & _METHODS_DENIED or " _" in " ".join(("", *names)):
        return False
    if "format" in names and not all(map(_formats_plainly, codes)):
        return False
    if _code["IMPORT_NAME"] not in operations:
        return names.isdisjoint(_DENIED)
    return _imports_safely(codes, _code["RETURN_GENERATOR"] in operations)


def _formats_plainly(code: CodeType) -> bool:
    """Whether only constants without an underscore are formatted: "{0.__globals__}" would read what nothing shows."""
    return all(
        owner[0] == "LOAD_CONST" and type(owner[1]) is str and "_" not in owner[1]
        for owner, step in pairwise(_steps(code))
        if step in (("LOAD_ATTR", "format"), ("LOAD_METHOD", "format"))
    )


def _imports_safely(codes: list[CodeType], has_generators: bool) -> bool:
    """Whether only what is listed is imported, and modules are only used as `module.function`.

    `typing` holds what programs give it, and drops it while a later one runs. A generator would then run code.
    """
    modules: dict[Any, str] = {}
    reads: list[tuple[Any, tuple[str, Any]]] = []
    for code in codes:
        steps = list(_steps(code))
        for at, (operation, name) in enumerate(steps):
            if operation == "IMPORT_NAME":
                (_, level), (_, wanted), _, (following, alias) = steps[at - 2 : at + 2]
                if level != 0 or not LIBRARY.get(name, frozenset()).issuperset(wanted or ()):
                    return False
                if wanted is None and (following != "STORE_NAME" or alias in modules or name not in LIBRARY):
                    return False
                if wanted is None:
                    modules[alias] = name
                if name == "typing" and has_generators:
                    return False
            elif operation in ("LOAD_NAME", "LOAD_GLOBAL"):
                reads.append((name, steps[at + 1]))
    return all(
        following in ("LOAD_ATTR", "LOAD_METHOD") and attribute in LIBRARY[modules[name]]
        if name in modules
        else name not in _DENIED
        for name, (following, attribute) in reads
    )


def _steps(code: CodeType) -> Iterator[tuple[str, Any]]:
    """The operations of a code object with the name or the constant that each works with, else its bare argument."""
    extended = 0
    for number, argument in zip(code.co_code[::2], code.co_code[1::2], strict=True):
        argument |= extended
        extended = argument << 8 if number == _code["EXTENDED_ARG"] else 0
        if number in _SHIFT:
            yield opcode.opname[number], code.co_names[argument >> _SHIFT[number]]
        elif number == _code["LOAD_CONST"]:
            yield "LOAD_CONST", _constants(code)[argument]
        elif number not in (_code["CACHE"], _code["EXTENDED_ARG"]):
            yield opcode.opname[number], argument
