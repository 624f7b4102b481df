"""Claim accuracy before and after fine-tuning: where a model goes wrong when it follows a true text.

The unit is a decision (`ray_app.evaluation.decisions`); intervals are clustered by program. "next line" stands apart
from the values: which line runs and what it gives are different abilities.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ray_app.evaluation import metrics
from ray_app.records import ClaimScore
from ray_app.report.scores import paired_rates
from ray_app.store import Dataset

VALUES = ("value", "return")
"""The kinds of decision that state what something gives."""
KINDS = ("next line", "branch", "count", "value", "return", "answer")
WORK = ("arithmetic", "strings", "containers", "control")
_FAR = 3
"""Leaps of so many operations, or more, are shown together."""
_ERRORS = 5
_SHOWN_CHARS = 60
Rows = Sequence[ClaimScore]
Part = Callable[[ClaimScore], bool]


def compare(root: str) -> dict[str, Any] | None:
    """Both runs side by side; None where no text was read."""
    base, tuned = (list(Dataset(root, name).read(ClaimScore)) for name in ("claims-base", "claims-tuned"))
    return compared(base, tuned) if base or tuned else None


def compared(base: Rows, tuned: Rows) -> dict[str, Any]:
    """The figures of two runs over the same texts; one of them may have no rows."""
    rows = base or tuned
    made = [_row(group, name, part, base, tuned) for group, name, part in _parts()]
    return {
        "texts": len({row.text_id for row in rows}),
        "programs": len({row.program_id for row in rows}),
        "decisions": len(rows),
        "rows": [row for row in made if row["n"]],
        "errors_base": errors(base),
        "errors_tuned": errors(tuned),
    }


def _parts() -> Iterable[tuple[str, str, Part]]:
    """(group, name, what belongs to it) of every row of the table."""
    yield "all", "next line", lambda row: row.kind == "next line"
    yield "all", "values", _is_value
    yield "next line", "the statement below", lambda row: row.kind == "next line" and row.leap == 0
    yield "next line", "elsewhere", lambda row: row.kind == "next line" and row.leap > 0
    for kind in KINDS[1:]:
        yield "by kind", kind, lambda row, kind=kind: row.kind == kind
    for work in WORK:
        yield "values, by their type", work, lambda row, work=work: _is_value(row) and row.work == work
    yield "values, by leap", "copied", lambda row: _is_value(row) and row.leap == 0
    for leap in range(1, _FAR):
        name = f"{leap} operation{'s' * (leap > 1)}"
        yield "values, by leap", name, lambda row, leap=leap: _is_value(row) and row.leap == leap
    yield "values, by leap", f"{_FAR} and more", lambda row: _is_value(row) and row.leap >= _FAR


def _is_value(row: ClaimScore) -> bool:
    return row.kind in VALUES


def _row(group: str, name: str, part: Part, base: Rows, tuned: Rows) -> dict[str, Any]:
    before, after = (rates(row for row in rows if part(row)) for rows in (base, tuned))
    return {
        "group": group,
        "name": name,
        "n": max(len(before), len(after)),
        "base": _estimate(before),
        "tuned": _estimate(after),
        "paired": paired_rates(before, after),
    }


def rates(rows: Iterable[ClaimScore]) -> dict[str, float]:
    """1 or 0 of every decision, under an id by which `metrics` finds its program."""
    return {f"{row.program_id}-{row.text_id}-{row.place}": float(row.right) for row in rows}


def _estimate(found: Mapping[str, float]) -> dict[str, Any] | None:
    if not found:
        return None
    made = metrics.estimate(found)
    return {"mean": made.mean, "low": made.low, "high": made.high, "error": made.error, "n": len(found)}


def errors(rows: Rows) -> list[dict[str, Any]]:
    """The most frequent wrong choices of each kind, with an example's program."""
    found: list[dict[str, Any]] = []
    for kind in KINDS:
        wrong = [row for row in rows if row.kind == kind and not row.right]
        counted = Counter((_short(row.stated), _short(row.chosen)) for row in wrong)
        found += [
            {"kind": kind, "stated": stated, "chosen": chosen, "count": count}
            for (stated, chosen), count in counted.most_common(_ERRORS)
        ]
    return found


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARS else text[: _SHOWN_CHARS - 1] + "\N{HORIZONTAL ELLIPSIS}"
