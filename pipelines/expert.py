"""Expert iteration: the fine-tuned model explains the root's executions, and what is true of it trains the next model.

    python -m pipelines.expert --recipe demo --root runs/demo
    python -m pipelines.expert --recipe demo --root runs/demo --endpoint http://127.0.0.1:8000/v1 --model tuned

Each call makes one round under ROOT/expert-1, ROOT/expert-2, ...: `explained` holds the verified monologues,
`model` the student trained from the last one on all samples so far. A round that was cut off is continued.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import count

from cluster.session import connect, require_packages
from pipelines import options
from pipelines.recipes import Recipe
from pipelines.serve import TUNED, serving
from pipelines.synthesize import endpoint_of
from pipelines.train import model_directory, train
from ray_app import mixture
from ray_app.errors import InputError
from ray_app.records import Monologue, Sample, TracedProgram
from ray_app.runner import stream
from ray_app.stage import Stage
from ray_app.stages import sample_sets
from ray_app.store import Dataset
from ray_app.teacher.endpoint import Place
from ray_app.training import expert
from ray_app.training.expert import Explaining


def rounds(root: str) -> Iterator[str]:
    """The root itself, then that of every round, without end."""
    yield root
    yield from (f"{root}/expert-{number}" for number in count(1))


def finished(root: str) -> list[str]:
    """The root and the rounds whose model is trained. InputError where not even the root's is."""
    done: list[str] = []
    for each in rounds(root):
        if Dataset(each, "training").manifest() is None:
            break
        done.append(each)
    if not done:
        raise InputError(f"{root} has no fine-tuned model yet: run pipelines.train on it first")
    return done


def explained(recipe: Recipe, root: str, place: Place, model: str = TUNED) -> None:
    """Bring the current round's monologues to completion, told by the student at `place`: the last finished model."""
    done = finished(root)
    revision = Dataset(done[-1], "training").complete().content
    whom = endpoint_of(root, place, model, revision)
    # Each round asks about programs of its own, where it does not ask about all.
    config = replace(recipe.expert, seed=recipe.expert.seed + len(done), chat=recipe.train.prompt_style == "chat")
    # Waiting for the model is not work: a few workers keep it busy, with some CPU for the verifier.
    asking = Stage(
        "explained",
        expert.explain,
        Explaining(whom, config),
        TracedProgram,
        Monologue,
        recipe.synthesize.rows_per_shard,
        num_cpus=0.25,
        max_workers=4,
    )
    number, mix = len(done), recipe.synthesize.mixture
    telling = Stage(_samples(number), mixture.from_monologues, mix, Monologue, Sample, follows="explained")
    stream([asking, telling], f"{root}/expert-{number}", inputs=[Dataset(root, "executions")])


def learned(recipe: Recipe, root: str) -> str:
    """Train the current round's model on the root's samples and those of all rounds; its directory."""
    done = finished(root)
    here = f"{root}/expert-{len(done)}"
    own = [Dataset(each, _samples(number)) for number, each in enumerate([*done[1:], here], 1)]
    student = model_directory(done[-1])
    return train(replace(recipe, model=student), here, [*sample_sets(root), *own])


def _samples(number: int) -> str:
    return f"samples-expert-{number}"


def main(recipe: Recipe, root: str, endpoint: options.Url = "", model: options.ModelName = TUNED) -> None:
    """One round of expert iteration; without --endpoint the student is served for it here."""
    require_packages("torch", "transformers", "deepspeed", "fastapi", extra="train")
    student = model_directory(finished(root)[-1])
    with connect():
        if endpoint:
            explained(recipe, root, options.place_of(endpoint), model)
        else:
            with serving(recipe, {TUNED: student}) as place:
                explained(recipe, root, place)
        learned(recipe, root)


if __name__ == "__main__":
    options.main(main)
