"""What a benchmark is made of: items that a model answers, and where they came from."""

from dataclasses import dataclass
from typing import Literal

from ray_app.tracing.probes import ProbeKind

CHECK = "_semray_check"
"""The name of the test function in `Item.test`: no solution defines it by accident."""

ItemTask = Literal["output", "input", "code", "probe", "question"]
QuestionKind = Literal["covered", "next", "state", "completion", "middle", "foreign"]
"""What a question of another benchmark asks: see `evaluation.questions`."""


@dataclass(frozen=True, slots=True)
class Item:
    """One question of a benchmark, with what its grader needs.

    output  given `code` and `call`, predict the value: an expression equal to `output`
    input   given `code` and `output`, find a call of `entry` that returns it (`call` is one such call, never shown)
    code    given `code` (what the solution starts with, "" where there is none) and `description`, write `entry`
    probe   given `code` and the question in `description` about the middle of `call`, answer it
    question  as a probe, of another benchmark: `output` holds all that its grader knows to be right, `kind` says how

    `gold` is an answer that must pass. For code items the checks are `test` (source that defines the function
    `CHECK(candidate)`) or the argument lists `base_inputs` and `plus_inputs` (see `arguments.encode`), on which a
    solution must agree with `gold` within `atol`. `prelude` is run before the program but not shown; `difficulty` is
    the dial of our generator, else 0; `kind` is that of a probe or question. `tests` are those of a contest (see
    `evaluation.contest`). `group` is what breakdowns sort by, `date` (ISO, "" where unknown) what windows select by.
    """

    id: str
    task: ItemTask
    code: str
    entry: str
    gold: str
    call: str = ""
    output: str = ""
    description: str = ""
    test: str = ""
    base_inputs: str = ""
    plus_inputs: str = ""
    atol: float = 0.0
    prelude: str = ""
    difficulty: int = 0
    kind: ProbeKind | QuestionKind = "value"
    tests: str = ""
    group: str = ""
    date: str = ""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A benchmark as loaded: `version` is the release its hashes are known for, else "unpinned".

    `md5` and `sha256` are of the unpacked file; `origin` is the path or URL that it was read from. `left_out` names
    what of the file is no item here, with the reason.
    """

    name: str
    version: str
    md5: str
    sha256: str
    origin: str
    items: tuple[Item, ...]
    left_out: tuple[str, ...] = ()
