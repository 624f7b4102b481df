"""What each stage made, refused and cost: the ledger of a run, and the funnel from candidates to training rows."""

import itertools
from collections import Counter
from typing import Any

from ray_app.stages import SOURCES, STAGES
from ray_app.store import Dataset, Ledger


def ledger(root: str) -> list[dict[str, Any]]:
    """One row per stage in data-flow order. A stage that was cut short counts its finished shards."""
    rows: list[dict[str, Any]] = []
    for name, text in STAGES.items():
        dataset = Dataset(root, name)
        manifest = dataset.manifest()
        finished = {} if manifest else dataset.finished_shards()
        status = "complete" if manifest else ("unfinished" if finished or dataset.plan() else "missing")
        total = manifest.ledger if manifest else sum((shard.ledger for shard in finished.values()), Ledger())
        rows.append(
            {
                "name": name,
                "title": text.title,
                "row": text.row,
                "status": status,
                "shards": len(manifest.shards) if manifest else len(finished),
                "rows_in": total.rows_in,
                "rows_out": total.rows_out,
                "rows_rejected": sum(total.rejects.values()),
                "out_per_in": total.rows_out / total.rows_in if total.rows_in else None,
                "kept_share": None if name == "training" else _share(total.rows_out, _seen(total)),
                "rejects": reasons(total.rejects),
                "cpu_s": total.cpu_s,
                "wall_s": total.wall_s,
                "tokens_in": total.tokens_in,
                "tokens_out": total.tokens_out,
                "usd": total.usd,
            }
        )
    return rows


def settings(root: str) -> dict[str, dict[str, Any]]:
    """The configuration that each stage ran with, as its plan records it."""
    plans = {name: Dataset(root, name).plan() for name in STAGES}
    return {name: dict(plan.config) for name, plan in plans.items() if plan is not None and plan.config}


def totals(stages: list[dict[str, Any]]) -> dict[str, float]:
    """What all stages cost together."""
    return {key: sum(stage[key] for stage in stages) for key in ("cpu_s", "wall_s", "tokens_in", "tokens_out", "usd")}


def missing(stages: list[dict[str, Any]]) -> list[dict[str, str]]:
    """The stages without a manifest, and what the report therefore lacks."""
    return [
        {"name": stage["name"], "status": stage["status"], "lost": STAGES[stage["name"]].lost}
        for stage in stages
        if stage["status"] != "complete"
    ]


def reasons(counts: Any) -> list[dict[str, Any]]:
    """Reject reasons, most frequent first."""
    return [
        {"reason": reason, "count": n} for reason, n in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]


def funnel(root: str, stages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Programs from first look to training row; each step holds what is left, and why the rest is not.

    `kept` is the share of the step before. The last step counts distinct programs, from the rows themselves.
    """
    by_name = {stage["name"]: stage for stage in stages}
    sources = [by_name[name] for name in SOURCES if by_name[name]["status"] != "missing"]
    steps: list[dict[str, Any]] = []
    if sources:
        refused = Counter[str]()
        for stage in sources:
            refused.update({reject["reason"]: reject["count"] for reject in stage["rejects"]})
        found = {stage["name"]: stage["rows_out"] for stage in sources}
        seen = sum(found.values()) + refused.total()
        steps.append(_step("considered", "Candidates looked at", seen, {}, {}))
        steps.append(_step("found", "Programs found", sum(found.values()), refused, found))
    if by_name["programs"]["status"] != "missing":
        steps.append(_stage_step("selected", "Distinct", by_name["programs"]))
    if by_name["executions"]["status"] != "missing":
        steps.append(_step("executed", "Executed in the sandbox", by_name["executions"]["rows_in"], {}, {}))
        steps.append(_stage_step("fit", "With results fit as ground truth", by_name["executions"]))
    if by_name["monologues"]["status"] != "missing":
        count, directions = narrated_programs(root)
        refused = {reject["reason"]: reject["count"] for reject in by_name["monologues"]["rejects"]}
        steps.append(_step("verified", "With a verified monologue", count, refused, directions))
    for before, step in itertools.pairwise(steps):
        step["kept"] = _share(step["count"], before["count"])
    return steps


def narrated_programs(root: str) -> tuple[int, dict[str, int]]:
    """Distinct programs with a monologue, and monologues by direction."""
    programs: set[str] = set()
    directions = Counter[str]()
    for table in Dataset(root, "monologues").columns("program_id", "direction"):
        programs.update(table["program_id"].to_pylist())
        directions.update(table["direction"].to_pylist())
    return len(programs), dict(sorted(directions.items(), reverse=True))


def _stage_step(key: str, label: str, stage: dict[str, Any]) -> dict[str, Any]:
    rejects = {reject["reason"]: reject["count"] for reject in stage["rejects"]}
    return _step(key, label, stage["rows_out"], rejects, {})


def _step(key: str, label: str, count: int, lost: Any, parts: dict[str, int]) -> dict[str, Any]:
    return {"key": key, "label": label, "count": count, "kept": None, "lost": reasons(lost), "parts": parts}


def _seen(ledger: Ledger) -> int:
    """Rows that a stage decided on: kept or refused. It may make several from one row that it reads."""
    return ledger.rows_out + sum(ledger.rejects.values())


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
