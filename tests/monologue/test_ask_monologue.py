from collections.abc import Iterable, Iterator

from ray_app.monologue.ask import Asking, ask, prompt
from ray_app.records import Monologue, Program, Reject, TracedProgram
from ray_app.sandbox.api import execute
from ray_app.teacher.client import Reply, Request

CODE = "def f(n):\n    k = n + 1\n    return k * 2\n"
RIGHT = "[L2] `k` becomes 4. It returns 8.\n[ANSWER]assert f(3) == 8[/ANSWER]"
WRONG = "[L2] `k` becomes 5. It returns 8.\n[ANSWER]assert f(3) == 8[/ANSWER]"


class Scripted:
    """A teacher that gives the replies it was made with, and keeps the requests."""

    name = "scripted"

    def __init__(self, *replies: tuple[str, ...]) -> None:
        self.replies = list(replies)
        self.requests: list[Request] = []

    def complete(self, requests: Iterable[Request]) -> Iterator[Reply]:
        for request in requests:
            self.requests.append(request)
            yield Reply(self.replies.pop(0))


def traced() -> TracedProgram:
    program = Program("p", "mine", CODE, "f", ("f(3)",), "", "", "MIT")
    return TracedProgram("p", program, tuple(execute(CODE, ["f(3)"])), "", "", "")


def test_ask_keeps_the_first_sample_that_verifies() -> None:
    row = next(ask([traced()], Scripted((WRONG, RIGHT)), Asking(samples=2), directions=("forward",)))
    assert isinstance(row, Monologue)
    assert (row.text, row.author) == (RIGHT, "llm:scripted")


def test_ask_failing_sample_goes_back_with_its_false_claim() -> None:
    teacher = Scripted((WRONG,), (RIGHT,))
    row = next(ask([traced()], teacher, Asking(), directions=("forward",)))
    assert isinstance(row, Monologue)
    assert "`k` becomes 5" in teacher.requests[1].messages[-1]["content"]


def test_ask_what_never_verifies_is_a_reject_with_its_claims() -> None:
    row = next(ask([traced()], Scripted((WRONG,), (WRONG,)), Asking(), directions=("forward",)))
    assert isinstance(row, Reject)
    assert row.reason == "forward: false claim"
    assert "`k` becomes 5" in row.detail


def test_prompt_shows_the_trace_only_where_grounded() -> None:
    execution = traced().executions[0]
    assert "k = 4" in prompt(CODE, "f", execution, "forward", grounded=True)
    assert "k = 4" not in prompt(CODE, "f", execution, "forward", grounded=False)
    assert "# [L2]" in prompt(CODE, "f", execution, "backward", grounded=False)
