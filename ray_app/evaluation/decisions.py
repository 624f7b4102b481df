"""What a true text about an execution decides: which line runs next, which branch is taken, which values result.

A decision is a span of the text that a model must get right by itself if it is to tell the rest. It is found in the
text alone, in the narrator's two styles: prose ("[L4] `x * 2` is 3 * 2 = 6") and state lines ("[L4] x * 2 -> 3 * 2 ->
6"). Texts are expected to be verified: nothing is checked here. What the text merely quotes (code) decides nothing, and
neither does its wording.

next line  the number in a line's label with its closing bracket, given "[L"
branch     the truth of a test, where it is first stated; whether a loop goes on; whether a pattern matches
count      the number of an iteration, and of how many a loop had
value      a value of a variable or expression, and the operands put into an expression
return     what a function gives back
answer     the value in the final assertion, given all the steps
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from ray_app.evaluation.leaps import falls_through, leap, names, parsed, tests, work
from ray_app.evaluation.skeleton import CODE, LABEL, VALUE, outline
from ray_app.records import DecisionKind, Work

_STEP = re.compile(f"{LABEL}+")
_QUOTED = re.compile(f"{CODE}+")
_CLAUSE = re.compile(r"(?:[^;.:\n]|[.:](?!\s|$))+")
_GIVES = re.compile(
    r"\b(?:is set to|is now|are now|starts as|changes to|becomes?|is|are|returns?|yields?|now|with|to) (?=\S)"
    r"|(?:(?<=\s)|^)(?:=|->) (?=\S)"
)
_ATOM = rf"(?:[\w.{VALUE}]*{VALUE}[\w.{VALUE}]*|\d+(?:\.\d+)?(?:e[+-]?\d+)?j?\b|(?:True|False|None|inf|nan)\b)"
_OPERATOR = r" (?:[-+*/%&|^@]|\*\*|//|<<|>>|[<>]=?|[=!]=|and|or|in|not in|is|is not|if|else) "
_TERM = rf"(?:not |[-+~])*{_ATOM}"
_EXPRESSION = re.compile(rf"{_TERM}(?:{_OPERATOR}{_TERM})*")
_TRUTH = re.compile(
    r"(?:\bcondition is|\bassertion|\bguard|;) (?P<test>true|false|holds|fails)\b"
    r"|(?:\bit is|;) (?P<kept>kept|left out)\b"
    r"|\b(?P<match>matches|does not match|no match|match)(?=[;:.\n]|$)"
    rf"|(?<={LABEL} )(?P<loop>[Ii]teration|No item|There is no item|end(?= after))\b"
)
_RESTATED = ("test", "kept")
_COUNT = re.compile(r"\b(?:[Ii]teration|item|[Aa]fter|runs) (?P<count>\d+(?:\.\d+)*)\b")
_ANSWER = re.compile(r"\[ANSWER\](?P<body>.*)\[/ANSWER\]\s*$", re.DOTALL)
_ANSWER_TYPE = re.compile(r"raises (?P<value>[\w.]+)$")


@dataclass(frozen=True, slots=True)
class Decision:
    """`text[start:end]` is what is decided. `leap` counts the operations between it and what the text has stated
    before: 0 is copying, 1 one operation; more where several are done at once. That of a next line is 0 where it is the
    statement below, 1 where the run goes elsewhere."""

    start: int
    end: int
    kind: DecisionKind
    work: Work
    leap: int


def decisions(code: str, text: str) -> list[Decision]:
    """The decisions of a text about a call of this code, in the order of the text."""
    answer = _ANSWER.search(text)
    body = text[: answer.start()] if answer else text
    drawn = outline(body)
    labels = list(_STEP.finditer(drawn))
    ends = [label.start() for label in labels[1:]] + [len(body)]
    found: list[Decision] = []
    before = 0
    for label, end in zip(labels, ends, strict=False):
        line = int(body[label.start() + 2 : label.end() - 1])
        jumps = 0 if falls_through(code, before, line) else 1
        found.append(Decision(label.start() + 2, label.end(), "next line", "control", jumps))
        found += _Step(code, line, body, drawn, label.end(), end).decisions()
        before = line
    if answer:
        found += _answered(text, answer)
    return found


@dataclass(frozen=True, slots=True)
class _Step:
    """The part of a text that speaks of one line's run, from its label to the next."""

    code: str
    line: int
    text: str
    drawn: str
    start: int
    end: int

    def decisions(self) -> list[Decision]:
        stated: set[str] = set()
        values = [value for clause in self._clauses() for value in self._values(clause, stated)]
        found = [*values, *self._counts(), *self._truths(values)]
        return sorted(found, key=lambda decision: (decision.start, decision.end))

    def _clauses(self) -> Iterator[tuple[int, int]]:
        return (clause.span() for clause in _CLAUSE.finditer(self.drawn, self.start, self.end))

    def _truths(self, values: list[Decision]) -> Iterator[Decision]:
        """Outcomes in words. "`x > 1` is True, so the condition is true" decides nothing by its second half."""
        for found in _TRUTH.finditer(self.drawn, self.start - 1, self.end):
            start, end = found.span(str(found.lastgroup))
            said = [self.text[value.start : value.end] for value in values if value.end <= start]
            restates = found.lastgroup in _RESTATED and said[-1:] in (["True"], ["False"])
            if not restates:
                yield Decision(start, end, "branch", "control", 1)

    def _counts(self) -> Iterator[Decision]:
        for found in _COUNT.finditer(self.drawn, self.start, self.end):
            yield Decision(*found.span("count"), "count", "control", 1)

    def _values(self, clause: tuple[int, int], stated: set[str]) -> Iterator[Decision]:
        """The values that one clause gives, each with the expression before it from which it is reached."""
        before, end = clause
        origin = operands = ""
        while (given := _GIVES.search(self.drawn, before, end)) is not None:
            value = _EXPRESSION.match(self.drawn, given.end(), end)
            source, before = operands or self._source(before, given.start()), given.end()
            origin = origin or source
            if value is None or self._is_code(*value.span()):
                continue
            before, shown = value.end(), self.text[slice(*value.span())]
            if self.drawn.startswith((" = ", " -> ", ", which raises"), value.end()):
                # Not a value but an expression with its operands' values put in: these are copied.
                yield Decision(*value.span(), "value", work(shown), 0)
                operands = shown
                continue
            kind = self._kind(clause[0], value.start(), origin, shown)
            yield Decision(*value.span(), kind, work(shown), leap(source, stated, self.code, self.line))
            stated.update({origin, source, shown})
            origin = operands = ""

    def _source(self, start: int, end: int) -> str:
        """The expression whose value follows: the last quoted code, in state lines all that stands before."""
        quotes = list(_QUOTED.finditer(self.drawn, start, end))
        if quotes:
            return self.text[slice(*quotes[-1].span())].strip("`")
        return self.text[start:end].strip().removeprefix("return ").strip()

    def _is_code(self, start: int, end: int) -> bool:
        """Whether an unquoted expression is the program's own text: one with names in it that stands in the code."""
        shown = self.text[start:end]
        return shown in self.code and bool(names(shown))

    def _kind(self, clause: int, start: int, source: str, shown: str) -> DecisionKind:
        if re.search(r"\breturns?\b", self.drawn[clause:start]):
            return "return"
        decides = shown in ("True", "False") and source in tests(self.code, self.line)
        return "branch" if decides else "value"


def _answered(text: str, answer: re.Match[str]) -> Iterator[Decision]:
    """The asked side of the final assertion: what stands behind its last `==`, or the type that is raised."""
    start, body = answer.start("body"), answer.group("body")
    if (raised := _ANSWER_TYPE.search(body)) is not None:
        yield Decision(start + raised.start("value"), start + raised.end("value"), "answer", "control", 0)
    elif (value := _right_of(body)) is not None:
        end = start + len(body.rstrip())
        yield Decision(end - len(value), end, "answer", work(value), 0)


def _right_of(assertion: str) -> str | None:
    match parsed(assertion.strip()):
        case [ast.Assert(test=ast.Compare(comparators=[*_, right]))]:
            return ast.get_source_segment(assertion.strip(), right)
        case _:
            return None
