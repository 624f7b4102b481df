"""Evaluate: the base and the fine-tuned model on benchmarks, through the endpoint, graded in the sandbox.

    python -m pipelines.evaluate --recipe demo --root runs/demo
    python -m pipelines.evaluate --recipe demo --root runs/demo --set evaluate.data=/data/benchmarks

Beside the exams: claim accuracy, what a model would have stated where held-out monologues state something.
Answers are cached, so a run that was cut off asks only for what is missing. An exam with `rounds` repairs programs:
of a recipe that trains on PyX-R (`refine`), base scores are zero-shot self-repair, tuned ones self-repair after PyX-R.
"""

import importlib.util
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from cluster.session import connect, joined, require_packages
from pipelines import options
from pipelines.recipes import Exam, Recipe
from pipelines.serve import BASE, TUNED, models, serving
from pipelines.synthesize import endpoint_of
from pipelines.train import model_directory
from ray_app import mixture
from ray_app.evaluation import benchmarks, caps, formats, metrics, process, prompts, robustness, worker
from ray_app.evaluation.benchmarks import held_out
from ray_app.evaluation.breakdowns import breakdown
from ray_app.evaluation.fingerprint import environment
from ray_app.evaluation.generate import GenerationConfig
from ray_app.evaluation.items import Benchmark, Item
from ray_app.evaluation.passages import Passage, passages
from ray_app.evaluation.verdicts import Executor
from ray_app.evaluation.worker import Question
from ray_app.models import resolve
from ray_app.records import ClaimScore, Monologue, Score, TracedProgram
from ray_app.report import claims
from ray_app.report.scores import paired_rates
from ray_app.runner import call, run, side_by_side
from ray_app.stage import Stage
from ray_app.store import Dataset, write_file
from ray_app.teacher.endpoint import Endpoint, Place
from ray_app.training.export import add_scores

OWN = (held_out.NAME, process.PROBES)
WITHOUT_DATA = (*OWN, "humaneval")
_QUESTIONS_PER_WORKER = 1_024
_TEXTS_PER_SHARD = 16
T = TypeVar("T")


def load(exam: Exam, recipe: Recipe, root: str) -> Benchmark:
    """The exam's benchmark; "held_out" and "probes" are made of the root's own programs that training never saw."""
    if exam.benchmark not in OWN:
        data = recipe.evaluate.data
        return benchmarks.load(exam.benchmark, Path(data) if data else None, window=exam.window)
    fraction = recipe.synthesize.mixture.held_out_fraction
    dataset = Dataset(root, "executions")
    kept = (row for row in dataset.read(TracedProgram) if mixture.split_of(row.id, fraction) == "held_out")
    content = dataset.complete().content
    asked = held_out.items(kept) if exam.benchmark == held_out.NAME else _probes(kept, recipe)
    return Benchmark(exam.benchmark, "own", content, content, dataset.path, tuple(asked))


def _probes(programs: Iterator[TracedProgram], recipe: Recipe) -> Iterator[Item]:
    return process.probe_items(programs, seed=recipe.evaluate.seed)


@dataclass(frozen=True, slots=True)
class Paper:
    """An exam as it is held: `benchmark` has the name of its scores and the chosen items only."""

    exam: Exam
    benchmark: Benchmark
    generation: GenerationConfig

    def questions(self) -> Iterator[Question]:
        """The questions that the models are asked."""
        return (Question(self.generation, item, self.exam.fidelity, self.exam.rounds) for item in self.benchmark.items)


def papers(recipe: Recipe, root: str) -> Iterator[Paper]:
    """Every exam that can be held here, told with its first prompt; what is left out is said."""
    right = _right_replies(recipe, root)
    for exam in recipe.evaluate.exams:
        if not recipe.evaluate.data and exam.benchmark not in WITHOUT_DATA:
            print(f"{'evaluate':<12} {exam.benchmark} left out: set evaluate.data to a folder that has it", flush=True)
            continue
        loaded = load(exam, recipe, root)
        fitting = right.fitting(loaded.items, exam.prompt_format, exam.longest)
        chosen = _in_other_clothes(spread(fitting, exam.items), exam, recipe)
        if not chosen:
            print(f"{'evaluate':<12} {exam.benchmark} left out: no item fits", flush=True)
            continue
        generation = GenerationConfig(
            f"{exam.benchmark}_{exam.variant}" if exam.variant else exam.benchmark,
            exam.prompt_format,
            exam.samples,
            exam.max_tokens or right.cap(chosen, exam.prompt_format),
            exam.temperature,
            recipe.evaluate.seed,
            chat=recipe.train.prompt_style == "chat",
        )
        shorter = f" whose right reply has at most {exam.longest} tokens" if exam.longest else ""
        print(
            f"{'evaluate':<12} {generation.benchmark}, {exam.prompt_format}: {len(chosen)} items{shorter}, "
            f"at most {generation.max_tokens} tokens to answer. The first prompt:"
        )
        print(_indented(prompts.prompt(chosen[0], exam.prompt_format)), flush=True)
        yield Paper(exam, replace(loaded, name=generation.benchmark, items=tuple(chosen)), generation)


def _right_replies(recipe: Recipe, root: str) -> caps.RightReplies:
    """The right replies of the root, counted in the model's tokens. Where every cap is given, nobody asks for them."""
    if all(exam.max_tokens and not exam.longest for exam in recipe.evaluate.exams):
        return caps.RightReplies((), caps.count_bytes)
    told = Dataset(root, "monologues").read(Monologue) if Dataset(root, "monologues").manifest() else ()
    tokenizer = _tokenizer(recipe)
    if tokenizer is None:
        return caps.RightReplies(told, caps.count_bytes)
    return caps.RightReplies(told, lambda text: len(tokenizer(text, add_special_tokens=False)["input_ids"]))


def _tokenizer(recipe: Recipe) -> Any | None:
    """That of the recipe's model; None on a machine that only asks models elsewhere and has no transformers.

    On a cluster it comes from a node that does work: the driver's machine may have no model and no way to one.
    """
    if importlib.util.find_spec("transformers") is None:
        return None
    return call(_load_tokenizer, recipe.model, num_cpus=0.5) if joined() else _load_tokenizer(recipe.model)


def _load_tokenizer(model: str) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(resolve(model, weights=False))


def texts(recipe: Recipe, root: str) -> list[Passage]:
    """The held-out monologues that the models read along, evenly spread; none where the root has no monologues."""
    exam, dataset = recipe.evaluate.claims, Dataset(root, "monologues")
    if not exam.texts or dataset.manifest() is None:
        return []
    tokenizer = _tokenizer(recipe)
    if tokenizer is None:
        print(f"{'evaluate':<12} claim accuracy left out: it needs the model's tokenizer, and so transformers")
        return []
    found = passages(
        dataset.read(Monologue),
        tokenizer,
        recipe.train.prompt_style,
        held_out_fraction=recipe.synthesize.mixture.held_out_fraction,
        max_length=exam.max_length,
    )
    chosen = spread([one for one in found if isinstance(one, Passage)], exam.texts)
    decisions = sum(len(passage.placed) for passage in chosen)
    print(f"{'evaluate':<12} claim accuracy: {decisions} decisions of {len(chosen)} held-out texts", flush=True)
    return chosen


def _in_other_clothes(items: list[Item], exam: Exam, recipe: Recipe) -> list[Item]:
    """The exam's variant of each item that has one."""
    if not exam.variant:
        return items
    with Executor() as executor:
        made = list(robustness.variants(items, exam.variant, executor, recipe.evaluate.seed))
    return [item for item in made if isinstance(item, Item)]


def spread(items: Sequence[T], count: int) -> list[T]:
    """`count` of the items, evenly spread; 0: all."""
    if not count or len(items) <= count:
        return list(items)
    return [items[i * len(items) // count] for i in range(count)]


def _indented(text: str) -> str:
    return "\n".join(f"    | {line}" for line in text.rstrip().splitlines())


def evaluate(recipe: Recipe, root: str, place: Place, names: tuple[str, ...]) -> None:
    """Bring the scores of the named models to completion, through their endpoint (not needed where complete)."""
    held = list(papers(recipe, root))
    asked = [question for paper in held for question in paper.questions()]
    endpoints = [_endpoint(recipe, root, place, name) for name in names]
    # The models do the work, each with cores of its own; a worker only asks and grades.
    workers = 1 + len(asked) // _QUESTIONS_PER_WORKER
    stages = [
        Stage(f"scores-{whom.model}", worker.evaluate, whom, Question, Score, 64, num_cpus=0.5, max_workers=workers)
        for whom in endpoints
    ]
    side_by_side(*(partial(run, stage, root, rows=asked) for stage in stages))
    if recipe.evaluate.claims.texts:
        read = texts(recipe, root)
        side_by_side(*(partial(run, _reading(whom), root, rows=read) for whom in endpoints))
    publish(held, root, names)
    if names == (BASE, TUNED):
        add_scores(model_directory(root), headlines(root))


def _reading(whom: Endpoint) -> Stage[Endpoint, Passage, ClaimScore]:
    return Stage(
        f"claims-{whom.model}",
        worker.read_along,
        whom,
        Passage,
        ClaimScore,
        _TEXTS_PER_SHARD,
        num_cpus=0.5,
        max_workers=1,
    )


def publish(held: Sequence[Paper], root: str, names: Sequence[str]) -> None:
    """ROOT/official/exams.json says what was asked, of which files, and graded where; beside it, for each model and
    exam, its answers and verdicts as the official graders read and write them, and the benchmark's further scores."""
    asked = [_described(paper) for paper in held]
    record = {"environment": environment(), "models": list(names), "exams": asked}
    write_file(f"{root}/official/exams.json", (json.dumps(record, indent=1) + "\n").encode())
    known: dict[str, Benchmark] = {}
    for paper in held:  # the same exam may be held in several ways, each with items of its own
        other = known.get(paper.benchmark.name, paper.benchmark)
        items = {item.id: item for item in (*other.items, *paper.benchmark.items)}
        known[other.name] = replace(other, items=tuple(items.values()))
    known |= {f"{name}_{way}": exam for name, exam in known.items() for way in ("repair", "resample")}
    for model in names:
        groups: dict[tuple[str, str], list[Score]] = {}
        for row in Dataset(root, f"scores-{model}").read(Score):
            groups.setdefault((row.benchmark, row.prompt_format), []).append(row)
        for (benchmark, prompt_format), rows in groups.items():
            files = formats.official_files(known[benchmark], rows) if benchmark in known else {}
            if benchmark in known and (more := breakdown(known[benchmark], rows)):
                files["breakdown.json"] = json.dumps(more, indent=1)
            for name, text in files.items():
                folder = "-".join(filter(None, (benchmark, prompt_format)))
                write_file(f"{root}/official/{model}/{folder}/{name}", text.encode("utf-8", "backslashreplace"))


def _described(paper: Paper) -> dict[str, Any]:
    benchmark, generation = paper.benchmark, paper.generation
    return {
        **{key: getattr(benchmark, key) for key in ("name", "version", "md5", "sha256", "origin")},
        "items": len(benchmark.items),
        "rounds": paper.exam.rounds,
        **{key: value for key, value in asdict(generation).items() if key != "benchmark"},
        "first_prompt": prompts.prompt(benchmark.items[0], generation.prompt_format),
    }


def _endpoint(recipe: Recipe, root: str, place: Place, name: str) -> Endpoint:
    """Where the named model answers; a fine-tuned model is known by its weights."""
    revision = Dataset(root, "training").complete().content if name == TUNED else recipe.model
    return replace(endpoint_of(root, place, name, revision), concurrency=recipe.evaluate.concurrency)


def pending(recipe: Recipe, root: str, names: tuple[str, ...] = (BASE, TUNED)) -> bool:
    """Whether any of the models still has to be asked."""
    kinds = ("scores", "claims") if recipe.evaluate.claims.texts else ("scores",)
    wanted = [f"{kind}-{name}" for kind in kinds for name in names]
    return any(Dataset(root, name).manifest() is None for name in wanted)


def headlines(root: str) -> str:
    """Scores before and after, how answers ended, and claim accuracy: for the terminal."""
    groups: dict[tuple[str, str], dict[str, list[Score]]] = {}
    for name in (BASE, TUNED):
        for row in Dataset(root, f"scores-{name}").read(Score):
            groups.setdefault((row.benchmark, row.prompt_format), {}).setdefault(name, []).append(row)
    lines = [f"{'benchmark':<18} {'prompt':<10} {'before':>22} {'after':>22}  difference"]
    for (benchmark, prompt_format), rows in groups.items():
        before, after = (rows.get(name, []) for name in (BASE, TUNED))
        rates = [metrics.rates(side, "strict") for side in (before, after)]
        lines.append(f"{benchmark:<18} {prompt_format:<10} {_compared(*rates)}")
        lines.append(f"{'':<4}{_ended(before, after)}")
    return "\n".join([*lines, *_claim_lines(root)])


_CLAIMED = (("next line", ("next line",)), ("values", claims.VALUES), ("answer", ("answer",)))
"""What the terminal shows of claim accuracy: a name, and the kinds of decision behind it."""


def _claim_lines(root: str) -> Iterator[str]:
    """The next line, the values and the final answer, before and after; nothing where no text was read."""
    sides = [list(Dataset(root, f"claims-{name}").read(ClaimScore)) for name in (BASE, TUNED)]
    for name, kinds in _CLAIMED:
        before, after = (claims.rates(row for row in rows if row.kind in kinds) for rows in sides)
        if before or after:
            count = max(len(before), len(after))
            yield f"{f'claims: {name}':<18} {f'of {count}':<10} {_compared(before, after)}"


def _compared(before: Mapping[str, float], after: Mapping[str, float]) -> str:
    """Both sides with their intervals and, of questions enough, the paired difference with its own."""
    gap = paired_rates(before, after)
    told = f"{_interval(before):>22} {_interval(after):>22}"
    if gap is None or gap["p"] is None:
        return told
    return f"{told}  {100 * gap['difference']:+.1f} [{100 * gap['low']:+.1f}, {100 * gap['high']:+.1f}]"


def _ended(before: list[Score], after: list[Score]) -> str:
    """How many answers ended in which way, before and after: "right 0 -> 2, wrong 20 -> 30, empty 24 -> 7"."""
    left, right = metrics.outcomes(before), metrics.outcomes(after)
    return ", ".join(f"{name} {left[name]} -> {right[name]}" for name in left if left[name] or right[name])


def _interval(rates: Mapping[str, float]) -> str:
    if not rates:
        return "-"
    found = metrics.estimate(rates)
    return f"{found.mean:.1%} [{found.low:.1%}, {found.high:.1%}]"


def main(recipe: Recipe, root: str, endpoint: options.Url = "", model: options.ModelName = BASE) -> None:
    """Score a root's models, before and after; with --endpoint, the model that runs there (as the one called base)."""
    if endpoint:
        with connect():
            evaluate(recipe, root, options.place_of(endpoint), (model,))
        return
    require_packages("torch", "transformers", "fastapi", extra="train")
    served = models(recipe, root)
    with connect(), serving(recipe, served) as place:
        evaluate(recipe, root, place, tuple(served))
    print(headlines(root), flush=True)


if __name__ == "__main__":
    options.main(main)
