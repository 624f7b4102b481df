# ruff: noqa: E501
"""The sentences that state a checkable claim, as patterns over a skeleton (`ray_app.monologue.skeleton`).

`PATTERNS` is read from the top: what an earlier pattern takes, a later one cannot. Each is (kind, pattern, how); the
kind names the method of the reader in `claims` that builds the claim. Groups: `s` subject, `v` and `v2` values, `l` line.
One pattern is one line, however long, so that the table can be read and searched as one.
"""

import re

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
_OPERATOR = r" ?(?:\+|-|−|\*\*|\*|×|//|/|%|==|!=|<=|>=|<|>) ?"
_ARITHMETIC = rf"\(?‹[nve]\d+›(?:{_OPERATOR}\(?‹[nve]\d+›\)?)+"
_UNIT = r"(?:elements?|items?|characters?|chars?|keys?|entries|letters?|words?|digits?|values?|members?|pairs?|names?|numbers?|things?)"
_BRANCHPART = r"(?:branch|block|body|clause|arm|part|side|path|case)"
PATTERNS = (
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
        rf"{_S}{_F} (?:takes?(?: on)?|goes through|runs through|steps through|goes|passes through|becomes|is|cycles through|visits|walks through)(?: in turn| successively)?(?: the)?(?: successive)?(?: values?)?:? (?P<list>‹v\d+›(?:(?:, then|, and then|,? and|, finally|,| then| ->| →) ‹v\d+›)+)(?!{_F}(?:{_STATE}|{_CHANGE}|{_PAST}))",
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
        "exception",
        rf"‹[ne](?P<s>\d+)›{_F} (?:comes (?:up )?(?:out of|from)|propagates (?:from|out of|through)|passes through|escapes from)(?: (?:this|the|that)(?: recursive)? (?:call|line|statement|function)| ‹e\d+›)",
        "raised",
    ),
    _pattern(
        "exception",
        r"(?:‹e(?P<c>\d+)›|(?:call|function)) (?:ends|stops|fails|is left|terminates|exits) (?:with|by|because of)(?: an?| the)?(?: uncaught| unhandled)? (?:‹[ne](?P<s>\d+)›|(?P<x>[a-z]*(?:error|exception|stopiteration)))",
        "leaves",
    ),
    _pattern(
        "return",
        rf"(?:returns?|returning|hands? back|gives? back|handing back|yields?|returned){_A} {_V}(?! (?:times|iterations))",
        "own",
    ),
    _pattern(
        "return",
        rf"{_V} (?:is|gets|will be) (?:then |finally |immediately )?(?:returned|handed back|given back)",
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
        r"\b(?:the|this|that|a)(?: recursive| entry| first| outer| inner| next)? call(?: to)? ‹[e](?P<s>\d+)›(?= |,|$|:)",
        "starts",
    ),
    _pattern(
        "call",
        r"(?:calls?|calling|invokes?|invoking|call to|recurses? (?:in)?to|recursive call(?: to)?|recurse on|evaluates?) ‹[e](?P<s>\d+)›(?= |,|$|:)",
        "call",
    ),
    _pattern(
        "call",
        r"‹[e](?P<s>\d+)› (?:is|gets) (?:called|invoked|entered)|‹[e](?P<s2>\d+)› (?:starts|begins) ?(?:$|,|:)",
        "starts",
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
        "visits",
        r"‹l(?P<l>\d+)› (?:is|was) (?P<word>never|not) (?:reached|executed|run|visited|entered)(?: at all| in this run| during this call)|‹l(?P<l2>\d+)› (?:is|was) (?P<word2>never) (?:reached|executed|run|visited|entered)|‹l(?P<l3>\d+)› (?P<word3>never) (?:runs|executes)",
    ),
    _pattern(
        "skip", r"(?:skips?|skipping|jumps? over|bypass(?:es|ing)?|passes over|passing over|leaves out) ‹l(?P<l>\d+)›"
    ),
    _pattern(
        "skip",
        r"‹l(?P<l>\d+)› (?:is|are|gets|was) (?:skipped|not (?:run|executed|reached)|bypassed|passed over|left out)|‹l(?P<l2>\d+)› (?:does not run|doesn't run)",
    ),
    _pattern(
        "next",
        r"(?:goes|go|jumps?|moves?|continues?|moving|control passes|execution (?:moves|goes|continues)|on|proceeds?|comes) (?:on |in)?(?:to|at|with) ‹l(?P<l>\d+)›",
    ),
    _pattern(
        "truth",
        rf"{_S}{_F}(?: evaluates to| is| gives| turns out| comes out| are| being| returns|:)?(?: again| also| still| indeed)? {_TRUE}\b(?! ?(?:‹[vw]|the value|exactly|at\b))",
        "true",
    ),
    _pattern(
        "truth",
        rf"{_S}{_F}(?: evaluates to| is| gives| turns out| comes out| are| being| does| returns|:)?(?: again| also| still)? (?:{_FALSE}\b|not hold)",
        "false",
    ),
    _pattern("final", rf"(?:gives?|assigns?|leaves|holds) {_S} its (?:last|final) value"),
    _pattern("final", rf"{_S}{_F} (?:gets|takes|receives|has) its (?:last|final) value"),
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
        rf"{_S}{_F} (?P<neg>does not|doesn't|must not|cannot)?(?: must| also)? ?(?<!now )(?:contains?|includes?){_A} {_V}",
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
        "returned-sum",
        rf"(?:returns?|returning|gives? back|hands? back) (?:(?P<first>{_ARITHMETIC}|‹[ne]\d+›) ?= ?)?(?P<middle>{_ARITHMETIC}|‹e\d+›) ?(?:=|, which is|, that is) ?{_V}",
        "own",
    ),
    _pattern(
        "chain",
        rf"(?<![-+*/%] ){_S}{_F}(?:{_SYMBOL}|{_CHANGE}|{_STATE}) ?(?P<middle>{_ARITHMETIC}|‹e\d+›){_F}(?: equals| is| gives|,? which is| makes| ?=) ?{_V}",
        "change",
    ),
    _pattern("sum", rf"(?<![-+*/%] ){_S}{_F}(?:{_SYMBOL}|{_CHANGE}) ?(?P<middle>{_ARITHMETIC})", "change"),
    _pattern(
        "arithmetic", rf"(?P<middle>{_ARITHMETIC}){_F}(?:{_STATE}|{_SYMBOL}|{_CHANGE}| makes|,? which is){_A} ?{_V}"
    ),
    _pattern("value", rf"{_S}{_F}{_NOT}{_A} ?{_V}", "not"),
    _pattern("value", rf"{_S}{_F}{_CHANGE}{_A} ?{_V}", "change"),
    _pattern("value", rf"{_S}{_F}{_PAST}{_A} ?{_V}", "past"),
    _pattern("value", rf"(?<![-+*/%] ){_S}{_F}{_SYMBOL}{_A} ?{_V}(?!{_OPERATOR}‹)", "set"),
    _pattern("value", rf"{_S}{_F}{_STATE}{_A} ?{_V}"),
    _pattern("value", r"‹[ne](?P<s>\d+)› \(‹v(?P<v>\d+)›\)"),
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
ITERATION = re.compile(
    r"(?:iteration|pass|round|trip)s? (?:number |no\.? |#)?‹[vw](?P<v>\d+)›(?: of ‹[vw](?P<of>\d+)›)?|‹o(?P<o>\d+)›(?: and (?P<last1>last|final|only))? (?:iteration|pass|round|trip|time round|time through)|"
    r"(?:the |in |on )(?P<last>last|final|only) (?:iteration|pass|round|trip)|"
    r"\b(?:after|for|with|on|at|processing|handling) (?:the |its )?‹o(?P<oe>\d+)› (?:character|char|letter|element|item|word|entry|digit|part|name|key|pair)\b(?! of)"
)
VISIT = re.compile(r"‹l(?P<l>\d+)›,? \(?visit ‹v(?P<v>\d+)›\)?|for the ‹o(?P<o>\d+)› time")
LOOP_LINE = re.compile(r"\bloop (?:on|at|in|of) ‹l(\d+)›")
OVER = re.compile(
    r"\b(?:after|once|when) (?:the|this|all)(?: ‹[vw]\d+›)? (?:for |while |whole |entire |outer )?(?:loop|iterations|passes)\b(?! on| over| runs)(?: has| have| is| are)?(?: ended| finished| over| done| completed| terminated| ends| finishes)?"
)
AFTER_LOOP = re.compile(
    r"\b(?:after|once|when) (?:the|this|that|all|both|every)? ?(?:for |while |whole |entire |inner |outer )?(?:loop|iteration)s?\b(?! ‹)|loops?(?: (?:on|at|in|of) ‹l\d+›)? (?:ends|is over|finishes|stops|exits|terminates|is done|completes|is finished)|exits? the loop|leaves? the loop|out of the loop"
)
HYPOTHETICAL = re.compile(r"\b(?:would|suppose|supposing|hypothetically|had it been|were it|imagine|could have)\b")
REQUIRED = re.compile(
    r"\b(?:must|needs?|requires?|required|has to|have to|constraints?|should|demands?|cannot|can only)\b"
)
WORD_TIMES = {"once": "1", "twice": "2", "thrice": "3", "never": "0", "not at all": "0", "not": "0"}
ANSWER = re.compile(r"\[ANSWER\]\s*(.*?)\s*(?:\[/ANSWER\]|\Z)", re.DOTALL | re.IGNORECASE)
ASSERT = re.compile(r"^\s*`?(assert .+?)`?\s*$", re.MULTILINE)

_TYPES = {
    **{name: name for name in ("str", "list", "int", "dict", "tuple", "set", "float", "bool")},
    "string": "str",
    "integer": "int",
    "dictionary": "dict",
    "boolean": "bool",
    "number": "(int, float)",
}
PREDICATES = {
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
RELATIONS = {
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
