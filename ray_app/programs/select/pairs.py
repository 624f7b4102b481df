"""Pairs of near-duplicates among any number of programs: those that share a band, verified by their sets.

The work is cut into parts by the bands' hashes: a part looks at all programs but keeps only the bands whose hash falls
to it, so what it holds is a share of the whole, and the parts need nothing of each other. Which pairs are found does
not depend on the number of parts.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ray_app.programs.select.signature import Hashes

Places = npt.NDArray[np.int64]
Runs = Sequence[npt.NDArray[np.uint32]]

BYTES_PER_PROGRAM = 700
"""What a part holds of each program at the peak, if it were the only part, with ten bands: entries of 24 bytes, the
order in which they are sorted, and the sets of the programs that meet others (`benchmarks/scale.py dedup`)."""
_BLOCK = 512
"""programs of one band that are compared with as many others at a time"""


@dataclass(frozen=True, slots=True)
class Part:
    """Part `number` of `of`."""

    number: int
    of: int


@dataclass(frozen=True, slots=True)
class Found:
    """Pairs of places as keys (`key`): equal sets, each with the first of its kind, and near-duplicates."""

    same: Hashes
    near: Hashes


def parts(programs: int, memory_bytes: int) -> list[Part]:
    """As many as it takes for each to stay within the memory."""
    count = max(1, -(-programs * BYTES_PER_PROGRAM // memory_bytes))
    return [Part(number, count) for number in range(count)]


def key(earlier: Places, later: Places) -> Hashes:
    """A pair of places as one number, which sorts by the later one first. Places lie below 2 ** 32."""
    return (later.astype(np.uint64) << np.uint64(32)) | earlier.astype(np.uint64)


def places(keys: Hashes) -> tuple[Places, Places]:
    """The earlier and the later places of pairs."""
    return (keys & np.uint64(0xFFFFFFFF)).astype(np.int64), (keys >> np.uint64(32)).astype(np.int64)


def find(bands: Iterable[Hashes], part: Part, threshold: float, runs_of: Callable[[Places], Runs]) -> Found:
    """The pairs of one part. `bands`: the bands of all programs, (programs, bands + 1) in pieces, in order; `runs_of`:
    the sets of the programs at some places, which are asked for once, in order."""
    hashes, where, wholes = _entries(bands, part)
    same, met = _same(hashes, where, wholes), list(_meetings(hashes, where, wholes))
    wanted = np.unique(np.concatenate(met)) if met else np.zeros(0, np.int64)
    sets = dict(zip(wanted.tolist(), runs_of(wanted), strict=True))
    near = [_verified(members, sets, threshold) for members in met]
    return Found(same, np.unique(np.concatenate([np.zeros(0, np.uint64), *near])))


def _entries(bands: Iterable[Hashes], part: Part) -> tuple[Hashes, Places, Hashes]:
    """(hash, place of the program, hash of its whole set) for each band that falls to the part, sorted by hash.

    Equal hashes come in the order of the places. The band of the whole set is its own hash.
    """
    hashes, where, wholes, first = list[Hashes](), list[Places](), list[Hashes](), 0
    for piece in bands:
        mine = (piece % np.uint64(part.of)) == np.uint64(part.number)
        rows = mine.nonzero()[0]
        hashes.append(piece[mine])
        where.append((rows + first).astype(np.int64))
        wholes.append(piece[rows, -1])
        first += len(piece)
    if not hashes:
        return np.zeros(0, np.uint64), np.zeros(0, np.int64), np.zeros(0, np.uint64)
    found, at, whole = np.concatenate(hashes), np.concatenate(where), np.concatenate(wholes)
    order = np.argsort(found, kind="stable")
    return found[order], at[order], whole[order]


def _same(hashes: Hashes, where: Places, wholes: Hashes) -> Hashes:
    """Programs whose sets are equal, each with the first of them."""
    of_wholes = hashes == wholes
    kinds, at = hashes[of_wholes], where[of_wholes]
    starts = np.flatnonzero(np.r_[True, kinds[1:] != kinds[:-1]]) if len(kinds) else np.zeros(0, np.int64)
    firsts = np.repeat(at[starts], np.diff(np.append(starts, len(kinds))))
    later = firsts != at
    return key(firsts[later], at[later])


def _meetings(hashes: Hashes, where: Places, wholes: Hashes) -> Iterator[Places]:
    """The programs that meet in each band, where at least two with different sets do; of equal sets only the first.

    Who are alike mostly meet in many bands: the same meeting is told once.
    """
    if not len(hashes):
        return
    starts = np.flatnonzero(np.r_[True, hashes[1:] != hashes[:-1]])
    ends = np.append(starts[1:], len(hashes))
    told: set[bytes] = set()
    for start, end in zip(starts[ends - starts > 1].tolist(), ends[ends - starts > 1].tolist(), strict=True):
        _, firsts = np.unique(wholes[start:end], return_index=True)
        if len(firsts) < 2:
            continue
        members = where[start:end][np.sort(firsts)]
        if (name := members.tobytes()) not in told:
            told.add(name)
            yield members


def _verified(members: Places, sets: dict[int, npt.NDArray[np.uint32]], threshold: float) -> Hashes:
    """The pairs of these programs whose Jaccard similarity reaches the threshold."""
    found: list[Hashes] = []
    for at in range(0, len(members), _BLOCK):
        for to in range(at, len(members), _BLOCK):
            earlier, later = members[at : at + _BLOCK], members[to : to + _BLOCK]
            alike = _similarities([sets[p] for p in earlier.tolist()], [sets[p] for p in later.tolist()]) >= threshold
            one, other = np.nonzero(alike)
            ahead = earlier[one] < later[other]
            found.append(key(earlier[one[ahead]], later[other[ahead]]))
    return np.concatenate(found)


def _similarities(these: Runs, those: Runs) -> npt.NDArray[np.float64]:
    """The Jaccard similarity of each of these sets with each of those."""
    sizes, others = np.array([len(s) for s in these]), np.array([len(s) for s in those])
    elements, columns = np.unique(np.concatenate([*these, *those]), return_inverse=True)
    rows = np.repeat(np.arange(len(these) + len(those)), np.concatenate([sizes, others]))
    members = np.zeros((len(these) + len(those), len(elements)), np.float32)
    members[rows, columns] = 1
    common = (members[: len(these)] @ members[len(these) :].T).astype(np.float64)
    return common / (sizes[:, None] + others[None, :] - common)
