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
from functools import lru_cache

from ray_app.evaluation.skeleton import CODE, LABEL, VALUE, outline
from ray_app.parsing import parse
from ray_app.records import DecisionKind, Work

_OPERATIONS = (
    ast.BinOp,
    ast.BoolOp,
    ast.Compare,
    ast.Call,
    ast.Subscript,
    ast.IfExp,
    ast.JoinedStr,
    ast.comprehension,
    ast.Not,
)
_STEP = re.compile(f"{LABEL}+")
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
_CALLED = re.compile(r"^[A-Za-z_][\w.]*\(")
_ANSWER = re.compile(r"\[ANSWER\](?P<body>.*)\[/ANSWER\]\s*$", re.DOTALL)
_ANSWER_TYPE = re.compile(r"raises (?P<value>[\w.]+)$")


@dataclass(frozen=True, slots=True)
class Decision:
    """`text[start:end]` is what is decided. `leap` counts the operations between it and what the text has stated
    before: 0 is copying, 1 one operation; more where several are done at once."""

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
    for label, end in zip(labels, ends, strict=False):
        line = int(body[label.start() + 2 : label.end() - 1])
        found.append(Decision(label.start() + 2, label.end(), "next line", "control", 1))
        found += _Step(code, line, body, drawn, label.end(), end).decisions()
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
            before = [value for value in values if value.end <= start][-1:]
            said = any(self.text[value.start : value.end] in ("True", "False") for value in before)
            if not (said and found.lastgroup in _RESTATED):
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
                yield Decision(*value.span(), "value", _work(shown), 0)
                operands = shown
                continue
            kind = self._kind(clause[0], value.start(), origin, shown)
            yield Decision(*value.span(), kind, _work(shown), _operations(source, stated, self.code, self.line))
            stated.update({origin, source, shown})
            origin = operands = ""

    def _source(self, start: int, end: int) -> str:
        """The expression whose value follows: the last quoted code, in state lines all that stands before."""
        at = self.drawn.rfind(CODE, start, end) + 1
        if at:
            quoted = re.search(f"{CODE}+$", self.drawn[start:at])
            return self.text[start + quoted.start() : at].strip("`") if quoted else ""
        return self.text[start:end].strip().removeprefix("return ").strip()

    def _is_code(self, start: int, end: int) -> bool:
        """Whether an unquoted expression is the program's own text: one with names in it that stands in the code."""
        shown = self.text[start:end]
        return shown in self.code and any(
            isinstance(node, ast.Name) for part in _parsed(shown) for node in ast.walk(part)
        )

    def _kind(self, clause: int, start: int, source: str, shown: str) -> DecisionKind:
        if re.search(r"\breturns?\b", self.drawn[clause:start]):
            return "return"
        decides = shown in ("True", "False") and source in _tests(self.code, self.line)
        return "branch" if decides else "value"


def _answered(text: str, answer: re.Match[str]) -> Iterator[Decision]:
    """The asked side of the final assertion: what stands behind its last `==`, or the type that is raised."""
    start, body = answer.start("body"), answer.group("body")
    if (raised := _ANSWER_TYPE.search(body)) is not None:
        yield Decision(start + raised.start("value"), start + raised.end("value"), "answer", "control", 0)
    elif (value := _right_of(body)) is not None:
        end = start + len(body.rstrip())
        yield Decision(end - len(value), end, "answer", _work(value), 0)


def _right_of(assertion: str) -> str | None:
    match _parsed(assertion.strip()):
        case [ast.Assert(test=ast.Compare(comparators=[*_, right]))]:
            return ast.get_source_segment(assertion.strip(), right)
        case _:
            return None


def _work(shown: str) -> Work:
    """What kind of work gives such a value: told by its type, in an expression by that of its first operand."""
    first = _CALLED.sub("", shown.lstrip("-+~ ").removeprefix("not "))
    if first[:1] in "'\"" or first[:2] in ("b'", 'b"'):
        return "strings"
    if first.startswith(("True", "False", "None")):
        return "control"
    return "arithmetic" if first[:1].isdigit() else "containers"


@lru_cache(maxsize=4_096)
def _statements(code: str) -> dict[int, ast.stmt]:
    """The statement that begins on each line; of several the first."""
    found: dict[int, ast.stmt] = {}
    for node in ast.walk(ast.Module(_parsed(code), [])):
        if isinstance(node, ast.stmt):
            found.setdefault(node.lineno, node)
    return found


@lru_cache(maxsize=4_096)
def _tests(code: str, line: int) -> frozenset[str]:
    """The source of every test on a line: of the statement, of conditional expressions, of comprehensions."""
    statement = _statements(code).get(line)
    if statement is None:
        return frozenset()
    own = [child for child in ast.iter_child_nodes(statement) if isinstance(child, ast.expr)]
    nodes = [statement, *(node for child in own for node in ast.walk(child))]
    tests = [test for node in nodes for test in (*_as_list(getattr(node, "test", None)), *getattr(node, "ifs", ()))]
    return frozenset(text for test in tests for text in (ast.unparse(test), ast.get_source_segment(code, test) or ""))


def _as_list(node: ast.expr | None) -> list[ast.expr]:
    return [] if node is None else [node]


def _operations(expression: str, stated: set[str], code: str, line: int) -> int:
    """How many operations lead to the value of an expression, less those whose values were stated in this step.

    Of a name it is the work of the statement on the line; an argument of a call is copied.
    """
    if not expression.isidentifier() and (found := _parsed(expression)):
        return sum(_counted(node, stated) for node in found)
    match _statements(code).get(line):
        case None | ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return 0
        case ast.For(iter=work) | ast.AsyncFor(iter=work):
            return 1 + _counted(work, stated)
        case ast.AugAssign(value=work):
            return 1 + _counted(work, stated)
        case ast.If(test=work) | ast.While(test=work):
            return _counted(work, stated)
        case statement:
            return _counted(statement, stated)


def _counted(node: ast.AST, stated: set[str]) -> int:
    if isinstance(node, ast.expr) and stated and ast.unparse(node) in stated:
        return 0
    return isinstance(node, _OPERATIONS) + sum(_counted(child, stated) for child in ast.iter_child_nodes(node))


def _parsed(text: str) -> list[ast.stmt]:
    try:
        return parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
