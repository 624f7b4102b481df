"""Prompts with checkable rewards for reinforcement learning, as verl and TRL read them.

    python -m pipelines.export_rl --recipe demo --root runs/demo
    python -m pipelines.export_rl --recipe demo --root runs/demo --tasks forward,probe

Writes ROOT/rl/train.parquet and ROOT/rl/held_out.parquet (split by program) from the root's executions. The reward is
`ray_app/reward/verl.py` or `ray_app.reward.trl.execution_reward`: see docs/rl.md.
"""

from typing import Annotated, cast

import typer

from pipelines import options
from pipelines.recipes import Recipe
from ray_app.records import TracedProgram
from ray_app.reward.question import QuestionTask
from ray_app.reward.rows import export
from ray_app.store import Dataset

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


if __name__ == "__main__":
    options.main(main)
