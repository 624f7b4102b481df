"""The typed surface of Python that grown programs use: types, example values, and one template per operation.

A template names the types of its holes: `{str}.find({#char})` is filled with an expression of type str and a literal.
`{v=list[int]}` is a variable that `{v}` repeats. `T` stands for int and str in turn. Templates never raise for values
of the right type (guards are written out), except those listed in RAISING.
"""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass

from ray_app.programs.inputs import literal

Type = str
"""A type is written as its annotation, for example "dict[str, int]"."""

PARAMETER_TYPES: dict[Type, int] = {
    "str": 9,
    "list[int]": 5,
    "list[str]": 5,
    "int": 4,
    "dict[str, int]": 3,
    "tuple[int, ...]": 1,
    "set[int]": 1,
    "set[str]": 1,
    "float": 1,
    "bool": 1,
    "list[list[int]]": 1,
    "dict[str, list[int]]": 1,
    "list[tuple[str, int]]": 2,
    "str | None": 1,
}

NAMES: dict[Type, tuple[str, ...]] = {
    "str": ("text", "word", "name", "label", "phrase", "token", "line", "title", "message", "code", "prefix", "key"),
    "int": ("count", "total", "number", "limit", "offset", "score", "level", "width", "amount", "position", "size"),
    "float": ("ratio", "rate", "average", "weight", "price", "factor"),
    "bool": ("found", "valid", "enabled", "matches", "changed", "ready"),
    "list[int]": ("numbers", "values", "scores", "sizes", "counts", "amounts", "totals", "marks"),
    "list[str]": ("words", "names", "parts", "tokens", "labels", "lines", "fields", "titles"),
    "dict[str, int]": ("stock", "prices", "lookup", "frequency", "ages", "points", "table"),
    "tuple[int, ...]": ("shape", "record", "triple", "limits"),
    "tuple[str, ...]": ("pieces", "path", "columns"),
    "set[int]": ("seen", "unique", "ids", "chosen"),
    "set[str]": ("letters", "tags", "known", "keywords"),
    "list[list[int]]": ("grid", "matrix", "rows", "groups"),
    "dict[str, list[int]]": ("buckets", "results", "history", "readings"),
    "list[tuple[str, int]]": ("pairs", "entries", "items", "orders"),
    "tuple[str, int]": ("entry", "pair", "item"),
    "str | None": ("suffix", "nickname", "comment"),
}
CHARACTER_NAMES = ("char", "letter", "symbol", "mark")

_SPOKEN = (
    "apple banana Cherry delta echo Forest garden harbor Iris jungle kettle lemon Mango night ocean paper Quartz river "
    "stone tiger umbra violet winter xenon yellow zebra a-b c_d x1 42 7up Hello World foo,bar one two three"
)
WORDS = _SPOKEN.split()
TEXTS = (
    "Hello, World",
    "the quick brown fox",
    "a1b2c3",
    "  padded text ",
    "red,green,blue",
    "level",
    "Mississippi",
    "UPPER lower",
    "x=1;y=2",
    "2024-06-30",
    "aAbBcC",
    "tic-tac-toe",
    "no spaces",
    "one two one",
    "(a[b]c)",
    "Line one\nLine two",
    "12345",
    "banana split",
)

_OPERATIONS = """
str: {str}.upper() | {str}.lower() | {str}.title() | {str}.capitalize() | {str}.swapcase() | {str}.casefold()
str: {str}.strip() | {str}.lstrip() | {str}.rstrip() | {str}.strip({#char}) | {str}.lstrip({#chars})
str: {str}.rstrip({#chars})
str: {str}.replace({#char}, {#char}) | {str}.replace({#char}, {str}, {#small}) | {str}.removeprefix({#char})
str: {str}.removesuffix({#char})
str: {str}.center({#width}, {#fill}) | {str}.ljust({#width}, {#fill}) | {str}.rjust({#width}, {#fill})
str: {str}.zfill({#width})
str: {#sep}.join({list[str]}) | {#sep}.join(sorted({set[str]})) | {#sep}.join({str}.split())
str: {str}.expandtabs({#small})
str: {str}.partition({#sep})[0] | {str}.partition({#sep})[2] | {str}.rpartition({#sep})[0]
str: {str}.rpartition({#sep})[2]
str: {str}.translate(str.maketrans({#char}, {#char})) | {str}[::-1] | {str}[:{#small}] | {str}[{#small}:] | {str}[::2]
str: {str}[-{#small}:]
str: {str} + {str} | {str} * {#small} | f'{{{v=str}}}-{{{u=int}}}' | f'{{{u=int}:03d}}' | f'{{{v=str}!r}}'
str: f'{{{u=float}:.2f}}'
str: '{{}}:{{}}'.format({str}, {int}) | '{{k}}'.format_map({{'k': {str}}}) | '%s/%d' % ({str}, {int})
str: format({int}, '05d')
str: str({int}) | repr({str}) | bin({int}) | hex({int}) | oct({int}) | chr({int} % 26 + 97) | str({list[int]})
str: str({bool})
str: max({str}, {str}) | min({str}, {str}) | max({v=list[str]}, default={#word})
str: min({v=list[str]}, key=len, default={#word})
str: {str} if {bool} else {str} | {v=list[str]}[{int} % len({v})] if {v} else {#word}
str: {v=str}[{int} % len({v})] if {v} else {#char}
str: {v=str | None} or {#word} | {#word} if {v=str | None} is None else {v} | {str}.encode().hex()
str: ''.join(sorted({str}))
str: ''.join({c}.upper() for {c} in {str} if {c}.isalpha()) | ''.join({c} for {c} in {str} if {c} not in {#chars})
str: ''.join(reversed({str}))
str: {v=tuple[str, int]}[0] | {t=tuple[str, ...]}[0] if {t} else {#word}
int: len({str}) | len({list[int]}) | len({list[str]}) | len({dict[str, int]}) | len({set[int]}) | len({set[str]})
int: len({list[list[int]]})
int: {str}.count({#char}) | {str}.find({#char}) | {str}.rfind({#char}) | {v=str}.index({v}[-1]) if {v} else {#int}
int: {v=str}.rindex({v}[0]) if {v} else {#int}
int: {list[int]}.count({int}) | {list[str]}.count({str}) | {v=list[int]}.index(max({v})) if {v} else {#int}
int: {tuple[int, ...]}.count({int})
int: {v=tuple[int, ...]}.index(max({v})) if {v} else {#int} | {v=tuple[str, int]}[1]
int: {v=list[T]}.index({v}[-1]) if {v} else {#int}
int: {int} + {int} | {int} - {int} | {int} * {#nonzero} | {int} // {#nonzero} | {int} % {#nonzero} | abs({int})
int: -{int} | ({int} % 30) ** 2
int: {int} & {#int} | {int} | {#small} | {int} ^ {#small} | {int} << {#small} | {int} >> 1
int: divmod({int}, {#nonzero})[1] | pow({#small}, 3)
int: {int}.bit_length() | {int}.bit_count() | {int}.conjugate() | int.from_bytes({str}[:2].encode(), 'big')
int: int({str}.isdigit())
int: sum({list[int]}) | sum({tuple[int, ...]}) | max({list[int]}, default={#int}) | min({list[int]}, default={#int})
int: sum({dict[str, int]}.values())
int: max({int}, {int}) | min({int}, {int}) | ord({v=str}[0]) if {v} else {#int} | round({float}) | int({float})
int: sum(len({w}) for {w} in {list[str]})
int: {dict[str, int]}.get({str}, {#int}) | max({dict[str, int]}.values(), default={#int})
int: sum({c}.isdigit() for {c} in {str}) | sum(map(len, {list[str]}))
int: {v=list[int]}[{int} % len({v})] if {v} else {#int} | {v=tuple[int, ...]}[-1] if {v} else {#int}
int: {int} if {bool} else {int} | sum(map(sum, {list[list[int]]}))
int: int({v=str}) if {v}.isdecimal() else {#int} | len({#sep}.join({list[str]}))
int: sum({n} * {n} for {n} in {list[int]} if {n} % 2)
float: {int} / {#nonzero} | float({int}) | round({float}, 2) | sum({v=list[int]}) / len({v}) if {v} else 0.0
float: {float} * {#half} | abs({float}) | {float} + {int}
float: float.fromhex({float}.hex()) | {float} - {#half} | max({float}, {#half}) | {float}.conjugate()
bool: {str}.isalpha() | {str}.isdigit() | {str}.isalnum() | {str}.isupper() | {str}.islower() | {str}.isspace()
bool: {str}.istitle() | {str}.isdecimal()
bool: {str}.isascii() | {str}.isidentifier() | {str}.isnumeric() | {str}.isprintable() | {str}.startswith({#char})
bool: {str}.endswith({#char}) | {str}.startswith(({#char}, {#char}))
bool: {#char} in {str} | {str} in {str} | {int} in {list[int]} | {str} in {list[str]} | {str} in {dict[str, int]}
bool: {str} not in {set[str]} | {int} in {set[int]}
bool: {int} > {#int} | {int} < {int} | {int} % {#nonzero} == 0 | {int} >= {#int} | {int} != {#int} | {str} == {str}
bool: {str} < {str} | len({str}) > {#small}
bool: {#small} < {int} <= {#width} | not {bool} | {bool} and {bool} | {bool} or {bool}
bool: all({n} > 0 for {n} in {list[int]}) | any({w}.isupper() for {w} in {list[str]})
bool: {set[int]}.isdisjoint({list[int]}) | {set[str]}.issubset({list[str]}) | {set[str]}.issuperset({set[str]})
bool: {set[int]} <= {set[int]} | bool({list[int]})
bool: {float} > {#half} | {float}.is_integer() | isinstance({v=str | None}, str) | {v=str | None} is None
bool: {v=str} == {v}[::-1] | len(set({v=list[T]})) == len({v})
list[str]: {str}.split() | {str}.split({#sep}) | {str}.rsplit({#sep}, {#small}) | {str}.split({#sep}, {#small})
list[str]: {str}.splitlines() | list({str}) | sorted({str})
list[str]: sorted({list[str]}) | sorted({list[str]}, key=len) | sorted({set[str]}) | sorted({dict[str, int]})
list[str]: list({dict[str, int]}.keys()) | {list[str]}.copy()
list[str]: [{w}.upper() for {w} in {list[str]}] | [{w} for {w} in {list[str]} if len({w}) > {#small}]
list[str]: [{w}[0] for {w} in {list[str]} if {w}] | [{c} * 2 for {c} in {str}]
list[str]: list(map(str, {list[int]})) | list(filter(str.isalpha, {str})) | {list[str]}[::-1] | {list[str]}[:{#small}]
list[str]: {list[str]} + [{str}] | list(reversed({list[str]}))
list[str]: list({str}.partition({#sep})) | [str({n}) for {n} in {list[int]}]
list[str]: [{w}.strip({#chars}) for {w} in {list[str]}] | list(dict.fromkeys({list[str]}))
list[int]: sorted({list[int]}) | sorted({list[int]}, reverse=True) | {list[int]}[::-1] | {list[int]}[:{#small}]
list[int]: {list[int]}[{#small}:] | {list[int]} + [{int}] | sorted({set[int]})
list[int]: [{n} * {#nonzero} for {n} in {list[int]}] | [{n} for {n} in {list[int]} if {n} % {#nonzero}]
list[int]: [len({w}) for {w} in {list[str]}] | [ord({c}) for {c} in {str}] | list(range({int} % {#width}))
list[int]: list({dict[str, int]}.values()) | list(map(abs, {list[int]})) | list(map(len, {list[str]}))
list[int]: [{i} * {n} for {i}, {n} in enumerate({list[int]})] | list({tuple[int, ...]}) | {list[int]}.copy()
list[int]: [{i} for {i}, {c} in enumerate({str}) if {c} == {#char}]
list[int]: [{n} + {m} for {n}, {m} in zip({list[int]}, {list[int]})]
list[int]: [{n} for {w} in {list[list[int]]} for {n} in {w}] | list(divmod({int}, {#nonzero}))
list[int]: list({str}.encode()) | list({int}.as_integer_ratio()) | [{n} for {k}, {n} in {list[tuple[str, int]]}]
list[int]: list({float}.as_integer_ratio())[1:] | list(({int} % 256).to_bytes(2, 'big'))
list[int]: {v=dict[str, list[int]]}.get({str}, []) | {v=list[int]}[{int} % len({v}):] if {v} else []
list[int]: [max({w}) for {w} in {list[list[int]]} if {w}]
set[str]: set({str}) | set({list[str]}) | {set[str]}.union({str}) | {set[str]}.intersection({str})
set[str]: {set[str]}.difference({list[str]}) | {set[str]} | {set[str]} | {w}
set[str]: {{{c}.lower() for {c} in {str} if {c}.isalpha()}} | {set[str]}.symmetric_difference({list[str]})
set[str]: {set[str]}.copy() | set({dict[str, int]}) | set({str}.split())
set[int]: set({list[int]}) | {{{n} % {#nonzero} for {n} in {list[int]}}} | {set[int]}.union({list[int]})
set[int]: {set[int]} & {set[int]} | {set[int]} - {set[int]} | {set[int]} ^ {set[int]} | set(map(len, {list[str]}))
dict[str, int]: {{{w}: len({w}) for {w} in {list[str]}}} | {{{c}: {i} for {i}, {c} in enumerate({str})}}
dict[str, int]: {{{k}: {n} for {k}, {n} in {dict[str, int]}.items() if {n} > {#small}}} | {dict[str, int]}.copy()
dict[str, int]: dict(zip({list[str]}, {list[int]})) | dict({list[tuple[str, int]]})
dict[str, int]: dict.fromkeys({list[str]}, {#small}) | {dict[str, int]} | {{{#word}: {int}}}
dict[str, int]: {{{c}: {v=str}.count({c}) for {c} in {v}}}
dict[str, int]: {{{k}: {n} + {#small} for {k}, {n} in {dict[str, int]}.items()}}
dict[str, int]: {{{k}: {n} for {k}, {n} in sorted({dict[str, int]}.items())}}
dict[str, int]: {{{k}: sum({n}) for {k}, {n} in {dict[str, list[int]]}.items()}}
tuple[int, ...]: tuple({list[int]}) | tuple(sorted({list[int]})) | {tuple[int, ...]}[::-1]
tuple[int, ...]: {tuple[int, ...]} + ({int},) | divmod({int}, {#nonzero}) | ({int}, {int})
tuple[str, ...]: {str}.partition({#sep}) | {str}.rpartition({#sep}) | tuple({str}.split({#sep})) | tuple({list[str]})
tuple[str, int]: ({str}, {int}) | max({v=list[tuple[str, int]]}) if {v} else ({#word}, {#int})
list[tuple[str, int]]: list(enumerate({list[str]}))[:0] + [({str}, {int})] | sorted({dict[str, int]}.items())
list[tuple[str, int]]: list(zip({list[str]}, {list[int]})) | list({dict[str, int]}.items())
list[tuple[str, int]]: sorted({list[tuple[str, int]]}, key=lambda {k}: {k}[1])
list[list[int]]: [{list[int]}, {list[int]}] | [[{n}, {n} * {#small}] for {n} in {list[int]}]
list[list[int]]: [sorted({w}) for {w} in {list[list[int]]}] | [list(range({n} % 4)) for {n} in {list[int]}]
dict[str, list[int]]: {{{#word}: {list[int]}, {#word}: [{int}]}} | {{{w}: [len({w})] for {w} in {list[str]}}}
dict[str, list[int]]: {{{k}: {n}[::-1] for {k}, {n} in {dict[str, list[int]]}.items()}}
str | None: {str} if {bool} else None | next(({w} for {w} in {list[str]} if len({w}) > {#small}), None)
"""

_UPDATES = """
int: {x} += {int} | {x} -= {int} | {x} = max({x}, {int}) | {x} = min({x}, {int}) | {x} = {x} * {#nonzero} + {int}
int: {x} ^= {int} | {x} = ({x} + {int}) % 97
float: {x} += {float} | {x} = round({x} * {#half}, 3) | {x} = max({x}, {float})
str: {x} += {str} | {x} = {str} + {x} | {x} = {x}.replace({#char}, {#char}) | {x} = {x}.strip({#chars}) + {str}
str: {x} = {x}[::-1] + {str} | {x} = f'{{{x}}}{{{v=str}}}'
bool: {x} = {x} or {bool} | {x} = {x} and {bool} | {x} = {x} != {bool}
list[int]: {x}.append({int}) | {x}.extend({list[int]}) | {x}.insert({#zero}, {int}) | {x} += [{int}]
list[int]: {x}.insert({int}, {int}) | {x}.extend(sorted({list[int]})[:{#small}])
list[str]: {x}.append({str}) | {x}.extend({str}.split()) | {x}.insert({#zero}, {str}) | {x} += [{str}]
list[str]: {x}.append({str}.strip({#chars}))
set[int]: {x}.add({int}) | {x}.update({list[int]}) | {x}.discard({int}) | {x} |= {{{int}}}
set[int]: {x}.symmetric_difference_update({list[int]})
set[str]: {x}.add({str}) | {x}.update({str}) | {x}.discard({str}) | {x}.symmetric_difference_update({str})
set[str]: {x}.update({list[str]})
dict[str, int]: {x}[{str}] = {x}.get({str}, 0) + {#small} | {x}[{str}] = {int} | {x}.setdefault({str}, {int})
dict[str, int]: {x}.update({{{str}: {int}}}) | {x} |= {{{str}: {int}}}
dict[str, list[int]]: {x}.setdefault({str}, []).append({int}) | {x}[{str}] = [{int}]
dict[str, list[int]]: {x}.update({{{str}: {list[int]}}})
tuple[int, ...]: {x} += ({int},) | {x} = ({int}, *{x})
tuple[str, ...]: {x} += ({str},)
list[list[int]]: {x}.append({list[int]}) | {x}.insert({#zero}, [{int}, {int}])
list[tuple[str, int]]: {x}.append(({str}, {int})) | {x}.insert({#zero}, ({str}, {int}))
"""

_CHANGES = """
list[int]: {x}.sort() | {x}.reverse() | {x}.sort(reverse=True) | {x} = {x}.copy()[{#zero}:]
list[str]: {x}.sort() | {x}.reverse() | {x}.sort(key=len)
str: {x} = {x}.upper() | {x} = {x}.strip() | {x} = {x}.title() | {x} = {x}.swapcase()
int: {x} = abs({x}) | {x} //= {#nonzero} | {x} *= {#small} | {x} %= {#width}
set[int]: {x}.difference_update({list[int]}) | {x}.intersection_update({list[int]})
set[str]: {x}.difference_update({str}) | {x}.intersection_update({str})
"""

_GUARDED = """
list[int]: if {x}: # {x}.pop() | if {x}: # {x}.pop({#zero}) | if {int} in {x}: # {x}.clear()
list[str]: if {x}: # {x}.pop() | if {x}: # {x}.pop({#zero}) | if len({x}) > {#width}: # {x}.clear()
dict[str, int]: if {x}: # {x}.popitem() | if len({x}) > {#small}: # {x}.pop(next(iter({x})))
dict[str, int]: if len({x}) > {#width}: # {x}.clear()
set[int]: if len({x}) > {#width}: # {x}.clear() | if {x}: # {x}.remove(max({x}))
set[str]: if {x}: # {x}.remove(min({x})) | if len({x}) > {#width}: # {x}.clear()
"""

RAISING = """
int: int({str}) ! ValueError | {list[int]}.index({int}) ! ValueError | {dict[str, int]}[{str}] ! KeyError
int: {str}.index({#char}) ! ValueError
int: {list[int]}[{#width}] ! IndexError | {int} // len({list[str]}) ! ZeroDivisionError | ord({str}) ! TypeError
int: int({str}, 16) ! ValueError
str: {list[str]}[{#small}] ! IndexError | {str}[{#width}] ! IndexError | chr({int}) ! ValueError
"""

LITERALS: dict[str, Callable[[random.Random], object]] = {
    "#char": lambda rng: rng.choice("aeionrstlA1 -,"),
    "#chars": lambda rng: rng.choice(("aeiou", " .,", "xyz", "abc", "-_", "lo ")),
    "#sep": lambda rng: rng.choice((" ", ",", "-", ":", "a", "; ", "e")),
    "#fill": lambda rng: rng.choice("*-.=_0"),
    "#word": lambda rng: rng.choice(WORDS[:26]).lower(),
    "#zero": lambda rng: 0,
    "#small": lambda rng: rng.randint(1, 4),
    "#nonzero": lambda rng: rng.randint(2, 7),
    "#width": lambda rng: rng.randint(5, 14),
    "#int": lambda rng: rng.randint(-3, 12),
    "#half": lambda rng: rng.choice((0.5, 1.5, 2.0, 0.25)),
}

_HOLE = re.compile(r"\{\{|\}\}|\{([^{}]*?)\}")


@dataclass(frozen=True, slots=True)
class Template:
    """`parts` alternate between text and holes; `features` are the built-ins it uses; `error` is what it may raise."""

    result: Type
    text: str
    parts: tuple[str, ...]
    holes: tuple[str, ...]
    features: tuple[str, ...]
    compound: bool
    error: str = ""

    def fill(self, values: tuple[str, ...]) -> str:
        out = [self.parts[0]]
        for part, value in zip(self.parts[1:], values, strict=True):
            out += (value, part)
        return "".join(out)


def _template(result: Type, text: str) -> Template:
    text, _, error = text.partition(" ! ")
    parts: list[str] = [""]
    holes: list[str] = []
    at = 0
    for match in _HOLE.finditer(text):
        parts[-1] += text[at : match.start()]
        if match.group(1) is None:
            parts[-1] += match.group()[0]
        else:
            holes.append(match.group(1))
            parts.append("")
        at = match.end()
    parts[-1] += text[at:]
    return Template(result, text, tuple(parts), tuple(holes), _features(result, text), _is_compound(text), error)


def _features(result: Type, text: str) -> tuple[str, ...]:
    """The built-ins that a template uses: "str.find", "len"; its own text where it is made of operators."""
    found: list[str] = []
    for method in re.finditer(r"(?:\{(?:\w=)?([^{}]*)\}|\b(str|dict|int|float)|('[^']*'))\.([a-z_]+)\b", text):
        owner = method.group(1) or method.group(2) or "str"
        owner = {"#sep": "str", "x": result, "w": "str", "c": "str"}.get(owner, owner)
        found.append(f"{owner.partition('[')[0].partition(' ')[0]}.{method.group(4)}")
    found += re.findall(r"(?<![.\w])([a-z]+)\(", text)
    return tuple(found) or (re.sub(r"\{[^{}]*\}", "_", text),)


def _is_compound(text: str) -> bool:
    """Whether the expression needs parentheses as a part of another."""
    bare = re.sub(r"\{[^{}]*\}", "v", text)
    while (shorter := re.sub(r"\([^()]*\)|\[[^\[\]]*\]|'[^']*'", "v", bare)) != bare:
        bare = shorter
    return " " in bare or bare.startswith("-")


def _table(source: str) -> dict[Type, tuple[Template, ...]]:
    """Type -> templates of the lines above, with `T` written out."""
    table: dict[Type, list[Template]] = {}
    for line in source.strip().splitlines():
        result, _, alternatives = line.partition(": ")
        for text in _alternatives(alternatives):
            for each in (text.replace("[T]", "[int]"), text.replace("[T]", "[str]")) if "[T]" in text else (text,):
                table.setdefault(result, []).append(_template(result, each))
    return {result: tuple(templates) for result, templates in table.items()}


def _alternatives(text: str) -> list[str]:
    """Splits at " | " outside braces and where it is not Python's own operator between two holes."""
    found: list[str] = []
    for piece in re.split(r" \| (?![^{]*\})", text):
        if found and _is_operand(found[-1]) and _is_operand(piece):
            found[-1] += f" | {piece}"
        else:
            found.append(piece)
    return [piece for piece in found if not _is_operand(piece)]


def _is_operand(text: str) -> bool:
    return re.fullmatch(r"\{[^{}]+\}", text) is not None or text == "{{{#word}: {int}}}"


EXPRESSIONS = _table(_OPERATIONS)
UPDATES = _table(_UPDATES)
CHANGES = _table(_CHANGES)
GUARDED = _table(_GUARDED)
ALONE = {kind: CHANGES.get(kind, ()) + GUARDED.get(kind, ()) for kind in {**CHANGES, **GUARDED}}
RISKY = _table(RAISING)
EMPTY: dict[Type, str] = {
    "int": "0",
    "str": "''",
    "list[int]": "[]",
    "list[str]": "[]",
    "dict[str, int]": "{}",
    "set[int]": "set()",
    "set[str]": "set()",
    "dict[str, list[int]]": "{}",
    "float": "0.0",
    "bool": "False",
    "tuple[int, ...]": "()",
}
ELEMENTS: dict[Type, Type] = {
    "str": "str",
    "list[int]": "int",
    "list[str]": "str",
    "tuple[int, ...]": "int",
    "tuple[str, ...]": "str",
    "list[list[int]]": "list[int]",
}


def value_text(kind: Type, size: int, rng: random.Random) -> str:
    """A literal of this type whose containers hold at most `size` elements, corner cases among them."""
    return literal(_value(kind, size, rng))


def _value(kind: Type, size: int, rng: random.Random) -> object:
    length = rng.choice((0, 1, *range(2, size + 1), size, size))
    if kind == "str | None":
        return None if rng.random() < 0.3 else _value("str", size, rng)
    if kind == "str":
        return _text(length, rng)
    if kind == "int":
        return rng.choice((rng.randint(-5, 20), rng.randint(0, 9), rng.randint(10, 100), 0))
    if kind == "float":
        return rng.choice((0.5, 2.25, -1.5, 3.0, 10.75, 0.0))
    if kind == "bool":
        return rng.random() < 0.5
    if kind.startswith("dict"):
        inner = kind[len("dict[str, ") : -1]
        return {rng.choice(WORDS): _value(inner, 3, rng) for _ in range(min(length, 5))}
    if kind == "list[tuple[str, int]]":
        return [(rng.choice(WORDS), rng.randint(-2, 15)) for _ in range(min(length, 5))]
    element = {"list[list[int]]": "list[int]"}.get(kind, "str" if "str" in kind else "int")
    items = [_word_or(element, rng) for _ in range(min(length, 4 if element == "list[int]" else 8))]
    return {"set": set, "tupl": tuple, "list": list}[kind.partition("[")[0][:4]](items)


def _word_or(element: Type, rng: random.Random) -> object:
    return rng.choice(WORDS) if element == "str" else _value(element, 3, rng)


def _text(length: int, rng: random.Random) -> str:
    kind = rng.randrange(4)
    if kind == 0:
        return rng.choice(TEXTS)
    if kind == 1:
        return " ".join(rng.choice(WORDS) for _ in range(min(length, 4)))
    if kind == 2:
        return "".join(rng.choice("abcABC123 -,xe") for _ in range(length))
    return rng.choice(WORDS)
