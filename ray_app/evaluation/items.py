"""What a benchmark is made of: items that a model answers, and where they came from."""

from dataclasses import dataclass
from typing import Literal

from ray_app.tracing.probes import ProbeKind

CHECK = "_semray_check"
"""The name of the test function in `Item.test`: no solution defines it by accident."""

ItemTask = Literal["output", "input", "code", "probe"]


@dataclass(frozen=True, slots=True)
class Item:
    """One question of a benchmark, with what its grader needs.

    output  given `code` and `call`, predict the value: an expression equal to `output`
    input   given `code` and `output`, find a call of `entry` that returns it (`call` is one such call, never shown)
    code    given `code` (what the solution starts with, "" where there is none) and `description`, write `entry`
    probe   given `code` and the question in `description` about the middle of `call`, answer it

    `gold` is an answer that must pass. For code items the checks are `test` (source that defines the function
    `CHECK(candidate)`) or the argument lists `base_inputs` and `plus_inputs` (see `arguments.encode`), on which a
    solution must agree with `gold` within `atol`. `prelude` is run before the program but not shown; `difficulty` is
    the dial of our generator, else 0; `kind` is that of a probe question.
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
    kind: ProbeKind = "value"


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A benchmark as loaded: `version` is the release its hashes are known for, else "unpinned".

    `md5` and `sha256` are of the unpacked file; `origin` is the path or URL that it was read from.
    """

    name: str
    version: str
    md5: str
    sha256: str
    origin: str
    items: tuple[Item, ...]
