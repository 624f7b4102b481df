"""Training curves from `training/<run>/metrics.jsonl`, without needing the training libraries."""

import json
from contextlib import suppress
from typing import Any

from ray_app.store import folders, read_file


def runs(root: str) -> list[dict[str, Any]]:
    """Every training run under a root that logged at least one step, by name.

    `curves` holds, for "all" and each task, the losses over the response tokens: `train` and `eval` are lists of
    [step, loss]. `tokens_per_s` is the median over the logged steps; `memory_bytes` the peak of one worker.
    """
    found: list[dict[str, Any]] = []
    for name in folders(f"{root}/training"):
        data = read_file(f"{root}/training/{name}/metrics.jsonl")
        rows = [] if data is None else _rows(data.decode("utf-8", "replace"))
        if any(row.get("kind") == "train" for row in rows):
            found.append(_run(name, rows))
    return found


def _rows(text: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for line in text.splitlines():
        with suppress(json.JSONDecodeError):  # the run was killed while it wrote its last line
            rows.append(json.loads(line))
    return [row for row in rows if isinstance(row.get("step"), int)]


def _run(name: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    train = [row for row in rows if row["kind"] == "train"]
    evals = [row for row in rows if row["kind"] == "eval"]
    keys = sorted({key for row in rows for key in row if key.startswith("loss")})
    speeds = sorted(row["tokens_per_s"] for row in train if "tokens_per_s" in row)
    curves = {
        key.removeprefix("loss/") if key != "loss" else "all": {
            "train": [[row["step"], row[key]] for row in train if key in row],
            "eval": [[row["step"], row[key]] for row in evals if key in row],
        }
        for key in keys
    }
    return {
        "name": name,
        "steps": train[-1]["step"],
        "tokens": train[-1].get("tokens"),
        "tokens_per_s": speeds[len(speeds) // 2] if speeds else None,
        "fill": train[-1].get("fill"),
        "mfu": train[-1].get("mfu"),
        "memory_bytes": max((row.get("memory_bytes", 0) for row in train), default=0) or None,
        "curves": curves,
    }
