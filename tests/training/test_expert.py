"""Expert iteration keeps what the student got right in every claim, and nothing else."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from ray_app.mixture import samples
from ray_app.records import Monologue, Program, Reject, TracedProgram
from ray_app.sandbox.api import execute
from ray_app.stage import Spend
from ray_app.teacher.client import Reply, Request
from ray_app.teacher.endpoint import Endpoint
from ray_app.training.expert import ExpertConfig, Explaining, explain, iterate
from tests.monologue.telling import backward_text, forward_text, told
from tests.teacher.endpoint import said, serve

CODE = "def f(n):\n    total = 0\n    for i in range(n):\n        total = total + i\n    return total\n"
PROGRAM = Program("p", "grow", CODE, "f", ("f(4)", "f(3)"), "", "seed 1", "MIT", difficulty=1)


def config(**overrides: object) -> ExpertConfig:
    values: dict[str, object] = {
        "directions": ("forward",),
        "attempts": 3,
        "keep": 1,
        "temperature": 0.8,
        "max_tokens": 256,
        "seed": 0,
    }
    return ExpertConfig(**(values | overrides))  # type: ignore[arg-type]


def traced() -> TracedProgram:
    return TracedProgram("p", PROGRAM, tuple(execute(CODE, PROGRAM.calls)), "layers", "3.11", "python")


class Student:
    """Replies with the given texts, one list per question, and notes what it was asked."""

    name = "student-1"

    def __init__(self, *replies: list[str] | None) -> None:
        self.replies = replies
        self.asked: list[Request] = []

    def complete(self, requests: Iterable[Request]) -> Iterator[Reply]:
        for request, texts in zip(requests, self.replies, strict=True):
            self.asked.append(request)
            yield Reply(tuple(texts)) if texts is not None else Reply((), error="timed out")


def test_iterate_keeps_the_true_monologue_and_rejects_the_false_one() -> None:
    row = traced()
    truth = [forward_text(CODE, run.call) for run in row.executions]
    wrong_value, wrong_answer = truth[0].replace("3", "2"), truth[1].replace("== 3", "== 4")
    student = Student([wrong_value, truth[0]], [truth[1], wrong_answer])
    made = list(iterate([row], student, config()))
    kept = [m for m in made if isinstance(m, Monologue)]
    assert [(m.call, m.text) for m in kept] == [("f(4)", truth[0].strip()), ("f(3)", truth[1].strip())]
    assert all(claim.verdict == "true" for m in kept for claim in m.claims)
    assert kept[0].author == "student-1"
    assert sum(isinstance(m, Reject) for m in made) == 2


def test_iterate_asks_about_a_share_of_the_programs_another_one_for_each_seed() -> None:
    rows = [replace(traced(), id=str(number), program=replace(PROGRAM, id=str(number))) for number in range(40)]

    class Mute(Student):
        def complete(self, requests: Iterable[Request]) -> Iterator[Reply]:
            return (Reply((), error="timed out") for _ in requests)

    def asked(seed: int, share: float) -> list[str]:
        made = iterate(rows, Mute(), config(seed=seed, share=share))
        return [row.id for row in made if isinstance(row, Reject)]

    assert (len(asked(0, 0.0)), len(asked(0, 1.0))) == (0, 80)
    assert 10 < len(asked(0, 0.3)) < 40
    assert asked(0, 0.3) == asked(0, 0.3) != asked(1, 0.3)


def test_iterate_asks_with_the_prompt_of_training() -> None:
    row = traced()
    student = Student(["?"], ["?"])
    list(iterate([row], student, config(attempts=5)))
    truth = Monologue("m", "p", "grow", CODE, "f", 1, "forward", "f(4)", "6", "t", "", "narrator", ())
    (sample,) = samples([truth], held_out_fraction=0.0, tasks=["forward"])
    assert student.asked[0].messages[0]["content"] == sample.prompt
    assert (student.asked[0].n, student.asked[0].temperature) == (5, 0.8)


def test_iterate_without_a_chat_template_sends_the_prompt_as_text() -> None:
    chat, text = Student(["?"], ["?"]), Student(["?"], ["?"])
    list(iterate([traced()], chat, config()))
    list(iterate([traced()], text, config(chat=False)))
    assert [request.prompt for request in text.asked] == [r.messages[0]["content"] for r in chat.asked]
    assert all(request.messages == () for request in text.asked)


def test_explain_asks_the_endpoint_and_says_what_it_cost() -> None:
    row = traced()
    truths = [forward_text(CODE, run.call) for run in row.executions]
    with serve(lambda body, serial: said(truths["f(3)" in str(body)], "nonsense")) as endpoint:
        whom = Endpoint("tuned", url=endpoint.url, concurrency=1)
        made = list(explain([row], Explaining(whom, config(attempts=2))))
    assert [m.call for m in made if isinstance(m, Monologue)] == ["f(4)", "f(3)"]
    assert made[-1] == Spend(20, 10)
    assert all(body["model"] == "tuned" and body["n"] == 2 for body in endpoint.bodies)


def test_iterate_backward_records_the_students_own_witness() -> None:
    row = traced()
    text = backward_text(CODE, row.executions[0].call)
    witness = text.rpartition("assert ")[2].partition(" == ")[0]
    made = list(iterate([row], Student([text], ["no idea"]), config(directions=("backward",))))
    kept = [m for m in made if isinstance(m, Monologue)]
    assert [m.witness for m in kept] == [witness]
    assert execute(CODE, [kept[0].witness])[0].output == kept[0].output


def test_iterate_equal_texts_count_once_and_keep_bounds_them() -> None:
    row = traced()
    call = row.executions[0].call
    variants = [told(CODE, call, style=style, detail=detail).text for style in ("prose", "states") for detail in (1, 3)]
    different = len({text.strip() for text in variants})
    assert different > 1
    for keep, expected in ((1, 1), (99, different)):
        made = list(iterate([row], Student([*variants, *variants], []), config(keep=keep)))
        assert sum(isinstance(m, Monologue) for m in made) == expected


def test_iterate_failed_request_is_one_reject() -> None:
    made = list(iterate([traced()], Student(None, None), config()))
    assert [m.reason for m in made if isinstance(m, Reject)] == ["forward: no reply"] * 2
