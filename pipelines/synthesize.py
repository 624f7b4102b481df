"""Synthesize: seed code -> programs -> traced executions -> verified monologues -> samples, PyX rows and chats.

    python -m pipelines.synthesize --recipe demo --root runs/demo
    ray job submit --working-dir . -- python -m pipelines.synthesize --recipe demo --root /data/demo

Programs are mined and grown; with --endpoint URL (or --vllm) a language model, the teacher, is asked for more, and for
explanations of runs (see docs/teacher.md).
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import PurePath

from cluster.session import GIB, connect
from pipelines import options
from pipelines.recipes import Recipe, Synthesize
from ray_app import mixture
from ray_app.errors import InputError
from ray_app.models import portable, require_chats
from ray_app.monologue import explain
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
from ray_app.teacher.answering import Answering
from ray_app.teacher.budget import Usage
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


def asked(recipe: Recipe, root: str, whom: Answering) -> Dataset:
    """Programs that a language model wrote from snippets of real code."""
    config = recipe.synthesize
    asking = workers.Asking(whom, config.ask)
    # Waiting for the model is not work: a fraction of a CPU, and one worker per endpoint.
    stage = Stage("asked", workers.ask_teacher, asking, Seed, Program, config.asks, num_cpus=0.25, max_workers=1)
    return run(stage, root, rows=snippets(config))


def explained(recipe: Recipe, root: str, whom: Answering) -> list[Dataset]:
    """The teacher's explanations of runs, verified and edited, and the samples that they give."""
    config = recipe.synthesize
    executions = Dataset(root, "executions")
    asking = explain.Explaining(whom, replace(config.explain, share=share_of(config, executions)))
    # An engine starts anew for every shard, so it gets one; what a budget allows is counted by one process.
    is_endpoint = isinstance(whom, Endpoint)
    is_shared = is_endpoint and not whom.max_tokens and not whom.max_usd
    stage = Stage(
        "explained",
        explain.explain_rows,
        asking,
        TracedProgram,
        Monologue,
        config.rows_per_shard if is_endpoint else None,
        num_cpus=0.25,
        max_workers=4 if is_shared else 1,
    )
    telling = Stage(
        "samples-explained", mixture.from_explanations, config.mixture, Monologue, Sample, follows="explained"
    )
    return stream([stage, telling], root, inputs=[executions])


def share_of(config: Synthesize, executions: Dataset) -> float:
    """The share of programs, by their place, in which exactly `explains` lie that are short enough; 1 for all."""
    how = config.explain
    places: list[int] = []
    for table in executions.columns("id", "program.code"):
        names = zip(table["id"].to_pylist(), table["program"].to_pylist(), strict=True)
        short = [name for name, program in names if len(program["code"]) <= how.longest_code]
        places += [int(explain.place_of(name, how.seed)[:8], 16) for name in short]
    return 1.0 if len(places) <= config.explains else (sorted(places)[config.explains - 1] + 1) / 16**8


def estimate(recipe: Recipe, root: str, endpoint: Endpoint) -> str:
    """What asking would cost at most, without asking."""
    config = recipe.synthesize
    teacher = endpoint.teacher()
    programs = teacher.estimate(ask.requests(snippets(config), config.ask))
    executions = Dataset(root, "executions")
    if executions.manifest() is not None and config.explains:
        how = replace(config.explain, share=share_of(config, executions))
        runs = teacher.estimate(explain.requests(executions.read(TracedProgram), how))
    else:
        runs = most_to_explain(config, endpoint)
    teacher.close()
    again = "each reply that fails goes back up to {} times, with the conversation so far"
    return (
        f"programs: {_in_words(programs)}; {again.format(config.ask.repairs)}\n"
        f"explanations: {_in_words(runs)}; {again.format(config.explain.corrections)}"
    )


def most_to_explain(config: Synthesize, endpoint: Endpoint) -> Usage:
    """The most that explanations cost while nobody knows of which runs: every question is as long as may be."""
    how = config.explain
    questions = config.explains * how.calls * len(how.directions)
    asked_for, answered = questions * how.longest_prompt // 3, questions * how.samples * how.max_tokens
    return Usage(
        requests=questions,
        prompt_tokens=asked_for,
        completion_tokens=answered,
        cost_usd=endpoint.price.cost_usd(asked_for, answered),
    )


def _in_words(most: Usage) -> str:
    return (
        f"{most.requests} prompts to ask and {most.cached} in the cache: at most {most.prompt_tokens:,} prompt and "
        f"{most.completion_tokens:,} completion tokens, {most.cost_usd:.2f} USD"
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


@dataclass(frozen=True)
class Teaching:
    """Who teaches: `whom` says it, `open` makes it answer for the length of a block."""

    whom: Answering
    open: Callable[[], AbstractContextManager[Answering]]

    def stage(self, recipe: Recipe, root: str, name: str, ask_for: Callable[[Recipe, str, Answering], object]) -> None:
        """Bring the teacher's stage of this name to completion; one that is complete needs nobody to answer."""
        if Dataset(root, name).manifest() is not None:
            ask_for(recipe, root, self.whom)
            return
        with self.open() as whom:
            ask_for(recipe, root, whom)


def synthesize(recipe: Recipe, root: str, teaching: Teaching | None = None) -> None:
    """Bring every dataset up to the samples to completion. Without a teacher, what one wrote before takes part."""
    config = recipe.synthesize
    size = config.rows_per_shard
    mix = config.mixture
    if teaching is not None and config.asks and not _began_without_asking(root):
        teaching.stage(recipe, root, "asked", asked)
    found = side_by_side(lambda: mined(recipe, root), lambda: grown(recipe, root))
    found += _complete(root, "asked")
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
    if teaching is not None and config.explains:
        teaching.stage(recipe, root, "explained", explained)
    told = [*made, *_complete(root, "samples-explained")]
    pyx = Stage("pyx", mixture.pyx_rows, mix, Sample, PyxRow, 8 * size)
    pyx_r = Stage("pyx-r", mixture.pyx_r_rows, mix, Sample, PyxRepairRow, 8 * size)
    chats = Stage("messages", mixture.chat_rows, mix, Sample, ChatRow, 8 * size)
    side_by_side(
        lambda: run(pyx, root, inputs=told),
        lambda: run(pyx_r, root, inputs=made[-1:]),
        lambda: run(chats, root, inputs=told),
    )
    write_cards(root, CARDS, asdict(config))


def _complete(root: str, name: str) -> list[Dataset]:
    """The dataset of this name, where it is complete."""
    dataset = Dataset(root, name)
    return [dataset] if dataset.manifest() is not None else []


def _began_without_asking(root: str) -> bool:
    """Whether programs were already selected under this root when nobody had been asked for any."""
    begun = Dataset(root, "signatures").plan()
    return begun is not None and "asked" not in begun.inputs


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


def engine_of(recipe: Recipe, root: str, model: str) -> Answering:
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
    """From source code to verified samples. With --endpoint or --vllm, a teacher writes programs and explains runs."""
    if vllm and endpoint:
        raise InputError("--vllm and --endpoint exclude each other: who is to be asked?")
    if (budget or dry_run) and not endpoint:
        raise InputError("--budget and --dry-run are about paying an endpoint; give --endpoint URL")
    cost = options.price_of(price)
    tokens, usd = options.budget_of(budget, cost)
    teacher = endpoint_of(root, options.place_of(endpoint), model or "base", model or "base")
    teacher = replace(teacher, price=cost, max_tokens=tokens, max_usd=usd)
    if dry_run:
        print(estimate(recipe, root, teacher))
        return
    with connect():
        if endpoint:
            synthesize(recipe, root, paid(root, teacher))
        elif vllm:
            together = at_once(recipe)
            whom = engine_of(together, root, model)
            synthesize(together, root, Teaching(whom, lambda: nullcontext(whom)))
        else:
            synthesize(recipe, root)


def paid(root: str, endpoint: Endpoint) -> Teaching:
    """An endpoint as a teacher whose budget holds for all that this run asks; an InputError where it answers no
    chats, before anything is asked."""
    is_new = not _complete(root, "asked")
    if is_new or not _complete(root, "explained"):
        endpoint.require_chats()

    def left() -> AbstractContextManager[Answering]:
        spent = [dataset.complete().ledger for dataset in _complete(root, "asked") if is_new]
        tokens = sum(ledger.tokens_in + ledger.tokens_out for ledger in spent)
        usd = sum(ledger.usd for ledger in spent)
        # 0 means no limit: what is used up is a limit of next to nothing
        return nullcontext(
            replace(
                endpoint,
                max_tokens=endpoint.max_tokens and max(1, endpoint.max_tokens - tokens),
                max_usd=endpoint.max_usd and max(1e-9, endpoint.max_usd - usd),
            )
        )

    return Teaching(endpoint, left)


def at_once(recipe: Recipe) -> Recipe:
    """The recipe with all questions of a round in one batch: the engine inside the cluster starts once a round."""
    config = recipe.synthesize
    asking = replace(config.ask, batch=max(1, config.asks))
    explaining = replace(config.explain, batch=max(1, config.explains))
    return replace(recipe, synthesize=replace(config, ask=asking, explain=explaining))


if __name__ == "__main__":
    options.main(main)
