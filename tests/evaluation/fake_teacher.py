"""A teacher that answers from a function, in order, and remembers what it was asked."""

from collections.abc import Callable, Iterable, Iterator

from ray_app.teacher.client import Reply, Request


class FakeTeacher:
    def __init__(self, answer: Callable[[str], str | None], tokens: int = 10) -> None:
        self.asked: list[Request] = []
        self._answer = answer
        self._tokens = tokens

    @property
    def name(self) -> str:
        return "fake"

    def complete(self, requests: Iterable[Request]) -> Iterator[Reply]:
        for request in requests:
            self.asked.append(request)
            text = self._answer(request.prompt or request.messages[-1]["content"])
            if text is None:
                yield Reply((), error="HTTP 400: too long")
            else:
                yield Reply((text,) * request.n, 1, self._tokens)
