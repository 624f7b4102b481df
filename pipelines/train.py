"""Train: verified samples -> a fine-tuned model, as a Hugging Face directory.

    python -m pipelines.train --recipe demo --root runs/demo
    ray job submit --working-dir . -- python -m pipelines.train --recipe demo --root /data/demo
    python -m pipelines.train --recipe reproduction --root runs/x --plan 48        # does it fit GPUs of 48 GiB?
    python -m pipelines.train --recipe reproduction --root runs/x --plan 8xA6000   # and how long does it take there?

Needs the samples of pipelines.synthesize under the same root. A killed run goes on from its last checkpoint.
"""

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import typer

from cluster.session import GIB, connect, require_memory, require_packages
from pipelines import options
from pipelines.recipes import Recipe
from ray_app.capacity import tokens_per_sample
from ray_app.errors import InputError
from ray_app.models import portable
from ray_app.runner import call
from ray_app.stage import plan
from ray_app.stages import SAMPLES, sample_sets
from ray_app.store import Dataset, Ledger
from ray_app.training import memory, trainer
from ray_app.training.forecast import Data, forecast, sized
from ray_app.training.hardware import GPUS, Gpu, named
from ray_app.training.model import load_config


def model_directory(root: str) -> str:
    """Where the fine-tuned model lies, as a path or URI."""
    return f"{root}/model"


def train(recipe: Recipe, root: str, samples: Sequence[Dataset] = ()) -> str:
    """Fine-tune the recipe's model, unless that is done; the exported directory. `samples`: by default the root's."""
    inputs = samples or sample_sets(root)
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


PAPER = Data(samples=92_000, mean_tokens=620.0)
"""the size of PyX, for a plan before there are samples: descriptions, forward and backward monologues"""


@dataclass(frozen=True, slots=True)
class Machine:
    """What a plan is for: workers of `gib` GiB each, and where it is named, the GPU and their number."""

    gib: float
    gpu: Gpu | None = None
    gpus: int = 0


def machine_of(text: str) -> Machine:
    """The machine that "48" (GiB per worker) or "8xA6000" names."""
    with contextlib.suppress(ValueError):
        return Machine(float(text))
    count, _, name = text.partition("x")
    gpu = named(name)
    if gpu is None or not count.isdigit() or not int(count):
        known = ", ".join(gpu.name for gpu in GPUS)
        raise InputError(f"--plan {text!r}: give GiB per worker, such as 48, or a machine, such as 8xA6000; of {known}")
    return Machine(gpu.memory_gib, gpu, int(count))


def data_of(recipe: Recipe, root: str) -> Data:
    """How much there is to train on under `root`; as much as the paper had, where there are no samples yet."""
    found = [data for name in SAMPLES if (data := Dataset(root, name)).manifest() is not None]
    rows = sum(data.complete().ledger.rows_out for data in found)
    return Data(rows, tokens_per_sample(root)) if rows else PAPER


def show_plan(recipe: Recipe, machine: Machine, data: Data = PAPER) -> None:
    """Print what each worker needs, the fastest setting that fits, and how long it takes; reads no weights."""
    config = replace(recipe.train, model=recipe.model)
    config = sized(replace(config, num_workers=machine.gpus or config.num_workers), data)
    sizes, available = load_config(config), int(machine.gib * memory.GIB * memory.RESERVE)
    print(f"{recipe.name} needs {memory.estimate(config, sizes, config.num_workers)}")
    best = memory.chosen(config, sizes, config.num_workers, available)
    chosen = ", ".join(f"{name}={getattr(best, name)}" for name in memory.CHOSEN)
    print(f"the fastest that fits {available / memory.GIB:.1f} of {machine.gib:g} GiB: {chosen}")
    if machine.gpu is not None:
        reckoned = forecast(best, sizes, machine.gpu, machine.gpus, data)
        print(f"{reckoned}\n{data.samples:,} samples of {data.mean_tokens:.0f} tokens; {reckoned.assumptions}")


Plan = Annotated[
    str,
    typer.Option("--plan", help="only say whether training fits so many GiB per worker; or 8xA6000: also how long"),
]


def main(recipe: Recipe, root: str, plan_for: Plan = "") -> None:
    """Fine-tune on the verified samples of a root."""
    if plan_for:
        show_plan(recipe, machine_of(plan_for), data_of(recipe, root))
        return
    require_packages("torch", "transformers", "deepspeed", extra="train")
    with connect():
        train(recipe, root)


if __name__ == "__main__":
    options.main(main)
