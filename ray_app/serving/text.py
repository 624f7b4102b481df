"""From a stream of token ids to a stream of text that stops before a stop string."""

from collections.abc import Callable, Sequence

Decode = Callable[[Sequence[int]], str]


class TextStream:
    """Text of one growing token sequence.

    Characters are handed out when they can no longer change: not while a multi-byte character is incomplete, and not
    while the end of the text may be the beginning of a stop string. The stop string itself is never handed out.
    """

    def __init__(self, decode: Decode, stop: Sequence[str]) -> None:
        self._decode = decode
        self._stop = tuple(stop)
        self._ids: list[int] = []
        self._start = 0  # tokens before this one are settled and serve only as context for the next
        self._settled = 0  # tokens whose text is already in `_held` or handed out
        self._held = ""
        self.stopped = False

    def push(self, token: int) -> str:
        """The text that one more token makes final, often a word, sometimes nothing."""
        self._ids.append(token)
        before = self._decode(self._ids[self._start : self._settled])
        now = self._decode(self._ids[self._start :])
        if len(now) <= len(before) or now.endswith("\ufffd"):
            return ""
        self._start, self._settled = self._settled, len(self._ids)
        return self._release(now[len(before) :])

    def finish(self) -> str:
        """What is still held back when the sequence ends for another reason than a stop string."""
        before = self._decode(self._ids[self._start : self._settled])
        rest = self._decode(self._ids[self._start :])[len(before) :]
        released = self._release(rest)
        if self.stopped:
            return released
        held, self._held = self._held, ""
        return released + held

    def _release(self, text: str) -> str:
        self._held += text
        cuts = [at for stop in self._stop if (at := self._held.find(stop)) >= 0]
        if cuts:
            self.stopped = True
            safe = min(cuts)
        else:
            safe = len(self._held) - max((_overlap(self._held, stop) for stop in self._stop), default=0)
        released, self._held = self._held[:safe], self._held[safe:]
        return released


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of `text` that is a beginning of `stop`."""
    for length in range(min(len(text), len(stop) - 1), 0, -1):
        if text.endswith(stop[:length]):
            return length
    return 0
