"""What the data look like: sources, difficulty, language constructs, results, claims, and the lengths of everything."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import pyarrow as pa
import pyarrow.compute

from ray_app.report.constructs import constructs_of, value_type
from ray_app.report.distribution import distribution
from ray_app.stages import sample_sets
from ray_app.store import Dataset, resolve

pc: Any = pyarrow.compute  # its functions are made at import time: no stubs know them

MAX_PARSED = 20_000
"""Programs and results that are parsed to be counted; of a larger run the first ones, and the report says so."""


def programs(root: str) -> dict[str, Any] | None:
    """Counts over the selected programs, by source; None where there are none."""
    sources, licenses = Counter[str](), Counter[str]()
    difficulty: dict[int, Counter[str]] = {}
    lines: list[int] = []
    parsed, constructs = 0, Counter[str]()
    for table in Dataset(root, "programs").columns("source", "license", "difficulty", "code"):
        source = table["source"].to_pylist()
        sources.update(source)
        licenses.update(table["license"].to_pylist())
        for level, name in zip(table["difficulty"].to_pylist(), source, strict=True):
            difficulty.setdefault(level, Counter())[name] += 1
        codes = table["code"].to_pylist()
        lines += [code.count("\n") + 1 for code in codes]
        for code in codes[: max(0, MAX_PARSED - parsed)]:
            constructs.update(constructs_of(code))
            parsed += 1
    if not sources:
        return None
    return {
        "count": sources.total(),
        "sources": dict(sources.most_common()),
        "licenses": dict(licenses.most_common()),
        "difficulty": [
            {"level": level, "count": by.total(), "sources": dict(sorted(by.items()))}
            for level, by in sorted(difficulty.items())
        ],
        "code_lines": distribution(lines),
        "constructs": {"parsed": parsed, "counts": dict(constructs.most_common())},
    }


def executions(root: str) -> dict[str, Any] | None:
    """Counts over every executed call: how it ended, what kind of value it gave, how long its trace is."""
    statuses, flags, values, environments = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    lengths: list[int] = []
    truncated, parsed = 0, 0
    path = "executions.list.element"
    leaves = [f"{path}.status", f"{path}.flags", f"{path}.output", f"{path}.trace.truncated"]
    for table in Dataset(root, "executions").columns(
        *leaves, f"{path}.trace.events.list.element.line", "sandbox", "python", "tracer"
    ):
        calls: Any = pc.list_flatten(table["executions"])
        statuses.update(pc.struct_field(calls, "status").to_pylist())
        flags.update(pc.list_flatten(pc.struct_field(calls, "flags")).to_pylist())
        lengths += pc.list_value_length(pc.struct_field(calls, ["trace", "events"])).drop_null().to_pylist()
        truncated += pc.sum(pc.struct_field(calls, ["trace", "truncated"])).as_py() or 0
        outputs: list[str] = pc.struct_field(calls, "output").drop_null().to_pylist()
        for output in outputs[: max(0, MAX_PARSED - parsed)]:
            values[value_type(output)] += 1
            parsed += 1
        environments.update(
            f"Python {python}, tracer {tracer}, sandbox: {sandbox}"
            for python, sandbox, tracer in _rows(table, "python", "sandbox", "tracer")
        )
    if not statuses:
        return None
    return {
        "count": statuses.total(),
        "statuses": dict(statuses.most_common()),
        "flags": dict(flags.most_common()),
        "values": {"parsed": parsed, "counts": dict(values.most_common())},
        "trace_events": distribution(lengths),
        "traces_truncated": truncated,
        "environments": dict(environments.most_common()),
    }


def monologues(root: str) -> dict[str, Any] | None:
    """Counts over the verified monologues: direction, author, difficulty, and each kind of claim with its verdicts."""
    directions, authors, sources = Counter[str](), Counter[str](), Counter[str]()
    difficulty, kinds, held = Counter[int](), Counter[str](), Counter[str]()
    per_row: list[int] = []
    for table in Dataset(root, "monologues").columns(
        "direction", "author", "source", "difficulty", "claims.list.element.kind", "claims.list.element.verdict"
    ):
        directions.update(table["direction"].to_pylist())
        authors.update(table["author"].to_pylist())
        sources.update(table["source"].to_pylist())
        difficulty.update(table["difficulty"].to_pylist())
        per_row += pc.list_value_length(table["claims"]).to_pylist()
        claims: Any = pc.list_flatten(table["claims"])
        kind: list[str] = pc.struct_field(claims, "kind").to_pylist()
        verdicts: list[str] = pc.struct_field(claims, "verdict").to_pylist()
        kinds.update(k for k, verdict in zip(kind, verdicts, strict=True) if verdict != "unchecked")
        held.update(k for k, verdict in zip(kind, verdicts, strict=True) if verdict == "true")
    if not directions:
        return None
    return {
        "count": directions.total(),
        "directions": dict(sorted(directions.items(), reverse=True)),
        "authors": dict(authors.most_common()),
        "sources": dict(sources.most_common()),
        "difficulty": [{"level": level, "count": n} for level, n in sorted(difficulty.items())],
        "claims": {
            "count": kinds.total(),
            "hold": held.total(),
            "kinds": [{"kind": kind, "count": n, "hold": held[kind]} for kind, n in kinds.most_common()],
            "per_row": distribution(per_row),
        },
    }


def samples(root: str) -> dict[str, Any] | None:
    """Counts over the training and held-out samples, and the length of the responses per task."""
    splits: dict[str, Counter[str]] = {}
    lengths: dict[str, list[int]] = {}
    unit, measure = length_unit(root)
    tables = (dataset.columns("task", "split", "response") for dataset in sample_sets(root))
    for table in itertools.chain.from_iterable(tables):
        for task, split, response in _rows(table, "task", "split", "response"):
            splits.setdefault(task, Counter())[split] += 1
            measured = lengths.setdefault(task, [])
            if len(measured) < MAX_PARSED:
                measured.append(measure(response))
    if not splits:
        return None
    return {
        "count": sum(split.total() for split in splits.values()),
        "splits": dict(sorted(sum(splits.values(), Counter[str]()).items(), reverse=True)),
        "unit": unit,
        "tasks": [
            {
                "task": task,
                "count": split.total(),
                "train": split["train"],
                "held_out": split["held_out"],
                "response": distribution(lengths[task]),
            }
            for task, split in sorted(splits.items(), key=lambda item: -item[1].total())
        ],
    }


def length_unit(root: str) -> tuple[str, Callable[[str], int]]:
    """How response lengths are measured: in tokens of the exported model where its tokenizer can be read here."""
    filesystem, path = resolve(root)
    try:
        from tokenizers import Tokenizer  # comes with the "models" extra

        with filesystem.open_input_stream(f"{path}/model/tokenizer.json") as source:
            tokenizer: Any = Tokenizer.from_str(source.read().decode())
    except (ImportError, FileNotFoundError):
        return "characters", len
    return "tokens", lambda text: len(tokenizer.encode(text).ids)


def _rows(table: pa.Table, *names: str) -> Iterable[tuple[Any, ...]]:
    return zip(*(table[name].to_pylist() for name in names), strict=True)
