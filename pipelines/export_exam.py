"""An exam as a file for evaluation frameworks: one question a line, with the exact prompt and the right answer.

    python -m pipelines.export_exam --recipe demo --root runs/demo
    python -m pipelines.export_exam --recipe demo --root runs/demo --benchmark cruxeval_output \
        --set evaluate.data=/data/benchmarks --out cruxeval.jsonl

Default is the root's own exam: questions about programs that training never saw. What reads the file, for lm-eval and
for inspect_ai, is in integrations/: see docs/evaluation.md.
"""

import json
from pathlib import Path
from typing import Annotated

import typer

from pipelines import evaluate, options
from pipelines.recipes import Exam, Recipe
from ray_app.errors import InputError
from ray_app.evaluation import prompts
from ray_app.evaluation.benchmarks import held_out
from ray_app.evaluation.items import Item


def row(item: Item, prompt_format: str) -> dict[str, str]:
    """A question as a line of the file. `asked` is "output" or "input": the side of the assertion that is unknown."""
    return {
        "id": item.id,
        "asked": item.task,
        "prompt": prompts.prompt(item, prompt_format),
        "call": item.call,
        "output": item.output,
        "gold": item.gold,
    }


def main(
    recipe: Recipe,
    root: str,
    benchmark: Annotated[str, typer.Option(help="held_out, cruxeval_output, lcb_execution or core_io")] = held_out.NAME,
    prompt_format: Annotated[str, typer.Option(help="direct, monologue, cot ...: as in the recipe's exams")] = "direct",
    items: Annotated[int, typer.Option(help="at most so many questions; 0: all")] = 0,
    out: Annotated[Path, typer.Option(help="the file to write")] = Path("questions.jsonl"),
) -> None:
    """Write the questions of an exam whose answers are values: what a call returns."""
    loaded = evaluate.load(Exam(benchmark, prompt_format, items), recipe, root)
    asked = [item for item in loaded.items if item.task == "output"]
    chosen = evaluate.spread(asked, items)
    if not chosen:
        raise InputError(f"benchmark {benchmark} asks for no outputs; take held_out, cruxeval_output, lcb_execution")
    out.write_text("".join(json.dumps(row(item, prompt_format)) + "\n" for item in chosen), encoding="utf-8")
    print(f"{out}: {len(chosen)} questions of {benchmark} ({loaded.version}, sha256 {loaded.sha256[:12]})", flush=True)


if __name__ == "__main__":
    options.main(main)
