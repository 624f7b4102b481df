"""Texts for tests, made as the pipeline makes them."""

import json
from pathlib import Path

from ray_app.monologue import forward
from ray_app.monologue.backward.narrate import narrate as narrate_backward
from ray_app.monologue.judging import recorded_run
from ray_app.sandbox.api import execute
from tests.semantics.local import record

_CASES = Path(__file__).parent.parent / "data" / "cases"


def told(code: str, call: str, *, style: forward.StyleName = "prose", detail: forward.Detail = 1) -> forward.Narration:
    """The narration of a call that is recorded in this process."""
    return forward.narrate(record(code, call), style=style, detail=detail)


def forward_text(code: str, call: str) -> str:
    """The forward text about a call."""
    return told(code, call).text


def backward_text(code: str, call: str) -> str:
    """The backward text about a call, which is recorded in the sandbox."""
    run = recorded_run(code, call)
    assert run is not None
    return narrate_backward(run, seed=0, max_tokens=2_000, record=recorded_run, execute=execute).text


def cases() -> dict[str, tuple[str, str, str]]:
    """Odd programs by name: code, call, and what CPython gives."""
    rows = json.loads((_CASES / "cases.json").read_text())
    read = {name: (_CASES / f"{name}.py").read_text(encoding="utf-8-sig") for name in rows}
    return {name: (read[name], row["call"], row["expected"]) for name, row in rows.items()}
