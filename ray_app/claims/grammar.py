# ruff: noqa: E501
"""English about runs of programs: the words of which the patterns in `claims.table` are made, and the phrases that name
a part of a value ("the last element of `xs`").

Placeholders are those of `claims.lexer`. One pattern is one line, however long, so that they can be read and searched.
"""

import re

S = r"‹[ne](?P<s>\d+)›"
X = r"‹[nevw]\d+›"
V = r"‹[vw](?P<v>\d+)›"
V2 = r"‹[vw](?P<v2>\d+)›"
L = r"‹l(?P<l>\d+)›"
FILL = (
    r"(?: ?,? ?\b(?:then|now|therefore|thus|also|so|again|still|already|just|simply|finally|hence|itself|here|in turn|first|initially|"
    r"currently|correctly|only|immediately|eventually|always|actually|indeed|both|all|each|next|in this case|at this point)\b,?)*"
)
ARTICLE = (
    r"(?: (?:exactly|just|the|a|an|its|their|single|new|old|value|values|string|list|array|number|integer|character|letter|tuple|set|dict|"
    r"dictionary|boolean|element|key|word|of|simply|now|float|digit|equal to|to|result|only|still|at|as|always|also|initially|original|"
    r"resulting|final|same|current|returned|modified|updated|line|substring|text|object|type|bytes|byte))*"
)
CHANGE = (
    r"(?: becomes?| becoming| is now| are now| now is| now holds| now equals| now has the value| now contains| now reads| gets| "
    r"is (?:then |now )?(?:re)?set to| set to| is (?:then |now )?(?:re)?assigned(?: to| as| with| the value(?: of)?)?| is bound to| is (?:then |now )?(?:updated|modified) to(?: be)?| updated to(?: be)?| "
    r"updates to| is changed to| changes? to| changes? into| turns? into| is (?:in|de)cremented to| is initiali[sz]ed (?:to|as|with)| "
    r"initiali[sz]ed (?:to|as|with)| initiali[sz]es (?:to|as|with)| is created (?:as|with)| starts? (?:out |off )?(?:at|as|from|with|being|empty:)| starts?| "
    r"begins? (?:at|as|with)| starting (?:at|as|from|with)|(?: grows?| rises?| increases?| goes(?: up| down)?| drops?| falls?| "
    r"decreases?| shrinks?| moves?(?: on)?| advances?| jumps?| climbs?| is raised| is reduced| is extended| is trimmed| is cut| is "
    r"incremented| is decremented| is shortened| is converted| is transformed| growing| rising| increasing| dropping| increments?| decrements?| bumps?| is bumped|"
    r" is replaced| resets?| is reset) (?:up |down |in)?to| "
    r"ends? up (?:as|at|being|with|holding)?| ends? as| takes? (?:on )?the value| takes? the value of| taking the value| receives| is given| "
    r"picks up| flips to| switches to| has become| ?(?:->|→|⇒|:=|=>|⟶|<-) ?)"
)
STATE = (
    r"(?: is| are| equals?| equal| being| holds?(?: the value)?| has (?:the )?value| is equal to| stands at| is still| remains?| at|"
    r"stays?(?: at| as)?| evaluates? to| evaluated to| comes (?:out )?(?:to|as)| works out (?:to|as)| gives?| yields?| produces?| returns?| "
    r"amounts? to| reads| contains exactly| carries| must be| must equal| turns out to be| computes to| results in| is calculated (?:as|to be)| is computed (?:as|to be)| will be| is found to be)"
)
SYMBOL = r" ?(?:===?|=|:) ?"
JOINT = r"(?:,? (?:which|that|and this|this|and it|it) (?:is|equals|gives|evaluates to|makes|becomes|results in|returns|yields|will be)(?! also ‹n)(?: now| simply| also)?|,? (?:is|equals|gives|makes|i\.e\.,?|or|giving|evaluates to|which)| ?(?:===?|=|->|→|⇒) ?| \((?!also ‹n)(?:which is |i\.e\.,? |that is,? |= ?)?)"
PAST = r"(?: was| were| had been| used to be| started (?:at|as|from)| began (?:at|as)| held| had the value)"
NOT = r"(?: is not| isn't| isn’t| does not equal| doesn't equal| is different from| differs from| is not equal to| ?(?:!=|≠) ?)"
TRUE = r"(?:must |must be |has to be |has to |be )?(?:true|holds?|met|satisfied|truthy|succeeds|passes|fulfilled)"
FALSE = r"(?:must |must be |has to be |has to |be )?(?:false|fails?|not met|not satisfied|unmet|falsy|not true|not fulfilled)"
CONDITION = r"(?:condition|test|check|guard|comparison|if-condition|while condition|loop condition|if condition|predicate|assertion|if statement)"
TIMES = r"(?:‹[vw](?P<v>\d+)› (?:more )?(?:times?|iterations?|passes|rounds|steps|turns)|(?P<times>once|twice|thrice|never|not at all))"
UNIT = r"(?:elements?|items?|characters?|chars?|keys?|entries|letters?|words?|digits?|members?|pairs?|names?|numbers?|key-value pairs?)"
PART = r"(?:branch|block|body|clause|arm|part|side|path|case|statement)"
EXCEPTION = r"‹[xn](?P<x>\d+)›"

NOUNS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), template)
    for pattern, template in (
        (
            r"(?<!\ba )(?<!\bof )(?:the )?(?:length|size) of (?:the )?(?:original |input |given |new |updated |resulting |modified )?(?:list |string |array |dictionary |text |tuple |set |variable )?(‹[nev]\d+›)(?: ‹v\d+›)?",
            "len({0})",
        ),
        (
            r"(?:the )?(?:number|count) of (?:elements|items|characters|keys|entries|letters|words|digits|key-value pairs) in (?:the )?(?:list |string |array |dictionary |text )?(‹[nev]\d+›)",
            "len({0})",
        ),
        (
            r"(?:the )?last (?:element|item|character|letter|value|char|digit|word) (?:of|in) (?:the )?(?:list |string |array |text )?(‹[nev]\d+›)",
            "{0}[-1]",
        ),
        (
            r"(?:the )?(‹o\d+›) (?:element|item|character|letter|value|char|digit|word) (?:of|in) (?:the )?(?:list |string |array |text )?(‹[nev]\d+›)",
            "{1}[{0}]",
        ),
        (
            r"(?:the )?(?:element|item|character|letter|value|char) (?:at|with) (?:index |position )(‹[vne]\d+›) (?:of|in) (?:the )?(?:list |string |array |text )?(‹[nev]\d+›)",
            "{1}[{0}]",
        ),
        (
            r"at (?:index |position )(‹[vne]\d+›) (?:of|in) (?:the )?(?:list |string |array |text )?(‹[nev]\d+›)",
            "{1}[{0}]",
        ),
        (
            r"(?:the )?(?:value|item) (?:of|for|at) (?:the )?key (‹[vne]\d+›) (?:of|in) (?:the )?(?:dictionary |dict )?(‹[ne]\d+›)",
            "{1}[{0}]",
        ),
        (
            r"(?<!integer )(?<!numeric )(?<!absolute )(?<!ascii )(?<!float )(?<!negative )(?<!boolean )(?<!unicode )(?<!numerical )(?<!maximum )(?<!minimum )(?<!string )(?:the )?value of (?:the )?(?:variable |expression )?(‹[ne]\d+›)",
            "{0}",
        ),
        (
            r"(?:the )?(?:maximum|largest value|max|largest element) (?:of|in) (?:the )?(?:list |array )?(‹[nev]\d+›)",
            "max({0})",
        ),
        (
            r"(?:the )?(?:minimum|smallest value|min|smallest element) (?:of|in) (?:the )?(?:list |array )?(‹[nev]\d+›)",
            "min({0})",
        ),
        (r"(?:the )?sum of (?:the )?(?:list |array )?(‹[nev]\d+›) and (‹[nev]\d+›)", "{0} + {1}"),
        (
            r"(?:the )?(?:count|number of (?:occurrences|times)) (?:of )?(‹[nev]\d+›) (?:in|occurs in|appears in) (?:the )?(?:list |string |array |text )?(‹[nev]\d+›)",
            "{1}.count({0})",
        ),
        (r"(?:the )?type of (‹[nev]\d+›)", "type({0}).__name__"),
    )
)
"""Phrases that name an expression, with the expression; `{0}` is the first token in them."""

TYPES = {
    "string": "str",
    "str": "str",
    "list": "list",
    "array": "list",
    "integer": "int",
    "int": "int",
    "dictionary": "dict",
    "dict": "dict",
    "tuple": "tuple",
    "set": "set",
    "float": "float",
    "boolean": "bool",
    "bool": "bool",
}
