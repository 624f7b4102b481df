"""How many tokens an answer may have: derived from right answers and the model's tokenizer, so that an exam can be
passed. A cap below the right answer measures the cap.
"""

from collections.abc import Callable, Iterable, Sequence
from math import ceil

from ray_app.errors import InputError
from ray_app.evaluation.items import Item
from ray_app.monologue.answer import final_answer
from ray_app.records import Monologue

_ROOM = 1.5
"""A right answer may be worded at more length than ours."""
_AROUND = 16
"""Tokens for what stands around an answer: a fence, a first "Answer:", the end of the turn."""
_TOLD = {"output": "forward", "input": "backward"}
_DIRECT = ("direct", "")

Count = Callable[[str], int]


def count_bytes(text: str) -> int:
    """A number of tokens that no byte-level tokenizer exceeds: what is left where the model's own is not at hand."""
    return len(text.encode("utf-8", "surrogatepass"))


class RightReplies:
    """What right replies look like and how long they are. Of questions that are answered with a monologue only those
    are known that `monologues` tell; a monologue of the same direction stands for the others."""

    def __init__(self, monologues: Iterable[Monologue], count: Count) -> None:
        self._count = count
        self._tokens: dict[tuple[str, str, str], int] = {}
        for row in monologues:
            asked = row.call if row.direction == "forward" else row.output
            self._tokens.setdefault((row.direction, row.code, asked), count(row.text))

    def tokens(self, item: Item, prompt_format: str) -> int | None:
        """The length of a right reply; None where nobody has told one, as of contests, which come without solutions."""
        if not item.gold:
            return None
        if item.task not in _TOLD or prompt_format in _DIRECT:
            return self._count(answer(item))
        asked = item.call if item.task == "output" else item.output
        return self._tokens.get((_TOLD[item.task], item.code, asked))

    def fitting(self, items: Iterable[Item], prompt_format: str, longest: int) -> list[Item]:
        """The items with a known right reply of at most `longest` tokens; 0: all items."""
        if not longest:
            return list(items)
        return [item for item in items if (self.tokens(item, prompt_format) or longest + 1) <= longest]

    def cap(self, items: Sequence[Item], prompt_format: str) -> int:
        """The tokens that an answer to any of the items may have. InputError where no right reply is known."""
        known = [self.tokens(item, prompt_format) for item in items]
        lengths = [tokens for tokens in known if tokens is not None]
        if len(lengths) < len(known):
            directions = {_TOLD[item.task] for item in items if item.task in _TOLD}
            lengths += [tokens for (direction, *_), tokens in self._tokens.items() if direction in directions]
        if not lengths:
            raise InputError(
                f"no right reply in format {prompt_format!r} is known to derive a cap from: set max_tokens of the exam"
            )
        return ceil(_ROOM * max(lengths)) + _AROUND


def answer(item: Item) -> str:
    """The shortest reply that passes: the answer alone, as it is asked for."""
    if item.task == "code":
        return f"```python\n{item.gold.rstrip()}\n```"
    if item.task in ("probe", "question"):
        return f"[ANSWER]{item.gold}[/ANSWER]"
    return final_answer(item.gold if item.task == "input" else item.call, item.output)
