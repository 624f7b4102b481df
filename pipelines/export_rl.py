"""Prompts with checkable rewards for reinforcement learning, as verl and TRL read them.

    python -m pipelines.export_rl --recipe demo --root runs/demo
    python -m pipelines.export_rl --recipe demo --root runs/demo --tasks forward,probe

Writes ROOT/rl/train.parquet and ROOT/rl/held_out.parquet (split by program) from the root's executions. The reward is
`ray_app/reward/verl.py` or `ray_app.reward.trl.execution_reward`: see docs/rl.md.
"""

import io
from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Any, cast

import pyarrow as pa
import pyarrow.parquet as pq
import typer

from pipelines import options
from pipelines.recipes import Recipe
from ray_app.errors import InputError
from ray_app.records import TracedProgram
from ray_app.reward.question import QuestionTask
from ray_app.reward.rows import SCHEMA, rows
from ray_app.store import Dataset, write_file

TASKS = "forward,backward,exception,probe"


def main(
    recipe: Recipe,
    root: str,
    tasks: Annotated[str, typer.Option(help="of: forward, backward, output, input, exception, probe")] = TASKS,
    per_kind: Annotated[int, typer.Option(help="probe questions of each kind per execution")] = 1,
) -> None:
    """Export the root's executions as prompts with rewards: one Parquet file to train on, one held out."""
    executions = Dataset(root, "executions")
    executions.complete()
    asked: list[QuestionTask] = [cast(QuestionTask, task.strip()) for task in tasks.split(",") if task.strip()]
    share = recipe.synthesize.mixture.held_out_fraction
    for path, count in export(executions.read(TracedProgram), root, asked, share, per_kind).items():
        print(f"{path}: {count} prompts", flush=True)


def export(
    programs: Iterable[TracedProgram], root: str, tasks: list[QuestionTask], held_out_fraction: float, per_kind: int = 1
) -> dict[str, int]:
    """Write both files; the number of prompts in each. InputError where there is none to train on."""
    found: dict[str, list[dict[str, Any]]] = {"train": [], "held_out": []}
    for row in rows(programs, tasks, held_out_fraction, per_kind):
        found[row["extra_info"]["split"]].append(row)
    if not found["train"]:
        raise InputError(f"{root} has no execution that can be asked about as {', '.join(tasks) or 'nothing'}")
    written: Counter[str] = Counter()
    for split, chosen in found.items():
        path, sink = f"{root}/rl/{split}.parquet", io.BytesIO()
        pq.write_table(pa.Table.from_pylist(chosen, schema=SCHEMA), sink)
        write_file(path, sink.getvalue())
        written[path] = len(chosen)
    return written


if __name__ == "__main__":
    options.main(main)
