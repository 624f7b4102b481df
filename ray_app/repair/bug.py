"""A bug: two versions of a program and the smallest call that tells them apart."""

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ray_app.parsing import literal
from ray_app.records import Execution
from ray_app.repair.changes import Comparison, compare
from ray_app.repair.divergence import Divergence, diverge
from ray_app.semantics.record import Run

ENDLESS = ("timeout-cpu", "memory")
_UNREADABLE = (ValueError, SyntaxError, TypeError, RecursionError, MemoryError)


@dataclass(frozen=True)
class Bug:
    """`failing` is the recorded run of the call by the buggy program, `right` that of it by the fixed one."""

    failing: Run
    right: Run

    @property
    def test(self) -> str:
        """The test that the buggy program fails and the fixed one passes."""
        return f"assert {self.right.call} == {self.right.output}"

    @property
    def is_whole(self) -> bool:
        """Whether the failing run was recorded to its end, and an end that one can wait for."""
        return not self.failing.cut and not (self.failing.exception or "").startswith("RecursionError")

    @functools.cached_property
    def programs(self) -> Comparison:
        """The two versions beside each other."""
        return compare(self.failing.source.code, self.right.source.code)

    @functools.cached_property
    def divergence(self) -> Divergence | None:
        """Where the failing run first does something else."""
        return diverge(self.failing, self.right, self.programs)


def fails(run: Execution, right: Execution) -> bool:
    """Whether a run of the same call does not pass the test that `right` sets."""
    if run.status == "ok":
        return run.output is not None and right.output is not None and not same_value(run.output, right.output)
    return run.status == "exception" or run.status in ENDLESS


def smallest(runs: Sequence[Execution], rights: Sequence[Execution]) -> Execution | None:
    """Of the calls that fail, the run with the smallest input: those that end first, then by the length of the call.

    `rights` are the runs of the same calls by the fixed program; None where no call fails.
    """
    failing = [run for run, right in zip(runs, rights, strict=True) if run.trace is not None and fails(run, right)]
    return min(failing, key=_size, default=None)


def finishes(runs: Iterable[Execution]) -> bool:
    """Whether a program still runs: at least one call ends normally."""
    return any(run.status == "ok" for run in runs)


def _size(run: Execution) -> tuple[bool, int, int, str]:
    too_deep = (run.exception or "").startswith("RecursionError")
    cut = run.trace is None or run.trace.truncated
    unending = run.status in ENDLESS or too_deep or cut
    return unending, len(run.call), len(run.trace.events) if run.trace else 0, run.call


def same_value(one: str, other: str) -> bool:
    """Whether two canonical values pass for each other in `==`, as far as they can be read."""
    if one == other:
        return True
    try:
        return bool(literal(one) == literal(other))
    except _UNREADABLE:
        return False
