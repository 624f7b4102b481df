"""What operators, methods and functions do, in words: the wrong one against the one that is needed."""

import ast

_OPERATORS: dict[type, tuple[str, str]] = {
    ast.Add: ("adds", "adding"),
    ast.Sub: ("subtracts", "subtracting"),
    ast.Mult: ("multiplies", "multiplying"),
    ast.Div: ("divides without rounding", "dividing without rounding"),
    ast.FloorDiv: ("divides and rounds down", "dividing and rounding down"),
    ast.Mod: ("takes the remainder", "taking the remainder"),
    ast.Pow: ("raises to a power", "raising to a power"),
    ast.BitAnd: ("keeps only what both sides have", "keeping only what both sides have"),
    ast.BitOr: ("takes all that either side has", "taking all that either side has"),
    ast.BitXor: ("takes what only one of the sides has", "taking what only one of the sides has"),
    ast.LShift: ("shifts the bits to the left", "shifting the bits to the left"),
    ast.RShift: ("shifts the bits to the right", "shifting the bits to the right"),
}
_METHODS: dict[str, tuple[str, str]] = {
    "add": ("puts an element in", "putting an element in"),
    "all": ("asks whether all elements are true", "asking whether all elements are true"),
    "any": ("asks whether any element is true", "asking whether any element is true"),
    "append": ("adds its argument as a single element", "adding its argument as a single element"),
    "capitalize": (
        "makes only the very beginning of the text a capital letter",
        "making only the very beginning of the text a capital letter",
    ),
    "discard": ("takes an element out", "taking an element out"),
    "endswith": ("looks at the end", "looking at the end"),
    "extend": ("adds the elements of its argument one by one", "adding the elements of its argument one by one"),
    "find": ("finds the first place", "finding the first place"),
    "index": ("finds the first place", "finding the first place"),
    "intersection": ("keeps only what both have", "keeping only what both have"),
    "isalnum": ("asks for letters or digits", "asking for letters or digits"),
    "isalpha": ("asks for letters", "asking for letters"),
    "isdigit": ("asks for digits", "asking for digits"),
    "islower": ("asks for small letters", "asking for small letters"),
    "isupper": ("asks for capital letters", "asking for capital letters"),
    "keys": ("gives the keys", "giving the keys"),
    "ljust": ("fills up on the right", "filling up on the right"),
    "lower": ("makes all letters small", "making all letters small"),
    "lstrip": ("strips the left side only", "stripping the left side only"),
    "max": ("takes the largest", "taking the largest"),
    "min": ("takes the smallest", "taking the smallest"),
    "partition": ("cuts at the first place", "cutting at the first place"),
    "removeprefix": ("removes from the front", "removing from the front"),
    "removesuffix": ("removes from the end", "removing from the end"),
    "rfind": ("finds the last place", "finding the last place"),
    "rindex": ("finds the last place", "finding the last place"),
    "rjust": ("fills up on the left", "filling up on the left"),
    "rpartition": ("cuts at the last place", "cutting at the last place"),
    "rsplit": ("splits from the right", "splitting from the right"),
    "rstrip": ("strips the right side only", "stripping the right side only"),
    "split": ("splits from the left", "splitting from the left"),
    "startswith": ("looks at the beginning", "looking at the beginning"),
    "strip": ("strips both sides", "stripping both sides"),
    "title": ("makes every word begin with a capital letter", "making every word begin with a capital letter"),
    "union": ("takes all that either has", "taking all that either has"),
    "upper": ("makes all letters capital", "making all letters capital"),
    "values": ("gives the values", "giving the values"),
}


def operator_instead(old: ast.operator, new: ast.operator) -> str:
    """ "adds instead of subtracting"; "" where it cannot be said."""
    return _instead(_OPERATORS.get(type(old)), _OPERATORS.get(type(new)))


def method_instead(old: str, new: str) -> str:
    """ "finds the first place instead of finding the last place"; "" where it cannot be said."""
    return _instead(_METHODS.get(old), _METHODS.get(new))


def _instead(wrong: tuple[str, str] | None, right: tuple[str, str] | None) -> str:
    return f"{wrong[0]} instead of {right[1]}" if wrong and right and wrong != right else ""
