"""Held-out texts as a model reads them: prompt and response in tokens, and which tokens hold which decision.

A token belongs to a decision if it holds any character of it. So a token that straddles a border (" 3" for the value 3,
"])" for the end of a list) belongs to it as a whole: to be right the model must choose that very token, with what it
holds of the neighbourhood. A value may also end too early: where its last token ends with the value, the token that the
model would put next must not go on with a letter or digit ("6" is no answer where the model would write "66").
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from ray_app.evaluation.decisions import Decision, decisions
from ray_app.mixture import samples
from ray_app.records import Monologue, Reject, Sample
from ray_app.training.config import PromptStyle
from ray_app.training.tokenize import rendered

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

STAGE = "claims"


@dataclass(frozen=True, slots=True)
class Placed:
    """A decision with its text and its tokens: those from `first` up to, without, `last` of the passage. `closed`:
    the last of them ends where the decision ends."""

    decision: Decision
    stated: str
    first: int
    last: int
    closed: bool


@dataclass(frozen=True, slots=True)
class Passage:
    """One text: `ids` are prompt and response; every decision lies in the response."""

    text_id: str
    program_id: str
    difficulty: int
    ids: tuple[int, ...]
    prompt_length: int
    placed: tuple[Placed, ...]


def passages(
    rows: Iterable[Monologue],
    tokenizer: "PreTrainedTokenizerBase",
    style: PromptStyle,
    *,
    held_out_fraction: float,
    max_length: int,
) -> Iterator[Passage | Reject]:
    """The forward monologues of held-out programs. A Reject where prompt and response exceed `max_length` tokens, or
    nothing is decided."""
    for row in rows:
        for sample in samples([row], held_out_fraction=held_out_fraction, tasks=("forward",)):
            if sample.split == "held_out":
                yield passage(row.code, sample, tokenizer, style, max_length)


def passage(
    code: str, sample: Sample, tokenizer: "PreTrainedTokenizerBase", style: PromptStyle, max_length: int
) -> Passage | Reject:
    """One sample whose response tells a call of `code`."""
    prompt, response = rendered(sample, tokenizer, style)
    before, _ = _tokens(tokenizer, prompt)
    after, offsets = _tokens(tokenizer, response)
    if len(before) + len(after) > max_length:
        return Reject(STAGE, sample.id, "too-long", f"{len(before) + len(after)} tokens")
    shift = max(0, response.find(sample.response))
    placed = [_placed(one, sample.response, shift, offsets, len(before)) for one in decisions(code, sample.response)]
    if not placed:
        return Reject(STAGE, sample.id, "decides-nothing")
    ids = (*before, *after)
    return Passage(sample.id, sample.program_id, sample.difficulty, ids, len(before), tuple(placed))


def _placed(decision: Decision, text: str, shift: int, offsets: Sequence[tuple[int, int]], skipped: int) -> Placed:
    start, end = decision.start + shift, decision.end + shift
    held = [index for index, (first, last) in enumerate(offsets) if first < end and start < last]
    closed = offsets[held[-1]][1] == end
    stated = text[decision.start : decision.end]
    return Placed(decision, stated, held[0] + skipped, held[-1] + 1 + skipped, closed)


def _tokens(tokenizer: "PreTrainedTokenizerBase", text: str) -> tuple[list[int], list[tuple[int, int]]]:
    """Ids, and the characters that each token holds."""
    made: Any = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    return list(made["input_ids"]), cast("list[tuple[int, int]]", made["offset_mapping"])
