"""CRUXEval-O (Gu et al. 2024, arXiv 2401.03065): 800 functions, predict what a call returns."""

from pathlib import Path

from ray_app.evaluation.items import Benchmark, Item
from ray_app.evaluation.sources import Source, open_source

NAME = "cruxeval_output"
SOURCE = Source(
    patterns=("cruxeval.jsonl", "cruxeval.jsonl.gz"),
    url="https://raw.githubusercontent.com/facebookresearch/cruxeval/main/data/cruxeval.jsonl",
    required=("id", "code", "input", "output"),
    releases={"8368b81047dc5014e4caf5a2f97604eff7644e0ecd7415e3ceeb184bbc2e0c96": "cruxeval-190faf16"},
)


def load(data: Path | None = None, *, any_version: bool = False) -> Benchmark:
    """All 800 questions."""
    opened = open_source(NAME, SOURCE, data, any_version=any_version)
    items = tuple(
        Item(
            id=row["id"],
            task="output",
            code=row["code"],
            entry="f",
            call=f"f({row['input']})",
            output=row["output"],
            gold=row["output"],
        )
        for row in opened.rows
    )
    return Benchmark(NAME, opened.version, opened.md5, opened.sha256, opened.origin, items)
