# ruff: noqa: E501
"""The table of claims: for each kind the sentences that state it, and what they state.

The table is read from the top, and what an earlier pattern takes, a later one cannot. Groups of a pattern: `s` the subject,
`v` and `v2` values, `l` a line, `x` an exception, `t` any operand, `q` quoted code. A builder gives nothing where the words claim
nothing that can be checked after all.
"""

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass

from ray_app.claims.claim import Claim, Kind, Tense
from ray_app.claims.code import is_shown_object, normal, parsed
from ray_app.claims.grammar import (
    ARTICLE,
    CHANGE,
    CONDITION,
    EXCEPTION,
    FALSE,
    FILL,
    JOINT,
    NOT,
    PART,
    PAST,
    STATE,
    SYMBOL,
    TIMES,
    TRUE,
    TYPES,
    UNIT,
    V2,
    L,
    S,
    V,
    X,
)
from ray_app.claims.lexer import Token
from ray_app.claims.words import TIMES as WORD_TIMES


@dataclass(frozen=True, slots=True)
class Said:
    """A pattern found in a sentence: its groups as tokens or words."""

    match: re.Match[str]
    tokens: tuple[Token, ...]
    hint: str

    def token(self, name: str) -> Token | None:
        """The token of a group, None where it took no part."""
        word = self.word(name)
        return self.tokens[int(word)] if word else None

    def value(self, name: str) -> str:
        """The value of the group's token, "" where it took no part."""
        token = self.token(name)
        return token.value if token else ""

    def word(self, name: str) -> str:
        """The text of a group, "" where it took no part or the pattern has none of this name."""
        return (self.match[name] or "") if name in self.match.re.groupindex else ""

    def listed(self, name: str) -> tuple[Token, ...]:
        """The tokens in a group, in order."""
        return tuple(self.tokens[int(number)] for number in re.findall(r"‹[a-z](\d+)›", self.word(name)))

    def before(self, position: int) -> Token | None:
        """The name or expression last spoken of before a position in the words."""
        spoken = re.findall(r"‹[nev](\d+)›", self.match.string[:position])
        return self.tokens[int(spoken[-1])] if spoken else None


Build = Callable[[Said], list[Claim]]


@dataclass(frozen=True, slots=True)
class Entry:
    """A kind of claim: what its sentences look like, each pattern with a hint for the builder, and what they state."""

    kind: Kind
    build: Build
    patterns: tuple[tuple[re.Pattern[str], str], ...]


# What is stated. Where a claim belongs is not decided here.


def _signature(said: Said) -> list[Claim]:
    """`subject` the function, `number` its parameters (items: their names), `line` its returns; -1: not said."""
    names = tuple(token.value for token in said.listed("list"))
    stated = "1" if said.word("one") else said.value("v")
    parameters = 0 if said.word("none") else int(stated) if stated.isdecimal() else -1
    returns = 0 if said.word("without") else int(said.value("v2") or -1)
    return [Claim("signature", said.value("s"), number=parameters, line=returns, items=names)]


def _count(said: Said) -> list[Claim]:
    """`number` of iterations, `line` of the loop where named; tense "end" where the loop is said to end."""
    number = 0 if said.hint == "none" else _times(said)
    tense: Tense = "end" if said.hint == "end" else "state"
    return [] if number is None else [Claim("count", number=number, line=_line(said), tense=tense)]


def _visits(said: Said) -> list[Claim]:
    number = _times(said)
    return [] if number is None else [Claim("visits", number=number, line=_line(said))]


def _times(said: Said) -> int | None:
    word = said.word("times")
    if word:
        return WORD_TIMES[word]
    value = said.value("v")
    return int(value) if value.isdecimal() else None


def _line(said: Said, group: str = "l") -> int:
    value = said.value(group).split("-")[0]
    return int(value) if value.isdecimal() else 0


def _stop(said: Said) -> list[Claim]:
    """`break` or `continue` (the hint) in iteration `number` of the loop on `line`."""
    value = said.value("v")
    return [Claim("stop", said.hint, number=int(value) if value.isdecimal() else 0, line=_line(said))]


def _next(said: Said) -> list[Claim]:
    return [Claim("next", line=_line(said))]


def _skip(said: Said) -> list[Claim]:
    """`line` does not run next; 0: the line in question does not run."""
    return [Claim("skip", line=_line(said))]


def _fromto(said: Said) -> list[Claim]:
    return [Claim("value", said.value("s"), said.value("v2"), "change", other=said.value("v"))]


def _sequence(said: Said) -> list[Claim]:
    return [Claim("sequence", said.value("s"), items=tuple(token.value for token in said.listed("list")))]


def _moved(said: Said) -> list[Claim]:
    """`value` goes into or out of `subject`; `other` is what the subject is then."""
    kind: Kind = "added" if said.hint == "added" else "removed"
    found = [Claim(kind, said.value("s"), said.value("v"))]
    now = said.value("v2")
    return [*found, Claim("value", said.value("s"), now, "change")] if now else found


def _put(said: Said) -> list[Claim]:
    return [Claim("value", said.value("s"), said.value("v"), "change")]


def _returned(said: Said) -> list[Claim]:
    """`subject`: the function, where it is named; every member of "returns `x * 2`, which is 3 * 2 = 6" is a claim."""
    if said.hint == "type":
        return [Claim("return", other="type", items=(TYPES[said.word("type")],))]
    chain = said.listed("chain")
    tense: Tense = "final" if said.hint == "final" else "state"
    if not chain:
        return [Claim("return", said.value("s"), said.value("v"))] if said.hint == "none" else []
    value = _shown(chain[-1], ends=len(chain) > 1)
    subject = said.token("s")
    if subject is not None and subject.sort == "e" and _is_call(subject.value):
        return _links([subject, *chain], "state")
    if value is None:
        return []
    if said.hint == "passive" and said.match.end() < len(said.match.string):
        return [Claim("result", value=value)]  # "7 is returned and assigned to x"
    if subject is None and tense != "final" and _OTHERS_RETURN.search(said.match.string[: said.match.start()]):
        return [Claim("result", value=value), *_links(list(chain), "state")]
    own = Claim("return", subject.value if subject else "", value, tense, other=said.hint)
    return [own, *_links(list(chain), "state")]


_OTHERS_RETURN = re.compile(
    r"(?:comprehension|method|\)|(?<!the )(?<!^)\bfunction|‹e\d+›|expression|slic(?:e|ing)|operat(?:or|ion)|which|lookup|filter|map|generator|"
    r"condition|comparison|check|join|index|split|find|slice|value)(?: (?:\w+))?,? ?$"
)
"""Before "returns 3": then something in the program gives the value, not the function in question."""


def _yielded(said: Said) -> list[Claim]:
    chain = said.listed("chain")
    value = _shown(chain[-1]) if chain else ""
    own = Claim("yield", said.value("s"), value or "", other=said.hint)
    return [own, *_links(list(chain), "state")]


def _raised(said: Said) -> list[Claim]:
    """`subject`: the exception as "Type" or "Type: message"; `other`: the code that raises it; `items`: with values put in."""
    spelled = (said.value("o"),) if said.value("o") else ()
    return [Claim("raise", said.value("x"), other=said.value("s") or said.value("q"), items=spelled)]


def _caught(said: Said) -> list[Claim]:
    """`other`: the handler as it is written, "" for some handler; `line`: its line."""
    return [Claim("catch", said.value("x"), other=said.value("q"), negated=said.hint == "not", line=_line(said))]


def _finally(_said: Said) -> list[Claim]:
    return [Claim("finally")]


def _left(said: Said) -> list[Claim]:
    return [Claim("leave", said.value("s"), said.value("x"))]


def _called(said: Said) -> list[Claim]:
    """`subject`: the function's name or the call as an expression; tense "first" where its body begins here."""
    subject = said.token("s")
    if subject is None or (subject.sort == "e" and not _is_call(subject.value)):
        return []
    return [Claim("call", subject.value, tense="first" if said.hint == "begins" else "state")]


def _is_call(piece: str) -> bool:
    return piece.endswith(")") and parsed(piece) is not None


def _arguments(said: Said) -> list[Claim]:
    values = tuple(token.value for token in said.listed("list") if token.sort in "vw")
    return [Claim("argument", items=values)] if values else []


def _branch(said: Said) -> list[Claim]:
    """`subject`: "if" or "else", the branch that runs; `negated`: it does not; `other`: the operand that is chosen."""
    if said.hint == "chosen":
        return [Claim("branch", other=said.listed("chosen")[0].value)]
    is_else = said.word("which") in ("else", "false")
    return [Claim("branch", "else" if is_else else "if", negated=said.hint == "not")]


def _case(said: Said) -> list[Claim]:
    """`other`: the pattern as it is written; `negated`: it does not match."""
    return [Claim("case", other=said.value("q").removeprefix("case "), negated=said.hint == "not")]


def _kept(said: Said) -> list[Claim]:
    return [Claim("kept", negated=said.hint == "not")]


def _unevaluated(said: Said) -> list[Claim]:
    return [Claim("unevaluated", said.value("s"))]


def _truth(said: Said) -> list[Claim]:
    """`subject`: what is true, "" for the condition in question; `line`: the condition's; `negated`: it is false."""
    if said.value("v") not in ("True", "False", ""):
        return []
    if said.hint == "bare":
        return _bare_comparison(said)
    negated = said.hint == "false" or said.value("v") == "False" or said.word("tf") in _FALSE_WORDS
    return [Claim("truth", said.value("s"), negated=negated, line=_line(said), other=said.word("what"))]


_FALSE_WORDS = frozenset(
    [
        "false",
        "not met",
        "not satisfied",
        "fails",
        "does not hold",
        "is not met",
        "not true",
        "is false",
        "is not satisfied",
    ]
)


def _bare_comparison(said: Said) -> list[Claim]:
    subject = said.value("s")
    if not re.search(r"[<>]|==|!=|\b(?:in|not|is)\b", subject):
        return []
    return [Claim("truth", subject)]


def _last(said: Said) -> list[Claim]:
    return [Claim("last", said.value("s"))]


def _trend(said: Said) -> list[Claim]:
    """`other`: what never happens to the value."""
    return [Claim("trend", said.value("s"), other=said.hint or said.word("trend"))]


def _alias(said: Said) -> list[Claim]:
    owner = said.before(said.match.start())
    names = [token.value for token in said.tokens[: int(said.word("s"))] if token.sort == "n"]
    return [Claim("alias", names[0] if names else owner.value if owner else "", other=said.value("s"))]


def _deleted(said: Said) -> list[Claim]:
    return [Claim("deleted", said.value("s"))]


def _length(said: Said) -> list[Claim]:
    subject = said.token("s") or said.before(said.match.start())
    return [Claim("expression", f"len({operand(subject)})", said.value("v"))] if subject else []


def _contains(said: Said) -> list[Claim]:
    subject = f"{operand_text(said.value('t'))} in {operand_text(said.value('s'))}"
    return [Claim("property", subject, negated=bool(said.word("neg")))]


def _predicate(said: Said) -> list[Claim]:
    word = said.word("pred")
    negated = said.word("neg") in ("is not", "isn't", "are not", "was not")
    if word.startswith("not "):
        word, negated = word.removeprefix("not "), not negated
    subject = operand_text(said.value("s"))
    if word in TYPES:
        return [Claim("property", f"type({subject}).__name__ == '{TYPES[word]}'", negated=negated)]
    return [Claim("property", _PREDICATES[word].format(subject), negated=negated)]


# fmt: off
_PREDICATES = {
    "even": "{} % 2 == 0", "odd": "{} % 2 == 1", "positive": "{} > 0", "negative": "{} < 0", "non-negative": "{} >= 0",
    "zero": "{} == 0", "empty": "len({}) == 0", "non-empty": "len({}) > 0", "nonempty": "len({}) > 0", "sorted": "list({0}) == sorted({0})",
    "a palindrome": "{0} == {0}[::-1]", "uppercase": "{}.isupper()", "in uppercase": "{}.isupper()", "lowercase": "{}.islower()", "in lowercase": "{}.islower()",
    "entirely in uppercase": "{}.isupper()", "entirely in lowercase": "{}.islower()", "all uppercase": "{}.isupper()", "all lowercase": "{}.islower()",
    "a digit": "{}.isdigit()", "numeric": "{}.isnumeric()", "alphanumeric": "{}.isalnum()", "alphabetic": "{}.isalpha()", "ascii": "{}.isascii()",
    "in title case": "{}.istitle()", "title case": "{}.istitle()", "a space": "{}.isspace()", "an uppercase letter": "{}.isupper()", "a lowercase letter": "{}.islower()",
    "a letter": "{}.isalpha()", "uppercase letter": "{}.isupper()", "lowercase letter": "{}.islower()", "letter": "{}.isalpha()", "digit": "{}.isdigit()",
}
# fmt: on


def _edge(said: Said) -> list[Claim]:
    value = said.value("v")
    if not value.startswith(("'", '"')):
        return []
    method = "endswith" if said.word("edge").startswith("end") else "startswith"
    return [Claim("property", f"{operand_text(said.value('s'))}.{method}({value})", negated=bool(said.word("neg")))]


def _relation(said: Said) -> list[Claim]:
    left, right = (operand(token) for token in said.listed("both"))
    words = said.word("both")
    relation = max((word for word in _RELATIONS if f" {word} " in words), key=len)
    return [
        Claim("property", _RELATIONS[relation].format(left, right), negated=bool(re.search(r"\bnot\b|n't\b", words)))
    ]


def _property(said: Said) -> list[Claim]:
    """`subject` is an expression made up from the words; `negated`: it is not true."""
    return {"contains": _contains, "predicate": _predicate, "edge": _edge, "relation": _relation}[said.hint](said)


# fmt: off
_RELATIONS = {
    "greater than or equal to": "{} >= {}", "less than or equal to": "{} <= {}", "greater than": "{} > {}", "larger than": "{} > {}",
    "bigger than": "{} > {}", "more than": "{} > {}", "longer than": "{} > {}", "less than": "{} < {}", "smaller than": "{} < {}", "shorter than": "{} < {}", "fewer than": "{} < {}",
    "at least": "{} >= {}", "at most": "{} <= {}", "equal to": "{} == {}", "divisible by": "{} % {} == 0",
    "a multiple of": "{} % {} == 0",
}
# fmt: on


def _value(said: Said) -> list[Claim]:
    """A subject and what it equals, link by link: "`y` is set to `x * 2`, which is 3 * 2 = 6"."""
    if said.hint in _OTHER_WORDINGS:
        return _OTHER_WORDINGS[said.hint](said)
    relation = said.word("rel")
    tense: Tense = "state"
    if said.hint in ("before", "end"):
        tense = "before" if said.hint == "before" else "end"
    elif _CHANGES.fullmatch(relation):
        tense = "first" if re.search(r"start|begin|initiali", relation) else "change"
    elif relation.strip() == "=":
        tense = "set"
    elif re.search(r"\binitially\b", said.match.group()):
        tense = "first"
    subject = said.token("s")
    assert subject is not None
    if said.hint == "paren" and subject.value.startswith("len(") and not said.listed("chain")[-1].value.isdecimal():
        return []  # "the length of text ('ab')": the value is the text's
    if relation.strip() in ("->", "→", "⇒", "=>"):  # evaluation, not assignment
        tense = "state"
    return _links([subject, *said.listed("chain")], tense, negated=said.hint == "not")


_CHANGES = re.compile(CHANGE)
_OTHER_WORDINGS: dict[str, Build] = {"from": _fromto, "put": _put}


def _links(chain: list[Token], tense: Tense, negated: bool = False) -> list[Claim]:
    """Each member of a chain has the last one's value; only of the first it is said when it got it."""
    value = _shown(chain[-1], ends=len(chain) > 2) if chain else None
    if value is None:
        return []
    found: list[Claim] = []
    for place, token in enumerate(chain[:-1]):
        if token.sort in "vw" and place:
            continue
        kind: Kind = "value" if token.sort == "n" or (place == 0 and _TARGET.fullmatch(token.value)) else "expression"
        found.append(Claim(kind, token.value, value, tense if place == 0 else "state", negated=negated))
    return found


def _shown(token: Token, *, ends: bool = False) -> str | None:
    """The value that a token states; dotted names may be members of an enumeration. Where code stands before it
    (`ends`), what reads like the text of an object is one, even where the program spells the same object so."""
    node = parsed(token.value) if ends and token.sort == "e" else None
    if isinstance(node, _SHOWN) and is_shown_object(node):
        return normal(token.value)
    if token.sort in "vw":
        return token.value
    if token.sort == "e" and re.fullmatch(r"[A-Z]\w*\.[A-Z_]\w*", token.value):
        return normal(token.value)
    return token.value if token.sort == "x" else None


_SHOWN = (ast.Call, ast.Dict, ast.List, ast.Set, ast.Tuple)
_TARGET = re.compile(r"[A-Za-z_][\w.]*(?:\[[^\[\]:]*\])*")
"""What can be assigned to: `x`, `d['a']`, `self.n`."""


def _result(said: Said) -> list[Claim]:
    """`value` is what came out of what was just spoken of; `other`: the words for it."""
    chain = list(said.listed("chain"))
    if chain[0].sort == "n" and len(chain) > 1:  # "resulting in x = 3"
        return _links(chain, "change")
    value = _shown(chain[-1])
    return [Claim("result", value=value, other=said.word("what"))] if value is not None else []


def _does(said: Said) -> list[Claim]:
    """`subject`: the sort of deed; `items`: the names that it has to do with, of the program or of a method; `other`: the
    words, of which one may be a name."""
    tokens = [token for group in ("s", "o") if (token := said.token(group)) is not None] + list(said.listed("asked"))
    spelled = [re.sub(r"'[^']*'", "", token.value) for token in tokens if token.sort in "ne"]
    names = [name for value in spelled for name in re.findall(r"[A-Za-z_]\w*", value)]
    method = said.word("m")
    plain = re.sub(r"‹\w+›", " ", said.match.group())
    return [Claim("does", said.hint, items=(*names, *([method] if method else [])), other="" if names else plain)]


def operand(token: Token) -> str:
    """A token as part of a larger expression."""
    return operand_text(token.value)


def operand_text(value: str) -> str:
    """An expression as part of a larger one."""
    return value if re.fullmatch(r"[\w.]+|'[^']*'|\[[^\[\]]*\]", value) else f"({value})"


_CHAIN = rf"(?P<chain>{X}(?:{JOINT}{FILL}{ARTICLE} ?‹[nevwx]\d+›)*)"
_RETURNS = r"(?:returns?|returning|hands? back|gives? back|handing back|returned)"
_LIST = r"‹[vw]\d+›(?:(?:, then|, and then|,? and then|, and|,? and|, finally|,| then| ->| →) ‹[vw]\d+›)"
_AS_WHAT = r"(?: (?:list|string|array|variable|dictionary|dict|set|tuple|counter|value|number|text))?"
"""What a name is, said after it: "the digits list is now [1]"."""
_NOUN = r"(?:(?:running |current |new |updated |resulting |accumulated |final |modified |partial |returned |overall |sorted |reversed |filtered )?(?:total|sum|count|list|string|result|accumulator|counter|value|dictionary|dict|number|array|variable|set|product|tuple|text|output|expression|index|length|character|element))"

_SW = r"(?:‹[ne](?P<s>\d+)›|(?P<w>[a-z_]\w*))"
"""What a deed has to do with; a word of prose may be a name of the program."""
_WHAT = r"(?: (?:the|a|an|each|every|all|new|\w+ed|list|string|array|dictionary|dict|variable|value|values|characters?|elements?|items?|keys?|key-value|pairs?|words?|of|in|original|input|empty|current|final|resulting|called|named|function|parameter|argument|integer|number|copy|copied|result|index|length|reversed?|and|contents?|range|name|output|this|its|same|by|one|from|single|two|three|at|using|sum|count|total))* "
"""What may stand between a verb and the name that it is about."""

Patterns = tuple[tuple[re.Pattern[str], str], ...]


def _patterns(*rows: tuple[str, str]) -> Patterns:
    return tuple((re.compile(regex), hint) for regex, hint in rows)


# fmt: off
TABLE: tuple[Entry, ...] = (
    Entry("signature", _signature, _patterns(
        (rf"(?:function )?{S}(?:,? is defined)?,? ?(?:which|that|and)? ?(?:takes|accepts|receives|expects)(?: in| as input)?(?: (?:an?|the|input|(?P<one>single|one)|‹[vw](?P<v>\d+)›))+ (?:input |positional )?(?:arguments?|parameters?|inputs?)\b", ""),
        (rf"{S} has (?:{V} parameters?,? ?(?P<list>‹n\d+›(?:,? (?:and )?‹n\d+›)*)?|(?P<none>no) parameters?),? and (?:‹[vw](?P<v2>\d+)›|(?P<without>no)) ‹q\d+› statements?", ""),
    )),
    Entry("stop", _stop, _patterns(
        (rf"(?:‹q\d+›|break) ends the (?:\w+ )?loop(?: (?:on|at|in) {L})?(?: in iteration {V})?", "break"),
        (rf"(?:‹q\d+›|continue) ends iteration {V}(?: of the (?:\w+ )?loop (?:on|at) {L})?", "continue"),
        (rf"^(?:‹q\d+›|break) \({L}, iteration {V}\)", "break"),
        (rf"^continue \({L}, iteration {V}\)", "continue"),
        (r"(?:the |this )?(?:\w+ )?loop (?:is|gets) (?:exited|broken|terminated|left) (?:by|with|because of) (?:the )?(?:‹q\d+›|break)", "break"),
    )),
    Entry("count", _count, _patterns(
        (rf"(?:(?:the |this )?loop )?(?:ends?|finishes|stops|is over|is done) after(?: exactly)? {TIMES}", "end"),
        (rf"loop(?: (?:on|at|in|of) {L})?(?:[^‹,]{{0,30}}‹[nev]\d+›){{0,2}}[^‹,]{{0,40}}? (?:runs|iterates|executes|repeats|makes|goes round|goes around|performs|completes|does|takes|ran|has run|is executed|run|is entered|is repeated)(?: for)?(?: exactly| a total of| only| just)? {TIMES}", ""),
        (rf"(?:over|for|all|exactly|total of|there are|makes|with|needs|takes|performs|in){ARTICLE} {V} (?:iterations?|passes|rounds|trips)\b", ""),
        (rf"{V} iterations (?:are|were) (?:performed|made|done|run)", ""),
        (r"(?:loop|iteration)(?: body)? (?:(?:does not|doesn't) (?:execute|run|iterate|start)|is (?P<times>not|never) (?:executed|entered|run)|(?:never) (?:executes|runs))(?: at all| even once)?", "none"),
        (rf"body (?:runs|executes|is executed|is entered)(?: exactly| only| just)? {TIMES}", ""),
    )),
    Entry("visits", _visits, _patterns(
        (rf"{L} (?:runs|is reached|executes|is executed|is visited|ran|is run)(?: exactly| only| just| a total of)? {TIMES}", ""),
        (rf"{L} (?:is|was) (?P<times>never|not) (?:reached|executed|run|visited|entered)(?: at all| in this run| during this call)", ""),
        (rf"{L} (?:is|was) (?P<times>never) (?:reached|executed|run|visited|entered)", ""),
        (rf"{L} (?P<times>never) (?:runs|executes)", ""),
    )),
    Entry("skip", _skip, _patterns(
        (rf"(?:skips?|skipping|jumps? over|bypass(?:es|ing)?|passes over|passing over|leaves out) {L}", ""),
        (rf"{L} (?:is|are|gets|was) (?:skipped|not (?:run|executed|reached)|bypassed|passed over|left out)", ""),
        (rf"{L} (?:does not run|doesn't run)", ""),
    )),
    Entry("next", _next, _patterns(
        (rf"(?:goes|go|jumps?|moves?|continues?|moving|control passes|execution (?:moves|goes|continues)|proceeds?|comes) (?:on |in|back )?(?:to|at|with) (?:the (?:handler|line|statement|loop) (?:on|at) )?{L}", ""),
    )),
    Entry("sequence", _sequence, _patterns(
        (rf"{S}{FILL} (?:takes?(?: on)?|goes through|runs through|steps through|goes|passes through|becomes|is|cycles through|visits|walks through)(?: in turn| successively)?(?: the)?(?: successive)?(?: values?)?:? (?P<list>{_LIST}+)(?!{FILL}(?:{STATE}|{CHANGE}|{PAST}|{SYMBOL}))(?!,? (?:and )?‹n)", ""),
    )),
    Entry("added", _moved, _patterns(
        (rf"(?:append(?:s|ing|ed)?|add(?:s|ing|ed)?|push(?:es|ing|ed)?|insert(?:s|ing|ed)?|puts?|plac(?:es?|ing)){ARTICLE} {V} (?:on ?to|to|into|in|at the end of|at the front of|to the end of|to the front of){ARTICLE} {S}(?:,? (?:which |and )?(?:is now|now|making it|giving|leaving|becomes|becoming|to give|resulting in|so it becomes){ARTICLE} {V2})?", "added"),
        (rf"{V} (?:is|gets|was) (?:then )?(?:appended|added|pushed|inserted|placed|put|prepended) (?:on ?to|to|into|in|at the end of|to the end of|to the front of){ARTICLE} {S}(?:,? (?:which |and )?(?:is now|now|making it|giving|leaving|becomes|becoming|to give|resulting in|so it becomes){ARTICLE} {V2})?(?! (?:has|have|holds))", "added"),
        (r"^‹e(?P<s>\d+)›: ‹[vw](?P<v>\d+)›$", "added"),
    )),
    Entry("removed", _moved, _patterns(
        (rf"(?:remov(?:es?|ing|ed)|pop(?:s|ping|ped)?|delet(?:es?|ing|ed)|drop(?:s|ping|ped)?|discard(?:s|ing|ed)?){ARTICLE} {V} (?:from|off|out of){ARTICLE} {S}(?:,? (?:which |and )?(?:is now|now|making it|giving|leaving|becomes|becoming|to give|resulting in|so it becomes){ARTICLE} {V2})?", "removed"),
        (rf"{V} (?:is|gets|was) (?:then )?(?:removed|popped|deleted|dropped|discarded|taken) (?:from|off|out of){ARTICLE} {S}(?:,? (?:which |and )?(?:is now|now|making it|giving|leaving|becomes|becoming|to give|resulting in){ARTICLE} {V2})?", "removed"),
    )),
    Entry("raise", _raised, _patterns(
        (rf"(?:‹q(?P<q>\d+)›|{S})?(?: (?:is|->|=) ‹[nev](?P<o>\d+)›)?(?:,? which|,? and this| ->)? ?(?:raises?|throws?|raising|triggers?|causes|raised|hits)(?: an?| the)? {EXCEPTION}", ""),
        (rf"{EXCEPTION} (?:is|was|gets) (?:raised|thrown)", ""),
    )),
    Entry("finally", _finally, _patterns(
        (r"\b(?:the )?finally (?:block|clause|part) (?:runs|executes|is (?:run|executed|entered))|^finally$", ""),
    )),
    Entry("catch", _caught, _patterns(
        (r"‹q(?P<q>\d+)›:? (?:does not catch|doesn't catch|is not caught|not caught)", "not"),
        (r"‹q(?P<q>\d+)›:? (?:catches|caught|handles|takes)", ""),
        (rf"{EXCEPTION} is caught", ""),
        (rf"(?:jumps|goes|moves|passes) to the (?:‹q\d+› |except )?(?:handler|clause|block|branch)(?: (?:on|at|in) {L})?", ""),
        (r"(?:the )?(?:‹q\d+›|except) (?:handler|clause|block|branch) (?:is (?:entered|executed|run|taken)|runs|executes)", ""),
    )),
    Entry("leave", _left, _patterns(
        (rf"(?:(?:the )?exception|{EXCEPTION}) (?:leaves|escapes(?: from)?|propagates (?:out of|from)|passes (?:out of|through)|comes out of)(?: the (?:call|function))? {S}", ""),
        (rf"{S} (?:ends|stops|fails|is left|terminates|exits) (?:with|by|because of)(?: an?| the)?(?: uncaught| unhandled)? {EXCEPTION}", ""),
    )),
    Entry("kept", _kept, _patterns(
        (r"\b(?:it|the item|this item|the element) is (?:left out|not kept|filtered out|dropped|excluded)|^left out$", "not"),
        (r"\b(?:it|the item|this item|the element) is (?:kept|included)|^kept$", ""),
    )),
    Entry("unevaluated", _unevaluated, _patterns((rf"without (?:evaluating|looking at|computing) {S}", ""),)),
    Entry("case", _case, _patterns(
        (r"pattern ‹[neqv](?P<q>\d+)› (?:does not match|doesn't match|fails to match|is not matched)", "not"),
        (r"‹q(?P<q>\d+)›: (?:no match|does not match)", "not"),
        (r"pattern ‹[neqv](?P<q>\d+)› (?:matches|is matched)", ""),
        (r"‹q(?P<q>\d+)›: match", ""),
        (r"(?:matches|matching)(?: the)? (?:pattern|case) ‹[neqv](?P<q>\d+)›", ""),
        (r"‹q(?P<q>\d+)› (?:matches|is taken|is selected|is chosen|runs)", ""),
    )),
    Entry("yield", _yielded, _patterns(
        (rf"(?:‹[ne](?P<s>\d+)› )?\byields{FILL}{ARTICLE} {_CHAIN}", "value"),
        (rf"^yield {_CHAIN}", "value"),
        (rf"resume ‹[ne](?P<s>\d+)›(?: with {_CHAIN})?", "resumed"),
        (rf"‹[ne](?P<s>\d+)›{FILL} (?:is resumed|resumes)(?: with {_CHAIN})?", "resumed"),
    )),
    Entry("return", _returned, _patterns(
        (rf"‹q\d+› waits for the finally block with {_CHAIN}", "waits"),
        (rf"(?:^|the function |‹n\d+› |it ){FILL}{_RETURNS}{FILL} (?:an?|the) (?:new |modified |updated |resulting |final |sorted |reversed |single |empty )?(?P<type>{'|'.join(TYPES)})(?: (?:with|of|containing|that|in|where|from)\b|$)", "type"),
        (r"‹[ne](?P<s>\d+)› ends without ‹q\d+›, so it returns ‹v(?P<v>\d+)›", "none"),
        (rf"(?:the )?(?:final |overall )?(?:return(?:ed)? value|function's (?:return value|result|value|output)|(?:result|value|output|return value|final (?:output|result|return value)) of the (?:call|function(?: call)?)|call's result)(?: of (?:the )?(?:function(?: call)?|call|‹[ne]\d+›))?{FILL}(?:{STATE}|{PAST}| will be|:){FILL}{ARTICLE} ?{_CHAIN}", "final"),
        (rf"(?:(?:final|overall) (?:answer|output|result|value|return value)|(?:the |our )?(?:answer|output)){FILL}(?:{STATE}|{CHANGE}| will be| should be|:){ARTICLE} ?{_CHAIN}", "final"),
        (rf"(?:(?:call(?: to)? |calling )?‹[ne](?P<s>\d+)›(?:\(\))?{FILL} )?(?<!method ){_RETURNS}{FILL}{ARTICLE} {_CHAIN}(?! (?:times|iterations|statement|in|of|from|at|with|to|as|followed|if|when)\b)", "own"),
        (rf"^return {_CHAIN}", "own"),
        (rf"(?P<chain>{X}) (?:is|gets|will be|was) (?:then |finally |immediately )?(?:returned|handed back|given back)", "passive"),
    )),
    Entry("call", _called, _patterns(
        (r"\bcall of (?:the )?‹[ne](?P<s>\d+)›", "begins"),
        (r"^call ‹[ne](?P<s>\d+)›", "begins"),
        (r"\b(?:the|this|that|a)(?: recursive| entry| first| outer| inner| next)? call(?: to)? ‹e(?P<s>\d+)›(?= |,|$|:)", ""),
        (r"(?:calls?|calling|invokes?|invoking|call to|recurses? (?:in)?to|recursive call(?: to)?|recurse on) ‹[ev](?P<s>\d+)›(?= |,|$|:)", ""),
        (r"‹[ev](?P<s>\d+)› (?:is|gets) (?:called|invoked)", ""),
        (r"‹e(?P<s>\d+)› (?:starts|begins) ?(?:$|,|:)", ""),
    )),
    Entry("argument", _arguments, _patterns(
        (rf"(?:(?:\bthe|^) function|‹n\d+›|\bit) is (?:then )?called with(?: the)?(?: (?:arguments?|inputs?|values?|parameters?|given|following|single|a|an|list|string|input|dictionary|integer))*:? (?P<list>{X}(?:(?:, and|,| and)(?: the)?(?: \w+)? {X})*)(?! for)(?!{SYMBOL})", ""),
    )),
    Entry("branch", _branch, _patterns(
        (rf"(?:skips?|skipping)(?: the)? (?P<which>if|else|true|false|then)[- ]{PART}", "not"),
        (rf"\bthe (?P<which>if|else|true|false|then)[- ]{PART} (?:is|was) (?:skipped|not (?:executed|run|entered|taken))", "not"),
        (rf"(?:code|statement|block|line)s? (?:inside|in|under|within) (?:of )?(?:the )?(?:‹q\d+›|(?P<which>if|else))(?: {PART})? (?:is|was|are) (?:skipped|not (?:executed|run|entered|taken))", "not"),
        (rf"(?:takes?|taking|enters?|entering|goes? into|going into|executes?|executing|falls? (?:into|through to)|moves? (?:in)?to|follows?|proceeds? to)(?: the)? (?P<which>if|else|true|false|then)[- ]{PART}", ""),
        (rf"\bthe (?P<which>if|else|true|false|then)[- ]{PART} (?:is|gets|was) (?:taken|run|executed|entered|chosen|followed)", ""),
        (rf"(?:the|its|and its) (?P<which>if|else|true|false|then)[- ]{PART} (?:runs|executes)\b", ""),
        (r"(?:so )?(?P<chosen>‹[nev]\d+›) is chosen", "chosen"),
    )),
    Entry("skip", _skip, _patterns(
        (r"\b(?:(?:this|the|that)(?: ‹q\d+›| (?:else|if|elif|return))?(?: (?:line|block|branch|statement|code|part|clause|step|case))?|it) (?:is|are|was) (?:not|never) (?:executed|run|reached|entered|taken|evaluated)\b", "here"),
        (r"\b(?:(?:this|the|that)(?: ‹q\d+›| (?:else|if|elif|return))?(?: (?:line|block|branch|statement|code|part|clause|step|case))?|it) (?:is|gets|was) skipped\b", "here"),
        (r"^(?:is )?(?:skipped|not (?:executed|run|reached))\b", "here"),
    )),
    Entry("last", _last, _patterns(
        (rf"(?:gives?|assigns?|leaves|holds) {S} its (?:last|final) value", ""),
        (rf"{S}{FILL} (?:gets|takes|receives|has) its (?:last|final) value", ""),
    )),
    Entry("trend", _trend, _patterns(
        (rf"{S}{FILL} (?P<trend>never decreases|never increases|never changes|only grows|only shrinks|only ever grows|only ever shrinks|is never negative|is never empty|never gets shorter|never gets longer)", ""),
        (rf"{S}{FILL} (?:does not change|doesn't change|is unchanged|stays? (?:unchanged|the same|as it is|as is)|remains? (?:unchanged|the same)|is left (?:unchanged|alone|as it is)|keeps its value)", "keeps"),
    )),
    Entry("alias", _alias, _patterns((r"(?:which is also|\(also|is the same object as) ‹n(?P<s>\d+)›", ""),)),
    Entry("deleted", _deleted, _patterns((rf"{S} is (?:then )?deleted(?! from)", ""),)),
    Entry("property", _property, _patterns(
        (rf"{S}{FILL} (?P<neg>does not|doesn't|cannot)?(?: also)? ?(?<!now )(?:contains?|includes?){ARTICLE} ‹[nevw](?P<t>\d+)›(?! {UNIT})", "contains"),
        (rf"‹[nev](?P<t>\d+)›(?:,? which)? (?:is|occurs|appears|are|was)(?P<neg> not)?(?: also| already| yet| present| found| a key| a member| an element| a (?:substring|vowel))* (?:in|of|among|inside){ARTICLE} {S}", "contains"),
        (rf"{S}{FILL} (?P<neg>is not|isn't|is|are)(?: an?| the)? (?P<pred>{'|'.join(map(re.escape, [*_PREDICATES, *TYPES, 'not empty']))})\b(?! ?(?:‹[vn]|of\b|with\b|to\b|as\b|equal|and|that|containing|\())", "predicate"),
        (rf"{S}{FILL} (?P<neg>does not|cannot)? ?(?P<edge>starts?|begins?|ends?) with{ARTICLE} {V}", "edge"),
        (rf"(?P<both>‹[nev]\d+›{FILL} ?(?:is not|isn't|is|are|was not|was|being)? ?(?:{'|'.join(_RELATIONS)})(?: the)?(?: value)? ‹[nev]\d+›)", "relation"),
    )),
    Entry("truth", _truth, _patterns(
        (rf"{S}{FILL}(?:,? which)?(?: evaluates to| is| gives| turns out| comes out| are| being| returns|:)?{FILL} {TRUE}\b(?! ?(?:‹[vw]|the value|exactly|at\b|when|if))", "true"),
        (rf"{S}{FILL}(?:,? which)?(?: evaluates to| is| gives| turns out| comes out| are| being| does| returns|:)?{FILL} (?:{FALSE}\b|not hold)", "false"),
        (rf"(?P<what>{CONDITION}|guard)(?: ‹[ne](?P<s>\d+)›)?(?: (?:on|at|in|of) {L})?{FILL} (?:is|evaluates to|gives|comes out|turns out)?{FILL} ?(?:‹v(?P<v>\d+)›|(?P<tf>true|false|met|satisfied|not met|not satisfied|not true))", ""),
        (rf"(?P<what>{CONDITION}|guard)(?: ‹[ne](?P<s>\d+)›)?(?: (?:on|at|in|of) {L})?{FILL} (?P<tf>holds|fails|passes|succeeds|does not hold|is met|is not met)", ""),
        (r"^(?P<tf>true|false)$", ""),
        (r"\b(?:since|because|as|and|but|so) ‹e(?P<s>\d+)›(?=,| so\b| and\b|$)", "bare"),
    )),
    Entry("expression", _length, _patterns(
        (rf"{S}{FILL} (?:has|contains|with|holds|now has|now holds|having|which (?:now )?has){ARTICLE} {V} {UNIT}\b(?! (?:that|which|of|with|from|in))", ""),
        (rf"{S}{FILL} (?:has|is of|with|having) (?:a )?(?:length|size)(?: of)?{ARTICLE} {V}", ""),
        (rf"{S}{FILL} is{ARTICLE} {V} {UNIT} long", ""),
        (rf",? which(?: now)? has(?: a length of)? {V}(?: {UNIT}\b|$|(?= ?[,.;)]))", ""),
    )),
    Entry("value", _value, _patterns(
        (rf"{S}{FILL} (?:goes|changes|moves|increases|decreases|grows|drops|rises|falls|shrinks|is updated|is changed|is reduced|is incremented|is decremented|updates|switches|turns|jumps|steps|is shortened|flips)(?: up| down)? from{ARTICLE} {V} (?:in)?to{ARTICLE} {V2}", "from"),
        (rf"(?:sets?|setting|assigns?|assigning|updates?|updating|mak(?:es?|ing)|initiali[sz](?:es?|ing)|leav(?:es?|ing)|turn(?:s|ing)?|bring(?:s|ing)?|giv(?:es?|ing)|chang(?:es?|ing)|rais(?:es?|ing)|increment(?:s|ing)?|decrement(?:s|ing)?|reset(?:s|ting)?|bumps?)(?: the)?(?: value of| variable)? {S}(?: to be| equal to| to| as| =| with| at| a value of)?{ARTICLE} {V}", "put"),
        (rf"{V} (?:is|gets|was|goes) (?:then )?(?:stored|assigned|saved|placed|kept|put|bound|written) ?(?:in|to|into|as) (?:the )?(?:variable )?{S}", "put"),
        (rf"(?:stor(?:es?|ing)|assign(?:s|ing)?|sav(?:es?|ing)|put(?:s|ting)?|bind(?:s|ing)?|plac(?:es?|ing)){ARTICLE} {V} (?:in|to|into|as) (?:the )?(?:variable )?{S}", "put"),
        (rf"(?:stored|assigned|saved|put) (?:in|to|into|as)(?: the)?(?: variable)? {S},? (?:which|and it|so it|so that it|making it) ?(?:is|becomes|equals|holds|contains)?(?: now)?{ARTICLE} {V}(?! ?[-=+*/%<>→])(?! (?:key-value|{UNIT}|\w+ {UNIT}))", "put"),
        (rf"{S} is (?:then )?(?:initiali[sz]ed|set|assigned|updated|calculated|computed)(?!(?: to| as| with| by)? ‹[nevwx]\d+›,? which is)(?: to| as| with| by)?(?:(?!‹n\d+› (?:is|becomes|=))[^.;]){{1,160}}?,? (?:which is|so it (?:is|becomes)|resulting in|giving)(?: now)?{ARTICLE} {V}(?! ?[-=+*/%<>→])(?! (?:key-value|{UNIT}|\w+ {UNIT}))", "put"),
        (rf"{S}{FILL}(?P<rel>{NOT}){ARTICLE} ?(?P<chain>‹[vw]\d+›)", "not"),
        (rf"{S}{FILL} ends? (?:up )?(?P<rel>as|at|being|with){ARTICLE} ?{_CHAIN}", "end"),
        (rf"{S}{FILL}(?P<rel>{PAST}){ARTICLE} ?{_CHAIN}", "before"),
        (rf"(?<![-+*/%] )(?<!-)(?<! of )(?<! in ){S}{_AS_WHAT}{FILL}(?P<rel>{CHANGE}|{SYMBOL}|{STATE}){FILL}{ARTICLE} ?{_CHAIN}(?! ?(?:-|\+|\*|/|%|<|>|times|iterations|key-value|{UNIT}|\w+ {UNIT}))", ""),
        (rf"(?<! of )(?<! in )(?<! at ){S}(?P<rel> )\((?:which is |i\.e\. )?{_CHAIN}\)?", "paren"),
        (rf"(?<! of ){S}(?P<rel> ){_CHAIN}(?! (?:times|iterations|elements|characters|items|steps|passes))(?!,)", ""),
    )),
    Entry("does", _does, _patterns(
        (rf"(?:iterat(?:es?|ing|ed)|loop(?:s|ing)?|going|goes|runs|running|cycles?|steps)(?: again)? (?:over|through|across)(?:[^‹.;,]{{0,50}}(?:in|of|from|through|over) )?{_WHAT}{_SW}(?:(?:,| in| of| from| with| and){_WHAT}‹[ne](?P<o>\d+)›)?", "loops"),
        (rf"(?:for|each|every|while)[- ]loop (?:is )?(?:starts?|begins?|runs?|executed|entered|used|iterat\w+)?[^‹.;]{{0,60}}{S}", "loops"),
        (rf"(?<!\w)(?P<m>[a-z_]\w*)(?:\(\))? (?:method|function) (?:is|gets) (?:then )?(?:called|used|applied|invoked)(?: (?:on|with|to|for){_WHAT}{_SW})?", "calls"),
        (rf"(?:calls?|calling|uses?|using|invok(?:es?|ing)|appl(?:ies|ying))(?: the)?(?: built-in| string| list)? (?P<m>[a-z_]\w*)(?:\(\))? (?:method|function)(?: (?:on|with|to|of){_WHAT}{_SW})?", "calls"),
        (r"‹e(?P<s>\d+)› (?:method|function)? ?(?:is|gets) (?:then )?(?:called|used|applied|invoked|executed|run)\b", "calls"),
        (rf"(?<!method ){_RETURNS}{FILL}{_WHAT}{_SW}(?! (?:is|are|has|becomes|equals|at)\b)", "returns"),
        (rf"(?:stor(?:ed|ing)|assign(?:ed|ing|s)|sav(?:ed|ing)|kept|put)(?: back)? (?:in|to|into|as){_WHAT}{_SW}", "assigns"),
        (rf"{S}{FILL} (?:is|gets|are) (?:then )?(?:initiali[sz]ed|created|assigned|updated|incremented|decremented|set|computed|calculated|modified|reassigned|converted)\b", "assigns"),
        (rf"(?:initiali[sz](?:es?|ing)|creat(?:es?|ing)|updat(?:es?|ing)|increment(?:s|ing)?|decrement(?:s|ing)?|comput(?:es?|ing)|calculat(?:es?|ing)|modif(?:ies|ying)){_WHAT}{_SW}", "assigns"),
        (r"(?:checks?|checking|tests?|determines?|verif(?:y|ies)|compares?|evaluates) (?:again )?(?:if|whether|that|for)\b(?P<asked>[^.;,]*?)(?= using| by |[.;,]|$)", "tests"),
        (rf"(?:append|add|insert|push|concatenat|remov|pop|delet|discard|join|prepend)\w*(?: back)?[^‹.;,]{{0,30}}(?: ‹\w+›[^‹.;,]{{0,20}})? (?:to|into|from|with|on){_WHAT}{_SW}", "changes"),
        (r"\bbreak(?:s|ing)? (?:out )?(?:of|from)? ?(?:the|this) (?:\w+ )?loop|\bloop is (?:then )?broken", "breaks"),
        (r"\bcontinues? (?:on )?(?:to|with) the next (?:iteration|item|element|character|number)", "continues"),
    )),
    Entry("result", _result, _patterns(
        (rf"(?:resulting in|giving|yielding|producing|which (?:gives|results in|yields|returns|produces|is|becomes|evaluates to|equals)(?: in)?|so (?:it|this|that) (?:becomes|is(?: now)?|gives)|leaving|to (?:get|give|obtain|produce)|making it)(?P<what>){FILL}{ARTICLE}(?: of)?(?: (?:strings?|characters?|words?|numbers?|lists?|tuples?|items?|elements?))?:? {_CHAIN}(?!,? (?:and )?‹v)(?! (?:key-value|{UNIT}|\w+ {UNIT}))", ""),
        (rf"\bmethod(?P<what>) returns{FILL}{ARTICLE} {_CHAIN}", ""),
        (rf"\b(?:it|this|the (?P<what>{_NOUN})){FILL}(?:{CHANGE}|{STATE}|:){FILL}{ARTICLE} ?{_CHAIN}(?!,? (?:and )?‹v)(?! (?:key-value|{UNIT}|\w+ {UNIT}))", ""),
    )),
)
# fmt: on
