"""Synthesize: seed code -> programs -> traced executions -> verified monologues -> samples, PyX rows and chats.

    python -m pipelines.synthesize --recipe demo --root runs/demo
    ray job submit --working-dir . -- python -m pipelines.synthesize --recipe demo --root /data/demo

Programs are mined and grown; with --endpoint URL (or --vllm) a language model is asked for more.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import PurePath

from cluster.session import GIB, connect
from pipelines import options
from pipelines.recipes import Recipe, Synthesize
from ray_app import mixture
from ray_app.errors import InputError
from ray_app.models import portable, require_chats
from ray_app.monologue import worker as monologues
from ray_app.programs import ask, mine, sources, workers
from ray_app.programs.select import workers as picking
from ray_app.programs.select.pairs import Part, parts
from ray_app.programs.sources import SourceFile, SourceTree
from ray_app.records import (
    ChatRow,
    Monologue,
    Pairs,
    Program,
    PyxRepairRow,
    PyxRow,
    Repair,
    Sample,
    Seed,
    Signature,
    TracedProgram,
    Twins,
)
from ray_app.repair import worker as bugs
from ray_app.report.card import write_cards
from ray_app.runner import call, run, side_by_side, stream
from ray_app.stage import Stage, reference
from ray_app.store import Dataset
from ray_app.teacher.endpoint import Endpoint, Place

CARDS = {
    "pyx": ("Programs with verified monologues, in the PyX format", mixture.PYX_SCHEMA),
    "pyx-r": ("Bugs with verified diagnoses, in the PyX-R format", mixture.PYX_R_SCHEMA),
    "messages": ("Programs with verified monologues, as chats", mixture.MESSAGES_SCHEMA),
}
"""The datasets that other trainers read: title and schema of their cards."""


def files(config: Synthesize) -> list[SourceFile]:
    """The files that are mined: all of them, or `mine_files` evenly spread over all."""
    found = sources.files(config.mine_roots or None)
    if not found:
        raise InputError(
            f"no Python files under {', '.join(config.mine_roots)}; give other --set synthesize.mine_roots"
        )
    if not config.mine_files or len(found) <= config.mine_files:
        return found
    return [found[i * len(found) // config.mine_files] for i in range(config.mine_files)]


def mined(recipe: Recipe, root: str) -> Dataset:
    """Programs from source trees."""
    config = recipe.synthesize
    stage = Stage("mined", mine.mine_trees, config.mine, SourceTree, Program, rows_per_shard=1)
    return run(stage, root, rows=sources.trees(files(config)))


def grown(recipe: Recipe, root: str) -> Dataset:
    """Programs from the typed generator."""
    config = recipe.synthesize
    stage = Stage("grown", workers.grow_plots, config.grow, workers.Plot, Program, rows_per_shard=1)
    return run(stage, root, rows=config.plots)


def snippets(config: Synthesize) -> list[Seed]:
    """The pieces of real code from which a language model is to invent programs."""
    chosen = files(config)
    spread = chosen[:: max(1, len(chosen) // (4 * config.asks))]
    found = [row for row in ask.seeds(spread, per_file=1, config=config.mine) if isinstance(row, Seed)]
    return found[: config.asks]


def asked(recipe: Recipe, root: str, whom: workers.Answering) -> Dataset:
    """Programs that a language model wrote from snippets of real code."""
    config = recipe.synthesize
    asking = workers.Asking(whom, config.ask)
    # Waiting for the model is not work: a fraction of a CPU, and one worker per endpoint.
    stage = Stage("asked", workers.ask_teacher, asking, Seed, Program, config.asks, num_cpus=0.25, max_workers=1)
    return run(stage, root, rows=snippets(config))


def estimate(recipe: Recipe, endpoint: Endpoint) -> str:
    """What asking would cost at most, without asking."""
    config = recipe.synthesize
    teacher = endpoint.teacher()
    most = teacher.estimate(ask.requests(snippets(config), config.ask))
    teacher.close()
    return (
        f"{most.requests} prompts to ask and {most.cached} in the cache: at most {most.prompt_tokens:,} prompt and "
        f"{most.completion_tokens:,} completion tokens, {most.cost_usd:.2f} USD; each failed reply goes back up to "
        f"{config.ask.repairs} times, with the conversation so far"
    )


def selected(config: Synthesize, root: str, found: Sequence[Dataset], run: Callable[..., Dataset] = run) -> Dataset:
    """The programs of all sources that are worth executing: without near-duplicates and benchmark problems.

    `run` brings a stage to completion, as `ray_app.runner.run` does.
    """
    how, size = config.select, config.rows_per_shard
    signed = run(Stage("signatures", picking.sign, how.banding, Program, Signature, 4 * size), root, inputs=found)
    programs = signed.complete().ledger.rows_out
    if programs != (given := sum(dataset.complete().ledger.rows_out for dataset in found)):
        raise InputError(f"{signed.path} has {programs} rows for {given} programs: delete it and run the same command")
    comparing = picking.Comparing(reference(signed), how.threshold)
    shares = parts(programs, int(how.memory_gib * GIB))
    alike = run(Stage("pairs", picking.compare, comparing, Part, Pairs, 1), root, rows=shares)
    naming = picking.Naming(reference(alike), reference(signed))
    total = [picking.Total(programs)]
    twins = run(Stage("twins", picking.name_twins, naming, picking.Total, Twins, None), root, rows=total)
    selecting = picking.Selecting(how, reference(twins))
    stage = Stage("programs", picking.select, selecting, Program, Program, size, numbered=True)
    return run(stage, root, inputs=found)


def synthesize(recipe: Recipe, root: str, *, asks: bool) -> None:
    """Bring every dataset up to the samples to completion. `asks`: `asked` is complete and takes part."""
    config = recipe.synthesize
    size = config.rows_per_shard
    mix = config.mixture
    found = side_by_side(lambda: mined(recipe, root), lambda: grown(recipe, root))
    found += [Dataset(root, "asked")] if asks else []
    picked = selected(config, root, found)
    after = [
        Stage("executions", workers.trace_rows, config.trace, Program, TracedProgram, size),
        Stage("monologues", monologues.tell, config.narrate, TracedProgram, Monologue, follows="executions"),
        Stage("repairs", bugs.repairs, config.repair, TracedProgram, Repair, follows="executions"),
        Stage("samples", mixture.from_monologues, mix, Monologue, Sample, follows="monologues"),
        Stage("samples-nl", mixture.from_programs, mix, TracedProgram, Sample, follows="executions"),
        Stage("samples-repair", mixture.from_repairs, mix, Repair, Sample, follows="repairs"),
    ]
    made = stream(after, root, inputs=[picked])[-3:]
    pyx = Stage("pyx", mixture.pyx_rows, mix, Sample, PyxRow, 8 * size)
    pyx_r = Stage("pyx-r", mixture.pyx_r_rows, mix, Sample, PyxRepairRow, 8 * size)
    chats = Stage("messages", mixture.chat_rows, mix, Sample, ChatRow, 8 * size)
    side_by_side(
        lambda: run(pyx, root, inputs=made),
        lambda: run(pyx_r, root, inputs=made[-1:]),
        lambda: run(chats, root, inputs=made),
    )
    write_cards(root, CARDS, asdict(config))


def endpoint_of(root: str, place: Place, model: str, revision: str) -> Endpoint:
    """The model of this name at a place. `revision` says which weights answer there; its replies are kept under the
    root, so nothing is paid for twice."""
    revision = revision.replace("/", "--")
    return Endpoint(model, revision, place.url, place.api_key, cache_dir=f"{root}/cache")


def teacher_name(recipe: Recipe) -> str:
    """The name under which the recipe's teacher is served, and which its programs carry: no path of one machine."""
    return PurePath(recipe.teacher).name if recipe.teacher.startswith(("/", ".", "~")) else recipe.teacher


def teacher_at(recipe: Recipe, root: str, place: Place) -> Endpoint:
    """The recipe's teacher, where it is served."""
    return endpoint_of(root, place, teacher_name(recipe), teacher_name(recipe))


def engine_of(recipe: Recipe, root: str, model: str) -> workers.Answering:
    """The teacher inside the cluster: `model`, or the recipe's, with the recipe's numbers for vLLM.

    An InputError where it cannot be talked to, an EngineError where the machines that would run it have no vLLM.
    """
    from ray_app.teacher.engine import Engine, require_vllm  # needs ray.data.llm

    model = model or recipe.teacher
    if not model:
        raise InputError(f"recipe {recipe.name} has no teacher; name one: --model, or --set teacher=NAME")
    served = recipe.teaching
    gpus, revision = int(served.num_gpus), model.replace("/", "--")
    require_vllm(model, gpus)
    call(require_chats, model)
    return Engine(portable(model), revision, dict(served.vllm), gpus, served.max_replicas, cache_dir=f"{root}/cache")


def main(
    recipe: Recipe,
    root: str,
    endpoint: options.Url = "",
    model: options.ModelName = "",
    vllm: options.Vllm = False,
    price: options.Prices = "",
    budget: options.Budget = "",
    dry_run: options.DryRun = False,
) -> None:
    """From source code to verified samples. With --endpoint or --vllm, a language model is asked for programs too."""
    if vllm and endpoint:
        raise InputError("--vllm and --endpoint exclude each other: who is to be asked?")
    if (budget or dry_run) and not endpoint:
        raise InputError("--budget and --dry-run are about paying an endpoint; give --endpoint URL")
    cost = options.price_of(price)
    tokens, usd = options.budget_of(budget, cost)
    teacher = endpoint_of(root, options.place_of(endpoint), model or "base", model or "base")
    teacher = replace(teacher, price=cost, max_tokens=tokens, max_usd=usd)
    if dry_run:
        print(estimate(recipe, teacher))
        return
    with connect():
        if endpoint:
            asked(recipe, root, teacher)
        elif vllm:
            together = replace(recipe.synthesize.ask, batch=recipe.synthesize.asks)  # the engine starts once a round
            recipe = replace(recipe, synthesize=replace(recipe.synthesize, ask=together))
            asked(recipe, root, engine_of(recipe, root, model))
        synthesize(recipe, root, asks=Dataset(root, "asked").manifest() is not None)


if __name__ == "__main__":
    options.main(main)
