"""Scores before and after fine-tuning: per benchmark, prompt format and difficulty, with intervals and a paired test.

The statistics are those of `ray_app.evaluation.metrics`: the unit is the question, intervals are clustered by program,
and ungraded answers are left out and counted.
"""

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from ray_app.evaluation import metrics
from ray_app.records import Score
from ray_app.store import Dataset

Rows = list[Score]
_QUESTIONS = ("output", "input")
_COLUMNS = ("benchmark", "item_id", "sample", "model", "prompt_format", "official", "strict", "status")


def compare(root: str) -> dict[str, Any] | None:
    """Both runs side by side, one group per benchmark and prompt format; None where nothing was scored."""
    base, tuned = _read(root, "scores-base"), _read(root, "scores-tuned")
    if not base and not tuned:
        return None
    difficulty = _difficulties(root)
    before, after = grouped(base), grouped(tuned)
    keys = [*before, *(key for key in after if key not in before)]
    return {
        "base_model": _models(base),
        "tuned_model": _models(tuned),
        "groups": [group(*key, before.get(key, []), after.get(key, []), difficulty) for key in keys],
    }


def group(benchmark: str, prompt_format: str, base: Rows, tuned: Rows, difficulty: dict[str, int]) -> dict[str, Any]:
    """The figures of one benchmark under one prompt format."""
    return {
        "benchmark": benchmark,
        "prompt_format": prompt_format,
        **_pair(base, tuned),
        "official_base": estimate(base, "official"),
        "official_tuned": estimate(tuned, "official"),
        "ungraded_base": sum(row.strict is None for row in base),
        "ungraded_tuned": sum(row.strict is None for row in tuned),
        "statuses_base": dict(Counter(row.status for row in base).most_common()),
        "statuses_tuned": dict(Counter(row.status for row in tuned).most_common()),
        "levels": _levels(base, tuned, difficulty),
    }


def estimate(rows: Rows, rule: metrics.Rule = "strict") -> dict[str, Any] | None:
    """pass@1 with its 95 % interval, None where nothing was graded."""
    rates = metrics.rates(rows, rule)
    return dataclasses.asdict(metrics.estimate(rates)) | {"n": len(rates)} if rates else None


def paired(base: Rows, tuned: Rows) -> dict[str, Any] | None:
    """After minus before on the questions that both runs answered; `wins` are questions that only got better."""
    if not metrics.rates(base, "strict").keys() & metrics.rates(tuned, "strict").keys():
        return None
    found = metrics.compare(tuned, base)
    return {
        "n": found.problems,
        "difference": found.difference,
        "low": found.low,
        "high": found.high,
        "p": found.p_value,
        "verdict": _verdict(found),
        "wins": len(found.wins),
        "losses": len(found.losses),
        "ties": found.ties,
    }


def _verdict(found: metrics.Comparison) -> str:
    """ "better" or "worse" only where the 95 % interval excludes 0 and the paired test agrees (p < 0.05)."""
    if found.p_value >= 0.05 or found.low <= 0 <= found.high:
        return "unclear"
    return "better" if found.difference > 0 else "worse"


def _pair(base: Rows, tuned: Rows) -> dict[str, Any]:
    return {
        "questions": len({row.item_id for row in [*base, *tuned]}),
        "samples": max(len(base), len(tuned)),
        "base": estimate(base),
        "tuned": estimate(tuned),
        "paired": paired(base, tuned),
    }


def _levels(base: Rows, tuned: Rows, difficulty: dict[str, int]) -> list[dict[str, Any]]:
    """One entry per difficulty, where the questions are about programs of this run; else none."""

    def level(row: Score) -> int | None:
        return difficulty.get(row.item_id.split("-", 1)[0])

    found = sorted({known for row in [*base, *tuned] if (known := level(row)) is not None})
    return [
        {"level": n, **_pair([r for r in base if level(r) == n], [r for r in tuned if level(r) == n])} for n in found
    ]


def grouped(found: Iterable[Score]) -> dict[tuple[str, str], Rows]:
    """By benchmark and prompt format; a benchmark with both kinds of question is split into its two halves."""
    rows = list(found)
    both = {
        name
        for name in {row.benchmark for row in rows}
        if len({_question(row) for row in rows if row.benchmark == name}) > 1
    }
    groups: dict[tuple[str, str], Rows] = defaultdict(list)
    for row in rows:
        name = f"{row.benchmark} ({_question(row)})" if row.benchmark in both else row.benchmark
        groups[name, row.prompt_format].append(row)
    return dict(sorted(groups.items()))


def _question(row: Score) -> str:
    """What a question asks for, where its id says so (`<program>-<call>-output`)."""
    last = row.item_id.rsplit("-", 1)[-1]
    return last if last in _QUESTIONS else ""


def _read(root: str, name: str) -> Rows:
    """The scores without their long texts."""
    return [
        Score(**entry, prompt="", generation="")
        for table in Dataset(root, name).columns(*_COLUMNS)
        for entry in table.to_pylist()
    ]


def _difficulties(root: str) -> dict[str, int]:
    return {
        program: level
        for table in Dataset(root, "programs").columns("id", "difficulty")
        for program, level in zip(table["id"].to_pylist(), table["difficulty"].to_pylist(), strict=True)
    }


def _models(rows: Sequence[Score]) -> str:
    return ", ".join(sorted({row.model for row in rows}))
