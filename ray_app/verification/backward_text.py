"""What a backward text says: constraints with their basis, values of expressions, last writes, the returned value.

One `Said` per statement. Sentences in which none of these is recognised are left to others (`Reading.rest`). Wordings:

    constraint   "`P` (implied by [L4])", "1. `P` must hold", "so `P`", "it is necessary that `P`", "x must be 3"
    value        "`E` is V", "`E` is at last V", "x = V", "choose x to be V"
    last write   "[L3] `S` is the last to write `x`", "the last assignment of `x` is `S`"
    call         "`f(1)` gives V"
    result       "[L4] `S` gives the result", "`f` returns V"
    given        "we know that f(??) == V"
    choice       "one possible input is V", "x can be V"
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ray_app.parsing import parse_expression

SaidKind = Literal["constraint", "value", "last write", "result line", "returns", "call", "given", "choice"]
Basis = Literal["", "implied", "law", "tested"]
When = Literal["any", "before", "final", "input", "output"]

_LABEL = re.compile(r"\[?\bL(\d+)\]?")
_SPAN = re.compile(r"`([^`\n]+)`")
_DEMAND = re.compile(
    r"\b(?:must|should|needs? to|ha(?:s|ve) to|requires?|necessary|necessarily|implies|implied|deduce|tested|only if)\b"
)
_IMPLIED = re.compile(r"\bimplied\b")
_TESTED = re.compile(r"\btested on (\d+) inputs?( with (?:this|that|the same|the) (?:result|output))?(?:: `([^`]+)`)?")
_BASIS = re.compile(r"` \((?:implied by|tested on) ")
_ITEM = re.compile(r"\s*(?:\d+[.)]|[-*])\s+`[^`]+`")
_CONCLUDED = re.compile(r"\bso `([^`]+)`\s*[.,]?\s*$")
_LAST = re.compile(
    r"\b(?:last to write|writes last to|for the last time|last (?:write|assignment|change) (?:of|to)"
    r"|last (?:written|assigned|set(?!\()))\b"
)
_ITERATION = re.compile(r"\bin iteration (\d+) of the loop on \[?L(\d+)\]?")
_GIVES = re.compile(r"\bgives the (?:result|output)\b|\bproduces the (?:result|output)\b")
_RETURNS = re.compile(r"\b(?:returns?|gives?|returned|outputs?)(?: back)?(?: the value)? (?=['\"\[({\d\-TFN])")
_IS = re.compile(
    r"(?:`([^`\n]+)`|\b([A-Za-z_]\w*)) "
    r"(?:=|==|is|equals|(?:must|should|can|has to|needs to) be|to be|ends as|is set to)"
    r"(?: equal to)?(?P<when> at last| now| then)? (?=['\"\[({\d\-TFNbs])"
)
_INPUT_IS = re.compile(
    r"\b(?:the|original) (?:value of \?\?|input(?: \w+)?) (?:must|should|has to|needs to) be (?=['\"\[({\d\-TFNbs])"
)
_BEFORE = re.compile(r"\bas it was before\b|\bbefore (?:this|that|it)\b")
_PART = re.compile(r"\b(?:(?<!value )of|in|from|with|each|every|to|by|the \w+) $")
"""Before a name: then what follows is about a part of it."""
_END = re.compile(r"[.!?] (?=[A-Z`])")
_HARMLESS = re.compile(r"^\W*$|^[^`'\"\d]*:$")
"""Nothing, or what only announces what follows."""


@dataclass(frozen=True, slots=True)
class Said:
    """`subject` is an expression, a predicate, a variable or a statement; `line` the label before it (0: none)."""

    kind: SaidKind
    text: str
    subject: str
    value: str = ""
    line: int = 0
    when: When = "any"
    basis: Basis = ""
    inputs: int = 0
    law: str = ""
    statement: str = ""
    loop: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """All statements in reading order, and the sentences that none of them was found in."""

    said: tuple[Said, ...]
    rest: tuple[str, ...]


def read_backward(body: str, parameters: tuple[str, ...], entry: str) -> Reading:
    """The reading of a text without its answer. Never raises, whatever the text."""
    said: list[Said] = []
    rest: list[str] = []
    whole = (one for line in body.split("\n") for one in sentences(line.strip()))
    for sentence in (part for one in whole for part in _premise_apart(one)):
        found = list(_statements(sentence, parameters, entry))
        said += found
        if not found and not _HARMLESS.match(sentence):
            rest.append(sentence)
    return Reading(tuple(said), tuple(rest))


_SINCE = re.compile(r"(?:since|as|because|given that) ", re.IGNORECASE)
_FOLLOWS = re.compile(r", (?=(?:we|so|the (?:input|value|string|list|text)|then|one|it|this|our) |for \w+\(\?\?\) )")


def _premise_apart(sentence: str) -> tuple[str, ...]:
    """ "Since the function does this, the input can be that": what it does apart from what is made of it."""
    follows = _FOLLOWS.search(sentence) if _SINCE.match(sentence) and "`" not in sentence else None
    return (sentence[: follows.start()], sentence[follows.end() :]) if follows else (sentence,)


def sentences(line: str) -> Iterator[str]:
    """The sentences of a line; what stands in quotes or between backquotes is never cut."""
    start = at = 0
    while at < len(line):
        opens = at == 0 or not line[at - 1].isalnum()
        quoted = _SPAN.match(line, at) or (_STRING.match(line, at) if opens else None)
        if quoted:
            at = quoted.end()
        elif _END.match(line, at) and not line[start:at].strip().isdigit():
            yield line[start : at + 1].strip()
            start = at = at + 1
        else:
            at += 1
    yield line[start:].strip()


def _statements(line: str, parameters: tuple[str, ...], entry: str) -> Iterator[Said]:
    """The statements of one line of text."""
    label = _LABEL.match(line)
    at = int(label[1]) if label else 0
    called = re.match(rf"(?:\d+\. )?`({re.escape(entry)}\(.*\))` (?:gives|returns) ", line)
    if called and literal_at(line, called.end()):
        yield Said("call", line, called[1], literal_at(line, called.end()))
        return
    constraint = _constraint(line, at, parameters)
    if constraint is not None:
        yield constraint
        return
    given = re.search(rf"\b{re.escape(entry)}\(\?\?\)`? (?:==|=|is|returns|equals) `?", line)
    if given and literal_at(line, given.end()):
        yield Said("given", line, entry, literal_at(line, given.end()), at)
        return
    part = _OUTPUT_PART.search(line)
    if part and literal_at(line, part.end()):
        yield Said("value", line, _part_of_output(part), literal_at(line, part.end()), at, "output")
        return
    if _CHOOSES.search(line):
        yield Said("choice", line, entry, line=at)
        return
    if _LAST.search(line):
        yield from _last_write(line, at)
    if gives := _GIVES.search(line):
        statement = _SPAN.search(line, 0, gives.start())
        yield Said("result line", line, statement[1] if statement else "", line=at)
    for match in _RETURNS.finditer(_SPAN.sub(lambda span: " " * len(span[0]), line)):
        value = literal_at(line, match.end())
        if value and not _CONDITIONAL.match(line, match.end() + len(value)):
            yield Said("returns", line, entry, value, at)
    yield from _values(line, at, parameters)


_CONDITIONAL = re.compile(r"[\"'`]?,? (?:only )?(?:if|when|unless|for|whenever)\b")
"""Behind a returned value: then it is not said to be this output."""
_OUTPUT_PART = re.compile(
    r"\bthe (?:(?P<nth>first|second|third|fourth|fifth|last) (?:element|character|item|value|letter)"
    r"|(?P<size>length|size)) (?:of|in) the (?:output|result)(?: \w+)? is (?:also )?`?",
    re.IGNORECASE,
)
_PLACES = {"first": 0, "second": 1, "third": 2, "fourth": 3, "fifth": 4, "last": -1}
_CHOOSES = re.compile(
    r"\b(?:possible|valid|suitable|example) (?:inputs?|solutions?|values?|choices?|strings?|lists?|combination)\b"
    r"|\b(?:we|let's|let us) (?:can )?(?:choose|use|take|set|try|pick)\b|\bcan be (?=['\"\[({\d\-TFN`])",
    re.IGNORECASE,
)


def _part_of_output(match: re.Match[str]) -> str:
    """The expression over `result` that words name."""
    return "len(result)" if match["size"] else f"result[{_PLACES[match['nth'].lower()]}]"


def literals_in(line: str) -> list[str]:
    """The literals of a sentence, outermost ones only, words apart."""
    found: list[str] = []
    at = 0
    while at < len(line):
        is_start = at == 0 or not (line[at - 1].isalnum() or line[at - 1] in "_.")
        literal = literal_at(line, at) if is_start and line[at] in "'\"[({-0123456789TFN" else ""
        if literal:
            found.append(literal)
        at += len(literal) or 1
    return found


def _constraint(line: str, at: int, parameters: tuple[str, ...]) -> Said | None:
    concluded = _CONCLUDED.search(line)
    spans = [concluded[1]] if concluded else _SPAN.findall(line)
    is_item = bool(_ITEM.match(line))
    demanded = bool(_DEMAND.search(line)) or concluded is not None or is_item
    predicate = next((span for span in spans if is_predicate(span, parameters)), "") if demanded else ""
    if is_item and not predicate and _BASIS.search(line):
        predicate = spans[0]  # it is said to be one
    if not predicate:
        return _plain_demand(line, at, parameters) if demanded else None
    tested, implied = _TESTED.search(line), _IMPLIED.search(line)
    origin = _LABEL.search(line, implied.end()) if implied else None
    if tested:
        basis: Basis = "law" if tested[3] else "tested"
        return Said("constraint", line, predicate, line=at, basis=basis, inputs=int(tested[1]), law=tested[3] or "")
    return Said(
        "constraint", line, predicate, line=int(origin[1]) if origin else at, basis="implied" if implied else ""
    )


def _plain_demand(line: str, at: int, parameters: tuple[str, ...]) -> Said | None:
    """ "x must be 3", "we can deduce that x is 3", "the input should be 3": a demand on a parameter in words."""
    only = parameters[0] if len(parameters) == 1 else ""
    for match in (*_IS.finditer(line), *_INPUT_IS.finditer(line)):
        name = only if match.re is _INPUT_IS else match[1] or match[2]
        value = literal_at(line, match.end())
        is_part = match.re is _IS and bool(match[2] and _PART.search(line[: match.start()]))
        words = line[: match.end()]
        # "So the input should be 3" chooses; "for f(??) to be 9 it should be 3" demands.
        demands = re.search(r"\b(?:must|has to|needs to) be $|\bdeduce\b|\b[Ff]or .* to be .* should be ", words)
        if name in parameters and value and not is_part and demands:
            return Said("constraint", line, f"{name} == {value}", line=at)
    return None


def _last_write(line: str, at: int) -> Iterator[Said]:
    spans = _SPAN.findall(line)
    names = [span for span in spans if span.isidentifier()]
    statements = [span for span in spans if not span.isidentifier()]
    inside = _ITERATION.search(line)
    loop = (int(inside[2]), int(inside[1])) if inside else None
    if names:
        statement = statements[0] if statements else ""
        yield Said("last write", line, names[-1], line=at, statement=statement, loop=loop)


def _values(line: str, at: int, parameters: tuple[str, ...]) -> Iterator[Said]:
    before = bool(_BEFORE.search(line))
    spans = [match.span() for match in _SPAN.finditer(line)]
    for match in _IS.finditer(line):
        value = literal_at(line, match.end())
        subject = match[1] or match[2]
        is_quoted = any(start < match.start() < end for start, end in spans)
        is_part = bool(match[2] and _PART.search(line[: match.start()]))
        if not value or is_quoted or is_part or (match[2] and match[2] not in parameters):
            continue
        when: When = "before" if before else "any" if at else "input"
        if match["when"] == " at last":
            when = "final"
        yield Said("value", line, subject, value, at, when)


def is_predicate(text: str, parameters: tuple[str, ...]) -> bool:
    """Whether a text is a condition over the parameters that changes nothing."""
    try:
        node = parse_expression(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    parts = list(ast.walk(node))
    if any(isinstance(part, (ast.NamedExpr, ast.Await, ast.Yield, ast.YieldFrom)) for part in parts):
        return False
    about = any(isinstance(part, ast.Name) and part.id in parameters for part in parts)
    return about and _asks(node)


def _asks(node: ast.expr) -> bool:
    """Whether an expression reads as a condition."""
    if isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
        return name in ("all", "any", "bool", "isinstance", "startswith", "endswith") or name.startswith("is")
    is_negation = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
    return is_negation or isinstance(node, (ast.Compare, ast.BoolOp, ast.IfExp))


def literal_at(text: str, start: int) -> str:
    """The literal that begins at a place, "" where there is none."""
    end = _end_of_literal(text, start)
    found = text[start:end]
    try:
        ast.literal_eval(found)
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        return ""
    return found


_PLAIN = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?|True\b|False\b|None\b|set\(\)")
_STRING = re.compile(r"b?(?:'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\")")


def _end_of_literal(text: str, start: int) -> int:
    depth, at = 0, start
    while at < len(text):
        string = _STRING.match(text, at)
        if string:
            at = string.end()
        elif text[at] in "[({":
            depth, at = depth + 1, at + 1
        elif text[at] in "])}":
            depth, at = depth - 1, at + 1
        else:
            plain = _PLAIN.match(text, at)
            if not plain and depth == 0:
                return start
            at = plain.end() if plain else at + 1
        if depth <= 0:
            return at
    return start
