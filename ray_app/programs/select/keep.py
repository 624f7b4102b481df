"""From pairs to what is kept: in each group of programs that are alike, the first, and what is not like it.

Programs are looked at in their order. One that is like an earlier one that is kept is refused; one that is only like
refused ones is kept, so that a long chain of small steps does not pull everything in it down to its first program.
So no two programs that are kept are a pair, and every refused one is in a pair with one that is kept.
"""

import numpy as np

from ray_app.programs.select.pairs import Places, places
from ray_app.programs.select.signature import Hashes

_PIECE = 1_000_000


def kept(programs: int, same: Hashes, near: Hashes) -> Places:
    """For each program its own place, if it is kept, or that of the one it repeats. Needs 8 bytes a program, and 8 a
    pair three times."""
    repeats = np.arange(programs, dtype=np.int64)
    firsts, later = places(same)
    repeats[later] = firsts  # equal sets share their fate: pairs of near-duplicates name the first of them only
    _refuse(repeats, near)
    repeats[later] = repeats[firsts]
    return repeats


def _refuse(repeats: Places, near: Hashes) -> None:
    """Let each program repeat the first kept one that it is near; pairs are taken by the later program, then the
    earlier one, so that the fate of the earlier one is known."""
    keys = np.unique(near)
    fate = repeats.data  # Python reads and writes single values of it faster than of the array
    for start in range(0, len(keys), _PIECE):
        earlier, later = places(keys[start : start + _PIECE])
        for one, other in zip(earlier.tolist(), later.tolist(), strict=True):
            if fate[other] == other and fate[one] == one:
                fate[other] = one
