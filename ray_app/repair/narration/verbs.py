"""What operators, methods and functions do, in words: the wrong one against the one that is needed."""

import ast

_OPERATORS: dict[type, str] = {
    ast.Add: "adds",
    ast.Sub: "subtracts",
    ast.Mult: "multiplies",
    ast.Div: "divides without rounding",
    ast.FloorDiv: "divides and rounds down",
    ast.Mod: "takes the remainder",
    ast.Pow: "raises to a power",
    ast.BitAnd: "keeps only what both sides have",
    ast.BitOr: "takes all that either side has",
    ast.BitXor: "takes what only one of the sides has",
    ast.LShift: "shifts the bits to the left",
    ast.RShift: "shifts the bits to the right",
}
_STRICT = "leaves out the case in which both sides are equal"
_LAX = "also lets the case through in which both sides are equal"
_OPPOSITE = "tests for the opposite of what is needed"
_ROUND = "compares the wrong way round"
_EXCHANGED: dict[tuple[type, type], str] = {
    (ast.Lt, ast.LtE): _STRICT,
    (ast.Gt, ast.GtE): _STRICT,
    (ast.LtE, ast.Lt): _LAX,
    (ast.GtE, ast.Gt): _LAX,
    (ast.Eq, ast.NotEq): _OPPOSITE,
    (ast.NotEq, ast.Eq): _OPPOSITE,
    (ast.In, ast.NotIn): _OPPOSITE,
    (ast.NotIn, ast.In): _OPPOSITE,
    (ast.Is, ast.IsNot): _OPPOSITE,
    (ast.IsNot, ast.Is): _OPPOSITE,
    (ast.Lt, ast.Gt): _ROUND,
    (ast.Gt, ast.Lt): _ROUND,
    (ast.LtE, ast.GtE): _ROUND,
    (ast.GtE, ast.LtE): _ROUND,
    (ast.And, ast.Or): "asks for all of its conditions, where one of them is enough",
    (ast.Or, ast.And): "is content with one of its conditions, where all of them are needed",
}
_METHODS = {
    "add": "puts an element in",
    "all": "asks whether all elements are true",
    "any": "asks whether any element is true",
    "append": "adds its argument as a single element",
    "capitalize": "makes only the very beginning of the text a capital letter",
    "discard": "takes an element out",
    "endswith": "looks at the end",
    "extend": "adds the elements of its argument one by one",
    "find": "finds the first place",
    "index": "finds the first place",
    "intersection": "keeps only what both have",
    "isalnum": "asks for letters or digits",
    "isalpha": "asks for letters",
    "isdigit": "asks for digits",
    "islower": "asks for small letters",
    "isupper": "asks for capital letters",
    "keys": "gives the keys",
    "ljust": "fills up on the right",
    "lower": "makes all letters small",
    "lstrip": "strips the left side only",
    "max": "takes the largest",
    "min": "takes the smallest",
    "partition": "cuts at the first place",
    "removeprefix": "removes from the front",
    "removesuffix": "removes from the end",
    "rfind": "finds the last place",
    "rindex": "finds the last place",
    "rjust": "fills up on the left",
    "rpartition": "cuts at the last place",
    "rsplit": "splits from the right",
    "rstrip": "strips the right side only",
    "split": "splits from the left",
    "startswith": "looks at the beginning",
    "strip": "strips both sides",
    "title": "makes every word begin with a capital letter",
    "union": "takes all that either has",
    "upper": "makes all letters capital",
    "values": "gives the values",
}
_GERUNDS = {
    "adds": "adding",
    "asks": "asking",
    "cuts": "cutting",
    "divides": "dividing",
    "fills": "filling",
    "finds": "finding",
    "gives": "giving",
    "keeps": "keeping",
    "looks": "looking",
    "makes": "making",
    "multiplies": "multiplying",
    "puts": "putting",
    "raises": "raising",
    "removes": "removing",
    "rounds": "rounding",
    "shifts": "shifting",
    "splits": "splitting",
    "strips": "stripping",
    "subtracts": "subtracting",
    "takes": "taking",
}


def operator_instead(old: ast.AST, new: ast.AST) -> str:
    """ "adds instead of subtracting"; "" where it cannot be said."""
    exchanged = _EXCHANGED.get((type(old), type(new)))
    return exchanged or _instead(_OPERATORS.get(type(old)), _OPERATORS.get(type(new)))


def word_instead(old: str, new: str) -> str:
    """Of methods and functions: "finds the first place instead of finding the last place"; "" without a word."""
    return _instead(_METHODS.get(old), _METHODS.get(new))


def _instead(wrong: str | None, right: str | None) -> str:
    return f"{wrong} instead of {_gerund(right)}" if wrong and right and wrong != right else ""


def _gerund(phrase: str) -> str:
    return " ".join(_GERUNDS.get(word, word) for word in phrase.split())
