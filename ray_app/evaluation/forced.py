"""Teacher forcing: what a model finds likeliest at each place of a given text, after all that truly stands before.

One pass over a text answers for all its places at once. In process (`choices`) and through any endpoint that echoes a
prompt with log-probabilities (`asked`), as vLLM and our own server do.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ray_app.evaluation.passages import Passage, Placed
from ray_app.records import ClaimScore, Reject
from ray_app.teacher.client import Request, Teacher

_TIED = 1e-9
"""Two log-probabilities nearer than this are one and the same number that went through JSON."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The likeliest token at one place: whether it is the one that stands there, and its text."""

    right: bool
    text: str


def scores(passage: Passage, model: str, found: Sequence[Choice]) -> Iterator[ClaimScore]:
    """One row per decision; `found` holds the choice at each place of the passage from its second token on."""
    for place, placed in enumerate(passage.placed):
        decision, made = placed.decision, found[placed.first - 1 : placed.last - 1]
        added = _continued(placed, found)
        yield ClaimScore(
            passage.text_id,
            passage.program_id,
            passage.difficulty,
            model,
            place,
            decision.kind,
            decision.work,
            decision.leap,
            placed.stated,
            ("".join(choice.text for choice in made) + added).strip(),
            all(choice.right for choice in made) and not added,
        )


def _continued(placed: Placed, found: Sequence[Choice]) -> str:
    """What the model would add to a value that the text ends here: "" where it would end it too."""
    if not placed.closed:
        return ""
    following = "".join(choice.text for choice in found[placed.last - 1 : placed.last])
    return following if re.match(r"\w", following) else ""


def asked(passages: Iterable[Passage], teacher: Teacher) -> Iterator[ClaimScore | Reject]:
    """The decisions of a model behind an endpoint, one request per text. A text that the endpoint refuses, or whose
    tokens it counts otherwise (it has another tokenizer), is a Reject."""
    wanted = list(passages)
    replies = teacher.complete(Request(prompt=passage.ids, max_tokens=0, echo=True) for passage in wanted)
    for passage, reply in zip(wanted, replies, strict=True):
        if reply.error is not None:
            yield Reject("claims", passage.text_id, "no-reply", reply.error)
        elif len(reply.echoed) != len(passage.ids):
            detail = f"{len(passage.ids)} tokens became {len(reply.echoed)}"
            yield Reject("claims", passage.text_id, "other-tokenizer", detail)
        else:
            found = [Choice(token.logprob >= token.best - _TIED, token.best_text) for token in reply.echoed[1:]]
            yield from scores(passage, teacher.name, found)


def choices(
    passages: Iterable[Passage], model: Any, decode: Callable[[list[int]], str], batch_tokens: int = 2_048
) -> Iterator[tuple[Passage, list[Choice]]]:
    """The same in process, by a model loaded with packed attention (`training.model.load_model`): texts are laid end
    to end up to `batch_tokens`, each seeing only itself; logits are computed where something is decided only."""
    for group in _grouped(passages, batch_tokens):
        places = [_wanted(passage) for passage in group]
        likeliest = _forward(model, group, places)
        for passage, wanted in zip(group, places, strict=True):
            # Places at which nothing is decided have no logits: nobody looks at what stands here for them.
            found = [Choice(True, "")] * (len(passage.ids) - 1)
            for place in wanted:
                token = next(likeliest)
                found[place] = Choice(token == passage.ids[place + 1], decode([token]))
            yield passage, found


def _wanted(passage: Passage) -> list[int]:
    """The places whose next token is looked at, in order: those before each token of a decision, and the one behind."""
    found = {place for placed in passage.placed for place in range(placed.first - 1, placed.last)}
    return sorted(place for place in found if place < len(passage.ids) - 1)


def _grouped(passages: Iterable[Passage], batch_tokens: int) -> Iterator[list[Passage]]:
    group: list[Passage] = []
    for passage in passages:
        if group and sum(len(other.ids) for other in group) + len(passage.ids) > batch_tokens:
            yield group
            group = []
        group.append(passage)
    if group:
        yield group


def _forward(model: Any, group: Sequence[Passage], places: Sequence[Sequence[int]]) -> Iterator[int]:
    """The likeliest next token at all places of a group, in order."""
    import torch

    lengths = tuple(len(passage.ids) for passage in group)
    starts = [sum(lengths[:index]) for index in range(len(group))]
    keep = [start + place for start, wanted in zip(starts, places, strict=True) for place in wanted]
    ids = torch.tensor([[token for passage in group for token in passage.ids]])
    with torch.inference_mode():
        logits = model(
            input_ids=ids.to(model.device),
            position_ids=torch.cat([torch.arange(n) for n in lengths])[None].to(model.device),
            logits_to_keep=torch.tensor(keep).to(model.device),
            use_cache=False,
            document_lengths=lengths,
        ).logits[0]
    return iter(logits.argmax(-1).tolist())
