"""Train: verified samples -> a fine-tuned model, as a Hugging Face directory.

    python -m pipelines.train --recipe demo --root runs/demo
    ray job submit --working-dir . -- python -m pipelines.train --recipe demo --root /data/demo
    python -m pipelines.train --recipe reproduction --root runs/x --plan 48     # does it fit GPUs of 48 GiB?

Needs the samples of pipelines.synthesize under the same root. A killed run goes on from its last checkpoint.
"""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from cluster.session import GIB, connect, require_memory, require_packages
from pipelines import options
from pipelines.recipes import Recipe
from pipelines.synthesize import SAMPLES
from ray_app.errors import InputError
from ray_app.models import PACKAGED, resolve
from ray_app.stage import plan
from ray_app.store import Dataset, Ledger
from ray_app.training import memory, trainer
from ray_app.training.model import load_config


def model_directory(root: str) -> Path:
    """Where the fine-tuned model lies. InputError for a root that is no local path: models are exported to a disk."""
    if "://" in root:
        raise InputError(f"--root {root!r}: training exports to a disk; give a path on a shared file system")
    return Path(root) / "model"


def train(recipe: Recipe, root: str, samples: Sequence[Dataset] = ()) -> Path:
    """Fine-tune the recipe's model, unless that is done; the exported directory. `samples`: by default the root's."""
    inputs = samples or [Dataset(root, name) for name in SAMPLES]
    dataset, out = Dataset(root, "training"), model_directory(root)
    config = replace(recipe.train, model=str(resolve(recipe.model)), run_name=recipe.name, storage_path=dataset.path)
    dataset.begin(plan(trainer.train, config, inputs))
    if (done := dataset.manifest()) is not None:
        print(f"{'training':<12} complete: {out} (skipped; took {done.ledger.wall_s:.0f} s)", flush=True)
        return out
    require_memory(int(recipe.memory_gib * GIB), f"recipe {recipe.name}")
    started = time.monotonic()
    paths = [path for data in inputs for path in data.shard_paths()]
    manifests = {data.name: data.complete() for data in inputs}
    rows = {name: {"rows": made.ledger.rows_out, "content": made.content} for name, made in manifests.items()}
    result = trainer.train(config, paths, export_to=out, card={"base_model": recipe.model, "data": rows})
    with (out / "model.safetensors").open("rb") as weights:
        content = hashlib.file_digest(weights, "sha256").hexdigest()[:16]
    dataset.finish(content, Ledger(result.documents, 1, result.rejects, wall_s=time.monotonic() - started))
    print(f"{'training':<12} {result.outcome.step} steps; model in {out}", flush=True)
    return out


def show_plan(recipe: Recipe, gib: float) -> None:
    """Print what each worker needs, and the fastest setting that fits workers of `gib` GiB; reads no weights."""
    config = replace(recipe.train, model=str(resolve(recipe.model)) if recipe.model in PACKAGED else recipe.model)
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
