"""Scores before and after fine-tuning: per benchmark, prompt format and difficulty, with intervals and a paired test.

The statistics are those of `ray_app.evaluation.metrics`: the unit is the question, intervals are clustered by program,
and ungraded answers are left out and counted.
"""

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ray_app.evaluation import metrics
from ray_app.records import Score
from ray_app.store import Dataset

Rows = list[Score]
FEWEST = 20
"""Questions below which two runs are not compared: an interval or a test of so few says nothing."""
_QUESTIONS = ("output", "input")
_LONG = ("prompt", "generation")
_COLUMNS = tuple(field.name for field in dataclasses.fields(Score) if field.name not in _LONG)


def compare(root: str) -> dict[str, Any] | None:
    """Both runs side by side, one group per benchmark and prompt format; None where nothing was scored."""
    base, tuned = _read(root, "scores-base"), _read(root, "scores-tuned")
    if not base and not tuned:
        return None
    before, after = grouped(base), grouped(tuned)
    keys = [*before, *(key for key in after if key not in before)]
    return {
        "base_model": _models(base),
        "tuned_model": _models(tuned),
        "groups": [group(*key, before.get(key, []), after.get(key, [])) for key in keys],
    }


def group(benchmark: str, prompt_format: str, base: Rows, tuned: Rows) -> dict[str, Any]:
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
        "outcomes_base": metrics.outcomes(base),
        "outcomes_tuned": metrics.outcomes(tuned),
        "levels": _levels(base, tuned),
    }


def estimate(rows: Rows, rule: metrics.Rule = "strict") -> dict[str, Any] | None:
    """pass@1 with its 95 % interval, None where nothing was graded."""
    rates = metrics.rates(rows, rule)
    return dataclasses.asdict(metrics.estimate(rates)) | {"n": len(rates)} if rates else None


def paired(base: Rows, tuned: Rows) -> dict[str, Any] | None:
    """After minus before on the questions that both runs answered; `wins` are questions that only got better."""
    return paired_rates(metrics.rates(base, "strict"), metrics.rates(tuned, "strict"))


def paired_rates(base: Mapping[str, float], tuned: Mapping[str, float]) -> dict[str, Any] | None:
    """The same of one value per question. Of fewer than `FEWEST` questions there is no interval and no p."""
    if not base.keys() & tuned.keys():
        return None
    found = metrics.compare_rates(tuned, base)
    enough = found.problems >= FEWEST
    return {
        "n": found.problems,
        "difference": found.difference,
        "low": found.low if enough else None,
        "high": found.high if enough else None,
        "p": found.p_value if enough else None,
        "verdict": _verdict(found) if enough else "too few",
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


def _levels(base: Rows, tuned: Rows) -> list[dict[str, Any]]:
    """One entry per difficulty, where any question has one (0 stands for programs without, such as mined ones)."""
    found = sorted({row.difficulty for row in [*base, *tuned]})
    if found in ([], [0]):
        return []
    return [
        {
            "level": level,
            **_pair([r for r in base if r.difficulty == level], [r for r in tuned if r.difficulty == level]),
        }
        for level in found
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


def _models(rows: Sequence[Score]) -> str:
    return ", ".join(sorted({row.model for row in rows}))
