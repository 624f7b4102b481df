"""The two ways in which a text says things: prose, and compact state lines. Both say the same, in the same order.

Every method gives one clause; `line` joins the clauses of a step under its label.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from ray_app.semantics.record import Scope


class Work(NamedTuple):
    """A value and how it comes about: the code ("" where the value says it all), the code with values put in, the
    value ("" where it cannot be stated).
    """

    code: str
    filled: str
    value: str


class Style(Protocol):
    """What a text can say."""

    indent: str

    def line(self, indent: str, label: int, clauses: Sequence[str]) -> str: ...
    def call(self, name: str, arguments: Sequence[tuple[str, str]], sees: Sequence[tuple[Scope, str, str]]) -> str: ...
    def calls(self, code: str) -> str: ...
    def returns(self, name: str, work: Work) -> str: ...
    def ends(self, name: str, value: str) -> str: ...
    def waits(self, work: Work) -> str: ...
    def yields(self, name: str, work: Work) -> str: ...
    def resumes(self, name: str, sent: str) -> str: ...
    def closes(self, name: str) -> str: ...
    def evaluated(self, work: Work) -> str: ...
    def cut_short(self, code: str, value: str, skipped: str) -> str: ...
    def chosen(self, code: str, work: str) -> str: ...
    def assigned(self, scope: Scope, name: str, work: Work) -> str: ...
    def same(self, name: str, aliases: Sequence[str]) -> str: ...
    def becomes(self, scope: Scope, name: str, filled: str, value: str, aliases: Sequence[str]) -> str: ...
    def appended(self, name: str, item: str, size: int) -> str: ...
    def deleted(self, name: str) -> str: ...
    def defined(self, name: str) -> str: ...
    def imported(self, name: str) -> str: ...
    def nothing(self) -> str: ...
    def condition(self, test: str, truth: bool, said: str) -> str: ...
    def assertion(self, test: str, truth: bool) -> str: ...
    def guard(self, test: str, truth: bool) -> str: ...
    def filtered(self, test: str, truth: bool) -> str: ...
    def filling(self, code: str, truth: bool) -> str: ...
    def iteration(self, number: int, bound: Sequence[tuple[str, str]]) -> str: ...
    def begins(self, test: str, number: int) -> str: ...
    def loop_ends(self, test: str, count: int, has_else: bool) -> str: ...
    def jump(self, word: str, loop: int, number: int) -> str: ...
    def item(self, kind: str, number: str, bound: Sequence[tuple[str, str]]) -> str: ...
    def case(self, pattern: str, matches: bool, bound: Sequence[tuple[str, str]]) -> str: ...
    def raises(self, code: str, filled: str, error: str) -> str: ...
    def unpacking(self, targets: str, value: str, error: str) -> str: ...
    def catches(self, handler: str, bound: Sequence[tuple[str, str]]) -> str: ...
    def misses(self, handler: str) -> str: ...
    def finally_runs(self) -> str: ...
    def leaves(self, name: str, error: str) -> str: ...
    def enters(self, code: str) -> str: ...
    def exits(self, code: str) -> str: ...


def _times(count: int) -> str:
    return f"{count} iteration" if count == 1 else f"{count} iterations"


class Prose:
    """Sentences: "[L5] `x * 2` is 3 * 2 = 6; `out` becomes [6]."."""

    indent = "  "

    def line(self, indent: str, label: int, clauses: Sequence[str]) -> str:
        text = "; ".join(clauses)
        return f"{indent}[L{label}] {text[0].upper()}{text[1:]}."

    def call(self, name: str, arguments: Sequence[tuple[str, str]], sees: Sequence[tuple[Scope, str, str]]) -> str:
        parts = [f"`{argument}` is {value}" for argument, value in arguments]
        parts += [f"the {scope} `{seen}` is {value}" for scope, seen, value in sees]
        called = f"call of {_named(name)}"
        return f"{called}: {'; '.join(parts)}" if parts else f"{called} without arguments"

    def calls(self, code: str) -> str:
        return f"`{code}` is called" if code.endswith(")") else f"`{code}` is evaluated"

    def returns(self, name: str, work: Work) -> str:
        return f"{_named(name)} returns {self._work(work)}"

    def ends(self, name: str, value: str) -> str:
        return f"{_named(name)} ends without `return`, so it returns {value}"

    def waits(self, work: Work) -> str:
        return f"`return` waits with {self._work(work)}"

    def yields(self, name: str, work: Work) -> str:
        return f"{_named(name)} yields {self._work(work)}"

    def resumes(self, name: str, sent: str) -> str:
        return f"{_named(name)} is resumed" + (f" with {sent}" if sent not in ("", "None") else "")

    def closes(self, name: str) -> str:
        return f"{_named(name)} is closed"

    def evaluated(self, work: Work) -> str:
        return f"`{work.code}` is {work.filled} = {work.value}" if work.filled else f"`{work.code}` is {work.value}"

    def cut_short(self, code: str, value: str, skipped: str) -> str:
        return f"`{code}` is {value}, without evaluating `{skipped}`"

    def chosen(self, code: str, work: str) -> str:
        return f"{work}, so `{code}` is chosen"

    def assigned(self, scope: Scope, name: str, work: Work) -> str:
        which = "" if scope == "local" else f"the {scope} "
        return f"{which}`{name}` is set to {self._work(work)}"

    def same(self, name: str, aliases: Sequence[str]) -> str:
        return f"`{name}` is the same object as " + " and ".join([f"`{alias}`" for alias in aliases])

    def becomes(self, scope: Scope, name: str, filled: str, value: str, aliases: Sequence[str]) -> str:
        which = "" if scope == "local" else f"the {scope} "
        also = ", which is also " + " and ".join([f"`{alias}`" for alias in aliases]) if aliases else ""
        return f"{which}`{name}` becomes {f'{filled} = ' if filled else ''}{value}{also}"

    def appended(self, name: str, item: str, size: int) -> str:
        return f"{item} is appended to `{name}`, which now has {size} items"

    def deleted(self, name: str) -> str:
        return f"`{name}` is deleted"

    def defined(self, name: str) -> str:
        return f"`{name}` is defined"

    def imported(self, name: str) -> str:
        return f"`{name}` is imported"

    def nothing(self) -> str:
        return "`pass` does nothing"

    def condition(self, test: str, truth: bool, said: str) -> str:
        return f"{test}, so the condition is {'true' if truth else 'false'}"

    def assertion(self, test: str, truth: bool) -> str:
        return f"{test}, so the assertion {'holds' if truth else 'fails'}"

    def guard(self, test: str, truth: bool) -> str:
        return f"{test}, so the guard {'holds' if truth else 'fails'}"

    def filtered(self, test: str, truth: bool) -> str:
        return f"{test}, so it is {'kept' if truth else 'left out'}"

    def filling(self, code: str, truth: bool) -> str:
        return f"`{code}` is {'not empty' if truth else 'empty'}"

    def iteration(self, number: int, bound: Sequence[tuple[str, str]]) -> str:
        return f"iteration {number}" + (": " + self._bound(bound) if bound else "")

    def begins(self, test: str, number: int) -> str:
        return f"{test}, so iteration {number} begins" if test else f"iteration {number} begins"

    def loop_ends(self, test: str, count: int, has_else: bool) -> str:
        reason = test or ("no item is left" if count else "there is no item")
        return f"{reason}, so the loop ends after {_times(count)}" + (" and its `else` block runs" if has_else else "")

    def jump(self, word: str, loop: int, number: int) -> str:
        if word == "break":
            return f"`break` ends the loop on L{loop} in iteration {number}"
        return f"`continue` ends iteration {number} of the loop on L{loop}"

    def item(self, kind: str, number: str, bound: Sequence[tuple[str, str]]) -> str:
        return f"{kind} iteration {number}" + (": " + self._bound(bound) if bound else "")

    def case(self, pattern: str, matches: bool, bound: Sequence[tuple[str, str]]) -> str:
        if not matches:
            return f"the pattern `{pattern}` does not match"
        return f"the pattern `{pattern}` matches" + (": " + self._bound(bound) if bound else "")

    def raises(self, code: str, filled: str, error: str) -> str:
        if not code:
            return f"{error} is raised"
        return f"`{code}` is {filled}, which raises {error}" if filled else f"`{code}` raises {error}"

    def unpacking(self, targets: str, value: str, error: str) -> str:
        return f"unpacking {value} into `{targets}` raises {error}"

    def catches(self, handler: str, bound: Sequence[tuple[str, str]]) -> str:
        return f"`{handler}` catches it" + ("; " + self._bound(bound) if bound else "")

    def misses(self, handler: str) -> str:
        return f"`{handler}` does not catch it"

    def finally_runs(self) -> str:
        return "the `finally` block runs"

    def leaves(self, name: str, error: str) -> str:
        return f"{error} leaves {_named(name)}"

    def enters(self, code: str) -> str:
        return f"`{code}` is entered"

    def exits(self, code: str) -> str:
        return f"the `with` block of `{code}` ends"

    def _bound(self, bound: Sequence[tuple[str, str]]) -> str:
        return "; ".join([f"`{name}` is {value}" for name, value in bound])

    def _work(self, work: Work) -> str:
        if not work.code:
            return work.value
        if not work.value:
            return f"`{work.code}`"
        return (
            f"`{work.code}`, which is {work.filled} = {work.value}"
            if work.filled
            else f"`{work.code}`, which is {work.value}"
        )


def _named(name: str) -> str:
    return "the lambda" if name == "<lambda>" else f"`{name}`"


class States:
    """State lines: "[L5] x * 2 -> 3 * 2 -> 6; out = [6]"."""

    indent = ""

    def line(self, indent: str, label: int, clauses: Sequence[str]) -> str:
        return f"[L{label}] {'; '.join(clauses)}"

    def call(self, name: str, arguments: Sequence[tuple[str, str]], sees: Sequence[tuple[Scope, str, str]]) -> str:
        parts = [f"{argument} = {value}" for argument, value in arguments]
        parts += [f"{scope} {seen} = {value}" for scope, seen, value in sees]
        return f"call {_short(name)}" + (": " + "; ".join(parts) if parts else "")

    def calls(self, code: str) -> str:
        return code

    def returns(self, name: str, work: Work) -> str:
        return f"return {self._work(work)}"

    def ends(self, name: str, value: str) -> str:
        return f"return {value}"

    def waits(self, work: Work) -> str:
        return f"return waits: {self._work(work)}"

    def yields(self, name: str, work: Work) -> str:
        return f"yield {self._work(work)}"

    def resumes(self, name: str, sent: str) -> str:
        return f"resume {_short(name)}" + (f": {sent}" if sent not in ("", "None") else "")

    def closes(self, name: str) -> str:
        return f"close {_short(name)}"

    def evaluated(self, work: Work) -> str:
        return self._work(work)

    def cut_short(self, code: str, value: str, skipped: str) -> str:
        return f"{code} -> {value}"

    def chosen(self, code: str, work: str) -> str:
        return work

    def assigned(self, scope: Scope, name: str, work: Work) -> str:
        which = "" if scope == "local" else f"{scope} "
        return f"{which}{name} = {self._work(work)}"

    def same(self, name: str, aliases: Sequence[str]) -> str:
        return f"{name} is {', '.join(aliases)}"

    def becomes(self, scope: Scope, name: str, filled: str, value: str, aliases: Sequence[str]) -> str:
        which = "" if scope == "local" else f"{scope} "
        also = f" (also {', '.join(aliases)})" if aliases else ""
        return f"{which}{name} = {f'{filled} -> ' if filled else ''}{value}{also}"

    def appended(self, name: str, item: str, size: int) -> str:
        return f"{name} gains {item}; len({name}) = {size}"

    def deleted(self, name: str) -> str:
        return f"del {name}"

    def defined(self, name: str) -> str:
        return f"def {name}"

    def imported(self, name: str) -> str:
        return f"import {name}"

    def nothing(self) -> str:
        return "pass"

    def condition(self, test: str, truth: bool, said: str) -> str:
        return test if said == str(truth) else f"{test}; {'true' if truth else 'false'}"

    def assertion(self, test: str, truth: bool) -> str:
        return test

    def guard(self, test: str, truth: bool) -> str:
        return test

    def filtered(self, test: str, truth: bool) -> str:
        return test if truth else f"{test}; left out"

    def filling(self, code: str, truth: bool) -> str:
        return f"{code} -> {'not empty' if truth else 'empty'}"

    def iteration(self, number: int, bound: Sequence[tuple[str, str]]) -> str:
        return f"iteration {number}" + (": " + self._bound(bound) if bound else "")

    def begins(self, test: str, number: int) -> str:
        return f"{test}; iteration {number}" if test else f"iteration {number}"

    def loop_ends(self, test: str, count: int, has_else: bool) -> str:
        ends = f"end after {_times(count)}" + ("; else" if has_else else "")
        return f"{test}; {ends}" if test else ends

    def jump(self, word: str, loop: int, number: int) -> str:
        return f"{word} (L{loop}, iteration {number})"

    def item(self, kind: str, number: str, bound: Sequence[tuple[str, str]]) -> str:
        return f"item {number}" + (": " + self._bound(bound) if bound else "")

    def case(self, pattern: str, matches: bool, bound: Sequence[tuple[str, str]]) -> str:
        if not matches:
            return f"case {pattern}: no match"
        return f"case {pattern}: match" + ("; " + self._bound(bound) if bound else "")

    def raises(self, code: str, filled: str, error: str) -> str:
        parts = [part for part in (code, filled) if part]
        return " -> ".join([*parts, f"raises {error}"])

    def unpacking(self, targets: str, value: str, error: str) -> str:
        return f"{targets} = {value} -> raises {error}"

    def catches(self, handler: str, bound: Sequence[tuple[str, str]]) -> str:
        return f"{handler}: caught" + ("; " + self._bound(bound) if bound else "")

    def misses(self, handler: str) -> str:
        return f"{handler}: not caught"

    def finally_runs(self) -> str:
        return "finally"

    def leaves(self, name: str, error: str) -> str:
        return f"{error} leaves {_short(name)}"

    def enters(self, code: str) -> str:
        return f"with {code}"

    def exits(self, code: str) -> str:
        return f"end of with {code}"

    def _bound(self, bound: Sequence[tuple[str, str]]) -> str:
        return "; ".join([f"{name} = {value}" for name, value in bound])

    def _work(self, work: Work) -> str:
        return " -> ".join([part for part in work if part])


def _short(name: str) -> str:
    return "lambda" if name == "<lambda>" else name
