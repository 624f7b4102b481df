"""A few rows to look at: programs with code, trace and monologue side by side, and rows that were refused.

The choice is by rule, not by beauty: of every source in turn the forward monologue whose length is nearest to
the upper quartile among those short enough to print; never by score. All text is hostile: escape it.
"""

from collections.abc import Iterable
from dataclasses import asdict
from itertools import zip_longest
from typing import Any

from ray_app.records import Monologue, TracedProgram
from ray_app.report.rows import code_lines, segments, sentences_checked, step_rows
from ray_app.report.stages import STAGES
from ray_app.store import Dataset

ROWS = 3
READABLE_CHARS = 4_000
HEAD_STEPS, TAIL_STEPS = 40, 12
REJECTS, REJECTS_READ = 8, 2_000


def rows(root: str) -> list[dict[str, Any]]:
    """At most three programs with their forward monologue, of as many sources as there are."""
    chosen = [_monologue(root, place) for place in _chosen(root)]
    traced = _programs(root, {monologue.program_id for monologue in chosen})
    return [row(monologue, traced.get(monologue.program_id)) for monologue in chosen]


def explanations(root: str) -> list[dict[str, Any]]:
    """At most three of a teacher's explanations: of each direction in turn the most edited ones, short ones first."""
    dataset = Dataset(root, "explained")
    found: dict[str, list[tuple[int, int, Place]]] = {}
    columns = dataset.columns("direction", "text", "edits.list.element.kind")
    for shard, table in zip(dataset.shard_names(), columns, strict=True):
        for offset, entry in enumerate(table.to_pylist()):
            ranked = (-len(entry["edits"]), len(entry["text"]), (shard, offset))
            found.setdefault(entry["direction"], []).append(ranked)
    by_turns = zip_longest(*(sorted(entries) for _, entries in sorted(found.items(), reverse=True)))
    places = [entry[2] for turn in by_turns for entry in turn if entry is not None][:ROWS]
    chosen = [dataset.read_slice(Monologue, shard, offset, 1)[0] for shard, offset in places]
    traced = _programs(root, {monologue.program_id for monologue in chosen})
    return [row(monologue, traced.get(monologue.program_id)) for monologue in chosen]


def row(monologue: Monologue, traced: TracedProgram | None) -> dict[str, Any]:
    """One monologue with everything it talks about; `steps` is empty where its trace is not stored."""
    executions = traced.executions if traced else ()
    trace = next((e.trace for e in executions if e.call == monologue.call and e.trace is not None), None)
    listed = step_rows(trace) if trace else []
    placed, unplaced = segments(monologue.text, monologue.claims)
    checked, sentences = sentences_checked(monologue.text, monologue.claims)
    return {
        "id": monologue.id,
        "program_id": monologue.program_id,
        "source": monologue.source,
        "origin": traced.program.origin if traced else "",
        "license": traced.program.license if traced else "",
        "difficulty": monologue.difficulty,
        "direction": monologue.direction,
        "author": monologue.author,
        "call": monologue.call,
        "output": monologue.output or f"raises {monologue.exception}",
        "code": code_lines(monologue.code, trace),
        "steps": listed if len(listed) <= HEAD_STEPS + TAIL_STEPS else listed[:HEAD_STEPS] + listed[-TAIL_STEPS:],
        "steps_total": len(listed),
        "steps_left_out": max(0, len(listed) - HEAD_STEPS - TAIL_STEPS),
        "trace_truncated": trace.truncated if trace else False,
        "text": placed,
        "unplaced_claims": unplaced,
        "edits": [asdict(edit) for edit in monologue.edits],
        "sentences": sentences,
        "sentences_checked": checked,
        "claims": len(monologue.claims),
        "claims_hold": sum(claim.verdict == "true" for claim in monologue.claims),
    }


def rejects(root: str, stages: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """One refused row per stage and reason, the most frequent reasons of every stage first; `count` is how many."""
    found: list[list[dict[str, Any]]] = []
    for stage in stages:
        if not stage["rejects"]:
            continue
        first: dict[str, Any] = {}
        for number, reject in enumerate(Dataset(root, stage["name"]).rejects()):
            first.setdefault(reject.reason, reject)
            if number >= REJECTS_READ:
                break
        found.append(
            [
                {
                    "stage": stage["name"],
                    "title": STAGES[stage["name"]].title,
                    "reason": entry["reason"],
                    "count": entry["count"],
                    "id": first[entry["reason"]].id,
                    "detail": first[entry["reason"]].detail,
                }
                for entry in stage["rejects"]
                if entry["reason"] in first
            ]
        )
    by_turns = [group[i] for i in range(REJECTS) for group in found if i < len(group)]
    kept = by_turns[:REJECTS]
    return [entry for group in found for entry in group if entry in kept]


Place = tuple[str, int]
"""Shard and offset in it."""


def _chosen(root: str) -> list[Place]:
    """Where the rows to show are: of every source those nearest to its upper quartile of length, in turns."""
    dataset = Dataset(root, "monologues")
    found: dict[str, list[tuple[int, Place, str]]] = {}
    columns = dataset.columns("direction", "source", "program_id", "text", "code")
    for shard, table in zip(dataset.shard_names(), columns, strict=True):
        for offset, entry in enumerate(table.to_pylist()):
            length = len(entry["text"])
            if entry["direction"] == "forward" and length + len(entry["code"]) <= READABLE_CHARS:
                found.setdefault(entry["source"], []).append((length, (shard, offset), entry["program_id"]))
    ranked: list[list[tuple[Place, str]]] = []
    for _, entries in sorted(found.items(), key=lambda item: -len(item[1])):
        quartile = sorted(length for length, _, _ in entries)[3 * len(entries) // 4]
        nearest = sorted(entries, key=lambda entry: (abs(entry[0] - quartile), entry[1]))
        ranked.append([(place, program) for _, place, program in nearest])
    chosen: dict[str, Place] = {}
    for turn in range(max((len(entries) for entries in ranked), default=0)):
        for entries in ranked:
            if turn < len(entries) and len(chosen) < ROWS:
                place, program = entries[turn]
                chosen.setdefault(program, place)
        if len(chosen) == ROWS:
            break
    return list(chosen.values())


def _monologue(root: str, place: Place) -> Monologue:
    shard, offset = place
    return Dataset(root, "monologues").read_slice(Monologue, shard, offset, 1)[0]


def _programs(root: str, ids: set[str]) -> dict[str, TracedProgram]:
    dataset = Dataset(root, "executions")
    found: dict[str, TracedProgram] = {}
    for shard, table in zip(dataset.shard_names(), dataset.columns("id"), strict=True):
        for offset, program_id in enumerate(table["id"].to_pylist()):
            if program_id in ids:
                found[program_id] = dataset.read_slice(TracedProgram, shard, offset, 1)[0]
    return found
