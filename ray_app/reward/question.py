"""What a reply is rewarded for: the question that it answers, as a row of an exported file carries it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, cast, get_args

from ray_app.errors import InputError
from ray_app.tracing.probes import ProbeKind

QuestionTask = Literal["forward", "backward", "output", "input", "exception", "probe"]
TASKS: Final[tuple[QuestionTask, ...]] = get_args(QuestionTask)


@dataclass(frozen=True, slots=True)
class Question:
    """A program, the call that it is about, and what is asked.

    forward, exception  explain what `call` does, and what it gives
    backward            explain which arguments of `entry` give `truth`, and name some
    output, input       the same two, the answer alone
    probe               `question` about the middle of `call`; `kind` says which answers are as good as `truth`

    `truth` is the canonical output, the type of the exception, or the probe's answer.
    """

    task: QuestionTask
    code: str
    entry: str
    call: str
    truth: str
    question: str = ""
    kind: ProbeKind = "value"


def question_of(truth: str, extra: Mapping[str, Any] | str | None) -> Question:
    """The question of a row: its ground truth and its `extra_info` (or JSON of that).

    InputError, with the missing field and the remedy, where the row is none that `pipelines.export_rl` wrote.
    """
    fields: Any = json.loads(extra) if isinstance(extra, str) else extra or {}
    for name in ("task", "code", "entry", "call"):
        if not isinstance(fields.get(name), str):
            raise InputError(f"extra_info has no text {name!r}: make the rows with `python -m pipelines.export_rl`")
    if fields["task"] not in TASKS:
        raise InputError(f"extra_info has task {fields['task']!r}; a reward is known for: {', '.join(TASKS)}")
    return Question(
        task=cast(QuestionTask, fields["task"]),
        code=fields["code"],
        entry=fields["entry"],
        call=fields["call"],
        truth=truth,
        question=fields.get("question") or "",
        kind=cast(ProbeKind, fields.get("kind") or "value"),
    )
