"""Reading canonical texts of values: what may be stated, what a container holds, where one differs from another.

Nothing here evaluates Python: a text is cut at its own brackets, commas and quotes.
"""

from collections.abc import Iterator

_OPENING, _CLOSING = "([{<", ")]}>"
_OPAQUE = (
    "<function ",
    "<generator ",
    "<bound method ",
    "<built-in ",
    "<coroutine ",
    " object",
    "_iterator",
    "<lambda",
)


def is_capped(text: str) -> bool:
    """Whether a canonical text was cut at its cap (a text within quotes ends in its quote)."""
    return text.endswith("...")


def is_stateable(text: str) -> bool:
    """Whether a text says a value, rather than naming an opaque thing such as `<function f>` or being cut."""
    if "<" not in text:
        return not is_capped(text)
    if text[0] == "<":
        return text.startswith("<class ")
    return not is_capped(text) and (text[0] in "'\"" or not any(mark in text for mark in _OPAQUE))


def is_literal(text: str) -> bool:
    """Whether a text can stand in an expression for the value."""
    return is_stateable(text) and (text[:1] in ("'", '"') or "<class " not in text)


def items(text: str) -> list[str]:
    """The top-level items of a bracketed text: "[1, (2, 3)]" gives "1" and "(2, 3)"; "Point(x=1)" gives "x=1"."""
    opening = next((index for index, sign in enumerate(text) if sign in _OPENING), -1)
    if opening < 0 or text[-1:] not in _CLOSING:
        return []
    return list(_split(text[opening + 1 : -1], ", "))


def pairs(text: str) -> list[tuple[str, str]]:
    """The entries of a dictionary's text, as texts of key and value; [] for anything else."""
    found: list[tuple[str, str]] = []
    for item in items(text):
        key, *value = _split(item, ": ")
        if len(value) != 1:
            return []
        found.append((key, value[0]))
    return found


def _split(text: str, separator: str) -> Iterator[str]:
    """The parts of a text between separators that stand outside quotes and brackets."""
    depth, begin, position, size = 0, 0, 0, len(text)
    while position < size:
        sign = text[position]
        if sign in "'\"":
            position = _after_quote(text, position)
            continue
        if sign in _OPENING:
            depth += 1
        elif sign in _CLOSING:
            depth -= 1
        elif depth == 0 and sign == separator[0] and text.startswith(separator, position):
            yield text[begin:position]
            begin = position + len(separator)
        position += 1
    if begin < size:
        yield text[begin:].rstrip(",") if separator == ", " else text[begin:]


def _after_quote(text: str, position: int) -> int:
    """The place behind the string literal that begins at `position`."""
    quote = text[position]
    position += 1
    while position < len(text) and text[position] != quote:
        position += 2 if text[position] == "\\" else 1
    return position + 1


def element(text: str, key: str) -> str | None:
    """What a list, tuple or dictionary (or one wrapped in a class's name) holds under a key, None where not found."""
    inner = _body(text)
    if inner.startswith("{"):
        return next((value for found, value in pairs(inner) if found == key), None)
    if inner[:1] not in ("[", "(") or not key.lstrip("-").isdigit():
        return None
    held = items(inner)
    index = int(key)
    return held[index] if -len(held) <= index < len(held) else None


def attribute(text: str, name: str) -> str | None:
    """The value of an attribute in an object's text "Name(first=1, second=2)"."""
    prefix = name + "="
    return next((item[len(prefix) :] for item in items(text) if item.startswith(prefix)), None)


def size(text: str) -> int | None:
    """How many items a container's text shows, None where it is no container's."""
    inner = _body(text)
    return len(items(inner)) if inner[:1] in ("[", "(", "{") else None


def appended(before: str, after: str) -> str | None:
    """The one item that a list or deque got at its end, None where something else happened."""
    old, new = _body(before), _body(after)
    if not (old.startswith("[") and new.startswith("[") and len(new) > len(old)):
        return None
    if old == "[]":
        added = new[1:-1]
    elif new.startswith(old[:-1] + ", "):
        added = new[len(old) + 1 : -1]
    else:
        return None
    return added if len(list(_split(added, ", "))) == 1 else None


def _body(text: str) -> str:
    """The container's own text inside a class's name: "deque([1, 2], maxlen=3)" gives "[1, 2]"."""
    if text[:1] in ("[", "(", "{") or not text.endswith(")"):
        return text
    return next((item for item in items(text) if item[:1] in ("[", "{")), text)
