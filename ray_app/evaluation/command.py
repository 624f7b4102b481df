"""`semray grade`: a samples file in, verdict rows and two pass@1 out; `semray compare`: two such files, paired."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ray_app.errors import InputError
from ray_app.evaluation import benchmarks, formats
from ray_app.evaluation.breakdowns import breakdown
from ray_app.evaluation.fingerprint import environment
from ray_app.evaluation.grade import grade_all
from ray_app.evaluation.items import Benchmark
from ray_app.evaluation.metrics import Estimate, Rule, Summary, compare, estimate, rates, summarise
from ray_app.records import Score
from ray_app.store import write_file


@dataclass(frozen=True, slots=True)
class Graded:
    """What one `grade` did: the report that is printed, and one line per reason why it is not the whole benchmark."""

    report: dict[str, Any]
    warnings: tuple[str, ...]
    incomplete: bool


def grade_file(
    benchmark: str,
    samples: Path,
    out: Path,
    data: Path | None = None,
    *,
    any_version: bool = False,
    workers: int = 0,
    official: Path | None = None,
    window: str = "",
) -> Graded:
    """Grades `samples` and writes the verdicts to `out`, and to the folder `official` as the official graders write
    them. `workers` 0 means one sandbox per core.

    Ids of the file that are not in the benchmark are skipped and ids it lacks are not counted; both are named in
    `warnings`. `window` takes the problems of a time only: see `benchmarks.load`. InputError for a benchmark, file or
    row that cannot be used.
    """
    loaded = benchmarks.load(benchmark, data, any_version=any_version, window=window)
    read = formats.read_samples(samples, loaded)
    rows = [row for row in grade_all(loaded, read.rows, workers or os.cpu_count() or 1) if isinstance(row, Score)]
    formats.write_verdicts(out, rows)
    for name, text in formats.official_files(loaded, rows).items() if official else ():
        write_file(f"{official}/{name}", text.encode())
    if all(row.official is None for row in rows):
        raise InputError(f"no sample could be graded: the sandbox failed on all {len(rows)}; run `semray doctor`")
    summary = summarise(rows)
    report = {
        "benchmark": benchmark,
        "official_pass@1": summary.official[1].mean,
        "strict_pass@1": summary.strict[1].mean,
        **_details(summary, len(read.missing), len(read.unknown)),
        "breakdown": breakdown(loaded, rows),
        "data": {"version": loaded.version, "md5": loaded.md5, "sha256": loaded.sha256, "path": loaded.origin},
        "environment": environment(),
    }
    warnings = (*_warnings(benchmark, summary, read), *_left_out(loaded))
    return Graded(report, warnings, bool(read.missing) and benchmark != "mbpp")


def compare_files(left: Path, right: Path) -> dict[str, Any]:
    """Two files of verdicts, problem by problem: pass@1 of each, the paired difference, and who won what.

    InputError for a file that holds no verdicts, or if the two share no graded problem.
    """
    runs = formats.read_verdicts(left), formats.read_verdicts(right)
    rules: tuple[Rule, ...] = ("official", "strict")
    return {"left": str(left), "right": str(right), **{rule: _compared(*runs, rule) for rule in rules}}


def _compared(left: list[Score], right: list[Score], rule: Rule) -> dict[str, Any]:
    found = compare(left, right, rule)
    return {
        "left_pass@1": _numbers(estimate(rates(left, rule))),
        "right_pass@1": _numbers(estimate(rates(right, rule))),
        "problems": found.problems,
        "left_minus_right": {"mean": found.difference, "low": found.low, "high": found.high},
        "p_value": found.p_value,
        "only_left": list(found.wins),
        "only_right": list(found.losses),
        "ties": found.ties,
    }


def _details(summary: Summary, missing: int, unknown: int) -> dict[str, Any]:
    return {
        "official": {f"pass@{k}": _numbers(value) for k, value in summary.official.items()},
        "strict": {f"pass@{k}": _numbers(value) for k, value in summary.strict.items()},
        "problems": summary.problems,
        "samples": summary.samples,
        "ungraded": summary.ungraded,
        "missing": missing,
        "unknown": unknown,
        "statuses": dict(summary.statuses),
    }


def _numbers(value: Estimate) -> dict[str, float]:
    return {"mean": value.mean, "low": value.low, "high": value.high}


def _warnings(benchmark: str, summary: Summary, read: formats.Samples) -> list[str]:
    found: list[str] = []
    if read.unknown:
        found.append(f"{len(read.unknown)} ids are not in {benchmark} and were skipped: {_few(read.unknown)}")
    if read.missing:
        found.append(
            f"{len(read.missing)} problems of {benchmark} have no sample and are not counted: {_few(read.missing)}"
        )
    if summary.ungraded:
        found.append(
            f"{summary.ungraded} samples could not be graded (the machine failed) and are not counted; run again"
        )
    return found


def _left_out(benchmark: Benchmark) -> list[str]:
    if not benchmark.left_out:
        return []
    return [f"{len(benchmark.left_out)} parts of {benchmark.name} are left out: {_few(benchmark.left_out)}"]


def _few(ids: tuple[str, ...]) -> str:
    return ", ".join(ids[:5]) + (" ..." if len(ids) > 5 else "")


def as_json(report: dict[str, Any]) -> str:
    """The report as it is printed."""
    return json.dumps(report, indent=2)
