"""The pages of the inspector, from the shards of a run: lists with filters, single rows, everything of one program."""

import re
import threading
import urllib.parse
from dataclasses import asdict
from typing import Any, cast

from ray_app.records import Monologue, Repair, TracedProgram, from_table
from ray_app.report import query, views
from ray_app.report.page import environment
from ray_app.report.query import Missing
from ray_app.report.rows import code_lines, segments, sentences_checked, step_rows
from ray_app.store import Dataset

PAGE_ROWS = 50
_PLACE = re.compile(r"(\d{1,9}):(\d{1,12})")


class Pages:
    """The pages by path. Safe to share between threads: it holds nothing but the values of the filters' menus."""

    def __init__(self, root: str, search_s: float) -> None:
        self._root = root
        self._search_s = search_s
        self._environment = environment()
        self._lock = threading.Lock()
        self._choices: dict[str, dict[str, list[str]]] = {}

    def page(self, path: str, asked: dict[str, str]) -> str:
        """The page at a path, with the query of the address. Missing if there is none."""
        parts = [urllib.parse.unquote(part) for part in path.strip("/").split("/")]
        if parts == [""]:
            lists = views.lists(self._root)
            return self.listing(next((name for name, _, _ in lists if name in views.VIEWS), lists[0][0]), asked)
        if parts[0] == "program" and len(parts) == 2:
            return self.program(parts[1])
        if views.view_of(parts[0]) is None:
            raise Missing(f"there is no list {parts[0]!r}")
        if len(parts) == 1:
            return self.listing(parts[0], asked)
        return self.row(parts[0], _place(parts[1]), asked)

    def listing(self, name: str, asked: dict[str, str]) -> str:
        """Rows of one dataset that match the filters and the search, a page at a time."""
        view = cast("views.View", views.view_of(name))
        shards = views.shards_of(self._root, name)
        wanted = {view.filters[key]: value for key, value in asked.items() if key in view.filters and value}
        text = asked.get("q", "").strip()
        start = _place(asked["from"]) if "from" in asked else (0, 0)
        found = query.search(
            shards, query.Query(wanted, text, view.within), start=start, limit=PAGE_ROWS, seconds=self._search_s
        )
        rows = query.rows(shards, found.places, [*view.columns.values()])
        kept = {key: value for key, value in asked.items() if value and key != "from"}
        following = urllib.parse.urlencode(kept | {"from": f"{found.more[0]}:{found.more[1]}"}) if found.more else ""
        return self._render(
            "list",
            name=name,
            view=view,
            asked=asked,
            choices=self._menu(name, view, shards),
            rows=[
                (f"{shard}:{row}", [_cell(entry, path) for path in view.columns.values()])
                for (shard, row), entry in zip(found.places, rows, strict=True)
            ],
            following=following,
            first="from" not in asked,
            full=len(found.places) == PAGE_ROWS,
            scanned=found.scanned,
        )

    def row(self, name: str, place: query.Place, asked: dict[str, str]) -> str:
        """One row: code, trace and text where it has them, else its fields."""
        view = cast("views.View", views.view_of(name))
        table = query.table_at(views.shards_of(self._root, name), place)
        fields = table.to_pylist()[0]
        program_id = fields.get("program_id") or (fields["id"] if view.record is not None and "id" in fields else "")
        shown: dict[str, Any] = {"fields": {key: _text(value) for key, value in fields.items()}}
        if view.record is TracedProgram:
            shown = self._traced(from_table(TracedProgram, table)[0], asked)
        elif view.record is Monologue:
            shown = self._monologue(from_table(Monologue, table)[0])
        elif view.record is Repair:
            shown = _repair(from_table(Repair, table)[0])
        return self._render("row", name=name, place=place, program_id=program_id, asked=asked, shown=shown)

    def program(self, program_id: str) -> str:
        """Everything that was made from one program, stage by stage."""
        found: list[tuple[str, str, list[str]]] = []
        for name, view in views.VIEWS.items():
            key = "program_id" if view.record and "program_id" in view.record.__dataclass_fields__ else "id"
            if view.record is None or key not in view.record.__dataclass_fields__:
                continue
            shards = views.shards_of(self._root, name)
            places = query.search(shards, query.Query({key: program_id}), limit=20, seconds=2 * self._search_s).places
            rows = query.rows(shards, places, [*view.columns.values()])
            found += [
                (name, f"{shard}:{row}", [_cell(entry, path) for path in view.columns.values()])
                for (shard, row), entry in zip(places, rows, strict=True)
            ]
        if not found:
            raise Missing(f"no row comes from program {program_id!r}")
        return self._render("program", program_id=program_id, found=found)

    def _traced(self, traced: TracedProgram, asked: dict[str, str]) -> dict[str, Any]:
        number = int(asked.get("call", "0")) if asked.get("call", "0").isdecimal() else 0
        execution = traced.executions[min(number, len(traced.executions) - 1)] if traced.executions else None
        trace = execution.trace if execution else None
        program = traced.program
        return {
            "lineage": _lineage(traced),
            "description": program.description,
            "code": code_lines(program.code, trace),
            "call": execution.call if execution else "",
            "calls": traced.executions,
            "number": number,
            **_steps(trace),
        }

    def _monologue(self, monologue: Monologue) -> dict[str, Any]:
        shards = views.shards_of(self._root, "executions")
        places = query.search(
            shards, query.Query({"id": monologue.program_id}), limit=1, seconds=2 * self._search_s
        ).places
        traced = from_table(TracedProgram, query.table_at(shards, places[0]))[0] if places else None
        runs = traced.executions if traced else ()
        trace = next((run.trace for run in runs if run.call == monologue.call and run.trace), None)
        placed, unplaced = segments(monologue.text, monologue.claims)
        checked, sentences = sentences_checked(monologue.text, monologue.claims)
        return {
            "lineage": (_lineage(traced) if traced else {})
            | {"author": monologue.author, "witness": monologue.witness},
            "code": code_lines(monologue.code, trace),
            "call": monologue.call,
            "output": monologue.output or f"raises {monologue.exception}",
            "text": placed,
            "edits": [asdict(edit) for edit in monologue.edits],
            "sentences": sentences,
            "sentences_checked": checked,
            "unplaced_claims": unplaced,
            "claims": len(monologue.claims),
            "claims_hold": sum(claim.verdict == "true" for claim in monologue.claims),
            **_steps(trace),
        }

    def _menu(self, name: str, view: views.View, shards: list[str]) -> dict[str, list[str]]:
        with self._lock:
            if name not in self._choices:
                if view is views.REJECTS:
                    self._choices[name] = {"reason": _reasons(self._root, name)}
                else:
                    self._choices[name] = {
                        key: query.distinct(shards, path, seconds=self._search_s / 4)
                        for key, path in view.filters.items()
                    }
            return self._choices[name]

    def _render(self, kind: str, **values: Any) -> str:
        template = self._environment.get_template("inspector.html")
        return template.render(kind=kind, root=self._root, lists=views.lists(self._root), **values)


def _repair(repair: Repair) -> dict[str, Any]:
    """The buggy program beside its diagnosis; both runs are told in it, so there is no trace to show."""
    placed, unplaced = segments(repair.diagnosis, repair.claims)
    return {
        "lineage": {"task": repair.description, "mistake": repair.mutation, "difficulty": str(repair.difficulty)},
        "code": code_lines(repair.buggy, None),
        "call": repair.failing_test,
        "text": placed,
        "unplaced_claims": unplaced,
        "claims": len(repair.claims),
        "claims_hold": sum(claim.verdict == "true" for claim in repair.claims),
        **_steps(None),
    }


def _reasons(root: str, name: str) -> list[str]:
    """Reject reasons, most frequent first, from the ledgers: no shard is read."""
    dataset = Dataset(root, name.removesuffix(".rejects"))
    counts: dict[str, int] = {}
    for shard in dataset.finished_shards().values():
        for reason, count in shard.ledger.rejects.items():
            counts[reason] = counts.get(reason, 0) + count
    return sorted(counts, key=lambda reason: (-counts[reason], reason))


def _lineage(traced: TracedProgram) -> dict[str, str]:
    program = traced.program
    return {
        "source": program.source,
        "origin": program.origin,
        "licence": program.license,
        "difficulty": str(program.difficulty),
        "executed": f"Python {traced.python}, tracer {traced.tracer}, sandbox: {traced.sandbox}",
    }


def _steps(trace: Any) -> dict[str, Any]:
    listed = step_rows(trace) if trace else []
    return {
        "steps": listed,
        "steps_total": len(listed),
        "steps_left_out": 0,
        "trace_truncated": bool(trace and trace.truncated),
    }


def _cell(entry: dict[str, Any], path: str) -> str:
    """The value of a listed column, lists joined."""
    value: Any = entry
    for part in path.split("."):
        if part in ("list", "element"):
            continue
        value = [item[part] for item in value] if isinstance(value, list) else value[part]
    return ", ".join(map(query.text_of, value)) if isinstance(value, list) else _text(value)


def _text(value: Any) -> str:
    return "" if value is None else query.text_of(value)


def _place(text: str) -> query.Place:
    match = _PLACE.fullmatch(text)
    if match is None:
        raise Missing(f"{text!r} is not the place of a row")
    return int(match[1]), int(match[2])
