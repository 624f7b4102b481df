"""One benchmark per file; `LOADERS` names them all."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from ray_app.errors import InputError
from ray_app.evaluation.benchmarks import (
    apps,
    core_io,
    core_qa,
    cruxeval_input,
    cruxeval_output,
    cruxeval_x,
    held_out,
    humaneval,
    humaneval_plus,
    lcb_execution,
    lcb_generation,
    mbpp,
    mbpp_plus,
    reval,
)
from ray_app.evaluation.items import Benchmark

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


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
    "cruxeval_x": cruxeval_x.load,
    "lcb_execution": lcb_execution.load,
    "lcb_generation": lcb_generation.load,
    "apps": apps.load,
    "reval": reval.load,
    "core_io": core_io.load,
    "core_qa": core_qa.load,
    "held_out": held_out.load,
}


def load(name: str, data: Path | None = None, *, any_version: bool = False, window: str = "") -> Benchmark:
    """The benchmark called `name`; with a `window` "2024-08-01..2025-02-01" (either end may be missing, both belong to
    it) only its problems of that time.

    InputError if there is no such benchmark, its file is missing or of another version, or the window leaves nothing.
    """
    if name not in LOADERS:
        raise InputError(f"no benchmark {name!r}; there are: {', '.join(LOADERS)}")
    loaded = LOADERS[name](data, any_version=any_version)
    return within(loaded, window) if window else loaded


def within(benchmark: Benchmark, window: str) -> Benchmark:
    """The benchmark with the problems that were published in the window; its version says so."""
    since, dots, until = window.partition("..")
    if not dots or not all(_DAY.fullmatch(day) for day in (since, until) if day):
        raise InputError(f"window {window!r}: give two days with .. between, such as 2024-08-01..2025-02-01")
    if not any(item.date for item in benchmark.items):
        raise InputError(f"benchmark {benchmark.name} has no dates: --window is for LiveCodeBench")
    kept = tuple(item for item in benchmark.items if since <= item.date[:10] <= (until or "9999"))
    if not kept:
        days = sorted(item.date[:10] for item in benchmark.items)
        raise InputError(f"no problem of {benchmark.name} falls into {window}: they are of {days[0]} to {days[-1]}")
    return replace(benchmark, version=f"{benchmark.version}, {window}", items=kept)
