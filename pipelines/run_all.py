"""Run all: synthesize, train, serve, evaluate, report, in one Ray job. Finished stages are skipped.

python -m pipelines.run_all --recipe demo --root runs/demo
ray job submit --working-dir . -- python -m pipelines.run_all --recipe demo --root /data/demo
"""

import time

from cluster.session import GIB, connect, joined, require_memory, require_packages
from pipelines import options
from pipelines.evaluate import evaluate, headlines, pending
from pipelines.recipes import Recipe
from pipelines.report import report
from pipelines.serve import BASE, TUNED, models, serving
from pipelines.synthesize import asked, synthesize, teacher_at, teacher_name
from pipelines.train import train
from ray_app.models import portable, require_chats
from ray_app.progress import duration
from ray_app.runner import call
from ray_app.store import Dataset
from ray_app.teacher.endpoint import Place


def main(recipe: Recipe, root: str) -> None:
    """The whole data flow, from source code to the report."""
    require_packages("torch", "transformers", "deepspeed", "fastapi", extra="train")
    if not joined():  # else the machines that are going to do the work look for themselves
        require_memory(int(recipe.memory_gib * GIB), f"recipe {recipe.name}")
    started = time.monotonic()
    with connect():
        if recipe.teacher:
            taught(recipe, root)
        synthesize(recipe, root, asks=bool(recipe.teacher))
        train(recipe, root)
        if pending(recipe, root):
            with serving(recipe, models(recipe, root)) as place:
                evaluate(recipe, root, place, (BASE, TUNED))
        else:
            evaluate(recipe, root, Place(), (BASE, TUNED))
    page = report(root)
    print(f"\n{headlines(root)}\nreport: {page}\ntook {duration(time.monotonic() - started)}", flush=True)


def taught(recipe: Recipe, root: str) -> None:
    """Programs by the recipe's teacher, which is served for as long as it is asked."""
    if Dataset(root, "asked").manifest() is not None:
        asked(recipe, root, teacher_at(recipe, root, Place()))
        return
    call(require_chats, recipe.teacher, num_cpus=0.5)
    with serving(recipe, {teacher_name(recipe): portable(recipe.teacher)}, recipe.teaching) as place:
        asked(recipe, root, teacher_at(recipe, root, place))


if __name__ == "__main__":
    options.main(main)
