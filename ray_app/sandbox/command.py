"""What `semray trace`, `semray execute` and `semray doctor` do, apart from their options and exit codes."""

import dataclasses
import json
from collections import deque
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, TextIO

from ray_app.errors import InputError
from ray_app.parsing import read_source
from ray_app.records import Execution
from ray_app.sandbox import layers
from ray_app.sandbox.api import Job, Lane, Sandbox
from ray_app.sandbox.scripts import Script
from ray_app.tracing.render import RENDERINGS


def trace_file(path: Path, call: str, form: str) -> tuple[str, str]:
    """The text of one call's trace in a form ("json" or a key of `RENDERINGS`), and why the call did not end ("" where
    it returned, or an exception ended it).

    InputError for an unknown form, an unreadable file or a call that left no trace.
    """
    if form != "json" and form not in RENDERINGS:
        raise InputError(f"--format {form}: use json, {', '.join(RENDERINGS)} or monologue")
    code = read_source(path)
    with Sandbox() as sandbox:
        (execution,) = sandbox.execute(code, [call])
    cut = "" if execution.status in ("ok", "exception", "system-exit") else execution.status
    if form == "json":
        return json.dumps(as_row(execution), ensure_ascii=False), cut
    if execution.trace is None or not execution.trace.events:
        reason = execution.exception or execution.status
        raise InputError(f"--call {call}: nothing of {path} ran ({reason})")
    return RENDERINGS[form].render(code, execution.trace), cut


def execute_file(
    source: Path,
    out: Path,
    *,
    trace: bool = True,
    lane: Lane = "safe",
    twice: bool = False,
    require_layers: Collection[str] = (),
) -> tuple[int, int, int]:
    """Runs the programs of a JSON-lines file, a row per program in its order; (programs, calls, calls that are ok).

    In: {"id", "code", "calls"}, or for a whole program {"id", "code"} with "stdin" and "arguments" if need be.
    Out: {"id", "calls": [one object per call]}. InputError names a bad line.
    """
    programs = calls = succeeded = 0
    ids: deque[Any] = deque()
    try:
        with (
            source.open(encoding="utf-8") as lines,
            out.open("w", encoding="utf-8") as written,
            Sandbox(require_layers) as sandbox,
        ):
            for executions in sandbox.execute_many(_jobs(source, lines, ids, trace), lane=lane, twice=twice):
                row = {"id": ids.popleft(), "calls": [as_row(execution) for execution in executions]}
                written.write(json.dumps(row, ensure_ascii=False) + "\n")
                programs += 1
                calls += len(executions)
                succeeded += sum(execution.status == "ok" for execution in executions)
    except OSError as error:
        raise InputError(f"{error.filename}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{source}: not UTF-8 text") from error
    return programs, calls, succeeded


def as_row(execution: Execution) -> dict[str, Any]:
    """An execution as a JSON object; text that is no Unicode (lone surrogates) is escaped with backslashes."""
    return {field.name: _plain(getattr(execution, field.name)) for field in dataclasses.fields(execution)}


def report_layers(require_layers: Collection[str]) -> str:
    """What isolates programs on this machine, a line per layer. SandboxError if it is not enough."""
    with Sandbox(require_layers) as sandbox:
        lines = ["Programs are isolated on this machine by:", ""]
        for layer in sandbox.layer_list:
            mark = "yes" if layer.holds else "NO"
            lines.append(f"  {mark:4}{layer.importance:11}{layer.name:14}{layer.state}")
            lines.append(f"{'':29} {layers.MEANING[layer.name]}")
        missing = [layer.name for layer in sandbox.layer_list if not layer.holds]
    verdict = f"Without {', '.join(missing)}: the required layers hold, and carry the weight." if missing else ""
    return "\n".join([*lines, "", verdict or "Every layer holds."])


def _jobs(source: Path, lines: TextIO, ids: "deque[Any]", trace: bool) -> Iterator[Job]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            code, calls = row["code"], row["calls"] if "calls" in row else [_whole_run(row).call]
            ids.append(row["id"])
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(
                f'{source}, line {number}: not an object with "id", "code" and "calls" or "stdin" ({error})'
            ) from error
        if not isinstance(code, str) or not isinstance(calls, list) or not all(isinstance(c, str) for c in calls):
            raise InputError(f'{source}, line {number}: "code" must be a string and "calls" a list of strings')
        yield Job(code, tuple(calls), trace=trace)


def _whole_run(row: Any) -> Script:
    """The run of a whole program that a row describes."""
    stdin, arguments = row.get("stdin", ""), row.get("arguments", [])
    if not isinstance(stdin, str) or not all(isinstance(argument, str) for argument in arguments):
        raise TypeError('"stdin" must be a string and "arguments" a list of strings')
    return Script(stdin, tuple(arguments))


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if dataclasses.is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
    return value
