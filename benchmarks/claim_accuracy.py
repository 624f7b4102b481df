"""What moves claim accuracy in minutes? One model, one setting a run, the same held-out texts for all.

    python benchmarks/claim_accuracy.py --out DIR [--tokens N] [--rank N] [--rate X] [--style states] [--detail 1] ...

Grown programs of difficulty 1 and 2 are recorded and told in one style and detail; the model is trained on about so
many tokens of those (with LoRA, or whole where the rank is 0) and reads the held-out texts along: before, and after.
Prints claim accuracy by kind, type and leap with intervals clustered by program, paired differences, and what was
chosen instead. Nothing here is run in the sandbox: the programs are our own generator's. Resumable: what lies under
--out is not made again, and training goes on from its last checkpoint.
"""

import argparse
import dataclasses
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).parent))
from training import config as base_config

from ray_app.evaluation import forced
from ray_app.evaluation.passages import Passage, passage
from ray_app.mixture import forward_prompt, split_of
from ray_app.models import resolve
from ray_app.monologue.forward import narrate
from ray_app.programs.grow import grow
from ray_app.records import ClaimScore, Program, Sample, content_id
from ray_app.report.claims import compared
from ray_app.report.formats import percent, points
from ray_app.semantics.api import LIMITS, Job, record_many
from ray_app.semantics.record import Run
from ray_app.training import attention, local
from ray_app.training.config import TrainConfig
from ray_app.training.export import trained

HELD_OUT = 0.1
CONTEXT = 512
CPU = torch.device("cpu")


@dataclasses.dataclass(frozen=True, slots=True)
class Text:
    """A told call, with the code that passages are cut from."""

    code: str
    sample: Sample


def texts(chosen: argparse.Namespace) -> list[Text]:
    """The told calls of grown programs, half of each difficulty; written under OUT once."""
    path = chosen.out / f"texts-{chosen.style}-{chosen.detail}.jsonl"
    if not path.is_file():
        chosen.out.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(dataclasses.asdict(text)) + "\n" for text in _told(chosen)))
    rows = map(json.loads, path.read_text().splitlines())
    unique = {row["sample"]["id"]: Text(row["code"], Sample(**row["sample"])) for row in rows}
    return list(unique.values())


def _told(chosen: argparse.Namespace) -> Iterator[Text]:
    grown = [row for level in (1, 2) for row in grow(level, chosen.programs // 2, level) if isinstance(row, Program)]
    jobs = [Job(program.code, program.calls[: chosen.calls], LIMITS) for program in grown]
    for program, recordings in zip(grown, record_many(jobs, lane="fast"), strict=True):
        for recording in recordings:
            if recording.run is not None:
                yield from _text(program, recording.run, chosen)


def _text(program: Program, run: Run, chosen: argparse.Namespace) -> Iterator[Text]:
    call = run.call
    if run.exception is not None or run.output is None:
        return
    response = narrate(run, style=chosen.style, detail=chosen.detail).text
    prompt = forward_prompt(program.code, call)
    split = split_of(program.id, HELD_OUT)
    name = content_id("forward", prompt, response)
    yield Text(program.code, Sample(name, "forward", prompt, response, program.id, program.difficulty, split))


def settings(chosen: argparse.Namespace, tokens_per_step: float) -> TrainConfig:
    return base_config(
        model=str(resolve(chosen.model)), run_name=chosen.name, storage_path=str(chosen.out), prompt_style="chat",
        max_length=CONTEXT, mixture=(("forward", 1.0),), packs_per_step=chosen.packs, per_device_train_batch_size=1,
        learning_rate=chosen.rate, min_learning_rate=chosen.rate / 10, warmup_steps=3, weight_decay=0.0,
        lora_rank=chosen.rank, lora_alpha=2 * chosen.rank, num_train_epochs=20, adam_beta2=0.95,
        max_steps=max(1, round(chosen.tokens / tokens_per_step)), logging_steps=1, save_steps=20, eval_steps=10**6,
    )  # fmt: skip


def train(rows: list[Text], chosen: argparse.Namespace) -> Any:
    """The trained model, adapters merged."""
    samples = [
        text.sample for text in rows if text.sample.split == "train" and len(text.sample.response) < chosen.chars
    ]
    one = local.prepare(samples, settings(chosen, 1.0)).supply
    cfg = settings(chosen, one.fill * CONTEXT * chosen.packs)
    begun, spent = time.monotonic(), time.process_time()
    outcome = local.train(cfg, samples, CPU)
    wall, cpu = time.monotonic() - begun, time.process_time() - spent
    print(f"trained {outcome.step} steps: {wall:.0f} s by the clock, {cpu:.0f} CPU seconds, in this sitting")
    return trained(chosen.out / cfg.run_name / "last", cfg)


def loaded(chosen: argparse.Namespace) -> Any:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(resolve(chosen.model), dtype=torch.float32)


def read(rows: list[Text], chosen: argparse.Namespace) -> list[Passage]:
    """The held-out texts that fit the context, evenly spread."""
    from transformers import AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(resolve(chosen.model))
    held_out = [text for text in rows if text.sample.split == "held_out"]
    made = [passage(text.code, text.sample, tokenizer, "chat", CONTEXT) for text in held_out]
    fits = [one for one in made if isinstance(one, Passage)]
    print(f"{len(fits)} of {len(held_out)} held-out texts fit {CONTEXT} tokens", flush=True)
    return [fits[k * len(fits) // chosen.texts] for k in range(min(chosen.texts, len(fits)))]


def scores(model: Any, found: list[Passage], chosen: argparse.Namespace, name: str) -> list[ClaimScore]:
    """The decisions of a model, in process; written under OUT once."""
    from transformers import AutoTokenizer

    path = chosen.out / f"{name}.jsonl"
    if not path.is_file():
        tokenizer: Any = AutoTokenizer.from_pretrained(resolve(chosen.model))
        model.set_attn_implementation(attention.register())
        chosen_by = forced.choices(found, model.eval(), tokenizer.decode)
        rows = [row for one, made in chosen_by for row in forced.scores(one, name, made)]
        path.write_text("".join(json.dumps(dataclasses.asdict(row)) + "\n" for row in rows))
    return [ClaimScore(**json.loads(line)) for line in path.read_text().splitlines()]


def show(base: list[ClaimScore], tuned: list[ClaimScore]) -> None:
    def share(estimate: dict[str, Any] | None) -> str:
        if estimate is None:
            return "-"
        return f"{percent(estimate['mean'])} [{100 * estimate['low']:.1f}, {100 * estimate['high']:.1f}]"

    found = compared(base, tuned)
    for row in found["rows"]:
        gap = row["paired"]
        moved = (
            ""
            if not gap or gap["p"] is None
            else f"{points(gap['difference'])} [{points(gap['low'])}, {points(gap['high'])}]"
        )
        name = row["name"] if row["group"] == "all" else f"  {row['group']}: {row['name']}"
        print(f"{name:<36} {row['n']:>5} {share(row['base']):>22} {share(row['tuned']):>22} {moved:>24}")
    for error in found["errors_tuned"]:
        print(f"  {error['count']:>3} x {error['kind']}: {error['stated']!r} -> {error['chosen']!r}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2-135m-instruct")
    parser.add_argument("--out", type=Path, default=Path("runs/claim-accuracy"))
    parser.add_argument("--style", choices=("prose", "states"), default="states")
    parser.add_argument("--detail", type=int, choices=(1, 2, 3), default=1)
    parser.add_argument("--programs", type=int, default=1_200, help="that are drafted")
    parser.add_argument("--calls", type=int, default=1, help="of each program")
    parser.add_argument("--texts", type=int, default=40, help="held-out texts that are read")
    parser.add_argument("--tokens", type=int, default=30_000, help="prompt and response tokens that are trained on")
    parser.add_argument("--rank", type=int, default=32, help="of the adapters; 0: train all weights")
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--chars", type=int, default=1_000, help="of the longest response that is trained on")
    parser.add_argument("--packs", type=int, default=2, help="per step, of at most 512 tokens each")
    parser.add_argument("--threads", type=int, default=0, help="0: PyTorch's own choice")
    chosen = parser.parse_args()
    if chosen.threads:
        torch.set_num_threads(chosen.threads)
    chosen.name = f"{chosen.style}-{chosen.detail}-r{chosen.rank}-{chosen.rate:g}-{chosen.tokens}-{chosen.packs}"
    rows = texts(chosen)
    found = read(rows, chosen)
    base = scores(loaded(chosen), found, chosen, f"before-{chosen.style}-{chosen.detail}-{chosen.texts}")
    after = chosen.out / f"after-{chosen.name}-{chosen.texts}.jsonl"
    model = None if after.is_file() else train(rows, chosen)
    print(f"== {chosen.name}")
    show(base, scores(model, found, chosen, after.stem))


if __name__ == "__main__":
    main()
