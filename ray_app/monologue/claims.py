"""The grammar of checkable claims: `parse(text, names)` finds them in narrated and in free prose.

A claim says what it is about (`subject`), what it asserts (`value`, canonical), how (`how`), and where: the line, the
visit and the iterations that the text places it in. Parsing never looks at a trace and decides nothing about truth. What
is not recognised is never guessed: every literal outside a claim is listed as unchecked.

Kinds: value, expression, element, length (as expression), branch, skip, count, visits, iteration, call, return,
exception, added, removed, sequence, unchanged, invariant, line, code, constraint, answer.
"""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from ray_app.monologue.evaluate import Unknown, evaluate, literal, parse_expression, show
from ray_app.monologue.skeleton import Sentence, Token, skeleton

Anchor = tuple[int | None, int]


@dataclass(frozen=True, slots=True)
class Claim:
    """One checkable statement. `start`, `end` delimit it in the text; `sentence` numbers the sentence it stands in.

    `how`: "change" (becomes), "state" (is), "past" (was), "not" (is not), or a detail of the kind. `line`: 0 where the
    text names none. `iterations`: pairs (loop line or None, iteration; -1 is the last). `visit`: 0 where none is named.
    `required`: the sentence demands it ("must").
    """

    kind: str
    start: int
    end: int
    text: str
    subject: str = ""
    value: str = ""
    how: str = "state"
    line: int = 0
    visit: int = 0
    iterations: tuple[Anchor, ...] = ()
    sentence: int = 0
    required: bool = False


@dataclass(frozen=True, slots=True)
class Claims:
    """What a text claims, in reading order; `answer` is the code of its final answer ("" where there is none)."""

    claims: tuple[Claim, ...]
    unchecked: tuple[str, ...]
    answer: str


@dataclass(frozen=True, slots=True)
class _Found:
    kind: str
    subject: str
    value: str
    how: str = "state"


_S = r"‹[ne](?P<s>\d+)›"
_V = r"‹[vw](?P<v>\d+)›"
_V2 = r"‹[vw](?P<v2>\d+)›"
_F = (
    r"(?: ?,? ?\b(?:then|now|therefore|thus|also|so|again|still|already|just|simply|finally|hence|itself|here|in turn|first|"
    r"currently|correctly|again now|only|immediately|eventually|always)\b,?)?"
)
_A = (
    r"(?: (?:exactly|just|the|a|an|its|single|new|old|value|values|string|list|number|integer|character|letter|tuple|set|dict|"
    r"dictionary|boolean|element|key|word|of|empty|simply|now|float|digit|equal to|to|result|only|still|at|as|always|also))*"
)
_CHANGE = (
    r"(?: becomes?| becoming| is now| are now| now is| now holds| now equals| now has the value| now contains| now reads| gets| "
    r"is (?:then |now )?(?:re)?set to| set to| is (?:re)?assigned(?: to)?| is bound to| is (?:then |now )?updated to| updated to| "
    r"updates to| is changed to| changes? to| changes? into| turns? into| is (?:in|de)cremented to| is initiali[sz]ed (?:to|as|with)| "
    r"initiali[sz]ed (?:to|as|with)| initiali[sz]es (?:to|as|with)| starts? (?:out |off )?(?:at|as|from|with|being)| starts?| "
    r"begins? (?:at|as|with)| starting (?:at|as|from|with)|(?: grows?| rises?| increases?| goes(?: up| down)?| drops?| falls?| "
    r"decreases?| shrinks?| moves?(?: on)?| advances?| jumps?| climbs?| is raised| is reduced| is extended| is trimmed| is cut| is "
    r"incremented| is decremented| is shortened| growing| rising| increasing| dropping| increments?| decrements?| bumps?| is bumped|"
    r" is replaced| resets?| is reset) (?:up |down )?(?:to|by)| "
    r"ends? up (?:as|at|being|with|holding)?| takes? (?:on )?the value| takes? the value of| taking the value| receives| is given| "
    r"picks up| flips to| switches to| has become| ?(?:->|→|⇒|:=|=>|⟶|<-) ?)"
)
_STATE = (
    r"(?: is| are| equals?| equal| being| holds?(?: the value)?| has (?:the )?value| is equal to| stands at| is still| remains?| "
    r"stays?(?: at| as)?| evaluates? to| evaluated to| comes (?:out )?(?:to|as)| works out (?:to|as)| gives?| yields?| produces?| "
    r"amounts? to| reads| contains exactly| carries| must be| must equal| turns out to be| computes to| which is)"
)
_SYMBOL = r" ?(?:===?|=|:) ?"
_PAST = r"(?: was| were| had been| used to be| started (?:at|as|from)| began (?:at|as)| held| had the value)"
_NOT = r"(?: is not| isn't| isn’t| does not equal| doesn't equal| is different from| differs from| ?(?:!=|≠) ?)"
_TRUE = r"(?:must |must be |has to be |has to |be )?(?:true|holds?|met|satisfied|truthy|succeeds|passes|fulfilled)"
_FALSE = r"(?:must |must be |has to be |has to |be )?(?:false|fails?|not met|not satisfied|unmet|falsy|not true|not fulfilled)"
_COND = r"(?:condition|test|check|guard|comparison|if|if-condition|while condition|loop condition|predicate)"
_TIMES = r"(?:‹[vw](?P<v>\d+)› (?:more )?(?:times?|iterations?|passes|rounds|steps|turns)|(?P<word>once|twice|thrice|never|not at all))"


def _pattern(kind: str, regex: str, how: str = "state") -> tuple[str, re.Pattern[str], str]:
    return kind, re.compile(regex), how


_NOW = rf"(?:,?(?: so it| which)? ?(?:is now|now|making it|giving|leaving|becomes|becoming|to give){_A} {_V2})?"
_ARITHMETIC = r"‹[nve]\d+›(?: ?(?:\+|-|−|\*\*|\*|×|//|/|%|==|!=|<=|>=|<|>) ?‹[nve]\d+›)+"
_UNIT = r"(?:elements?|items?|characters?|chars?|keys?|entries|letters?|words?|digits?|values?|members?|pairs?|names?|numbers?|things?)"
_BRANCHPART = r"(?:branch|block|body|clause|arm|part|side|path|case)"
_PATTERNS = (
    _pattern("length", rf"(?:the )?length of {_S}{_F} (?:is|equals|=|becomes|must be|is now|must equal){_A} {_V}"),
    _pattern(
        "length",
        rf"{_S}{_F} (?:has|contains|with|holds|now has|now holds|must have|must contain|having){_A} {_V} {_UNIT}\b",
    ),
    _pattern("length", rf"{_S}{_F} (?:has|is of|must have|must be of|of|with|having) (?:a )?length{_A} {_V}"),
    _pattern("length", rf"{_S}{_F} (?:is|must be){_A} {_V} {_UNIT} long"),
    _pattern("length", rf"(?:with|of|having|has|have)(?: a)? length{_A} {_V}"),
    _pattern("length", rf"{_V} {_UNIT} (?:of|in|are in|remain in) {_S}"),
    _pattern(
        "element",
        rf"(?:character|element|item|value|letter|digit|char) (?:at |with )?(?:index|position)? ?{_V}(?: (?:of|in) {_S})?{_F}(?:{_STATE}|{_CHANGE}){_A} ?{_V2}",
    ),
    _pattern(
        "element",
        rf"(?:at )?(?:index|position) {_V}(?: (?:of|in) {_S})?(?:, the character|, the element)?{_F}(?:{_STATE}|{_CHANGE}| has){_A} ?{_V2}",
    ),
    _pattern(
        "fromto",
        rf"{_S}{_F} (?:goes|changes|moves|increases|decreases|grows|drops|rises|falls|shrinks|is updated|is changed|is reduced|is incremented|is decremented|updates|switches|turns|jumps|steps|is shortened|flips)(?: up| down)? from{_A} {_V} (?:in)?to{_A} {_V2}",
    ),
    _pattern(
        "sequence",
        rf"{_S}{_F} (?:takes?(?: on)?|goes through|runs through|steps through|goes|passes through|becomes|is|cycles through|visits|walks through)(?: in turn| successively)?(?: the)?(?: successive)?(?: values?)?:? (?P<list>‹v\d+›(?:(?:, then|, and then|,? and|, finally|,| then| ->| →) ‹v\d+›)+)",
    ),
    _pattern(
        "added",
        rf"(?:append(?:s|ing|ed)?|add(?:s|ing|ed)?|push(?:es|ing|ed)?|insert(?:s|ing|ed)?|puts?|plac(?:es?|ing)){_A} {_V} (?:on ?to|to|into|in|at the end of|at the front of|to the end of){_A} {_S}{_NOW}",
        "added",
    ),
    _pattern(
        "added",
        rf"{_V} (?:is|gets|was) (?:then )?(?:appended|added|pushed|inserted|placed|put) (?:on ?to|to|into|in|at the end of|to the end of){_A} {_S}{_NOW}",
        "added",
    ),
    _pattern(
        "removed",
        rf"(?:remov(?:es?|ing|ed)|pop(?:s|ping|ped)?|delet(?:es?|ing|ed)|drop(?:s|ping|ped)?|discard(?:s|ing|ed)?){_A} {_V} (?:from|off|out of){_A} {_S}{_NOW}",
        "removed",
    ),
    _pattern(
        "removed",
        rf"{_V} (?:is|gets|was) (?:then )?(?:removed|popped|deleted|dropped|discarded|taken) (?:from|off|out of){_A} {_S}{_NOW}",
        "removed",
    ),
    _pattern(
        "value",
        rf"(?:sets?|setting|assigns?|assigning|updates?|updating|mak(?:es?|ing)|initiali[sz](?:es?|ing)|leav(?:es?|ing)|turn(?:s|ing)?|bring(?:s|ing)?|giv(?:es?|ing)|chang(?:es?|ing)|rais(?:es?|ing)|increment(?:s|ing)?|decrement(?:s|ing)?|reset(?:s|ting)?) {_S}(?: to be| equal to| to| as| =| with| at| a value of)?{_A} {_V}",
        "change",
    ),
    _pattern(
        "value",
        rf"{_V} (?:is|gets|was|goes) (?:then )?(?:stored|assigned|saved|placed|kept|put|bound|written)? ?(?:in|to|into|as) (?:the variable )?{_S}",
        "change",
    ),
    _pattern(
        "value",
        rf"(?:stor(?:es?|ing)|assign(?:s|ing)?|sav(?:es?|ing)|put(?:s|ting)?|bind(?:s|ing)?|plac(?:es?|ing)){_A} {_V} (?:in|to|into|as) (?:the variable )?{_S}",
        "change",
    ),
    _pattern(
        "call-return", rf"(?:call(?: to)? |calling )?{_S}{_F} (?:returns?|returned|hands back|gives back){_A} {_V}"
    ),
    _pattern(
        "exception",
        r"(?:raises?|throws?|raising|triggers?|causes|raised|hits)(?: an?| the)? ‹[ne](?P<s>\d+)›",
        "raised",
    ),
    _pattern(
        "exception",
        r"(?:raises?|throws?|raising|triggers?|causes|raised|hits)(?: an?| the)? (?P<x>[a-z]*(?:error|exception|stopiteration))\b",
        "raised",
    ),
    _pattern(
        "exception",
        r"(?P<x>[a-z]*(?:error|exception|stopiteration)) (?:is|was|gets) (?:raised|thrown|caught)",
        "raised",
    ),
    _pattern(
        "return",
        rf"(?:returns?|returning|hands? back|gives? back|handing back|yields?|returned){_A} {_V}(?! (?:times|iterations))",
        "own",
    ),
    _pattern(
        "return",
        rf"(?:return value|return|function's (?:result|value|output)|(?:result|value|output) of the (?:call|function)|call's result){_F}(?:{_STATE}|{_PAST}| will be){_A} ?{_V}",
        "own",
    ),
    _pattern(
        "return",
        rf"(?:(?:final|overall) (?:answer|output|result|value)|(?:the |our )?(?:answer|output)){_F}(?:{_STATE}|{_CHANGE}| will be| should be){_A} ?{_V}",
        "final",
    ),
    _pattern(
        "call",
        r"(?:calls?|calling|invokes?|invoking|call to|recurses? (?:in)?to|recursive call(?: to)?|recurse on|evaluates?) ‹[e](?P<s>\d+)›(?= |,|$|:)",
        "call",
    ),
    _pattern(
        "call",
        r"‹[e](?P<s>\d+)› (?:is|gets) (?:called|invoked|entered)|‹[e](?P<s2>\d+)› (?:starts|begins) ?(?:$|,|:)",
        "call",
    ),
    _pattern(
        "count",
        rf"loop(?: (?:on|at|in|of) ‹l(?P<l>\d+)›)?(?:[^‹]{{0,30}}‹[nev]\d+›){{0,2}}[^‹]{{0,40}}? (?:runs|iterates|executes|repeats|makes|goes round|goes around|performs|completes|does|takes|ran|has run|is executed|run)(?: for)?(?: exactly| a total of| only| just)? {_TIMES}",
    ),
    _pattern(
        "count",
        rf"(?:after|in|over|for|all|exactly|total of|there are|makes|with|ends after|needs|takes|performs){_A} {_V} (?:iterations?|passes|rounds|trips)\b",
    ),
    _pattern("count", rf"body (?:runs|executes|is executed)(?: exactly| only| just)? {_TIMES}"),
    _pattern(
        "visits",
        rf"‹l(?P<l>\d+)› (?:runs|is reached|executes|is executed|is visited|ran)(?: exactly| only| just| a total of)? {_TIMES}",
    ),
    _pattern(
        "skip", r"(?:skips?|skipping|jumps? over|bypass(?:es|ing)?|passes over|passing over|leaves out) ‹l(?P<l>\d+)›"
    ),
    _pattern(
        "skip",
        r"‹l(?P<l>\d+)› (?:is|are|gets|was) (?:skipped|not (?:run|executed|reached)|bypassed|passed over|never reached|left out)|‹l(?P<l2>\d+)› (?:does not run|doesn't run)",
    ),
    _pattern(
        "next",
        r"(?:goes|go|jumps?|moves?|continues?|moving|control passes|execution (?:moves|goes|continues)|on|proceeds?|comes) (?:on |in)?(?:to|at|with) ‹l(?P<l>\d+)›",
    ),
    _pattern(
        "truth",
        rf"{_S}{_F}(?: evaluates to| is| gives| turns out| comes out| are| being| returns|:)?(?: again| also| still| indeed)? {_TRUE}\b",
        "true",
    ),
    _pattern(
        "truth",
        rf"{_S}{_F}(?: evaluates to| is| gives| turns out| comes out| are| being| does| returns|:)?(?: again| also| still)? (?:{_FALSE}\b|not hold)",
        "false",
    ),
    _pattern(
        "invariant",
        rf"{_S}{_F} (?P<inv>never decreases|never increases|never changes|only grows|only shrinks|only ever grows|only ever shrinks|is never negative|is never empty|never gets shorter|never gets longer)",
    ),
    _pattern(
        "unchanged",
        rf"{_S}{_F} (?:does not change|doesn't change|is unchanged|stays? (?:unchanged|the same|as it is|as is)|remains? (?:unchanged|the same)|is left (?:unchanged|alone|as it is)|keeps its value)",
        "same",
    ),
    _pattern(
        "contains",
        rf"{_S}{_F} (?P<neg>does not|doesn't|must not|cannot)?(?: must| also)? ?(?:contains?|includes?){_A} {_V}",
    ),
    _pattern(
        "contains",
        rf"{_V} (?:is|occurs|appears|must be|must occur|must appear|are)(?P<neg> not)?(?: also| already| yet| present| found| a key| a member)* (?:in|of|among|inside){_A} {_S}",
    ),
    _pattern(
        "predicate",
        rf"{_S}{_F} (?P<neg2>is not|isn't|must not be|cannot be|is|must be|are|should be|has to be|needs to be)(?: an?| the)? (?P<pred>even|odd|positive|negative|non-negative|empty|non-empty|nonempty|zero|a palindrome|sorted|not empty|string|str|list|integer|int|dictionary|dict|tuple|set|float|number|boolean|bool)\b(?! ?(?:‹v|of\b|with value|to\b|as\b|equal))",
    ),
    _pattern(
        "edge",
        rf"{_S}{_F} (?P<neg2>does not|must not|cannot)? ?(?:must )?(?P<edge>starts?|begins?|ends?) with{_A} {_V}",
    ),
    _pattern(
        "relation",
        rf"(?P<left>‹[nev]\d+›){_F} (?P<neg2>is not|isn't|are not|cannot be|is|are|must be|being|has to be)? ?(?P<rel>greater than or equal to|less than or equal to|greater than|larger than|bigger than|more than|less than|smaller than|fewer than|at least|at most|equal to|divisible by|a multiple of|>=|<=|>|<|≥|≤)(?: the)?(?: value)? (?P<right>‹[nev]\d+›)",
    ),
    _pattern(
        "chain",
        rf"{_S}{_F}(?:{_SYMBOL}|{_CHANGE}|{_STATE}) ?(?P<middle>{_ARITHMETIC}|‹e\d+›){_F}(?: equals| is| gives|,? which is| makes| ?=) ?{_V}",
        "change",
    ),
    _pattern("sum", rf"{_S}{_F}(?:{_SYMBOL}|{_CHANGE}) ?(?P<middle>{_ARITHMETIC})", "change"),
    _pattern(
        "arithmetic", rf"(?P<middle>{_ARITHMETIC}){_F}(?:{_STATE}|{_SYMBOL}|{_CHANGE}| makes|,? which is){_A} ?{_V}"
    ),
    _pattern("value", rf"{_S}{_F}{_NOT}{_A} ?{_V}", "not"),
    _pattern("value", rf"{_S}{_F}{_CHANGE}{_A} ?{_V}", "change"),
    _pattern("value", rf"{_S}{_F}{_PAST}{_A} ?{_V}", "past"),
    _pattern("value", rf"{_S}{_F}{_SYMBOL}{_A} ?{_V}", "set"),
    _pattern("value", rf"{_S}{_F}{_STATE}{_A} ?{_V}"),
    _pattern("value", rf"‹[ne](?P<s>\d+)› \(‹v(?P<v>\d+)›\)"),
    _pattern("value", rf"{_S} {_V}(?! (?:times|iterations|elements|characters|items|steps|passes))", "set"),
    _pattern("value", rf"value of {_S}{_F}(?:{_STATE}|{_CHANGE}){_A} ?{_V}"),
    _pattern(
        "truth",
        rf"{_COND}(?: (?:on|at|in|of) ‹l(?P<l>\d+)›)?{_F} (?:is|evaluates to|holds?|gives|comes out|turns out)? ?(?:again |also |still )?(?:‹v(?P<v>\d+)›|(?P<tf>true|false|met|satisfied|not met|not satisfied|holds?))",
        "branch",
    ),
    _pattern(
        "truth",
        rf"{_COND}(?: (?:on|at|in|of) ‹l(?P<l>\d+)›)?{_F} (?P<tf>holds|fails|passes|succeeds|does not hold|is met|is not met)",
        "branch",
    ),
    _pattern(
        "branch",
        rf"(?:takes?|taking|enters?|entering|goes? into|going into|executes?|executing|runs?|running|falls? (?:into|through to)|reach(?:es)?|moves? (?:in)?to|follows?)(?: the)? (?P<which>if|else|true|false|then)[- ]{_BRANCHPART}",
    ),
    _pattern(
        "branch",
        rf"(?P<which>if|else|true|false|then)[- ]{_BRANCHPART} (?:is|gets|was) (?:taken|run|executed|entered|chosen|followed)|(?P<which2>if|else|true|false|then)[- ]{_BRANCHPART} (?:runs|executes)\b",
    ),
    _pattern(
        "branch",
        rf"(?:skips?|skipping)(?: the)? (?P<skip>if)?[- ]?{_BRANCHPART}|(?P<skip2>if)?[- ]?{_BRANCHPART} is (?:skipped|not (?:executed|run|entered|taken))",
        "skip",
    ),
    _pattern(
        "anonymous",
        rf"\b(?:it|this|that|the (?:running |current |new |updated |resulting |accumulated |final )?(?:total|sum|count|list|string|result|accumulator|counter|value|dictionary|dict|number|array|variable|set|product)){_F}{_CHANGE}{_A} ?{_V}",
        "change",
    ),
    _pattern(
        "anonymous",
        rf"\b(?:the (?:running |current |new |updated |resulting |accumulated |partial |final )?(?:total|sum|count|list|string|result|accumulator|counter|dictionary|dict|array|set|product|value)){_F}(?: of|{_STATE}){_A} ?{_V}",
    ),
)
_ITERATION = re.compile(
    r"(?:iteration|pass|round|trip)s? (?:number |no\.? |#)?‹[vw](?P<v>\d+)›(?: of ‹[vw](?P<of>\d+)›)?|‹o(?P<o>\d+)›(?: and (?P<last1>last|final|only))? (?:iteration|pass|round|trip|time round|time through)|"
    r"(?:the |in |on )(?P<last>last|final|only) (?:iteration|pass|round|trip)"
)
_VISIT = re.compile(r"‹l(?P<l>\d+)›,? \(?visit ‹v(?P<v>\d+)›\)?|for the ‹o(?P<o>\d+)› time")
_LOOP_LINE = re.compile(r"\bloop (?:on|at|in|of) ‹l(\d+)›")
_AFTER_LOOP = re.compile(
    r"\b(?:after|once|when) (?:the|this|that|all|both|every)? ?(?:for |while |whole |entire |inner |outer )?(?:loop|iteration)s?\b(?! ‹)|loops? (?:ends|is over|finishes|stops|exits|terminates|is done|completes|is finished)|exits? the loop|leaves? the loop|out of the loop"
)
_HYPOTHETICAL = re.compile(r"\b(?:would|suppose|supposing|hypothetically|had it been|were it|imagine|could have)\b")
_REQUIRED = re.compile(
    r"\b(?:must|needs?|requires?|required|has to|have to|constraints?|should|demands?|cannot|can only)\b"
)
_WORD_TIMES = {"once": "1", "twice": "2", "thrice": "3", "never": "0", "not at all": "0"}
_ANSWER = re.compile(r"\[ANSWER\]\s*(.*?)\s*(?:\[/ANSWER\]|\Z)", re.DOTALL | re.IGNORECASE)
_ASSERT = re.compile(r"^\s*`?(assert .+?)`?\s*$", re.MULTILINE)


def parse(text: str, names: frozenset[str] = frozenset()) -> Claims:
    """The claims of a text. `names`: the program's names, by which a variable is known without backticks."""
    answer, body = _answer(text)
    tables, body = _tables(body)
    found, unchecked = _prose(body, names)
    claims = sorted([*found, *tables], key=lambda claim: (claim.start, claim.end))
    renumbered = _sentences(claims)
    originals = [replace(claim, text=text[claim.start : claim.end].strip()) for claim in renumbered]
    return Claims(tuple(originals), tuple(unchecked), answer)


def _sentences(claims: list[Claim]) -> list[Claim]:
    """Table rows get sentence numbers of their own, after those of prose, without disturbing the order."""
    order = {sentence: number for number, sentence in enumerate(dict.fromkeys(claim.sentence for claim in claims))}
    return [replace(claim, sentence=order[claim.sentence]) for claim in claims]


def _answer(text: str) -> tuple[str, str]:
    """The code of the final answer (the last one), and the text with every answer blanked out."""
    matches = list(_ANSWER.finditer(text)) or list(_ASSERT.finditer(text))
    body = text
    for match in matches:
        body = body[: match.start()] + re.sub(r"[^\n]", " ", match.group()) + body[match.end() :]
    return (matches[-1].group(1).strip("`\n ") if matches else ""), body


def _prose(body: str, names: frozenset[str]) -> tuple[list[Claim], list[str]]:
    claims: list[Claim] = []
    used: set[int] = set()
    tokens: tuple[Token, ...] = ()
    stack: tuple[Anchor, ...] = ()
    for number, sentence in enumerate(skeleton(body, names)):
        tokens = sentence.tokens
        reader = _Reader(sentence, number, () if sentence.after_blank else stack)
        claims += reader.read()
        used |= reader.used
        stack = reader.stack
    unchecked = [
        body[token.start : token.end]
        for index, token in enumerate(tokens)
        if index not in used and (token.sort == "V" or (token.sort == "E" and _has_literal(token.value)))
    ]
    return claims, unchecked


def _has_literal(expression: str) -> bool:
    return bool(re.search(r"\d|['\"]", expression))


class _Reader:
    """Reads one sentence: markers of place first, then claims from the most specific pattern to the most general."""

    def __init__(self, sentence: Sentence, number: int, stack: tuple[Anchor, ...]) -> None:
        self.sentence = sentence
        self.number = number
        self.stack = stack
        self.used: set[int] = set()
        self._taken: list[tuple[int, int]] = []
        self._markers: list[tuple[int, tuple[Anchor, ...]]] = [(0, stack)]
        self._labels: list[tuple[int, int]] = []
        self._visits: list[tuple[int, int]] = []

    def read(self) -> list[Claim]:
        words = self.sentence.words
        if "‹" not in words and "loop" not in words and "branch" not in words:
            if _AFTER_LOOP.search(words):
                self.stack = ()
            return []
        markers = self._iterations()
        found = [*markers, *self._hits()]
        if _HYPOTHETICAL.search(words):
            return []
        self._place_labels(found)
        claims = [self._claim(kind, hit, low, high) for kind, hit, low, high in found]
        claims += self._lines_and_code()
        return claims

    def _iterations(self) -> list[tuple[str, _Found, int, int]]:
        hits: list[tuple[str, _Found, int, int]] = []
        words = self.sentence.words
        for match in _AFTER_LOOP.finditer(words):
            self._markers.append((match.start(), ()))
            self.stack = ()
        for match in _ITERATION.finditer(words):
            count = self._group(match, "v") or self._group(match, "o") or "-1"
            line = _LOOP_LINE.search(words, match.end(), match.end() + 40)
            loop = int(self._token(line.group(1)).value) if line else None
            if line is not None:
                self.used.add(int(line.group(1)))
                self._taken.append((line.start(), line.end()))
            self.stack = _push(self.stack if loop is not None else (), (loop, int(count)))
            self._markers.append((match.start(), self.stack))
            self._taken.append((match.start(), match.end()))
            self.used |= {int(index) for index in re.findall(r"‹[a-z](\d+)›", match.group())}
            hits.append(("iteration", _Found("iteration", str(loop or ""), count), match.start(), match.end()))
            if self._group(match, "of"):
                total = _Found("count", str(loop or ""), self._group(match, "of"))
                hits.append(("count", total, match.start(), match.end()))
        for match in _VISIT.finditer(words):
            value = self._group(match, "v") or self._group(match, "o")
            self._visits.append((match.start(), int(value)))
        return hits

    def _hits(self) -> Iterator[tuple[str, _Found, int, int]]:
        words = self.sentence.words
        for kind, regex, how in _PATTERNS:
            position = 0
            while match := regex.search(words, position):
                position = match.start() + 1
                if any(match.start() < high and low < match.end() for low, high in self._taken):
                    continue
                hits = _BUILDERS[kind](self, match, how)
                if not hits:
                    continue
                self._taken.append((match.start(), match.end()))
                self.used |= {int(index) for index in re.findall(r"‹[a-z](\d+)›", match.group())}
                position = match.end()
                for hit in hits:
                    yield hit.kind, hit, match.start(), match.end()

    def _place_labels(self, found: list[tuple[str, _Found, int, int]]) -> None:
        spoken_for = [
            (low, high) for kind, _hit, low, high in found if kind in ("skip", "next", "visits", "count", "iteration")
        ]
        spoken_for += self._taken_loops()
        for match in re.finditer(r"‹l(\d+)›", self.sentence.words):
            if not any(low <= match.start() < high for low, high in spoken_for):
                self._labels.append((match.start(), int(self._token(match.group(1)).value)))

    def _taken_loops(self) -> list[tuple[int, int]]:
        return [(match.start(), match.end()) for match in _LOOP_LINE.finditer(self.sentence.words)]

    def _claim(self, kind: str, hit: _Found, low: int, high: int) -> Claim:
        start, end = self._span(low, high)
        line = hit.subject if kind in ("skip", "next", "visits") else ""
        return Claim(
            hit.kind,
            start,
            end,
            "",
            hit.subject,
            hit.value,
            hit.how,
            self._label_at(low, high) if not line or kind in ("skip", "next") else int(line),
            _nearest(self._visits, low) or 0,
            self._anchors_at(low) if kind != "iteration" else self._anchors_at(low + 1),
            self.number,
            bool(_REQUIRED.search(self.sentence.words)),
        )

    def _label_at(self, low: int, high: int) -> int:
        """The label inside the claim, else the nearest before it, else the first after it in the sentence."""
        return _nearest([item for item in self._labels if item[0] < high], high) or next(
            (line for _, line in self._labels), 0
        )

    def _anchors_at(self, position: int) -> tuple[Anchor, ...]:
        ordered = sorted(self._markers, key=lambda item: item[0])
        before = [anchors for at, anchors in ordered if at <= position]
        if len(before) == 1 and len(ordered) > 1 and not before[0]:
            return ordered[1][1]
        return before[-1]

    def _lines_and_code(self) -> list[Claim]:
        claims: list[Claim] = []
        for at, line in self._labels:
            start, end = self._span(at, self.sentence.words.index("›", at) + 1)
            visit = _nearest([item for item in self._visits if item[0] >= at][:1], at + 10_000) or 0
            claims.append(
                Claim("line", start, end, "", str(line), "", "state", line, visit, self._anchors_at(at), self.number)
            )
        for match in re.finditer(r"‹e(\d+)›", self.sentence.words):
            token = self._token(match.group(1))
            if token.coded:
                line = self._label_at(match.start(), match.end())
                anchors = self._anchors_at(match.start())
                spoken = any(low <= match.start() < high for low, high in self._taken)
                required = bool(_REQUIRED.search(self.sentence.words)) and not spoken
                kind = "quote" if spoken else "code"
                claims.append(
                    Claim(
                        kind,
                        token.start,
                        token.end,
                        "",
                        token.value,
                        "",
                        "state",
                        line,
                        0,
                        anchors,
                        self.number,
                        required,
                    )
                )
        return claims

    def _token(self, index: str) -> Token:
        return self.sentence.tokens[int(index)]

    def _group(self, match: re.Match[str], name: str) -> str:
        """The value of the token in a named group, "" where the group took no part."""
        index = match.groupdict().get(name)
        return self._token(index).value if index is not None else ""

    def _span(self, low: int, high: int) -> tuple[int, int]:
        offsets, tokens = self.sentence.offsets, self.sentence.tokens
        end = offsets[min(high, len(offsets) - 1)]
        last = re.findall(r"‹[a-z](\d+)›", self.sentence.words[low:high])
        return offsets[low], max([end, *(tokens[int(index)].end for index in last)])

    # One method per pattern kind: what the match claims, or nothing where it claims nothing checkable.

    def value(self, match: re.Match[str], how: str) -> list[_Found]:
        subject, value = self._group(match, "s"), self._group(match, "v")
        if _is_word(match, "v") and re.match(r" (?:of|more|less|or|to|and)\b", self.sentence.words[match.end() :]):
            return []
        return [_Found("value" if subject.isidentifier() else "expression", subject, value, how)]

    def length(self, match: re.Match[str], _how: str) -> list[_Found]:
        subject = self._group(match, "s") or self._last_subject(match.start())
        return [_Found("expression", f"len({subject})", self._group(match, "v"))] if subject else []

    def _last_subject(self, position: int) -> str:
        """The name or expression last spoken of before a position of the sentence."""
        spoken = re.findall(r"‹[ne](\d+)›", self.sentence.words[:position])
        return self._token(spoken[-1]).value if spoken else ""

    def element(self, match: re.Match[str], _how: str) -> list[_Found]:
        index, owner, value = self._group(match, "v"), self._group(match, "s"), self._group(match, "v2")
        if owner:
            return [_Found("expression", f"{owner}[{index}]", value)]
        return [_Found("element", index, value)]

    def fromto(self, match: re.Match[str], _how: str) -> list[_Found]:
        subject = self._group(match, "s")
        if not subject.isidentifier():
            return []
        return [
            _Found("value", subject, self._group(match, "v"), "before"),
            _Found("value", subject, self._group(match, "v2"), "change"),
        ]

    def sequence(self, match: re.Match[str], _how: str) -> list[_Found]:
        values = [self._token(index).value for index in re.findall(r"‹v(\d+)›", match.group("list"))]
        return [_Found("sequence", self._group(match, "s"), "[" + ", ".join(values) + "]")]

    def moved(self, match: re.Match[str], how: str) -> list[_Found]:
        subject = self._group(match, "s")
        found = [_Found(how, subject, self._group(match, "v"))]
        return (
            [*found, _Found("value", subject, self._group(match, "v2"), "change")]
            if self._group(match, "v2")
            else found
        )

    def call_return(self, match: re.Match[str], _how: str) -> list[_Found]:
        subject = self._group(match, "s")
        if subject.isidentifier():
            return [_Found("return", subject, self._group(match, "v"), "of")]
        return [_Found("expression", subject, self._group(match, "v"))]

    def exception(self, match: re.Match[str], how: str) -> list[_Found]:
        named = self._group(match, "s")
        start, end = self._span(*match.span("x")) if not named else (0, 0)
        return [_Found("exception", named or f"{start}:{end}", "", how)]

    def returned(self, match: re.Match[str], how: str) -> list[_Found]:
        return [_Found("return", "", self._group(match, "v"), how)]

    def call(self, match: re.Match[str], how: str) -> list[_Found]:
        expression = self._group(match, "s") or self._group(match, "s2")
        try:
            node = parse_expression(expression)
        except Unknown:
            return []
        return [_Found("call", expression, "", how)] if isinstance(node, ast.Call) else []

    def count(self, match: re.Match[str], _how: str) -> list[_Found]:
        return [_Found("count", self._group(match, "l") if "l" in match.groupdict() else "", self._times(match))]

    def visits(self, match: re.Match[str], _how: str) -> list[_Found]:
        return [_Found("visits", self._group(match, "l"), self._times(match))]

    def _times(self, match: re.Match[str]) -> str:
        word = match.groupdict().get("word")
        return _WORD_TIMES[word] if word else self._group(match, "v")

    def goes(self, match: re.Match[str], _how: str) -> list[_Found]:
        line = self._group(match, "l") or self._group(match, "l2")
        kind = "skip" if "skip" in match.re.pattern else "next"
        return [_Found(kind, line, "", kind)]

    def truth(self, match: re.Match[str], how: str) -> list[_Found]:
        if how in ("true", "false"):
            subject = self._group(match, "s")
            return [_Found("expression", subject, how.capitalize(), "truth")]
        word = match.groupdict().get("tf")
        given = self._group(match, "v") if not word else ""
        if given not in ("True", "False", ""):
            return []
        value = given or str(word in ("true", "met", "satisfied", "hold", "holds", "passes", "succeeds", "is met"))
        return [_Found("branch", self._group(match, "l") if "l" in match.groupdict() else "", value, "outcome")]

    def branch(self, match: re.Match[str], how: str) -> list[_Found]:
        groups = match.groupdict()
        if how == "skip":
            return [_Found("branch", "", "False", "outcome")]
        which = groups.get("which") or groups.get("which2")
        return [_Found("branch", "", str(which in ("if", "true", "then")), "taken")]

    def invariant(self, match: re.Match[str], _how: str) -> list[_Found]:
        return [_Found("invariant", self._group(match, "s"), match.group("inv"), "always")]

    def unchanged(self, match: re.Match[str], _how: str) -> list[_Found]:
        return [_Found("unchanged", self._group(match, "s"), "", "same")]

    def contains(self, match: re.Match[str], _how: str) -> list[_Found]:
        words = "not in" if match.group("neg") else "in"
        return [_Found("expression", f"{self._group(match, 'v')} {words} {self._group(match, 's')}", "True", "truth")]

    def predicate(self, match: re.Match[str], _how: str) -> list[_Found]:
        subject, negated = (
            f"({self._group(match, 's')})",
            match.group("neg2") in ("is not", "isn't", "must not be", "cannot be"),
        )
        template = _PREDICATES.get(match.group("pred"))
        if template is None:
            return []
        return [_Found("expression", template.format(subject), str(not negated), "truth")]

    def relation(self, match: re.Match[str], _how: str) -> list[_Found]:
        left, right = (self._token(match.group(side)[2:-1]).value for side in ("left", "right"))
        negated = (match.group("neg2") or "") in ("is not", "isn't", "are not", "cannot be")
        if match.group("neg2") is None and re.search(
            r"\b(?:if|whether|checks?|when|while|until|unless|tests?)\b", self.sentence.words[: match.start()]
        ):
            return []
        return [
            _Found(
                "expression",
                _RELATIONS[match.group("rel")].format(f"({left})", f"({right})"),
                str(not negated),
                "truth",
            )
        ]

    def edge(self, match: re.Match[str], _how: str) -> list[_Found]:
        method = "endswith" if match.group("edge").startswith("end") else "startswith"
        value = self._group(match, "v")
        if not value.startswith(("'", '"')):
            return []
        return [
            _Found("expression", f"{self._group(match, 's')}.{method}({value})", str(not match.group("neg2")), "truth")
        ]

    def chain(self, match: re.Match[str], how: str) -> list[_Found]:
        subject, value = self._group(match, "s"), self._group(match, "v")
        middle = _Found("expression", self._middle(match), value)
        if not subject.isidentifier():
            return [_Found("expression", subject, value), middle]
        return [middle, _Found("value", subject, value, how)]

    def sum(self, match: re.Match[str], how: str) -> list[_Found]:
        try:
            return [_Found("value", self._group(match, "s"), show(evaluate(self._middle(match), {})), how)]
        except Unknown:
            return []

    def arithmetic(self, match: re.Match[str], _how: str) -> list[_Found]:
        return [_Found("expression", self._middle(match), self._group(match, "v"))]

    def _middle(self, match: re.Match[str]) -> str:
        """The expression that placeholders and operators spell."""
        spelled = re.sub(r"‹[a-z](\d+)›", lambda part: self._operand(part.group(1)), match.group("middle"))
        return spelled.replace("−", "-").replace("×", "*")

    def _operand(self, index: str) -> str:
        value = self._token(index).value
        return value if value.isidentifier() or value.isdigit() else f"({value})"

    def anonymous(self, match: re.Match[str], how: str) -> list[_Found]:
        return [_Found("anonymous", "", self._group(match, "v"), how)]


def _is_word(match: re.Match[str], group: str) -> bool:
    return match.string[match.start(group) - 1 : match.start(group)] == "w"


def _push(stack: tuple[Anchor, ...], anchor: Anchor) -> tuple[Anchor, ...]:
    """The stack with the anchor on top; an earlier anchor for the same loop and all above it are dropped."""
    lines = [line for line, _ in stack]
    kept = stack[: lines.index(anchor[0])] if anchor[0] in lines else stack
    return (*(item for item in kept if item[0] is not None), anchor)


def _nearest(items: list[tuple[int, int]], position: int) -> int | None:
    """The value of the last item that begins before a position."""
    return next((value for at, value in reversed(items) if at < position), None)


_TYPES = {
    **{name: name for name in ("str", "list", "int", "dict", "tuple", "set", "float", "bool")},
    **{"string": "str", "integer": "int", "dictionary": "dict", "boolean": "bool", "number": "(int, float)"},
}
_PREDICATES = {
    **{word: f"isinstance({{}}, {kind})" for word, kind in _TYPES.items()},
    "even": "{} % 2 == 0",
    "odd": "{} % 2 == 1",
    "positive": "{} > 0",
    "negative": "{} < 0",
    "non-negative": "{} >= 0",
    "zero": "{} == 0",
    "empty": "len({}) == 0",
    "non-empty": "len({}) > 0",
    "nonempty": "len({}) > 0",
    "not empty": "len({}) > 0",
    "a palindrome": "{0} == {0}[::-1]",
    "sorted": "list({0}) == sorted({0})",
}
_RELATIONS = {
    "greater than or equal to": "{} >= {}",
    "less than or equal to": "{} <= {}",
    "greater than": "{} > {}",
    "larger than": "{} > {}",
    "bigger than": "{} > {}",
    "more than": "{} > {}",
    "less than": "{} < {}",
    "smaller than": "{} < {}",
    "fewer than": "{} < {}",
    "at least": "{} >= {}",
    "at most": "{} <= {}",
    "equal to": "{} == {}",
    "divisible by": "{} % {} == 0",
    "a multiple of": "{} % {} == 0",
    ">=": "{} >= {}",
    "<=": "{} <= {}",
    ">": "{} > {}",
    "<": "{} < {}",
    "≥": "{} >= {}",
    "≤": "{} <= {}",
}
_BUILDERS: dict[str, Callable[[_Reader, re.Match[str], str], list[_Found]]] = {
    "length": _Reader.length,
    "element": _Reader.element,
    "fromto": _Reader.fromto,
    "sequence": _Reader.sequence,
    "added": _Reader.moved,
    "removed": _Reader.moved,
    "value": _Reader.value,
    "call-return": _Reader.call_return,
    "exception": _Reader.exception,
    "return": _Reader.returned,
    "call": _Reader.call,
    "count": _Reader.count,
    "visits": _Reader.visits,
    "skip": _Reader.goes,
    "next": _Reader.goes,
    "truth": _Reader.truth,
    "branch": _Reader.branch,
    "invariant": _Reader.invariant,
    "unchanged": _Reader.unchanged,
    "contains": _Reader.contains,
    "predicate": _Reader.predicate,
    "relation": _Reader.relation,
    "edge": _Reader.edge,
    "chain": _Reader.chain,
    "sum": _Reader.sum,
    "arithmetic": _Reader.arithmetic,
    "anonymous": _Reader.anonymous,
}
_ROW = re.compile(r"^[ \t]*\|(.*)\|[ \t]*$", re.MULTILINE)
_COUNTERS = frozenset({"iteration", "iter", "#", "pass", "round", "step", "iteration #", "it.", "no.", "it"})


def _tables(text: str) -> tuple[list[Claim], str]:
    """The claims of Markdown tables, one sentence per row, and the text with the tables blanked out."""
    claims: list[Claim] = []
    header: list[str] = []
    previous_end = -2
    body = text
    for match in _ROW.finditer(text):
        cells = _cells(match.group(1), match.start(1))
        body = body[: match.start()] + " " * (match.end() - match.start()) + body[match.end() :]
        if match.start() != previous_end + 1:
            header = [cell.strip("`* ") for cell, _, _ in cells]
        elif not all(re.fullmatch(r"[\s:=-]*", cell) for cell, _, _ in cells):
            claims += _row(header, cells, -match.start() - 1)
        previous_end = match.end()
    return claims, body


def _cells(row: str, offset: int) -> list[tuple[str, int, int]]:
    """The cells of a row with their spans; a bar inside quotes divides nothing."""
    cells: list[tuple[str, int, int]] = []
    start, quote, position = 0, "", 0
    while position <= len(row):
        character = row[position : position + 1]
        if quote:
            if character == "\\":
                position += 1
            elif character == quote:
                quote = ""
        elif character and character in "'\"":
            quote = character
        elif character in ("|", ""):
            cells.append((row[start:position].strip(), offset + start, offset + position))
            start = position + 1
        position += 1
    return cells


def _row(header: list[str], cells: list[tuple[str, int, int]], sentence: int) -> list[Claim]:
    claims: list[Claim] = []
    anchors: tuple[Anchor, ...] = ()
    for name, (cell, start, end) in zip(header, cells, strict=False):
        value = _cell_value(cell)
        if value is None:
            continue
        loop = re.fullmatch(r"(?:iteration|pass) \(\[?L(\d+)\]?\)", name)
        if loop or name.lower() in _COUNTERS:
            anchors = ((int(loop.group(1)) if loop else None, int(value)),) if value.lstrip("-").isdigit() else ()
            claims.append(
                Claim(
                    "iteration", start, end, "", loop.group(1) if loop else "", value, "state", 0, 0, anchors, sentence
                )
            )
            continue
        kind = "value" if name.isidentifier() else "expression"
        claims.append(Claim(kind, start, end, "", name, value, "end", 0, 0, anchors, sentence))
    return claims


def _cell_value(cell: str) -> str | None:
    try:
        return show(literal(ast.parse(cell.strip("`* "), mode="eval").body))
    except (SyntaxError, ValueError, TypeError, RecursionError):
        return None
