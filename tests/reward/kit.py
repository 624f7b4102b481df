"""Programs with a question about each, and the narrator's words as a reply that deserves all of the reward."""

from ray_app.monologue.forward import narrate
from ray_app.reward.question import Question
from ray_app.semantics.api import record

CODE = """\
def f(xs):
    total = 0
    for x in xs:
        if x % 2 == 0:
            total += x * 2
    return total - 1
"""
CALL = "f([1, 2, 4])"
FORWARD = Question("forward", CODE, "f", CALL, "11")
BACKWARD = Question("backward", CODE, "f", CALL, "11")
ANSWER = f"[ANSWER]assert {CALL} == 11[/ANSWER]"


def narration(call: str = CALL, detail: int = 1) -> str:
    run = record(CODE, call).run
    assert run is not None
    return narrate(run, style="prose", detail=detail, seed=0).text
