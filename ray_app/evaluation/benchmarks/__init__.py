"""One benchmark per file; `LOADERS` names them all."""

from pathlib import Path
from typing import Protocol

from ray_app.errors import InputError
from ray_app.evaluation.benchmarks import (
    cruxeval_input,
    cruxeval_output,
    held_out,
    humaneval,
    humaneval_plus,
    lcb_execution,
    mbpp,
    mbpp_plus,
)
from ray_app.evaluation.items import Benchmark


class Loader(Protocol):
    """Reads a benchmark from a folder, or from its public place where `data` is None."""

    def __call__(self, data: Path | None = None, *, any_version: bool = False) -> Benchmark: ...


LOADERS: dict[str, Loader] = {
    "humaneval": humaneval.load,
    "humaneval_plus": humaneval_plus.load,
    "mbpp": mbpp.load,
    "mbpp_plus": mbpp_plus.load,
    "cruxeval_input": cruxeval_input.load,
    "cruxeval_output": cruxeval_output.load,
    "lcb_execution": lcb_execution.load,
    "held_out": held_out.load,
}


def load(name: str, data: Path | None = None, *, any_version: bool = False) -> Benchmark:
    """The benchmark called `name`; InputError if there is none, or its file is missing or of another version."""
    if name not in LOADERS:
        raise InputError(f"no benchmark {name!r}; there are: {', '.join(LOADERS)}")
    return LOADERS[name](data, any_version=any_version)
