"""A frame while it is narrated: where it stands in the text, and what its loops, cases and `return` wait for."""

from dataclasses import dataclass, field

from ray_app.semantics.record import Evaluation, Frame, Step


@dataclass
class Activation:
    """One frame of the run and the line of text that is being written for it.

    `clauses` are those of the line so far; `values` the evaluations of the current step by node. `inside` are the loops
    that the frame is in, `loops` those around the current line. `broken` is the loop that a `break` has left; `pending`
    says why the frame is on its way out while `finally` blocks still run; `cases` is the `match` that looks for a case,
    and the number of the case that it tries next. `named` are calls that a line has named already; `left` is the state
    in which the body of a `with` was left; `decided` says that the current step's assertion was said to fail.
    `asking` is an iteration after which its loop asked in vain for the next item, `asked` whether it has.
    """

    frame: Frame
    depth: int
    name: str
    label: int
    step: Step | None = None
    clauses: list[str] = field(default_factory=list[str])
    values: dict[int, Evaluation] = field(default_factory=dict[int, Evaluation])
    loops: tuple[tuple[int, int], ...] = ()
    inside: tuple[tuple[int, int], ...] = ()
    broken: int = -1
    pending: str = ""
    cases: tuple[int, int] | None = None
    walruses: set[str] = field(default_factory=set[str])
    named: set[int] = field(default_factory=set[int])
    yielded: int = 0
    closed: bool = False
    decided: bool = False
    asking: Step | None = None
    asked: bool = False
    left: dict[str, str] | None = None
    last_item: Step | None = None
