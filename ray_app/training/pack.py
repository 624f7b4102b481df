"""Which document is trained when: mixture weights, seeded order, curriculum, and packing into bins of one context.

Everything here is decided from lengths alone, once, before training; the plan does not depend on the number of workers.
So a resumed run, also on another number of workers, sees each document exactly as often as the unbroken run.
"""

import bisect
import hashlib
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ray_app.errors import InputError
from ray_app.training.tokenize import Document

IGNORE = -100
_OPEN_BINS = 64


Kept = TypeVar("Kept", "Item", Document)


@dataclass(frozen=True, slots=True)
class Item:
    """What planning needs to know of a document; `is_taught`: a language model wrote its response."""

    id: str
    task: str
    length: int
    response_length: int
    is_taught: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """`bins[k]` lists the items (by index) of pack k in order; `fill` is the share of capacity that they use."""

    bins: tuple[tuple[int, ...], ...]
    fill: float
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Pack:
    """Documents laid end to end, at most one context long.

    `targets[t]` is the token to predict at position t, IGNORE outside responses and at each document's last position,
    so no prediction crosses from one document to the next. `lengths`, `ids` and `tasks` are per document.
    """

    index: int
    ids: tuple[str, ...]
    tasks: tuple[str, ...]
    lengths: tuple[int, ...]
    input_ids: tuple[int, ...]
    targets: tuple[int, ...]


def item(document: Document) -> Item:
    return Item(document.id, document.task, len(document.input_ids), document.response_length, document.is_taught)


def plan(
    items: Sequence[Item],
    *,
    mixture: Iterable[tuple[str, float]],
    capacity: int,
    epochs: int,
    curriculum: float,
    seed: int,
) -> Plan:
    """The packs of all epochs, in training order. Pure: equal arguments give an equal plan on every machine.

    Items may come in any order; ids must be unique. Raises InputError where the mixture selects nothing.
    """
    order = sorted(range(len(items)), key=lambda i: items[i].id)
    for before, after in itertools.pairwise(order):
        if items[before].id == items[after].id:
            raise InputError(f"sample {items[after].id} occurs twice: remove duplicates before training")
    weights = dict(mixture)
    bins: list[tuple[int, ...]] = []
    for epoch in range(epochs):
        chosen = _ordered(items, _drawn(items, order, weights, seed, epoch), curriculum, seed, epoch)
        bins += _packed([items[i].length for i in chosen], chosen, capacity)
    if not bins:
        present = ", ".join(sorted({it.task for it in items})) or "none"
        raise InputError(f"the mixture selects no sample: weights {weights}, tasks in the data: {present}")
    used = sum(items[i].length for members in bins for i in members)
    return Plan(tuple(bins), used / (len(bins) * capacity), _fingerprint(items, bins))


def assemble(index: int, documents: Sequence[Document]) -> Pack:
    """The pack with these documents, in this order."""
    targets: list[int] = []
    for document in documents:
        ids, start = document.input_ids, max(document.prompt_length, 1)
        targets += [IGNORE] * (start - 1) + list(ids[start:]) + [IGNORE]
    return Pack(
        index,
        tuple(d.id for d in documents),
        tuple(d.task for d in documents),
        tuple(len(d.input_ids) for d in documents),
        tuple(token for d in documents for token in d.input_ids),
        tuple(targets),
    )


def chosen(items: Sequence[Kept], count: int) -> list[Kept]:
    """`count` of the items (0: all) in their order; the same ones for the same ids, whatever else there is."""
    if not count or len(items) <= count:
        return list(items)
    kept = {item.id for item in sorted(items, key=lambda item: _share("chosen", item.id))[:count]}
    return [item for item in items if item.id in kept]


def _share(*parts: object) -> float:
    """A number in [0, 1) that only the parts decide."""
    digest = hashlib.blake2b("\0".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


TAUGHT = "/teacher"
"""What stands behind a task's name in a mixture that weighs a teacher's rows of it by themselves."""


def _weight(weights: dict[str, float], item: Item) -> float:
    own = weights.get(item.task, 0.0)
    return weights.get(item.task + TAUGHT, own) if item.is_taught else own


def _drawn(
    items: Sequence[Item], order: Sequence[int], weights: dict[str, float], seed: int, epoch: int
) -> list[tuple[int, int]]:
    """(item, copy) of every showing in one epoch: as often as the weight says, its fraction by a seeded share."""
    showings: list[tuple[int, int]] = []
    for i in order:
        weight = _weight(weights, items[i])
        whole = int(weight)
        extra = _share("draw", seed, epoch, items[i].id) < weight - whole
        showings += [(i, copy) for copy in range(whole + extra)]
    return showings


def _ordered(
    items: Sequence[Item], showings: list[tuple[int, int]], curriculum: float, seed: int, epoch: int
) -> list[int]:
    ranked = sorted(range(len(showings)), key=lambda s: items[showings[s][0]].response_length)
    quantile = [0.0] * len(showings)
    for rank, position in enumerate(ranked):
        quantile[position] = rank / len(showings)
    keys = [
        (1 - curriculum) * _share("order", seed, epoch, copy, items[i].id) + curriculum * quantile[position]
        for position, (i, copy) in enumerate(showings)
    ]
    return [showings[position][0] for position in sorted(range(len(showings)), key=keys.__getitem__)]


def _packed(lengths: Sequence[int], labels: Sequence[int], capacity: int) -> list[tuple[int, ...]]:
    """Best fit over a bounded number of open bins: close to full bins, and an order close to the given one."""
    open_bins: list[tuple[int, int]] = []  # (free, number), sorted
    contents: list[list[int]] = []
    closed: list[tuple[int, ...]] = []
    for length, label in zip(lengths, labels, strict=True):
        if length > capacity:
            raise InputError(
                f"a document of {length} tokens exceeds the context of {capacity}: tokenize with that limit"
            )
        at = bisect.bisect_left(open_bins, (length, -1))
        if at == len(open_bins):
            if len(open_bins) == _OPEN_BINS:
                closed.append(tuple(contents[open_bins.pop(0)[1]]))
            contents.append([])
            free, number = capacity, len(contents) - 1
        else:
            free, number = open_bins.pop(at)
        contents[number].append(label)
        bisect.insort(open_bins, (free - length, number))
    return closed + [tuple(contents[number]) for _, number in sorted(open_bins, key=lambda bin_: bin_[1])]


def _fingerprint(items: Sequence[Item], bins: Sequence[Sequence[int]]) -> str:
    digest = hashlib.sha256()
    for members in bins:
        digest.update("\0".join(f"{items[i].id}:{items[i].length}" for i in members).encode())
        digest.update(b"\n")
    return digest.hexdigest()[:16]
