"""A bug: two versions of a program and the smallest call that tells them apart."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ray_app.monologue.evaluate import Unknown, parse_value
from ray_app.monologue.verify import unfit
from ray_app.records import Execution

ENDLESS = ("timeout-cpu", "memory")


@dataclass(frozen=True, slots=True)
class Bug:
    """`failing` is the traced run of the call by `buggy`, `right` the traced run of the same call by `fixed`."""

    buggy: str
    fixed: str
    entry: str
    kind: str
    failing: Execution
    right: Execution

    @property
    def is_whole(self) -> bool:
        """Whether the failing run was recorded to its end and can be told as a whole."""
        return _is_whole(self.failing)

    @property
    def test(self) -> str:
        """The test that the buggy program fails and the fixed one passes."""
        return f"assert {self.right.call} == {self.right.output}"


def fails(run: Execution, right: Execution) -> bool:
    """Whether a run of the same call does not pass the test that `right` sets."""
    if run.status == "ok":
        return run.output is not None and right.output is not None and not _same(run.output, right.output)
    return run.status == "exception" or run.status in ENDLESS


def smallest(runs: Sequence[Execution], rights: Sequence[Execution]) -> tuple[Execution, Execution] | None:
    """Of the calls that fail, the run with the smallest input: whole ones first, then the shortest call and trace.

    `rights` are the runs of the same calls by the fixed program; None where no fit call fails.
    """
    failing = [
        (run, right) for run, right in zip(runs, rights, strict=True) if run.trace is not None and fails(run, right)
    ]
    return min(failing, key=lambda pair: _size(pair[0]), default=None)


def finishes(runs: Iterable[Execution]) -> bool:
    """Whether a program still runs: at least one call ends normally."""
    return any(run.status == "ok" for run in runs)


def fit(code: str, run: Execution) -> bool:
    """Whether a run of the fixed program sets a test."""
    return not unfit(code, run)


def _is_whole(run: Execution) -> bool:
    too_deep = (run.exception or "").startswith("RecursionError")
    return run.status not in ENDLESS and not too_deep and run.trace is not None and not run.trace.truncated


def _size(run: Execution) -> tuple[bool, int, int, str]:
    return not _is_whole(run), len(run.call), len(run.trace.events) if run.trace else 0, run.call


def _same(one: str, other: str) -> bool:
    """Whether two canonical values pass for each other in `==`."""
    if one == other:
        return True
    try:
        return bool(parse_value(one) == parse_value(other))
    except Unknown:
        return False
