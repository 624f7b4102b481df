"""What each kind of sentence states: one function per kind of `grammar.PATTERNS`, from a match to what it claims.

A function gives nothing where the words claim nothing checkable after all. Where a claim is placed is not decided here.
"""

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from ray_app.monologue.evaluate import Unknown, evaluate, parse_expression, show
from ray_app.monologue.grammar import PREDICATES, RELATIONS, WORD_TIMES
from ray_app.monologue.shape import Hit, Shape
from ray_app.monologue.skeleton import Sentence

_WHETHER = re.compile(r"\b(?:if|whether|checks?|when|while|until|unless|tests?)\b")
_MORE = re.compile(r" (?:of|more|less|or|to|and)\b")


class Found(NamedTuple):
    """A claim without its place."""

    kind: str
    subject: str
    value: str
    how: str = "state"


@dataclass(frozen=True, slots=True)
class Said:
    """A hit in a sentence."""

    sentence: Sentence
    shape: Shape
    hit: Hit

    def group(self, name: str) -> str:
        """The value of the token in a named group, "" where the group took no part."""
        index = self.word(name)
        return self.sentence.tokens[int(index)].value if index else ""

    def word(self, name: str) -> str:
        """The text of a named group, "" where it took no part or the pattern has none of this name."""
        match = self.hit.match
        return (match[name] or "") if name in match.re.groupindex else ""

    def value(self, token: str) -> str:
        """The value of the token with this number."""
        return self.sentence.tokens[int(token)].value


def state(said: Said, kind: str, how: str) -> list[Found]:
    """What a hit of a pattern of this kind states."""
    return _STATEMENTS[kind](said, how)


def _value(said: Said, how: str) -> list[Found]:
    subject, match = said.group("s"), said.hit.match
    in_words = match.string[match.start("v") - 1] == "w"
    if in_words and _MORE.match(match.string, match.end()):
        return []
    if how == "change" and re.search(r"\b(?:start|begin|initiali)", match.group()):
        how = "first"
    return [Found("value" if subject.isidentifier() else "expression", subject, said.group("v"), how)]


def _length(said: Said, _how: str) -> list[Found]:
    subject = said.group("s") or _last_subject(said)
    return [Found("expression", f"len({subject})", said.group("v"))] if subject else []


def _last_subject(said: Said) -> str:
    """The name or expression last spoken of before the hit."""
    spoken = [place.token for place in said.shape.spoken if place.end <= said.hit.start]
    return said.sentence.tokens[spoken[-1]].value if spoken else ""


def _element(said: Said, _how: str) -> list[Found]:
    index, owner, value = said.group("v"), said.group("s"), said.group("v2")
    if owner:
        return [Found("expression", f"{owner}[{index}]", value)]
    return [Found("element", index, value)]


def _fromto(said: Said, _how: str) -> list[Found]:
    subject = said.group("s")
    if not subject.isidentifier():
        return []
    return [Found("value", subject, said.group("v2"), f"from:{said.group('v')}")]


def _sequence(said: Said, _how: str) -> list[Found]:
    values = [said.value(index) for index in re.findall(r"‹v(\d+)›", said.word("list"))]
    return [Found("sequence", said.group("s"), "[" + ", ".join(values) + "]")]


def _moved(said: Said, how: str) -> list[Found]:
    subject, now = said.group("s"), said.group("v2")
    found = [Found(how, subject, said.group("v"))]
    return [*found, Found("value", subject, now, "change")] if now else found


def _call_return(said: Said, _how: str) -> list[Found]:
    subject = said.group("s")
    if subject.isidentifier():
        return [Found("return", subject, said.group("v"), "of")]
    return [Found("expression", subject, said.group("v"))]


def _exception(said: Said, how: str) -> list[Found]:
    return [Found("exception", said.group("s") or said.word("x"), said.group("c"), how)]


def _returned(said: Said, how: str) -> list[Found]:
    return [Found("return", "", said.group("v"), how)]


def _call(said: Said, how: str) -> list[Found]:
    expression = said.group("s") or said.group("s2")
    try:
        node = parse_expression(expression)
    except Unknown:
        return []
    return [Found("call", expression, "", how)] if isinstance(node, ast.Call) else []


def _count(said: Said, _how: str) -> list[Found]:
    return [Found("count", said.group("l"), _times(said))]


def _visits(said: Said, _how: str) -> list[Found]:
    line = said.group("l") or said.group("l2") or said.group("l3")
    return [Found("visits", line, _times(said))]


def _times(said: Said) -> str:
    word = said.word("word") or said.word("word2") or said.word("word3")
    return WORD_TIMES[word] if word else said.group("v")


def _skip(said: Said, _how: str) -> list[Found]:
    return [Found("skip", said.group("l") or said.group("l2"), "", "skip")]


def _next(said: Said, _how: str) -> list[Found]:
    return [Found("next", said.group("l"), "", "next")]


def _truth(said: Said, how: str) -> list[Found]:
    if how in ("true", "false"):
        return [Found("expression", said.group("s"), how.capitalize(), "truth")]
    word = said.word("tf")
    given = said.group("v") if not word else ""
    if given not in ("True", "False", ""):
        return []
    value = given or str(word in ("true", "met", "satisfied", "hold", "holds", "passes", "succeeds", "is met"))
    return [Found("branch", said.group("l"), value, "outcome")]


def _branch(said: Said, how: str) -> list[Found]:
    if how == "skip":
        return [Found("branch", "", "False", "outcome")]
    which = said.word("which") or said.word("which2")
    return [Found("branch", "", str(which in ("if", "true", "then")), "taken")]


def _invariant(said: Said, _how: str) -> list[Found]:
    return [Found("invariant", said.group("s"), said.word("inv"), "always")]


def _final(said: Said, _how: str) -> list[Found]:
    return [Found("final", said.group("s"), "")]


def _unchanged(said: Said, _how: str) -> list[Found]:
    return [Found("unchanged", said.group("s"), "", "same")]


def _contains(said: Said, _how: str) -> list[Found]:
    words = "not in" if said.word("neg") else "in"
    return [Found("expression", f"{said.group('v')} {words} {said.group('s')}", "True", "truth")]


def _predicate(said: Said, _how: str) -> list[Found]:
    negated = said.word("neg2") in ("is not", "isn't", "must not be", "cannot be")
    template = PREDICATES.get(said.word("pred"))
    if template is None:
        return []
    return [Found("expression", template.format(f"({said.group('s')})"), str(not negated), "truth")]


def _relation(said: Said, _how: str) -> list[Found]:
    left, right = (said.value(said.word(side)[2:-1]) for side in ("left", "right"))
    negation = said.word("neg2")
    if not negation and _WHETHER.search(said.shape.words[: said.hit.start]):
        return []
    expression = RELATIONS[said.word("rel")].format(f"({left})", f"({right})")
    negated = negation in ("is not", "isn't", "are not", "cannot be")
    return [Found("expression", expression, str(not negated), "truth")]


def _edge(said: Said, _how: str) -> list[Found]:
    method = "endswith" if said.word("edge").startswith("end") else "startswith"
    value = said.group("v")
    if not value.startswith(("'", '"')):
        return []
    return [Found("expression", f"{said.group('s')}.{method}({value})", str(not said.word("neg2")), "truth")]


def _chain(said: Said, how: str) -> list[Found]:
    subject, value = said.group("s"), said.group("v")
    middle = Found("expression", _middle(said), value)
    if not subject.isidentifier():
        return [Found("expression", subject, value), middle]
    return [middle, Found("value", subject, value, how)]


def _sum(said: Said, how: str) -> list[Found]:
    try:
        return [Found("value", said.group("s"), show(evaluate(_middle(said), {})), how)]
    except Unknown:
        return []


def _returned_sum(said: Said, how: str) -> list[Found]:
    value = said.group("v")
    found = [Found("expression", _spelled(said, "first"), value)] if said.word("first") else []
    return [*found, Found("expression", _middle(said), value), Found("return", "", value, how)]


def _arithmetic(said: Said, _how: str) -> list[Found]:
    return [Found("expression", _middle(said), said.group("v"))]


def _middle(said: Said) -> str:
    return _spelled(said, "middle")


def _spelled(said: Said, group: str) -> str:
    """The expression that the placeholders and operators of a group spell; a bracket that opens nothing is left out."""
    spelled = re.sub(r"‹[a-z](\d+)›", lambda part: _operand(said.value(part.group(1))), said.word(group))
    spelled = spelled.replace("−", "-").replace("×", "*")
    try:
        parse_expression(spelled)
    except Unknown:
        return spelled.removeprefix("(")
    return spelled


def _operand(value: str) -> str:
    return value if value.isidentifier() or value.isdigit() else f"({value})"


def _anonymous(said: Said, how: str) -> list[Found]:
    return [Found("anonymous", "", said.group("v"), how)]


_STATEMENTS: dict[str, Callable[[Said, str], list[Found]]] = {
    "length": _length,
    "element": _element,
    "fromto": _fromto,
    "sequence": _sequence,
    "added": _moved,
    "removed": _moved,
    "value": _value,
    "call-return": _call_return,
    "exception": _exception,
    "return": _returned,
    "call": _call,
    "count": _count,
    "visits": _visits,
    "skip": _skip,
    "next": _next,
    "truth": _truth,
    "branch": _branch,
    "invariant": _invariant,
    "unchanged": _unchanged,
    "final": _final,
    "contains": _contains,
    "predicate": _predicate,
    "relation": _relation,
    "edge": _edge,
    "chain": _chain,
    "sum": _sum,
    "returned-sum": _returned_sum,
    "arithmetic": _arithmetic,
    "anonymous": _anonymous,
}
