"""Which way of telling teaches a pretrained model more at equal tokens, on a machine without a GPU?

    nice python benchmarks/laptop.py --out DIR [--model NAME] [--data DIR] [--tokens N] [--rate X] [--ways NAME ...]

One student is trained three times on the same executions with the numbers of recipe `laptop`: on direct answers, on the
narrator's state lines, on both. Each is then asked for the outputs of held-out grown programs and, with --data, of
CRUXEval-O items: greedily, in the way that it was taught (both ways where it was taught both, as is the untouched
model). Answers are graded in the sandbox. Prints exact match by lines told, with intervals clustered by program, and
paired tests. What needs a night may take several: what lies under --out is not made again, training goes on from its
last checkpoint, and exams from their last chunk of answers.
"""

import argparse
import math
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import torch

sys.path.insert(0, str(Path(__file__).parent))
from finetune import InProcess

from pipelines.recipes import laptop
from ray_app.evaluation import benchmarks, caps, formats, metrics
from ray_app.evaluation.generate import GenerationConfig, generate
from ray_app.evaluation.grade import grade_all
from ray_app.evaluation.items import Benchmark, Item
from ray_app.mixture import samples, split_of
from ray_app.models import resolve
from ray_app.monologue.worker import tell
from ray_app.programs.grow import grow
from ray_app.programs.trace import trace_programs
from ray_app.records import Monologue, Program, Score, Task, TracedProgram, from_table, to_table
from ray_app.serving.engine import TransformersEngine
from ray_app.serving.generation import EngineOptions
from ray_app.training import local
from ray_app.training.config import TrainConfig
from ray_app.training.export import export

RECIPE = laptop()
HELD_OUT = RECIPE.synthesize.mixture.held_out_fraction
BASE = "untouched"
WAYS: dict[str, tuple[tuple[str, float], ...]] = {
    "direct": (("output", 1.0),),
    "narrator": (("forward", 1.0),),
    "mixed": (("forward", 1.0), ("output", 1.0)),
}
ASKED = {"direct": ("direct",), "narrator": ("monologue",), "mixed": ("direct", "monologue")}
ASKED[BASE] = ("direct", "monologue")
CHUNK = 16
"""Answers between two writes: what a kill costs at most."""
STRATA = ((1, 8), (9, 16), (17, 10**6))
"""Lines told, from and to: about the statements that were executed."""
_LINE = re.compile(r"^\s*\[L\d+\]", re.MULTILINE)
Key = tuple[str, str, str]


def told(out: Path, programs: int) -> list[Monologue]:
    """The verified forward rows of so many drafts of each plot of the recipe; written under OUT once."""
    path = out / "told.parquet"
    if not path.is_file():
        out.mkdir(parents=True, exist_ok=True)
        pq.write_table(to_table(Monologue, _narrated(programs)), path.with_suffix(".new"))
        path.with_suffix(".new").rename(path)
    return list(from_table(Monologue, pq.read_table(path)))


def _narrated(programs: int) -> Iterator[Monologue]:
    for plot in RECIPE.synthesize.plots:
        grown = (row for row in grow(plot.seed, programs, plot.difficulty) if isinstance(row, Program))
        traced = (row for row in trace_programs(grown, RECIPE.synthesize.trace) if isinstance(row, TracedProgram))
        rows = tell(traced, RECIPE.synthesize.narrate)
        yield from (row for row in rows if isinstance(row, Monologue) and row.direction == "forward" and row.output)


def settings(chosen: argparse.Namespace, way: str) -> TrainConfig:
    """The recipe's numbers for one way; on one worker, by the plain engine."""
    return replace(
        RECIPE.train,
        model=str(resolve(chosen.model)),
        run_name=way,
        storage_path=str(chosen.out),
        mixture=WAYS[way],
        num_workers=1,
        learning_rate=chosen.rate,
        min_learning_rate=chosen.rate / 10,
        report_to=(),
    )


def trained(rows: list[Monologue], chosen: argparse.Namespace, way: str) -> Path:
    """The exported model of one way, after about `tokens` tokens of prompts and responses."""
    model = chosen.out / way / "model"
    if (model / "config.json").is_file():
        return model
    tasks: tuple[Task, ...] = ("forward", "output")
    made = list(samples(rows, held_out_fraction=HELD_OUT, tasks=tasks))
    cfg = settings(chosen, way)
    one = local.prepare(made, replace(cfg, num_train_epochs=1)).supply
    per_pack = one.fill * cfg.max_length
    epochs = math.ceil(chosen.tokens / (one.total * per_pack)) + 1
    steps = max(1, round(chosen.tokens / (per_pack * cfg.packs_per_step)))
    cfg = replace(cfg, num_train_epochs=epochs, max_steps=steps)
    local.train(cfg, made, torch.device("cpu"))
    export(chosen.out / way / "last", cfg, model, {"data": {"samples": len(made)}})
    return model


def exams(rows: list[Monologue], chosen: argparse.Namespace) -> list[Benchmark]:
    """Held-out executions, evenly spread over difficulties, and CRUXEval-O where its file is at hand."""
    held_out = [row for row in rows if split_of(row.program_id, HELD_OUT) == "held_out"]
    items = [_item(row, number) for number, row in enumerate(held_out)]
    items.sort(key=lambda item: item.difficulty)
    found = [Benchmark("held_out", "own", "", "", str(chosen.out), _spread(items, chosen.items))]
    if chosen.data:
        whole = benchmarks.load("cruxeval_output", chosen.data)
        found.append(replace(whole, items=_spread(whole.items, chosen.items)))
    return found


def _item(row: Monologue, number: int) -> Item:
    entry, output = row.call.partition("(")[0], str(row.output)
    name = f"{row.program_id}-{number}-output"
    return Item(name, "output", row.code, entry, output, row.call, output, difficulty=row.difficulty)


def _spread(items: Iterable[Item], count: int) -> tuple[Item, ...]:
    pool = list(items)
    return tuple(pool[k * len(pool) // count] for k in range(count)) if len(pool) > count else tuple(pool)


def answered(model: Callable[[], Path], name: str, held: list[Benchmark], right: caps.RightReplies, out: Path) -> None:
    """All answers of a model, graded, in files under OUT that grow by chunks; the model is made when it is asked."""
    engine: TransformersEngine | None = None
    for exam in held:
        for way in ASKED[name]:
            path = out / f"answers-{name}-{exam.name}-{way}.jsonl"
            known = formats.read_verdicts(path) if path.is_file() else []
            missing = iter([item for item in exam.items if item.id not in {row.item_id for row in known}])
            while chunk := tuple(islice(missing, CHUNK)):
                engine = engine or TransformersEngine(model(), EngineOptions(max_batch=CHUNK))
                asked = GenerationConfig(exam.name, way, max_tokens=right.cap(exam.items, way))
                rows = [row for row in generate(chunk, InProcess(engine, name), asked) if isinstance(row, Score)]
                graded = grade_all(replace(exam, items=chunk), rows)
                known += [row for row in graded if isinstance(row, Score)]
                formats.write_verdicts(path, known)
                print(f"{name}, {exam.name}, {way}: {len(known)} of {len(exam.items)} answered", flush=True)
    if engine is not None:
        engine.close()


def verdicts(held: list[Benchmark], out: Path) -> dict[Key, list[Score]]:
    """The graded answers by (model, exam, way asked), of all that are there."""
    found: dict[Key, list[Score]] = {}
    for name, exam, way in [(model, one.name, way) for model in ASKED for one in held for way in ASKED[model]]:
        path = out / f"answers-{name}-{exam}-{way}.jsonl"
        if path.is_file():
            found[name, exam, way] = formats.read_verdicts(path)
    return found


def show(held: list[Benchmark], found: dict[Key, list[Score]], lines: dict[str, int]) -> None:
    """Every exam: exact match and how answers ended, by lines told, and each way beside the direct one."""
    for (name, exam, way), rows in found.items():
        rates = metrics.rates(rows, "strict")
        ended = ", ".join(f"{kind} {count}" for kind, count in metrics.outcomes(rows).items() if count)
        print(f"{exam:<16} {name:<10} asked {way:<10} {_interval(rates)}   {ended}")
        for low, high in STRATA if exam == "held_out" else ():
            part = {item: rate for item, rate in rates.items() if low <= lines[item] <= high}
            print(f"{'':<20}{f'{low} to {high}' if high < 10**6 else f'{low} and more'} lines: {_interval(part)}")
    for exam in (one.name for one in held):
        for name, way in (("narrator", "monologue"), ("mixed", "monologue"), ("mixed", "direct")):
            _beside(found, (name, exam, way), ("direct", exam, "direct"), lines)
        _beside(found, ("mixed", exam, "direct"), (BASE, exam, "direct"), lines)


def _beside(found: dict[Key, list[Score]], left: Key, right: Key, lines: dict[str, int]) -> None:
    if left not in found or right not in found:
        return
    sides = [metrics.rates(found[key], "strict") for key in (left, right)]
    for least in (1, 9) if left[1] == "held_out" else (1,):
        one, other = ({k: rate for k, rate in side.items() if lines.get(k, least) >= least} for side in sides)
        if one.keys() & other.keys():
            gap = metrics.compare_rates(one, other)
            told_lines = f", {least} lines and more" if least > 1 else ""
            print(
                f"{left[1]}{told_lines}: {left[0]} ({left[2]}) minus {right[0]} ({right[2]}) "
                f"{100 * gap.difference:+.1f} [{100 * gap.low:+.1f}, {100 * gap.high:+.1f}], p {gap.p_value:.3f}"
            )


def _interval(rates: dict[str, float]) -> str:
    if not rates:
        return "-"
    made = metrics.estimate(rates)
    return f"{made.mean:6.1%} [{made.low:.1%}, {made.high:.1%}] of {len(rates)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/laptop"))
    parser.add_argument("--model", default=RECIPE.model)
    parser.add_argument("--data", type=Path, help="folder with cruxeval.jsonl")
    parser.add_argument("--tokens", type=int, default=1_000_000, help="of each way; 300,000 for Qwen-0.5B")
    parser.add_argument("--rate", type=float, default=RECIPE.train.learning_rate)
    parser.add_argument("--programs", type=int, default=400, help="drafts of each plot of the recipe")
    parser.add_argument("--items", type=int, default=200, help="of each exam")
    parser.add_argument("--longest", type=int, default=400, help="tokens of the longest right reply in the exams")
    parser.add_argument("--ways", nargs="+", default=[*WAYS], choices=[*WAYS])
    chosen = parser.parse_args()
    from transformers import AutoTokenizer

    rows = told(chosen.out, chosen.programs)
    tokenizer: Any = AutoTokenizer.from_pretrained(resolve(chosen.model, weights=False))
    fits = [row for row in rows if len(tokenizer(row.text)["input_ids"]) <= chosen.longest]
    held = exams(fits, chosen)
    right = caps.RightReplies(fits, lambda text: len(tokenizer(text, add_special_tokens=False)["input_ids"]))
    by_call = {(row.code, row.call): len(_LINE.findall(row.text)) for row in fits}
    lines = {item.id: by_call[item.code, item.call] for item in held[0].items}
    print(f"{len(rows)} runs told; {', '.join(f'{len(one.items)} of {one.name}' for one in held)}", flush=True)
    answered(lambda: resolve(chosen.model), BASE, held, right, chosen.out)
    for way in chosen.ways:
        answered(lambda way=way: trained(rows, chosen, way), way, held, right, chosen.out)
    show(held, verdicts(held, chosen.out), lines)


if __name__ == "__main__":
    main()
