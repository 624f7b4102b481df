"""Does a model predict executions better after training on verified monologues? On one device, with what it has.

    python benchmarks/finetune.py --model DIR --data DIR [--samples FILE ...] [--out runs/finetune]

Scores CRUXEval-O and -I with direct and with monologue prompts, fine-tunes on samples (those of a run,
`ROOT/samples/*.parquet`, or, with none given, `--programs` grown ones told by our narrator), exports, scores again, and
prints both with intervals, and the speed, MFU and memory of training. Needs PyTorch, transformers, pyarrow and a Linux
that can isolate programs; no Ray, no DeepSpeed, no server. bf16, fused AdamW and the variable-length flash kernel on a
GPU, fp32 on a CPU. Resumable: what is written under OUT is not made again.
"""

import argparse
import dataclasses
import gc
import statistics
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow.parquet as pq
import torch

sys.path.insert(0, str(Path(__file__).parent))
from training import config as base_config

from ray_app.evaluation import benchmarks, formats
from ray_app.evaluation.generate import GenerationConfig, generate
from ray_app.evaluation.grade import grade_all
from ray_app.evaluation.metrics import estimate, rates
from ray_app.mixture import samples
from ray_app.monologue.worker import NarrateConfig, tell
from ray_app.programs.grow import grow
from ray_app.programs.trace import trace_programs
from ray_app.records import Monologue, Program, Sample, Score, TracedProgram, from_table, to_table
from ray_app.serving.engine import TransformersEngine
from ray_app.serving.generation import EngineOptions, Generation, Message
from ray_app.teacher.client import Reply, Request
from ray_app.training import local, memory, metrics
from ray_app.training.config import TrainConfig
from ray_app.training.export import export
from ray_app.training.model import load_config

EXAMS = ("cruxeval_output", "cruxeval_input")
FORMATS = ("direct", "monologue")


class InProcess:
    """A `Teacher` that is a model in this process."""

    def __init__(self, engine: TransformersEngine, name: str) -> None:
        self.engine, self.name = engine, name

    def complete(self, requests: Iterable[Request]) -> Iterator[Reply]:
        for deltas in self.engine.generate(map(self._generation, requests)):
            yield Reply(tuple(delta.text for delta in deltas))

    @staticmethod
    def _generation(request: Request) -> Generation:
        chat = tuple(Message(turn["role"], turn["content"]) for turn in request.messages)
        return Generation(
            request.prompt if request.prompt is not None else chat,
            max_tokens=request.max_tokens,
            temperature=request.temperature,
            seed=request.seed or 0,
            stop=request.stop,
            n=request.n,
        )


def made_samples(programs: int) -> Iterator[Sample]:
    """Grown programs of all difficulties, each run on a few inputs and told forward and backward."""
    for difficulty in range(1, 7):
        grown = [row for row in grow(difficulty, programs // 6, difficulty) if isinstance(row, Program)]
        traced = (row for row in trace_programs(grown) if isinstance(row, TracedProgram))
        config = NarrateConfig(seed=0, max_tokens=1_024, style="prose", detail=1, shorter=9)
        told = (row for row in tell(traced, config) if isinstance(row, Monologue))
        yield from samples(told, held_out_fraction=0.02)


def score(model: Path, name: str, chosen: argparse.Namespace) -> dict[tuple[str, str], list[Score]]:
    """Graded rows by exam and prompt format, from files where they are there already."""
    wanted = [(exam, form) for exam in EXAMS for form in FORMATS]
    paths = {key: chosen.out / f"{name}-{'-'.join(key)}.jsonl" for key in wanted}
    missing = [key for key in wanted if not paths[key].is_file()]
    engine = None
    for exam, form in missing:
        engine = engine or TransformersEngine(model, EngineOptions(max_batch=chosen.batch, kv_bytes=chosen.kv << 30))
        loaded = benchmarks.load(exam, chosen.data)
        items = loaded.items[: chosen.items or None]
        tokens = 64 if form == "direct" else chosen.answer_tokens
        asked = GenerationConfig(exam, form, max_tokens=tokens, chat=chosen.prompt_style == "chat")
        answers = [row for row in generate(items, InProcess(engine, name), asked) if isinstance(row, Score)]
        graded = grade_all(dataclasses.replace(loaded, items=items), answers, chosen.workers)
        formats.write_verdicts(paths[exam, form], [row for row in graded if isinstance(row, Score)])
    if engine is not None:
        engine.close()
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return {key: formats.read_verdicts(path) for key, path in paths.items()}


def settings(chosen: argparse.Namespace, device: torch.device) -> TrainConfig:
    """The numbers of the run; activations are recomputed only where they would not fit."""
    made = base_config(
        model=str(chosen.model), run_name="run", storage_path=str(chosen.out), prompt_style=chosen.prompt_style,
        max_length=chosen.max_length, num_train_epochs=chosen.epochs, max_steps=chosen.steps,
        mixture=(("forward", 1.0), ("backward", 1.0), ("output", 0.5), ("input", 0.5)),
        packs_per_step=chosen.packs, per_device_train_batch_size=chosen.micro, learning_rate=chosen.rate,
        min_learning_rate=chosen.rate / 10, warmup_steps=10, eval_steps=50, eval_samples=256, save_steps=200,
        precision="bf16" if device.type == "cuda" else "fp32", logging_steps=5 if device.type == "cuda" else 1,
    )  # fmt: skip
    need = memory.estimate(made, load_config(made), 1, plain=True).device
    fits = need <= memory.available_bytes(device, 1)
    return made if fits else dataclasses.replace(made, gradient_checkpointing=True)


def train(rows: list[Sample], chosen: argparse.Namespace, device: torch.device) -> Path:
    """The exported directory of the best checkpoint; the speed of training on the way."""
    cfg, out = settings(chosen, device), chosen.out / "model"
    if not (out / "config.json").is_file():
        local.train(cfg, rows, device)
        export(chosen.out / "run" / "best", cfg, out, {"data": {"samples": len(rows)}})
    history = [row for row in metrics.read(chosen.out / "run" / local.METRICS_FILE) if row["kind"] == "train"]
    for name, unit in (("tokens_per_s", "tokens/s"), ("mfu", "MFU"), ("memory_bytes", "bytes of memory")):
        values = [row[name] for row in history if name in row]
        print(f"training: median {statistics.median(values):.4g} {unit}" if values else f"training: no {unit} known")
    return out


def line(rows: list[Score]) -> str:
    found = estimate(rates(rows, "strict"))
    return f"{found.mean:6.1%} [{found.low:.1%}, {found.high:.1%}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="Hugging Face directory")
    parser.add_argument("--data", type=Path, help="folder with cruxeval.jsonl")
    parser.add_argument("--samples", type=Path, nargs="*", default=[])
    parser.add_argument("--out", type=Path, default=Path("runs/finetune"))
    parser.add_argument("--programs", type=int, default=12_000)
    parser.add_argument("--items", type=int, default=0, help="per exam; 0: all")
    parser.add_argument("--answer-tokens", type=int, default=1_024)
    parser.add_argument("--prompt-style", choices=("chat", "paper"), default="chat")
    parser.add_argument("--max-length", type=int, default=2_048)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--steps", type=int, default=0, help="0: all epochs")
    parser.add_argument("--packs", type=int, default=32, help="per step")
    parser.add_argument("--micro", type=int, default=4, help="packs per forward pass")
    parser.add_argument("--rate", type=float, default=2e-5)
    parser.add_argument("--batch", type=int, default=256, help="answers that are generated together")
    parser.add_argument("--kv", type=int, default=16, help="GiB for their keys and values")
    parser.add_argument("--workers", type=int, default=8, help="sandboxes")
    chosen = parser.parse_args()
    if not (chosen.model and chosen.data):
        print("left out: it needs --model and --data")
        return
    chosen.out.mkdir(parents=True, exist_ok=True)
    if not chosen.samples:
        chosen.samples = [chosen.out / "samples.parquet"]
        if not chosen.samples[0].is_file():
            pq.write_table(to_table(Sample, made_samples(chosen.programs)), chosen.samples[0])
    rows = [row for path in chosen.samples for row in from_table(Sample, pq.read_table(path))]
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    print(
        f"{len(rows)} samples; {torch.cuda.get_device_name(device) if device.type == 'cuda' else 'no GPU'}", flush=True
    )
    before = score(chosen.model, "before", chosen)
    after = score(train(rows, chosen, device), "after", chosen)
    for key in before:
        print(f"{key[0]:16} {key[1]:10} before {line(before[key])}   after {line(after[key])}")


if __name__ == "__main__":
    main()
