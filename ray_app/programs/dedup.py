"""Near-duplicates: programs whose normalised code shares most of its token runs with an earlier program."""

import re
from collections.abc import Iterable, Iterator

from datasketch import MinHash, MinHashLSH

from ray_app.programs.normalise import normalised
from ray_app.records import Program, Reject

STAGE = "dedup"
_TOKEN = re.compile(r"\w+|[^\w\s]")


class Index:
    """Programs seen so far. MinHash over runs of 5 tokens of the normalised code, found again through LSH.

    `threshold` is the Jaccard similarity from which on two programs are near-duplicates, estimated with `permutations`
    hashes (standard error about 1 / sqrt(permutations)).
    """

    def __init__(self, threshold: float = 0.8, permutations: int = 128, seed: int = 1) -> None:
        self._lsh = MinHashLSH(threshold=threshold, num_perm=permutations)
        self._empty = MinHash(num_perm=permutations, seed=seed)
        self._threshold = threshold
        self._hashes: dict[str, tuple[MinHash, int]] = {}
        """signature and place of every program that was kept"""

    def add(self, key: str, code: str) -> str | None:
        """The key of the most similar earlier program, the first of equals; None, and kept, where there is none."""
        signature = self._empty.copy()
        signature.update_batch([shingle.encode() for shingle in sorted(shingles(code))])
        found = [(str(other), *self._hashes[str(other)]) for other in self._lsh.query(signature)]
        near = [(hashes.jaccard(signature), -place, other) for other, hashes, place in found]
        near = [one for one in near if one[0] >= self._threshold]
        if near:
            return max(near)[2]
        if key not in self._hashes:
            self._hashes[key] = signature, len(self._hashes)
            self._lsh.insert(key, signature)
        return None


def shingles(code: str, length: int = 5) -> set[str]:
    """The distinct runs of `length` tokens of the normalised code (of the code itself where it does not parse)."""
    try:
        text = normalised(code)
    except (SyntaxError, ValueError, RecursionError):
        text = code
    tokens = _TOKEN.findall(text)
    return {" ".join(tokens[at : at + length]) for at in range(max(1, len(tokens) - length + 1))}


def deduplicate(programs: Iterable[Program], index: Index | None = None) -> Iterator[Program | Reject]:
    """Each program that is no near-duplicate of an earlier one, and a Reject naming the earlier one for the others."""
    index = index or Index()
    for program in programs:
        earlier = index.add(program.id, program.code)
        if earlier is None:
            yield program
        else:
            yield Reject(STAGE, program.id, "near-duplicate", f"{program.origin}: of {earlier}")
