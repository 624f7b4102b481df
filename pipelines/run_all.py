"""Run all: synthesize, train, serve, evaluate, report, in one Ray job. Finished stages are skipped.

python -m pipelines.run_all --recipe demo --root runs/demo
ray job submit --working-dir . -- python -m pipelines.run_all --recipe demo --root /data/demo
"""

import time

from cluster.session import GIB, connect, require_memory, require_packages
from pipelines import options
from pipelines.evaluate import evaluate, headlines, pending
from pipelines.recipes import Recipe
from pipelines.report import report
from pipelines.serve import BASE, TUNED, models, serving
from pipelines.synthesize import asked, endpoint_of, synthesize
from pipelines.train import train
from ray_app.models import resolve
from ray_app.progress import duration
from ray_app.store import Dataset


def main(recipe: Recipe, root: str) -> None:
    """The whole data flow, from source code to the report."""
    require_packages("torch", "transformers", "deepspeed", "fastapi", extra="train")
    require_memory(int(recipe.memory_gib * GIB), f"recipe {recipe.name}")
    started = time.monotonic()
    with connect():
        if Dataset(root, "asked").manifest() is None:
            with serving(recipe, {BASE: str(resolve(recipe.model))}) as url:
                asked(recipe, root, endpoint_of(recipe, root, url))
        else:
            asked(recipe, root, endpoint_of(recipe, root, ""))
        synthesize(recipe, root, asks=True)
        train(recipe, root)
        if pending(recipe, root):
            with serving(recipe, models(recipe, root)) as url:
                evaluate(recipe, root, url, (BASE, TUNED))
        else:
            evaluate(recipe, root, "", (BASE, TUNED))
    page = report(root)
    print(f"\n{headlines(root)}\nreport: {page}\ntook {duration(time.monotonic() - started)}", flush=True)


if __name__ == "__main__":
    options.main(main)
