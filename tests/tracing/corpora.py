"""Programs to trace, as (name, code, call), from the benchmark files beside the project and from installed sources."""

import gzip
import json
from pathlib import Path

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"

Program = tuple[str, str, str]


def cruxeval() -> list[Program]:
    lines = (DATA / "cruxeval" / "cruxeval.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    return [(row["id"], row["code"], f"f({row['input']})") for row in rows]


def humaneval() -> list[Program]:
    """Each canonical solution with its own test, which calls it several times."""
    with gzip.open(DATA / "humaneval" / "HumanEval.jsonl.gz", "rt") as file:
        rows = [json.loads(line) for line in file]
    return [
        (row["task_id"], f"{row['prompt']}{row['canonical_solution']}\n{row['test']}", f"check({row['entry_point']})")
        for row in rows
    ]
