"""The heart of the system from Python, without Ray and without PyTorch: `from ray_app import record, narrate, verify`.

Programs run in the sandbox of this process, which starts with the first of them. Everything else (pipelines, training,
serving) is used from the command line: see README.md.
"""

from collections.abc import Sequence
from typing import Literal

from ray_app.errors import InputError
from ray_app.monologue.command import Telling, narrate_code
from ray_app.programs import grow as growing
from ray_app.records import Execution, Program
from ray_app.sandbox.api import execute as run_calls
from ray_app.semantics import api as recording
from ray_app.semantics.record import Run
from ray_app.verification.rows import Case, case_of
from ray_app.verification.verdict import Verdict

Direction = Literal["forward", "backward"]


def execute(code: str, calls: Sequence[str]) -> list[Execution]:
    """What each call of a program gives, each in a fresh run; whatever the program does, one Execution per call.

    >>> code = "def f(n):\\n    return 10 // n\\n"
    >>> [done.output or done.exception for done in execute(code, ["f(3)", "f(0)"])]
    ['3', 'ZeroDivisionError: integer division or modulo by zero']
    """
    return run_calls(code, calls, trace=False)


def trace(code: str, call: str) -> Execution:
    """One call with its line trace: which lines ran, and what they changed.

    >>> done = trace("def f(n):\\n    n += 1\\n    return n\\n", "f(1)")
    >>> [(event.kind, event.line) for event in done.trace.events]
    [('call', 1), ('line', 2), ('line', 3), ('return', 3)]
    """
    return run_calls(code, [call])[0]


def record(code: str, call: str) -> Run:
    """What CPython did in one call: its frames, steps and evaluated expressions. InputError, with the reason, where
    there is no record that the plain run and the line trace agree with.

    >>> run = record("def f(n):\\n    n += 1\\n    return n * 2\\n", "f(1)")
    >>> [(run.source.text(done.node), done.value) for done in run.evaluations]
    [('n', '1'), ('n += 1', '2'), ('n', '2'), ('n * 2', '4')]
    """
    found = recording.record(code, call)
    if found.run is None:
        said = f" ({found.execution.exception})" if found.execution.exception else ""
        raise InputError(f"{call}: {found.reason}{said}")
    return found.run


def narrate(
    code: str,
    call: str,
    direction: Direction = "forward",
    *,
    style: Literal["prose", "states"] = "prose",
    detail: Literal[1, 2, 3] = 1,
    seed: int = 0,
    max_tokens: int = 1024,
) -> str:
    """The monologue about a call, verified. `detail`: at most so many operations between two stated values; `seed`
    chooses between equally good wordings. InputError, with the reason, where none can be given.

    >>> print(narrate("def f(n):\\n    n += 1\\n    return n\\n", "f(1)", style="states"))
    [L1] call f: n = 1
    [L2] n = 1 + 1 -> 2
    [L3] return n -> 2
    [ANSWER]assert f(1) == 2[/ANSWER]
    <BLANKLINE>
    """
    return narrate_code(code, call, Telling(direction, style, detail, seed, max_tokens))


def verify(code: str, call: str, text: str, direction: Direction = "forward") -> Verdict:
    """The verdict on anyone's explanation of a call, and on each claim in it, with the evidence.

    >>> code = "def f(n):\\n    n += 1\\n    return n\\n"
    >>> verdict = verify(code, "f(1)", "n becomes 3.\\n[ANSWER]assert f(1) == 2[/ANSWER]")
    >>> verdict.accepted, verdict.reason, verdict.claims[0].verdict
    (False, 'false claim', 'false')
    """
    case = case_of(code, call, text, direction)
    return case.verdict() if isinstance(case, Case) else case


def grow(count: int, *, difficulty: int = 1, seed: int = 0) -> list[Program]:
    """Different programs from the typed generator, each with calls; the same arguments give the same programs.

    >>> [program.difficulty for program in grow(2, difficulty=3)]
    [3, 3]
    """
    return [row for row in growing.grow(seed, count, difficulty) if isinstance(row, Program)]
