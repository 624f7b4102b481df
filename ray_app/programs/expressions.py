"""Expressions of grown programs: one of a wanted type, from the names in scope, that reads what has to be read."""

import random
import re
from dataclasses import dataclass, field

from ray_app.programs.chances import Chances
from ray_app.programs.grammar import (
    CHARACTER_NAMES,
    ELEMENTS,
    EXPRESSIONS,
    LITERALS,
    NAMES,
    UPDATES,
    Template,
    Type,
)
from ray_app.programs.inputs import literal

IMPOSSIBLE = "\x00"
"""Marks an expression for which the scope has no names."""

_FRESH = {
    "c": ("char", "ch", "letter"),
    "w": ("word", "item", "part"),
    "n": ("n", "number", "value"),
    "m": ("m", "other"),
    "i": ("i", "index"),
    "k": ("key", "name"),
}
_ITERATED = frozenset(ELEMENTS) | frozenset(
    {"dict[str, int]", "dict[str, list[int]]", "set[int]", "set[str]", "list[tuple[str, int]]"}
)


class Spent(Exception):
    """No template fits the names in scope; the draft is given up."""


@dataclass(frozen=True, slots=True)
class Dial:
    """How large a program is: statements and blocks per body, nesting, loop trips, input size, expression depth."""

    statements: int
    blocks: int
    depth: int
    trips: int
    size: int
    expression: int
    helpers: int = 0
    recursion: bool = False


@dataclass(slots=True)
class Scope:
    """The names that may be read here with their types; `idle` are those whose value nothing has read yet."""

    types: dict[str, Type]
    idle: dict[str, None] = field(default_factory=dict[str, None])
    taken: set[str] = field(default_factory=set[str])

    def inner(self) -> "Scope":
        """A block's scope: sees everything, keeps its own names to itself, shares what is idle."""
        return Scope(dict(self.types), self.idle, self.taken)

    def of_type(self, kind: Type) -> list[str]:
        return [name for name, each in self.types.items() if each == kind]

    def read(self, name: str) -> str:
        self.idle.pop(name, None)
        return name


class Expressions:
    """Draws expressions, with templates as likely as `chances` says. Notes the built-ins that they use."""

    def __init__(self, rng: random.Random, dial: Dial, chances: Chances) -> None:
        self._rng = rng
        self._dial = dial
        self._chances = chances
        self._features: list[str] = []
        self._owned: set[str] = set()
        self._empty: set[str] = set()

    def _condition(self, scope: Scope, must: tuple[str, ...] = ()) -> str:
        return self._expression("bool", scope, 1, must=must)

    def _expression(self, kind: Type, scope: Scope, depth: int, must: tuple[str, ...] = ()) -> str:
        """An expression of this type that reads all names in `must`, and at least one name in any case."""
        if len(must) > 1:
            return self._joined(kind, scope, must)
        before = self._mark(scope)
        for attempt in range(24):
            template = self._draw(EXPRESSIONS[kind])
            text = self._filled(template, scope, {}, depth - 1 if attempt < 16 else depth, must)
            if all(mentions(text, name) for name in must) and self._touches(text, scope) and len(text) < 90:
                return text
            self._undo(scope, before)
        if must and scope.types[must[0]] == kind:
            return scope.read(must[0])
        return self._converted(kind, scope, must)

    def _converted(self, kind: Type, scope: Scope, must: tuple[str, ...]) -> str:
        """Through the number or the text that every value has."""
        names = list(must) or [name for name in scope.types if name not in self._empty]
        if not names:
            raise Spent(f"no names for {kind}")
        name = scope.read(self._rng.choice(names))
        origin = scope.types[name]
        number = name if origin == "int" else f"int({name})" if origin in ("bool", "float") else f"len({name})"
        if origin == "str | None":
            number = f"len({name} or '')"
        text = name if origin == "str" else f"str({name})"
        if origin in ("set[int]", "set[str]"):
            text = f"str(sorted({name}))"
        shapes = {
            "int": number,
            "str": text,
            "bool": f"{number} > {self._rng.randint(1, 4)}",
            "float": f"{number} / 2",
            "list[int]": f"[{number}]",
            "list[str]": f"[{text}]",
            "set[int]": f"{{{number}}}",
            "set[str]": f"set({text})",
            "tuple[int, ...]": f"({number},)",
            "dict[str, int]": f"{{{text}: 1}}",
            "tuple[str, ...]": f"({text},)",
        }
        if kind not in shapes:
            raise Spent(f"no way to {kind}")
        return shapes[kind]

    def _joined(self, kind: Type, scope: Scope, must: tuple[str, ...]) -> str:
        """One value of this type from several names."""
        parts = [self._expression(kind, scope, 1, must=(name,)) for name in must]
        if kind in ("int", "str", "list[int]", "list[str]", "float", "tuple[int, ...]"):
            return " + ".join(f"({part})" for part in parts)
        if kind == "bool":
            return " and ".join(f"({part})" for part in parts)
        raise Spent(f"cannot join {kind}")

    def _filled(
        self,
        template: Template,
        scope: Scope,
        bound: dict[str, str],
        depth: int,
        must: tuple[str, ...] = (),
        avoid: str = "",
    ) -> str:
        """The template with its holes filled; one hole of a fitting type gets the first name in `must`."""
        bound = dict(bound)
        forced = self._forced_hole(template, scope, must)
        values: list[str] = []
        for index, hole in enumerate(template.holes):
            if hole in LITERALS:
                values.append(literal(LITERALS[hole](self._rng)))
            elif hole in bound:
                values.append(bound[hole])
            elif len(hole) == 1:
                bound[hole] = self._local(hole, scope, bound)
                values.append(bound[hole])
            elif index == forced:
                values.append(scope.read(must[0]))
                if hole[1:2] == "=":
                    bound[hole[0]] = must[0]
            elif hole[1:2] == "=":
                bound[hole[0]] = self._variable(hole[2:], scope, avoid)
                values.append(bound[hole[0]])
            else:
                receiver = template.parts[index + 1].startswith((".", "["))
                values.append(self._operand(hole, scope, depth, avoid, receiver=receiver))
        self._features += template.features
        operands = [value for value, hole in zip(values, template.holes, strict=True) if hole in EXPRESSIONS]
        if len(set(operands)) < len(operands):
            return IMPOSSIBLE  # `a < a` and `max(a, a)` say nothing
        return template.fill(tuple(values))

    def _forced_hole(self, template: Template, scope: Scope, must: tuple[str, ...]) -> int:
        if not must or must[0] not in scope.types:
            return -1
        kind = scope.types[must[0]]
        fitting = [
            i for i, hole in enumerate(template.holes) if hole == kind or (hole[1:2] == "=" and hole[2:] == kind)
        ]
        return self._rng.choice(fitting) if fitting else -1

    def _operand(self, kind: Type, scope: Scope, depth: int, avoid: str, *, receiver: bool) -> str:
        names = [name for name in scope.of_type(kind) if name != avoid and name not in self._empty]
        if names and (depth < 1 or self._rng.random() < 0.7):
            idle = [name for name in names if name in scope.idle]
            return scope.read(self._rng.choice(idle or names))
        if depth < 1 and kind in ("int", "str", "bool", "float") and not receiver:
            atom = literal(self._atom(kind))
            return f"({atom})" if atom.startswith("-") else atom
        if depth < 0:
            return IMPOSSIBLE
        template = self._draw(EXPRESSIONS[kind])
        text = self._filled(template, scope, {}, depth - 1, avoid=avoid)
        return f"({text})" if template.compound else text

    def _mark(self, scope: Scope) -> tuple[tuple[str, ...], int]:
        return tuple(scope.idle), len(self._features)

    def _undo(self, scope: Scope, mark: tuple[tuple[str, ...], int]) -> None:
        """Forgets what a discarded attempt has read and used."""
        scope.idle.clear()
        scope.idle.update(dict.fromkeys(mark[0]))
        del self._features[mark[1] :]

    def _atom(self, kind: Type) -> object:
        hole = {"int": "#int", "str": "#word", "float": "#half"}.get(kind)
        return self._rng.random() < 0.5 if hole is None else LITERALS[hole](self._rng)

    def _variable(self, kind: Type, scope: Scope, avoid: str) -> str:
        names = [name for name in scope.of_type(kind) if name != avoid and name not in self._empty]
        if not names:
            return IMPOSSIBLE
        idle = [name for name in names if name in scope.idle]
        return scope.read(self._rng.choice(idle or names))

    def _iteration(self, scope: Scope) -> tuple[str, str, dict[str, Type]]:
        """(loop targets, iterable, types of the targets), over a name or a range."""
        options = [name for name, kind in scope.types.items() if kind in _ITERATED and name not in self._empty]
        idle = [name for name in options if name in scope.idle]
        if not options or self._rng.random() < 0.15:
            bound = self._expression("int", scope, 1, must=self._some_idle(scope, 1))
            name = self._fresh_name(scope, ("i", "j", "step", "turn"))
            self._features.append("range")
            return name, f"range(abs({bound}) % {self._dial.trips + 2})", {name: "int"}
        source = scope.read(self._rng.choice(idle or options))
        kind = scope.types[source]
        if kind.startswith("dict"):
            key, value = (
                self._fresh_name(scope, ("key", "name", "k")),
                self._fresh_name(scope, ("value", "amount", "v")),
            )
            self._features.append("dict.items")
            return f"{key}, {value}", f"{source}.items()", {key: "str", value: kind[len("dict[str, ") : -1]}
        if kind == "list[tuple[str, int]]":
            key, value = self._fresh_name(scope, ("name", "label", "key")), self._fresh_name(scope, ("amount", "value"))
            return f"{key}, {value}", source, {key: "str", value: "int"}
        if kind.startswith("set"):
            element = kind[4:-1]
            name = self._fresh_name(scope, NAMES[element])
            self._features.append("sorted")
            return name, f"sorted({source})", {name: element}
        return self._sequence(scope, source, ELEMENTS[kind], kind)

    def _sequence(self, scope: Scope, source: str, element: Type, kind: Type) -> tuple[str, str, dict[str, Type]]:
        name = self._fresh_name(scope, CHARACTER_NAMES if kind == "str" else NAMES[element])
        shape = self._rng.random()
        if shape < 0.2:
            index = self._fresh_name(scope, ("i", "index", "pos"))
            self._features.append("enumerate")
            return f"{index}, {name}", f"enumerate({source})", {index: "int", name: element}
        others = [other for other in scope.of_type("str") + scope.of_type("list[int]") if other != source]
        others = [other for other in others if other not in self._empty]
        if shape < 0.3 and others:
            other = scope.read(self._rng.choice(others))
            kind = ELEMENTS[scope.types[other]]
            second = self._fresh_name(scope, NAMES[kind])
            self._features.append("zip")
            return f"{name}, {second}", f"zip({source}, {other})", {name: element, second: kind}
        if shape < 0.38:
            self._features.append("reversed")
            return name, f"reversed({source})", {name: element}
        return name, source, {name: element}

    # Names and choice

    def _draw(self, templates: tuple[Template, ...]) -> Template:
        return self._chances.draw(templates, self._rng)

    def _pick(self, targets: list[str]) -> str:
        """One of these, one that is still empty where there is one."""
        return self._rng.choice([name for name in targets if name in self._empty] or targets)

    def _some_idle(self, scope: Scope, count: int) -> tuple[str, ...]:
        idle = [name for name in scope.idle if name in scope.types and name not in self._empty]
        return tuple(self._rng.sample(idle, min(count, len(idle)))) if idle and self._rng.random() < 0.8 else ()

    def _updatable(self, scope: Scope) -> list[str]:
        """Names that the function made itself and nothing has read: after an update they still reach the result."""
        return [name for name in scope.idle if scope.types.get(name) in UPDATES and name in self._owned]

    def _declare(self, scope: Scope, kind: Type) -> str:
        name = self._fresh_name(scope, NAMES[kind])
        scope.types[name] = kind
        scope.idle[name] = None
        return name

    def _new_name(self, scope: Scope, kind: Type) -> str:
        name = self._fresh_name(scope, ("result", *NAMES[kind]))
        scope.types[name] = kind
        scope.idle[name] = None
        self._owned.add(name)
        return name

    def _fresh_name(self, scope: Scope, names: tuple[str, ...]) -> str:
        free = [name for name in names if name not in scope.taken]
        name = self._rng.choice(free) if free else f"{self._rng.choice(names)}{len(scope.taken)}"
        scope.taken.add(name)
        return name

    def _local(self, hole: str, scope: Scope, bound: dict[str, str]) -> str:
        """A comprehension's variable: a name that nothing in scope uses."""
        taken = scope.taken | set(bound.values())
        free = [name for name in _FRESH[hole] if name not in taken]
        return self._rng.choice(free) if free else f"{hole}{len(taken)}"

    @staticmethod
    def _touches(text: str, scope: Scope, but: str = "") -> bool:
        return IMPOSSIBLE not in text and any(name != but and mentions(text, name) for name in scope.types)


def mentions(text: str, name: str) -> bool:
    return IMPOSSIBLE not in text and re.search(rf"\b{name}\b", text) is not None
