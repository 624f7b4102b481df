"""General statements about a function, made properties and tried: refuted, tested on N inputs, or not checked.

    "returns None if the prefix is empty"      not prefix  ->  result is None
    "if n < 0 it raises ValueError"            n < 0       ->  ValueError
    "the function always returns a string"                 ->  isinstance(result, str)
    "the result has as many elements as `xs`"              ->  len(result) == len(xs)

A property is tried on the inputs that meet its condition (`programs.tries`). What cannot be made one is not checked.
"""

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from ray_app.parsing import parse_expression
from ray_app.programs.tries import Execute, Trial, Tried, judge, with_value
from ray_app.verification.evaluating import is_literal

Outcome = Literal["refuted", "tested", "not checked"]

MIN_INPUTS = 8
"""Inputs that must meet the condition before a property counts as tested."""


@dataclass(frozen=True, slots=True)
class Property:
    """On every input that meets `condition`, `conclusion` holds of parameters and `result`, or `raises` is raised."""

    condition: str
    conclusion: str
    raises: str = ""


@dataclass(frozen=True, slots=True)
class Tested:
    """`inputs`: how many met the condition; `evidence` names a call that refutes, or says how much was tried."""

    outcome: Outcome
    evidence: str
    inputs: int = 0
    property: Property | None = None


def check_general(code: str, sentence: str, tried: Tried, *, execute: Execute) -> Tested:
    """What inputs say about a sentence on the function in general. Never raises, whatever the sentence."""
    found = read_property(sentence, tried.signature.parameters)
    if found is None:
        return Tested("not checked", "this is no property of inputs and results")
    return check_property(code, found, tried, execute=execute)


def check_property(code: str, found: Property, tried: Tried, *, execute: Execute) -> Tested:
    """The property on every input tried that meets its condition."""
    trials = (*tried.trials, *_fixed(code, found, tried, execute))
    asked = [found.condition or "True", found.conclusion or "True"]
    met, holds = judge(code, tried.signature, asked, trials, execute=execute)
    inputs = 0
    for trial, meets, truth in zip(trials, met, holds, strict=True):
        if meets is not True or not (trial.output or trial.raises):
            continue
        inputs += 1
        if not _is_met(found, trial, truth):
            does = f"gives {trial.output}" if trial.output is not None else f"raises {trial.raises}"
            return Tested("refuted", f"{trial.call} {does}", inputs, found)
    if inputs < (1 if _is_pinned(found, tried) else MIN_INPUTS):
        return Tested("not checked", f"only {inputs} inputs tried meet the condition", inputs, found)
    return Tested("tested", f"tested on {inputs} inputs", inputs, found)


_PINS = re.compile(r"(?:len\((?P<empty>\w+)\) == 0|(?P<name>\w+) (?:==|is) \(?(?P<value>.+?)\)?)")


def _fixed(code: str, found: Property, tried: Tried, execute: Execute) -> tuple[Trial, ...]:
    """Where a condition gives a parameter one value: inputs with it, and what was tried in the others."""
    match = _PINS.fullmatch(found.condition)
    name = (match["name"] or match["empty"]) if match else ""
    if not match or name not in tried.signature.parameters:
        return ()
    recorded = tried.trials[0].arguments[tried.signature.parameters.index(name)]
    empty = next((text for opening, text in _NOTHING.items() if recorded.startswith(opening)), "")
    value = match["value"] or empty
    return with_value(code, tried, name, value, execute=execute) if is_literal(value) else ()


_NOTHING = {"'": "''", '"': "''", "[": "[]", "{": "{}", "(": "()"}


def _is_pinned(found: Property, tried: Tried) -> bool:
    """Whether one input is all that meets the condition."""
    return len(tried.signature.parameters) == 1 and _PINS.fullmatch(found.condition) is not None


def _is_met(found: Property, trial: Trial, truth: bool | None) -> bool:
    if found.raises:
        return trial.output is None and trial.raises == found.raises
    # A statement about results says nothing of inputs for which there is none, unless it has a condition.
    return truth is True if trial.output is not None else not found.condition


# -- reading -----------------------------------------------------------------------------------------------------------

_GIVES = r"(?:always |only |will |simply |just |immediately )*(?:returns?|gives?|outputs?|results? in|yields?)"
_IF_FIRST = re.compile(
    r"\b(?:if|when|whenever|for)\b (?P<if>[^,]+?),? (?:then )?(?:[`\w()]+ )?(?:[`\w()]+ )?"
    rf"(?P<then>{_GIVES} .+|raises? .+)",
    re.IGNORECASE,
)
_IF_LAST = re.compile(
    rf"(?P<then>{_GIVES} .+?|raises? .+?),? (?:if|when|whenever|only if|only when) (?P<if>.+)", re.IGNORECASE
)
_OTHERWISE = re.compile(
    r",? (?:and )?(?:returns )?`?False`? (?:otherwise|if not)$|,? otherwise (?:it returns )?`?False`?$"
)
"""With it a condition is said to decide between True and False."""
_ALWAYS = re.compile(rf"\b(?P<then>{_GIVES} .+)", re.IGNORECASE)
_RESULT_IS = re.compile(r"\bthe (?:result|output|returned \w+|return value) (?P<then>.+)", re.IGNORECASE)
_RAISES = re.compile(r"raises? (?:an? |the )?`?([A-Z]\w+)`?", re.IGNORECASE)
_HEDGES = re.compile(r"\b(?:may|might|could|usually|often|sometimes|typically|probably|such as|for example|e\.g)\b")
_TYPES = {
    "string": "str",
    "str": "str",
    "integer": "int",
    "int": "int",
    "list": "list",
    "dictionary": "dict",
    "dict": "dict",
    "tuple": "tuple",
    "set": "set",
    "boolean": "bool",
    "bool": "bool",
    "float": "float",
}
_FUNCTIONS = ("len", "sum", "max", "min", "sorted", "set", "str", "int", "list", "abs")
_EMPTY = {"string": "''", "str": "''", "list": "[]", "dictionary": "{}", "dict": "{}", "tuple": "()", "set": "set()"}


def read_property(sentence: str, parameters: Sequence[str]) -> Property | None:
    """The property that a sentence states; None where it states none that is understood whole."""
    text = sentence.strip().strip("-*•").strip().rstrip(".;")
    if _HEDGES.search(text) or not parameters:
        return None
    for pattern in (_IF_LAST, _IF_FIRST):
        match = pattern.search(text)
        if match:
            words = _OTHERWISE.sub("", match["if"])
            condition = _condition(words, parameters)
            found = _conclusion(match["then"], parameters)
            if condition and found and words != match["if"] and found[0].startswith("result == (True)"):
                return Property("", f"result is bool({condition})")
            return Property(condition, *found) if condition and found else None
    match = _ALWAYS.search(text) or _RESULT_IS.search(text)
    found = _conclusion(match["then"], parameters) if match else None
    return Property("", *found) if found and re.search(r"\b(?:if|when|unless|otherwise|else)\b", text) is None else None


def _conclusion(words: str, parameters: Sequence[str]) -> tuple[str, str] | None:
    """(predicate over parameters and `result`, exception)."""
    raised = _RAISES.match(words)
    if raised:
        return "", raised[1]
    said = re.sub(rf"^{_GIVES}\s+", "", words, flags=re.IGNORECASE).strip()
    said = re.sub(r"^(?:is |are )?(?:always |also |exactly )*", "", said).strip()
    predicate = next((one for one in _readings(said, parameters)), "")
    return (predicate, "") if predicate else None


def _readings(said: str, parameters: Sequence[str]) -> Iterator[str]:
    """The predicates that the words of a conclusion can mean, most definite first."""
    plain = said.strip("`").strip()
    if _is_value(plain, parameters):
        yield f"result == ({plain}) and type(result) is type({plain})"
    empty = re.fullmatch(r"an? empty (\w+)", said)
    if empty and empty[1] in _EMPTY:
        yield f"result == {_EMPTY[empty[1]]}"
    kind = re.fullmatch(r"an? (?:new )?(\w+)(?: value)?", said)
    if kind and kind[1] in _TYPES:
        yield f"type(result) is {_TYPES[kind[1]]}"
    numeric = re.fullmatch(r"(?:an? |the )?(non-negative|negative|positive|even|odd)(?: (?:integer|number|int))?", said)
    if numeric:
        yield _NUMERIC[numeric[1]].format("result")
    same = re.fullmatch(r"(?:the )?(?:original|input|given|same|unchanged) ?(?:`?(\w+)`?)?(?: unchanged| as is)?", said)
    if same:
        name = same[1] if same[1] in parameters else parameters[0] if len(parameters) == 1 else ""
        yield from [f"result == {name}"] if name else []
    yield from _of_parameter(said, parameters)
    sized = re.search(
        r"(?:has|of|with) (?:the same length as|as many (?:elements|items|characters) as) `?(\w+)`?", said
    )
    if sized and sized[1] in parameters:
        yield f"len(result) == len({sized[1]})"


_MADE = (
    (r"(?:a |the )?reversed? (?:version |copy |order )?(?:of )?{x}", "list(result) == list({0})[::-1]"),
    (r"(?:the )?(?:length|size) of {x}", "result == len({0})"),
    (r"(?:the )?number of (?:elements|characters|items|entries|keys|letters) in {x}", "result == len({0})"),
    (r"(?:the )?sum of (?:all )?(?:the )?(?:elements |numbers |values )?(?:of |in )?{x}", "result == sum({0})"),
    (r"(?:a |the )?sorted (?:version |copy |list )?(?:of )?{x}", "result == sorted({0})"),
    (r"(?:the )?maximum (?:value |element )?(?:of |in )?{x}", "result == max({0})"),
    (r"(?:the )?minimum (?:value |element )?(?:of |in )?{x}", "result == min({0})"),
    (r"(?:the )?first (?:element|character|item) (?:of|in) {x}", "result == {0}[0]"),
    (r"(?:the )?last (?:element|character|item) (?:of|in) {x}", "result == {0}[-1]"),
    (r"(?:a copy of )?{x}(?: converted)? (?:in|to) upper ?case(?: letters)?", "result == {0}.upper()"),
    (r"(?:a copy of )?{x}(?: converted)? (?:in|to) lower ?case(?: letters)?", "result == {0}.lower()"),
    (r"(?:a |the )?copy of {x}", "result == {0}"),
)
"""What a result may be made of a parameter; `{{x}}` stands for the words that name it."""


def _of_parameter(said: str, parameters: Sequence[str]) -> Iterator[str]:
    """The predicates for a result that is made of one parameter."""
    names = "|".join(map(re.escape, parameters))
    noun = r"(?:input |given |original )*(?:string|list|array|text|dictionary|number|sequence|tuple|word)?"
    named = rf"(?:the )?{noun} ?`?(?P<name>{names})`?" + (
        rf"|(?:the )?(?:input |given |original )?{noun}" if len(parameters) == 1 else ""
    )
    for words, predicate in _MADE:
        match = re.fullmatch(words.replace("{x}", f"(?:{named})"), said)
        if match:
            yield predicate.format(match["name"] or parameters[0])


_NUMERIC = {
    "non-negative": "{} >= 0",
    "negative": "{} < 0",
    "positive": "{} > 0",
    "even": "{} % 2 == 0",
    "odd": "{} % 2 == 1",
    "zero": "{} == 0",
}


def _condition(words: str, parameters: Sequence[str]) -> str:
    """The predicate over the parameters that a condition means; "" where it is not understood."""
    said = words.strip().strip("`").strip()
    if _is_value(said, parameters) and re.search(r"[=<>]| in | is (?:not )?(?:None|True|False)$|^not ", said):
        return said
    for name in parameters:
        found = _about(said, name, parameters)
        if found:
            return found
    only = parameters[0] if len(parameters) == 1 else ""
    bare = re.fullmatch(r"the (?:input|string|list|dictionary|argument|number)(?: \w+)? (?:is|=) (.+)", said)
    return _about(f"{only} is {bare[1]}", only, parameters) if only and bare else ""


def _about(said: str, name: str, parameters: Sequence[str]) -> str:
    match = re.fullmatch(rf"(?:the )?(?:\w+ )?`?{re.escape(name)}`? (?:is|are|=|==|equals) (not )?(.+)", said)
    if not match:
        return ""
    rest, predicate = match[2].strip().strip("`"), ""
    compared = re.fullmatch(rf"({'|'.join(_COMPARED)}) `?(.+?)`?", rest)
    if rest == "empty":
        predicate = f"len({name}) == 0"
    elif rest in _NUMERIC:
        predicate = _NUMERIC[rest].format(name)
    elif rest in _TEXTUAL:
        predicate = f"{name}.{_TEXTUAL[rest]}()"
    elif compared and _is_value(compared[2], parameters):
        predicate = f"{name} {_COMPARED[compared[1]]} ({compared[2]})"
    elif _is_value(rest, parameters):
        predicate = f"{name} == ({rest})"
    return f"not ({predicate})" if match[1] and predicate else predicate


_TEXTUAL = {
    "alphanumeric": "isalnum",
    "alphabetic": "isalpha",
    "numeric": "isnumeric",
    "a digit": "isdigit",
    "uppercase": "isupper",
    "in uppercase": "isupper",
    "lowercase": "islower",
    "in lowercase": "islower",
    "ascii": "isascii",
    "in title case": "istitle",
    "a title": "istitle",
    "whitespace": "isspace",
    "a decimal": "isdecimal",
    "a valid identifier": "isidentifier",
}
_COMPARED = {
    "greater than or equal to": ">=",
    "less than or equal to": "<=",
    "greater than": ">",
    "less than": "<",
    "equal to": "==",
    "in": "in",
}


def _is_value(text: str, parameters: Sequence[str]) -> bool:
    """Whether words are Python over the parameters and built-ins, and not just a word."""
    try:
        node = parse_expression(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
    return names <= {*parameters, *_FUNCTIONS}
