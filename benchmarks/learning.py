"""The paper's format ablation in miniature: which way of telling an execution teaches a small model to predict it?

    python benchmarks/learning.py --out runs/learning [--tokens N] [--programs N] [--seeds N] [--items N]

A small Llama is trained from scratch on grown programs of difficulty 1 to 3, once per format and seed, on the same
programs and on equally many tokens; then it predicts outputs for programs it has not seen, greedily, and the final
answer must equal the executed value. Formats: direct (the answer alone), scratchpad (each executed line with the whole
state after it), next (the changed state written beside the line, in order), monologue (our narrator's text).
Intervals are 95 % bootstrap intervals over programs, all seeds of a program drawn together.

Resumable: training goes on from its last checkpoint, a finished (format, seed) is not repeated; results are JSON lines
in OUT/results.jsonl. `--tokens 20000000 --seeds 3` is the setting to draw conclusions from (about 40 minutes per run on
one quiet core per million parameters); small settings only show that the experiment runs.
"""

import argparse
import dataclasses
import json
import random
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).parent))
from training import config as base_config

from ray_app.mixture import split_of
from ray_app.monologue.narrate import narrate_forward
from ray_app.programs.grow import grow
from ray_app.programs.trace import TraceConfig, trace_programs
from ray_app.records import (
    Execution,
    Monologue,
    Program,
    Sample,
    TracedProgram,
    content_id,
    from_table,
    to_table,
)
from ray_app.tracing.model import steps
from ray_app.training import local

FORMATS = ("direct", "scratchpad", "next", "monologue")
CONTEXT = 768
HELD_OUT = 0.15
MAX_MONOLOGUE_TOKENS = 400


@dataclasses.dataclass(frozen=True, slots=True)
class Case:
    """One execution with its response in every format."""

    program_id: str
    difficulty: int
    prompt: str
    output: str
    responses: tuple[str, ...]


def cases(programs: int) -> Iterator[Case]:
    for difficulty in (1, 2, 3):
        grown = [p for p in grow(difficulty, programs // 3, difficulty) if isinstance(p, Program)]
        for row in trace_programs(grown, TraceConfig(keep=2)):
            if isinstance(row, TracedProgram):
                for execution in row.executions:
                    yield from _case(row, execution)


def _case(row: TracedProgram, execution: Execution) -> Iterator[Case]:
    told = narrate_forward(row, execution, seed=0, max_tokens=MAX_MONOLOGUE_TOKENS)
    if not isinstance(told, Monologue) or execution.output is None:
        return
    body = told.text.rpartition("[ANSWER]")[0].strip()
    final = f"[ANSWER]{execution.output}[/ANSWER]"
    responses = tuple(
        f"{text}\n{final}" if text else final for text in ("", scratchpad(execution), changes(execution), body)
    )
    prompt = f"[PYTHON]\n{row.program.code.rstrip()}\nassert {execution.call} == ??\n[/PYTHON]\n"
    yield Case(row.id, row.program.difficulty, prompt, execution.output, responses)


def scratchpad(execution: Execution) -> str:
    """Every executed line, with all variables of its frame after it."""
    lines: list[str] = []
    assert execution.trace is not None
    for step in steps(execution.trace):
        state = step.before | {change.name: change.value for change in step.changes if change.value is not None}
        lines.append(f"L{step.line}: " + ", ".join(f"{name} = {value}" for name, value in state.items()))
    return "\n".join(lines)


def changes(execution: Execution) -> str:
    """Every executed line that changed something, with its number in the order of execution and what changed."""
    assert execution.trace is not None
    lines: list[str] = []
    for step in steps(execution.trace):
        if changed := {change.name: change.value for change in step.changes if change.value is not None}:
            lines.append(f"L{step.line} # [STATE-{len(lines)}] " + json.dumps(changed))
    return "\n".join(lines)


def model_directory(out: Path, rows: list[Case]) -> Path:
    """A randomly initialised model of about a million parameters, with a tokenizer trained on all formats alike."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    path = out / "model"
    if (path / "config.json").is_file():
        return path
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    raw.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=1024, special_tokens=["<s>", "</s>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    raw.train_from_iterator((text for case in rows for text in (case.prompt, *case.responses)), trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw, bos_token="<s>", eos_token="</s>", pad_token="</s>", padding_side="left"
    )
    tokenizer.save_pretrained(path)
    torch.manual_seed(0)
    LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=128,
            intermediate_size=384,
            num_hidden_layers=4,
            num_attention_heads=4,
            max_position_embeddings=2 * CONTEXT,
            tie_word_embeddings=True,
            bos_token_id=0,
            eos_token_id=1,
            pad_token_id=1,
        )
    ).save_pretrained(path)
    return path


def train_one(rows: list[Case], path: Path, out: Path, fmt: str, seed: int, tokens: int) -> Path:
    """The last checkpoint of a run of about `tokens` training tokens."""
    which = FORMATS.index(fmt)
    samples = [
        Sample(
            content_id(case.prompt, fmt), "forward", case.prompt, case.responses[which], case.program_id,
            case.difficulty, "train",
        )
        for case in rows
    ]  # fmt: skip
    cfg = base_config(
        model=str(path), run_name=f"{fmt}-{seed}", storage_path=str(out), prompt_style="paper", max_length=CONTEXT,
        train_batch_size=8, per_device_train_batch_size=4, learning_rate=2e-3, min_learning_rate=1e-4, seed=seed,
        warmup_steps=20, weight_decay=0.01, save_steps=200, eval_steps=10**6, logging_steps=20, num_train_epochs=1,
    )  # fmt: skip
    one = local.prepare(samples, cfg).supply
    tokens_per_epoch = one.total * one.fill * CONTEXT
    epochs = int(tokens / tokens_per_epoch) + 1
    max_steps = max(1, round(tokens / (one.fill * CONTEXT * cfg.train_batch_size)))
    cfg = dataclasses.replace(cfg, num_train_epochs=epochs, max_steps=max_steps)
    local.train(cfg, samples, torch.device("cpu"))
    return out / cfg.run_name / "last"


@torch.no_grad()
def right(checkpoint: Path, path: Path, items: list[Case]) -> list[bool]:
    """Whether the greedy answer to each item equals the executed value."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(path)
    model: Any = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32)
    model.load_state_dict(torch.load(checkpoint / "plain.pt", weights_only=True)["weights"])
    model.eval()
    verdicts: list[bool] = []
    for start in range(0, len(items), 32):
        batch = items[start : start + 32]
        encoded = tokenizer(["<s>" + case.prompt for case in batch], return_tensors="pt", padding=True)
        room = 2 * CONTEXT - encoded["input_ids"].shape[1]
        replies = model.generate(**encoded, max_new_tokens=min(512, room), do_sample=False)
        for case, reply in zip(batch, replies, strict=True):
            text = tokenizer.decode(reply[encoded["input_ids"].shape[1] :], skip_special_tokens=True)
            said = text.rpartition("[ANSWER]")[2].partition("[/ANSWER]")[0] if "[/ANSWER]" in text else ""
            verdicts.append(said.strip() == case.output)
    return verdicts


def interval(per_program: list[list[float]], rounds: int = 2_000) -> tuple[float, float]:
    rng = random.Random(0)
    means = sorted(
        sum(map(sum, chosen)) / sum(map(len, chosen))
        for chosen in ([rng.choice(per_program) for _ in per_program] for _ in range(rounds))
    )
    return means[int(0.025 * rounds)], means[int(0.975 * rounds)]


def report(results: Iterable[dict[str, Any]]) -> None:
    rows = list(results)
    for fmt in FORMATS:
        grouped: dict[str, list[float]] = {}
        for row in rows:
            if row["format"] == fmt:
                for program, verdict in zip(row["programs"], row["right"], strict=True):
                    grouped.setdefault(program, []).append(float(verdict))
        if grouped:
            everything = [v for values in grouped.values() for v in values]
            low, high = interval(list(grouped.values()))
            seeds = sum(row["format"] == fmt for row in rows)
            mean = sum(everything) / len(everything)
            print(f"{fmt:12} exact match {mean:6.1%}  [{low:.1%}, {high:.1%}]  {seeds} seeds, {len(grouped)} programs")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--tokens", type=int, default=2_000_000)
    parser.add_argument("--programs", type=int, default=6_000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--items", type=int, default=300)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    chosen.out.mkdir(parents=True, exist_ok=True)
    data = chosen.out / "cases.parquet"
    import pyarrow.parquet as pq

    if not data.is_file():
        pq.write_table(to_table(Case, cases(chosen.programs)), data)
    rows = from_table(Case, pq.read_table(data))
    train = [case for case in rows if split_of(case.program_id, HELD_OUT) == "train"]
    held_out = [case for case in rows if split_of(case.program_id, HELD_OUT) == "held_out"][: chosen.items]
    print(f"{len(train)} training executions, {len(held_out)} held out, of programs never trained on")
    path = model_directory(chosen.out, train)
    results = chosen.out / "results.jsonl"
    done = [json.loads(line) for line in results.read_text().splitlines()] if results.is_file() else []
    for seed in range(chosen.seeds):
        for fmt in FORMATS:
            if any((row["format"], row["seed"]) == (fmt, seed) for row in done):
                continue
            checkpoint = train_one(train, path, chosen.out, fmt, seed, chosen.tokens)
            verdicts = right(checkpoint, path, held_out)
            row = {"format": fmt, "seed": seed, "right": verdicts, "programs": [c.program_id for c in held_out]}
            done.append(row)
            with results.open("a") as sink:
                sink.write(json.dumps(row) + "\n")
            report([row])
    report(done)


if __name__ == "__main__":
    main()
