"""Train: verified samples -> a fine-tuned model, as a Hugging Face directory.

    python -m pipelines.train --recipe demo --root runs/demo
    ray job submit --working-dir . -- python -m pipelines.train --recipe demo --root /data/demo
    python -m pipelines.train --recipe reproduction --root runs/x --plan 48     # does it fit GPUs of 48 GiB?

Needs the samples of pipelines.synthesize under the same root. A killed run goes on from its last checkpoint.
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

import typer

from cluster.session import GIB, connect, require_memory, require_packages
from pipelines import options
from pipelines.recipes import Recipe
from pipelines.synthesize import SAMPLES
from ray_app.models import portable
from ray_app.runner import call
from ray_app.stage import plan
from ray_app.store import Dataset, Ledger
from ray_app.training import memory, trainer
from ray_app.training.model import load_config


def model_directory(root: str) -> str:
    """Where the fine-tuned model lies, as a path or URI."""
    return f"{root}/model"


def train(recipe: Recipe, root: str, samples: Sequence[Dataset] = ()) -> str:
    """Fine-tune the recipe's model, unless that is done; the exported directory. `samples`: by default the root's."""
    inputs = samples or [Dataset(root, name) for name in SAMPLES]
    dataset, out = Dataset(root, "training"), model_directory(root)
    config = replace(recipe.train, model=portable(recipe.model), run_name=recipe.name, storage_path=dataset.path)
    dataset.begin(plan(trainer.train, config, inputs))
    if (done := dataset.manifest()) is not None:
        print(f"{'training':<12} complete: {out} (skipped; took {done.ledger.wall_s:.0f} s)", flush=True)
        return out
    where = {"num_cpus": config.cpus_per_worker, "num_gpus": float(config.use_gpu)}
    call(require_memory, int(recipe.memory_gib * GIB), f"recipe {recipe.name}", **where)
    started = time.monotonic()
    paths = [path for data in inputs for path in data.shard_paths()]
    manifests = {data.name: data.complete() for data in inputs}
    rows = {name: {"rows": made.ledger.rows_out, "content": made.content} for name, made in manifests.items()}
    result = trainer.train(config, paths, export_to=out, card={"base_model": recipe.model, "data": rows})
    dataset.finish(result.content, Ledger(result.documents, 1, result.rejects, wall_s=time.monotonic() - started))
    print(f"{'training':<12} {result.outcome.step} steps; model in {out}", flush=True)
    return out


def show_plan(recipe: Recipe, gib: float) -> None:
    """Print what each worker needs, and the fastest setting that fits workers of `gib` GiB; reads no weights."""
    config = replace(recipe.train, model=recipe.model)
    sizes, available = load_config(config), int(gib * memory.GIB * memory.RESERVE)
    print(f"{recipe.name} needs {memory.estimate(config, sizes, config.num_workers)}")
    best = memory.chosen(config, sizes, config.num_workers, available)
    chosen = ", ".join(f"{name}={getattr(best, name)}" for name in memory.CHOSEN)
    print(f"the fastest that fits {available / memory.GIB:.1f} of {gib:g} GiB: {chosen}")


Plan = Annotated[float, typer.Option("--plan", help="only say whether training fits workers of so many GiB")]


def main(recipe: Recipe, root: str, plan_gib: Plan = 0.0) -> None:
    """Fine-tune on the verified samples of a root."""
    if plan_gib:
        show_plan(recipe, plan_gib)
        return
    require_packages("torch", "transformers", "deepspeed", extra="train")
    with connect():
        train(recipe, root)


if __name__ == "__main__":
    options.main(main)
