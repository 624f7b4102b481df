"""Programs that fit in memory and come one by one, compared as the stages compare any number of them."""

from collections import defaultdict

import numpy as np
import numpy.typing as npt

from ray_app.programs.select.signature import Banding, Signer, jaccard
from ray_app.records import Program, Reject

STAGE = "select"


class Index:
    """What was added so far. `threshold`: the Jaccard similarity from which on two programs are near-duplicates."""

    def __init__(self, threshold: float = 0.8, banding: Banding | None = None) -> None:
        self._signer = Signer(banding or Banding())
        self._threshold = threshold
        self._known: list[tuple[str, npt.NDArray[np.uint32]]] = []
        self._met: dict[tuple[int, int], list[int]] = defaultdict(list)
        """band and hash -> the places of the programs that have it"""

    def find(self, code: str) -> str | None:
        """The key of the first program that this one nearly repeats; None where there is none."""
        return self._find(self._signer.runs(code))[0]

    def size(self, code: str) -> int:
        """How many different runs of tokens the code has: of a few, many programs share most by chance."""
        return len(self._signer.runs(code))

    def add(self, key: str, code: str) -> str | None:
        """The same; where there is none, this program is kept for those to come."""
        runs = self._signer.runs(code)
        found, bands = self._find(runs)
        if found is None:
            for band in bands:
                self._met[band].append(len(self._known))
            self._known.append((key, runs))
        return found

    def _find(self, runs: npt.NDArray[np.uint32]) -> tuple[str | None, list[tuple[int, int]]]:
        bands = list(enumerate(self._signer.bands(runs).tolist()))
        for place in sorted({place for band in bands for place in self._met.get(band, ())}):
            key, other = self._known[place]
            if jaccard(runs, other) >= self._threshold:
                return key, bands
        return None, bands


def repeated(program: Program, earlier: str) -> Reject:
    """The refusal of a program that nearly repeats the one with the id `earlier`."""
    return Reject(STAGE, program.id, "near-duplicate", f"{program.origin}: of {earlier}")
