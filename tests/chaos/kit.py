"""A stage that is worth disturbing: two hundred programs, executed and traced in small shards."""

import itertools
from collections.abc import Callable
from functools import cache
from pathlib import Path

from ray_app.errors import SandboxError
from ray_app.programs.grow import GrowConfig, grow
from ray_app.programs.trace import TraceConfig
from ray_app.programs.workers import Plot, grow_plots, trace_rows
from ray_app.records import Program, TracedProgram
from ray_app.runner import run
from ray_app.sandbox.limits import Limits
from ray_app.stage import Stage
from ray_app.store import Dataset

STAGE = Stage(
    "executions", trace_rows, TraceConfig(limits=Limits(cpu_s=2, wall_s=60), keep=2), Program, TracedProgram, 4
)

GROWING = Stage("grown", grow_plots, GrowConfig(), Plot, Program, 1)
"""without a sandbox, which cannot start in every namespace that a test makes"""


@cache
def programs() -> tuple[Program, ...]:
    return tuple(row for row in grow(3, 200, 3, GrowConfig()) if isinstance(row, Program))


def execute(root: Path | str) -> Dataset:
    """Bring the stage to completion under `root`; needs an initialised Ray."""
    return run(STAGE, str(root), rows=programs())


def execute_to_the_end(root: Path) -> int:
    """Run the stage again whenever it is given up, as somebody at a terminal would; how often that was."""
    for resumes in itertools.count():
        try:
            execute(root)
        except SandboxError:
            continue
        return resumes
    raise AssertionError("unreachable: counting does not end")


def grow_all(root: Path | str) -> Dataset:
    """Another stage: forty shards of programs."""
    return run(GROWING, str(root), rows=[Plot(seed, 15, 1 + seed % 4) for seed in range(40)])


def shards(root: Path) -> dict[str, bytes]:
    """Every row and every refused row of a root, as stored."""
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*.parquet"))}


def until(done: Callable[[], bool], attempt: Callable[[int], None]) -> None:
    """Attempt 0, 1, 2 ... until done."""
    number = 0
    while not done():
        attempt(number)
        number += 1
