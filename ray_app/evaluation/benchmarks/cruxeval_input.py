"""CRUXEval-I (Gu et al. 2024, arXiv 2401.03065): 800 functions, find a call that returns a given value."""

from dataclasses import replace
from pathlib import Path

from ray_app.evaluation.benchmarks import cruxeval_output
from ray_app.evaluation.items import Benchmark

NAME = "cruxeval_input"


def load(data: Path | None = None, *, any_version: bool = False) -> Benchmark:
    """All 800 questions, from the same file as CRUXEval-O."""
    forward = cruxeval_output.load(data, any_version=any_version)
    items = tuple(replace(item, task="input", gold=item.call) for item in forward.items)
    return replace(forward, name=NAME, items=items)
