"""Sentences taken out of a text so that what is left still reads as one."""

import re
from collections.abc import Sequence

Stretch = tuple[int, int]
"""Where something begins in a text, and where it ends."""

_AFTER = re.compile(r"[ \t]*[.!?;:,]*[*_]{0,2}[ \t]*")
_MARKS = re.compile(
    r"[\s*_#>+\-•]*(?:\(?\d{1,3}[.)]|[a-z][.)])?[\s*_\-•]*(?:\[L\d+\]:?|(?:\*\*)?\[?[Ll]ines? \d+\]?:?)?[\s*_:]*"
)
"""What may stand on a line besides its sentences: bullets, numbers, labels, emphasis."""
_CLAUSE = re.compile(r"[,;] | (?:and|which|so|because|since|but|while|where|meaning)\b")
"""How a clause begins that stands behind another."""
_GOES_ON = re.compile(r"(?:for|we|so|the|then|one|it|this|our)\b")
"""Words that began no sentence before."""
_HEAD = re.compile(r"[ \t]*(?:#{1,6} .*|(?:[-*+•]|\(?\d{1,3}[.)])?[ \t]*[^\n]{1,120}:[*_]{0,2}[ \t]*)")


def apply(text: str, changes: Sequence[tuple[Stretch, str]]) -> str:
    """The text with each stretch replaced; where the replacement is empty its sentence's marks go too. The stretches
    must be in order and apart."""
    for (start, end), after in reversed(changes):
        text = text[:start] + after + text[end:] if after else _without(text, start, end)
    return text


def _without(text: str, start: int, end: int) -> str:
    if _CLAUSE.match(text, start):  # the sentence before it keeps its mark
        return text[:start].rstrip(" \t,;") + text[end:]
    following = _AFTER.match(text, end)
    end = following.end() if following else end
    line_start = text.rfind("\n", 0, start) + 1
    line_end = text.find("\n", end)
    line_end = len(text) if line_end < 0 else line_end
    before, rest = text[line_start:start], text[end:line_end]
    if _MARKS.fullmatch(before) is None:
        kept = before.rstrip()
        kept = f"{kept[:-1]}." if kept.endswith((";", ",")) and not rest.strip() else kept
        return text[:line_start] + kept + (f" {rest}" if rest.strip() else "") + text[line_end:]
    if rest.strip():
        begins = rest[:1].upper() if _GOES_ON.match(rest) else rest[:1]  # any other word may be a name of the program
        return text[:start] + begins + rest[1:] + text[line_end:]
    return text[:line_start] + text[_nested_end(text, line_start, line_end) :].removeprefix("\n")


def _nested_end(text: str, line_start: int, line_end: int) -> int:
    """Where a line ends with all that is indented under it: what stands there spoke of what is taken away."""
    own = _indent(text[line_start:line_end])
    end = line_end
    for line in text[line_end + 1 :].split("\n"):
        if line.strip() and _indent(line) <= own:
            break
        if not line.strip():
            break
        end += 1 + len(line)
    return end


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def without_empty_heads(text: str) -> str:
    """The text without heads ("Iteration 2:", "## Steps") under which nothing is left."""
    lines = text.split("\n")
    kept: list[str] = []
    following = ""
    for line in reversed(lines):
        if _HEAD.fullmatch(line) and _is_empty(line, following):
            continue
        if line.strip():
            following = line
        kept.append(line)
    return "\n".join(reversed(kept))


def _is_empty(head: str, following: str) -> bool:
    """Whether a head is followed by nothing, by the answer, or by another head of its own rank or above."""
    if not following.strip() or following.lstrip().startswith(("[/", "[ANSWER]")):
        return True
    return bool(_HEAD.fullmatch(following)) and _indent(following) <= _indent(head) and _rank(following) <= _rank(head)


def _rank(line: str) -> int:
    """Headings before bold lines before plain ones."""
    plain = line.strip()
    return 0 if plain.startswith("#") else 1 if plain.startswith("*") else 2


def sentence_at(text: str, sentence: str) -> Stretch | None:
    """Where a sentence stands in a text; without its closing mark where the text has another."""
    wanted = sentence.strip()
    at = text.find(wanted)
    if at < 0:
        wanted = wanted.rstrip(".:;,")
        at = text.find(wanted)
    return (at, at + len(wanted)) if at >= 0 and wanted else None
