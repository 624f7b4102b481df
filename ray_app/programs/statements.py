"""Statements of grown programs: what may follow, given the names in scope and their types."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from ray_app.programs.chances import Chances
from ray_app.programs.expressions import IMPOSSIBLE, Dial, Expressions, Scope, Spent, mentions
from ray_app.programs.grammar import (
    ALONE,
    CHANGES,
    ELEMENTS,
    EMPTY,
    LITERALS,
    NAMES,
    PARAMETER_TYPES,
    RISKY,
    UPDATES,
    Template,
    Type,
)
from ray_app.programs.inputs import literal

_VERBS = ("build", "collect", "count", "merge", "update", "scan", "group", "score", "shift", "fold", "filter", "pack")
_RETURN_TYPES = ("str", "int", "list[int]", "list[str]")


@dataclass(frozen=True, slots=True)
class Grown:
    """A drafted module: unformatted code, its entry, the parameters' types, and the built-ins it uses."""

    code: str
    entry: str
    parameters: tuple[Type, ...]
    features: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Helper:
    name: str
    parameters: tuple[Type, ...]
    result: Type


class Builder(Expressions):
    """Draws one module."""

    def __init__(self, rng: random.Random, dial: Dial, chances: Chances) -> None:
        super().__init__(rng, dial, chances)
        self._helpers: list[_Helper] = []
        self._result: Type = "int"

    def module(self) -> Grown:
        """One entry function after its helpers. Spent where the names at hand allow no sensible statement."""
        blocks = [self._helper(index) for index in range(self._rng.randint(0, self._dial.helpers))]
        if self._dial.recursion and self._rng.random() < 0.6:
            blocks.append(self._recursive())
        name = self._function_name("entry")
        kinds = self._parameter_kinds()
        blocks.append(self._function(name, kinds, self._dial, self._rng.choice(_RETURN_TYPES)))
        return Grown("\n\n".join(blocks), name, tuple(kinds), tuple(self._features))

    # Functions

    def _parameter_kinds(self) -> list[Type]:
        count = self._rng.choice((1, 1, 2, 2, 3) if self._dial.statements > 2 else (1, 1, 2))
        kinds = self._rng.choices(list(PARAMETER_TYPES), list(PARAMETER_TYPES.values()), k=count)
        return kinds if set(kinds) - {"bool"} else [*kinds, "str"]  # two booleans have too few inputs

    def _function(self, name: str, kinds: list[Type], dial: Dial, result: Type) -> str:
        scope = Scope({})
        self._owned, self._empty = set(), set()
        parameters = [self._declare(scope, kind) for kind in kinds]
        self._result = result
        lines: list[str] = []
        blocks = min(dial.blocks, 1) if dial.blocks < 2 else self._rng.randint(1, dial.blocks)
        kinds_of_step = ["block"] * blocks + ["define"] * self._rng.randint(1, dial.statements)
        self._rng.shuffle(kinds_of_step)
        early = False
        for step in kinds_of_step:
            if step == "block":
                wrote = self._block(scope, dial.depth, 1, in_loop=False)
                early = early or any("return " in line for line in wrote)
                lines += wrote
            else:
                lines += self._define(scope, 1)
        if self._helpers and name not in {h.name for h in self._helpers}:
            lines += self._call_helper(scope)
        lines.append(_indent(1, self._return(scope, fixed=early)))
        return "\n".join([f"def {name}({', '.join(parameters)}):", *lines])

    def _helper(self, index: int) -> str:
        name = self._function_name(f"helper{index}")
        kinds = self._rng.choices(("str", "int", "list[int]", "list[str]"), (4, 3, 2, 2), k=self._rng.choice((1, 1, 2)))
        result = self._rng.choice(("str", "int", "list[int]"))
        small = Dial(statements=1, blocks=self._rng.randint(0, 1), depth=1, trips=3, size=4, expression=1)
        helpers, self._helpers = self._helpers, []
        text = self._function_of(name, kinds, small, result)
        self._helpers = [*helpers, _Helper(name, tuple(kinds), result)]
        return text

    def _function_of(self, name: str, kinds: Sequence[Type], dial: Dial, result: Type) -> str:
        """A function that returns one value of type `result` whatever it does."""
        scope = Scope({})
        self._owned, self._empty = set(), set()
        parameters = [self._declare(scope, kind) for kind in kinds]
        self._result = result
        lines = self._block(scope, 1, 1, in_loop=False) if dial.blocks else self._define(scope, 1)
        lines.append(_indent(1, self._return(scope, fixed=True)))
        return "\n".join([f"def {name}({', '.join(parameters)}):", *lines])

    def _recursive(self) -> str:
        """Structural recursion on a string, a list or a shrinking number: it always ends."""
        name = self._function_name("recursive")
        kind = self._rng.choice(("str", "list[int]", "int", "list[str]"))
        result = self._rng.choice(("int", "str", "list[int]"))
        scope = Scope({})
        item = self._declare(scope, kind)
        element = ELEMENTS.get(kind, "int")
        base = f"{item} <= {self._rng.randint(0, 2)}" if kind == "int" else f"not {item}"
        smaller = f"{item} // {self._rng.randint(2, 4)}" if kind == "int" else f"{item}[{self._rng.choice((1, 1, 2))}:]"
        head = f"{item} % {self._rng.randint(3, 9)}" if kind == "int" else f"{item}[0]"
        first, rest = self._fresh_name(scope, NAMES[element]), self._fresh_name(scope, ("rest", "tail", "remainder"))
        own = self._expression(result, Scope({first: element}, {first: None}), 1, must=(first,))
        both = self._rng.choice((f"({own}) + {rest}", f"{rest} + ({own})"))
        lines = [
            f"def {name}({item}):",
            _indent(1, f"if {base}:"),
            _indent(2, f"return {EMPTY[result]}"),
            _indent(1, f"{first} = {head}"),
            _indent(1, f"{rest} = {name}({smaller})"),
        ]
        if self._rng.random() < 0.6:
            condition = self._condition(Scope({first: element}, {first: None}))
            one = self._rng.choice(_RECURSIVE_STEPS[result]).format(rest)
            lines += [_indent(1, f"if {condition}:"), _indent(2, f"return {one}")]
        lines.append(_indent(1, f"return {both}"))
        self._helpers.append(_Helper(name, (kind,), result))
        return "\n".join(lines)

    def _call_helper(self, scope: Scope) -> list[str]:
        lines: list[str] = []
        for helper in self._helpers:
            args = [self._expression(kind, scope, 1) for kind in helper.parameters]
            name = self._new_name(scope, helper.result)
            lines.append(_indent(1, f"{name} = {helper.name}({', '.join(args)})"))
        return lines

    # Statements

    def _define(self, scope: Scope, level: int) -> list[str]:
        """A new name whose value comes from one that nothing has read yet, where there is one."""
        if self._rng.random() < 0.12 and level == 1:
            return self._try(scope, level)
        kind = self._rng.choices(
            (
                "str",
                "int",
                "list[int]",
                "list[str]",
                "set[str]",
                "dict[str, int]",
                "bool",
                "tuple[int, ...]",
                "set[int]",
                "float",
                "tuple[str, ...]",
                "list[tuple[str, int]]",
                "str | None",
                "dict[str, list[int]]",
                "tuple[str, int]",
                "list[list[int]]",
            ),
            (9, 6, 5, 5, 2, 4, 2, 1, 1, 1, 1, 1, 0.5, 1, 0.5, 0.5),
        )[0]
        must = self._some_idle(scope, 1)
        value = self._expression(kind, scope, self._dial.expression, must=must)
        name = self._new_name(scope, kind)
        lines = [_indent(level, f"{name} = {value}")]
        if self._rng.random() < 0.25:
            test, _, action = self._change(name, ALONE.get(kind, ()), scope).rpartition(" # ")
            lines += [_indent(level, test)] if test else []
            lines += [_indent(level + 1 if test else level, action)] if action else []
        return lines

    def _block(self, scope: Scope, depth: int, level: int, *, in_loop: bool) -> list[str]:
        """A loop or a branch that changes names which outlive it."""
        if depth < 1:
            return self._update(scope, level)
        kind = self._rng.choices(("for", "if", "while"), (5, 3.5 if in_loop else 2, 1))[0]
        if kind == "if":
            return self._if(scope, depth, level, in_loop=in_loop)
        lines = [] if in_loop else self._accumulators(scope, level)
        lines += self._while(scope, depth, level) if kind == "while" else self._for(scope, depth, level)
        return self._without_empty(lines, scope)

    def _accumulators(self, scope: Scope, level: int) -> list[str]:
        lines: list[str] = []
        for kind in self._rng.sample(sorted(EMPTY), k=self._rng.choice((1, 1, 2))):
            name = self._new_name(scope, kind)
            lines.append(_indent(level, f"{name} = {EMPTY[kind]}"))
            self._empty.add(name)
        return lines

    def _without_empty(self, lines: list[str], scope: Scope) -> list[str]:
        """Takes back the accumulators that the block did not touch."""
        for name in sorted(self._empty):
            if scope.types.pop(name, None) is not None:
                scope.idle.pop(name, None)
                lines = [line for line in lines if not line.strip().startswith(f"{name} = ")]
        self._empty.clear()
        return lines

    def _for(self, scope: Scope, depth: int, level: int) -> list[str]:
        targets, iterable, types = self._iteration(scope)
        inner = scope.inner()
        for name, kind in types.items():
            inner.types[name] = kind
        lines = [_indent(level, f"for {targets} in {iterable}:")]
        lines += self._loop_body(inner, scope, types, depth, level + 1)
        if self._rng.random() < 0.15:
            lines += [_indent(level, "else:"), *self._update(scope, level + 1)] if "break" in " ".join(lines) else []
        return lines

    def _loop_body(self, inner: Scope, outer: Scope, types: dict[str, Type], depth: int, level: int) -> list[str]:
        """Updates of outer names from the loop variables, alone or under a branch or an inner loop."""
        lines: list[str] = []
        pending = list(types)
        if self._rng.random() < 0.3 and depth > 1:
            condition = self._condition(inner, must=(self._rng.choice(pending),))
            word = self._rng.choice(("continue", "continue", "break"))
            lines += [_indent(level, f"if {condition}:"), _indent(level + 1, word)]
        targets = self._updatable(outer)
        if not targets:
            raise Spent("nothing to update in a loop")
        for index in range(self._rng.choice((1, 1, 2)) if depth > 1 else 1):
            must = (pending[index % len(pending)],)
            shape = self._rng.random()
            if depth > 1 and shape < 0.55:
                lines += self._if_around(inner, targets, must, depth, level)
            elif depth > 1 and shape < 0.8:
                lines += self._for(inner, depth - 1, level)
            else:
                lines.append(_indent(level, self._update_of(self._pick(targets), inner, must)))
        return lines

    def _if_around(self, scope: Scope, targets: list[str], must: tuple[str, ...], depth: int, level: int) -> list[str]:
        lines = [_indent(level, f"if {self._condition(scope, must=must)}:")]
        lines.append(_indent(level + 1, self._update_of(self._pick(targets), scope, must)))
        if depth > 2 and self._rng.random() < 0.3:
            lines.append(_indent(level, f"elif {self._condition(scope, must=must)}:"))
            lines.append(_indent(level + 1, self._update_of(self._pick(targets), scope, ())))
        if self._rng.random() < 0.5:
            lines.append(_indent(level, "else:"))
            lines.append(_indent(level + 1, self._update_of(self._pick(targets), scope, ())))
        return lines

    def _if(self, scope: Scope, depth: int, level: int, *, in_loop: bool) -> list[str]:
        condition = self._condition(scope, must=self._some_idle(scope, 1))
        if not in_loop and self._rng.random() < 0.2:
            value = self._expression(self._result, Scope(dict(scope.types)), 1)
            return [_indent(level, f"if {condition}:"), _indent(level + 1, f"return {value}")]
        lines = [] if self._updatable(scope) else self._accumulators(scope, level)
        targets = self._updatable(scope)
        lines.append(_indent(level, f"if {condition}:"))
        lines += self._nested(scope, targets, depth, level + 1)
        if self._rng.random() < 0.6:
            lines += [
                _indent(level, "else:"),
                _indent(level + 1, self._update_of(self._pick(targets), scope, ())),
            ]
        return lines

    def _nested(self, scope: Scope, targets: list[str], depth: int, level: int) -> list[str]:
        if depth > 1 and self._rng.random() < 0.4:
            return self._for(scope.inner(), depth - 1, level)
        return [_indent(level, self._update_of(self._pick(targets), scope, ()))]

    def _while(self, scope: Scope, depth: int, level: int) -> list[str]:
        """A counter that falls from an input-dependent start: it always ends."""
        start = self._expression("int", scope, 1, must=self._some_idle(scope, 1))
        counter = self._fresh_name(scope, ("remaining", "left", "steps", "n", "budget"))
        targets = self._updatable(scope)
        if not targets:
            raise Spent("nothing to update in a loop")
        inner = scope.inner()
        inner.types[counter] = "int"
        step = self._rng.choice((f"{counter} -= {self._rng.randint(1, 3)}", f"{counter} //= {self._rng.randint(2, 3)}"))
        lines = [
            _indent(level, f"{counter} = abs({start}) % {self._rng.randint(4, 4 + 4 * self._dial.trips)}"),
            _indent(level, f"while {counter} > 0:"),
        ]
        if depth > 1 and self._rng.random() < 0.5:
            lines += self._if_around(inner, targets, (counter,), depth, level + 1)
        else:
            lines.append(_indent(level + 1, self._update_of(self._pick(targets), inner, (counter,))))
        lines.append(_indent(level + 1, step))
        return lines

    def _try(self, scope: Scope, level: int) -> list[str]:
        kind = self._rng.choice(("int", "int", "str"))
        template = self._draw(RISKY[kind])
        before = self._mark(scope)
        value = self._filled(template, scope, {}, 1)
        if not self._touches(value, scope):
            self._undo(scope, before)
            return self._define(scope, level)
        name = self._new_name(scope, kind)
        default = literal(LITERALS["#int" if kind == "int" else "#word"](self._rng))
        return [
            _indent(level, "try:"),
            _indent(level + 1, f"{name} = {value}"),
            _indent(level, f"except {template.error}:"),
            _indent(level + 1, f"{name} = {default}"),
        ]

    def _update(self, scope: Scope, level: int) -> list[str]:
        targets = self._updatable(scope)
        if not targets:
            return self._define(scope, level)
        return [_indent(level, self._update_of(self._pick(targets), scope, self._some_idle(scope, 1)))]

    def _update_of(self, name: str, scope: Scope, must: tuple[str, ...]) -> str:
        """A statement that changes `name`, from the names in `must`."""
        kind = scope.types[name]
        must = tuple(each for each in must if each != name)
        alone = not must and name not in self._empty and self._rng.random() < 0.1
        if alone and (change := self._change(name, CHANGES.get(kind, ()), scope)):
            return change
        if kind not in _SCALARS:
            scope = self._bounded(scope, name)
        before = self._mark(scope)
        for _ in range(8):
            template = self._draw(UPDATES[kind])
            if name in self._empty and any(shrinking in template.text for shrinking in _SHRINKING):
                continue
            text = self._filled(template, scope, {"x": name}, max(1, self._dial.expression - 1), must, avoid=name)
            if all(mentions(text, each) for each in must) and self._touches(text, scope, name):
                scope.idle[name] = None
                self._empty.discard(name)
                return text
            self._undo(scope, before)
        return self._plain_update(name, kind, scope, must)

    def _plain_update(self, name: str, kind: Type, scope: Scope, must: tuple[str, ...]) -> str:
        """An update from the length, the number or the text of another name: every value has one."""
        others = [each for each in scope.types if each != name and each not in self._empty]
        sources = [each for each in must if each in scope.types] or others
        if not sources:
            raise Spent(f"no update of {kind}")
        part, text = _PLAIN_UPDATES[kind]
        value = self._converted(part, scope, (self._rng.choice(sources),))
        scope.idle[name] = None
        self._empty.discard(name)
        return text.format(name, value)

    def _bounded(self, scope: Scope, name: str) -> Scope:
        """Without the other values that the function builds up: two that feed each other would grow without bound."""
        types = {n: kind for n, kind in scope.types.items() if n == name or n not in self._owned or kind in _SCALARS}
        return Scope(types, scope.idle, scope.taken)

    def _change(self, name: str, templates: tuple[Template, ...], scope: Scope) -> str:
        """A statement that changes `name` by itself; empty where none of the templates fits."""
        if not templates:
            return ""
        before = self._mark(scope)
        text = self._filled(self._draw(templates), scope, {"x": name}, 0)
        if IMPOSSIBLE in text:
            self._undo(scope, before)
            return ""
        if name in before[0]:
            scope.idle[name] = None
        return text

    def _return(self, scope: Scope, *, fixed: bool) -> str:
        """Everything that is still idle goes into the result."""
        idle = [name for name in scope.idle if name in scope.types]
        if fixed:
            return f"return {self._expression(self._result, scope, 2, must=tuple(idle))}"
        if not idle:
            return f"return {self._expression(self._result, scope, self._dial.expression)}"
        if len(idle) == 1:
            name = idle[0]
            plain = self._rng.random() < 0.4
            return f"return {name if plain else self._expression(self._result, scope, 1, must=(name,))}"
        if len(idle) == 2 and self._rng.random() < 0.4:
            return f"return {self._expression(self._result, scope, 2, must=tuple(idle))}"
        return f"return ({', '.join(idle)})"

    def _function_name(self, role: str) -> str:
        noun = self._rng.choice(
            ("items", "text", "words", "values", "totals", "labels", "parts", "scores", "data", "line")
        )
        name = f"{self._rng.choice(_VERBS)}_{noun}"
        return (
            name if role == "entry" or name not in {h.name for h in self._helpers} else f"{name}_{len(self._helpers)}"
        )


_SCALARS = frozenset({"int", "bool", "float"})
_RECURSIVE_STEPS = {
    "int": ("{}", "{} + 1", "{} * 2", "{} - 3"),
    "str": ("{}", "{}[::-1]", "{}.swapcase()", "{} + '.'", "'-' + {}"),
    "list[int]": ("{}", "{}[::-1]", "[0] + {}", "sorted({})"),
}
"""What a recursive call may return without its own part: nothing that doubles a text or list at every level."""

_SHRINKING = (".replace(", ".strip(", ".discard(", " - ", "[::-1]")
"""What does nothing to an empty value."""

_PLAIN_UPDATES: dict[Type, tuple[Type, str]] = {
    "int": ("int", "{} += {}"),
    "float": ("float", "{} += {}"),
    "str": ("str", "{} += {}"),
    "bool": ("bool", "{0} = {0} != ({1})"),
    "list[int]": ("int", "{}.append({})"),
    "list[str]": ("str", "{}.append({})"),
    "set[int]": ("int", "{}.add({})"),
    "set[str]": ("str", "{}.add({})"),
    "dict[str, int]": ("str", "{0}[{1}] = len({0})"),
    "dict[str, list[int]]": ("int", "{0}[str(len({0}))] = [{1}]"),
    "tuple[int, ...]": ("int", "{} += ({},)"),
    "tuple[str, ...]": ("str", "{} += ({},)"),
    "list[list[int]]": ("int", "{}.append([{}])"),
    "list[tuple[str, int]]": ("str", "{0}.append(({1}, len({0})))"),
}
"""Per type: the type of a new part, and how it gets in."""


def _indent(level: int, text: str) -> str:
    return "    " * level + text
