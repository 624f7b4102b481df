"""CoRE (Gao et al. 2026, arXiv 2604.25399), the middle: questions about values and conditions while a program runs.

The reference answers are the file's: the paper's authors had models write and check them. Some cannot be right (one
says that l[1] + l[2] + l[3] of [-100, 1, 3, 5] makes the sum 0 and is 9), so the best score is a little below 1.
"""

from pathlib import Path
from typing import Any

from ray_app.evaluation.benchmarks.core_io import call_of, entry_of
from ray_app.evaluation.items import Benchmark, Item
from ray_app.evaluation.sources import Source, open_source

NAME = "core_qa"
SOURCE = Source(
    patterns=("core_qa*.json",),
    url="https://raw.githubusercontent.com/ZJUSig/CoRE/main/core_qa.json",
    required=("id", "question", "ground_truth", "answer_type", "source_code", "input"),
)


def load(data: Path | None = None, *, any_version: bool = False) -> Benchmark:
    """All questions of the file."""
    opened = open_source(NAME, SOURCE, data, any_version=any_version)
    items = tuple(_item(number, row) for number, row in enumerate(opened.rows))
    return Benchmark(NAME, opened.version, opened.md5, opened.sha256, opened.origin, items)


def _item(number: int, row: dict[str, Any]) -> Item:
    entry = entry_of(row["source_code"], row["id"])
    truth = str(row["ground_truth"])
    return Item(
        id=f"{row['id']}#{number}",
        task="question",
        code=row["source_code"],
        entry=entry.name,
        gold=truth,
        call=call_of(entry, str(row["input"])),
        output=truth,
        description=f"{row['question']}\nAnswer with the {row['answer_type']} alone.",
        kind="middle",
        group=str(row["answer_type"]).lower(),
    )
