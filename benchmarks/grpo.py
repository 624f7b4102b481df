"""Does our reward teach? TRL's GRPO on a CPU with a tiny model, against the same model before it.

    python benchmarks/grpo.py [--out runs/grpo] [--steps N] [--warm-up N] [--programs N]

A Llama of 1 million parameters learns the form of state lines on a few programs of whole numbers (`--warm-up` steps, by
our own trainer), then GRPO goes on with `ray_app.reward.trl.execution_reward` on prompts of `pipelines.export_rl`'s
rows. Held-out programs are answered before and after, four samples each. Prints the reward and its parts, and
the paired difference on held-out prompts with a 95 % bootstrap interval over prompts; the curve is OUT/curve.json.
Resumable: the warmed-up model is made once.
"""

import argparse
import json
import random
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).parent))
from training import config as base_config

from ray_app.monologue.forward import narrate
from ray_app.records import Program, Sample, TracedProgram, content_id
from ray_app.reward.question import question_of
from ray_app.reward.rows import rows
from ray_app.reward.score import Reward
from ray_app.reward.scorer import Pool
from ray_app.reward.trl import execution_reward
from ray_app.sandbox.api import Job
from ray_app.sandbox.api import execute as run_calls
from ray_app.semantics.api import record_many
from ray_app.training import local
from ray_app.training.export import trained

CONTEXT = 512
LENGTH = 160
"""the most tokens of a reply; the longest of these programs' own texts has some 120"""
HELD_OUT = 0.25
SAMPLES = 4


def program(number: int) -> Program:
    """Two or three statements on small whole numbers."""
    draw = random.Random(number)
    names, lines = ["a", "b"], [f"def f{number % 7}(a, b):"]
    for target in ("c", "d")[: draw.randint(1, 2)]:
        lines.append(f"    {target} = {draw.choice(names)} {draw.choice('+-')} {draw.choice([*names, '1', '2'])}")
        names.append(target)
    lines.append(f"    return {names[-1]} {draw.choice('+-')} {draw.choice(names[:-1])}")
    calls = tuple(f"f{number % 7}({draw.randint(0, 5)}, {draw.randint(0, 5)})" for _ in range(2))
    return Program(f"p{number}", "grow", "\n".join(lines) + "\n", calls[0].partition("(")[0], calls, "", "", "")


def questions(count: int) -> list[dict[str, Any]]:
    """The rows of the programs' forward questions."""
    made = (program(number) for number in range(count))
    traced = (TracedProgram(p.id, p, tuple(run_calls(p.code, p.calls)), "", "", "") for p in made)
    return list(rows(traced, ["forward"], HELD_OUT))


def texts(found: list[dict[str, Any]]) -> list[str]:
    """The narrator's state lines for each row."""
    jobs = [Job(row["extra_info"]["code"], (row["extra_info"]["call"],)) for row in found]
    runs = [recordings[0].run for recordings in record_many(jobs)]
    return [narrate(run, style="states", detail=1, seed=0).text if run is not None else "" for run in runs]


def warmed_up(out: Path, found: list[dict[str, Any]], steps: int) -> Path:
    """The model that knows the form, made once."""
    made = out / f"warm-{steps}"
    if (made / "config.json").is_file():
        return made
    responses = texts(found)
    prompts = [row["prompt"][0]["content"] for row in found]
    path = blank_model(out / "blank", [*prompts, *responses])
    samples = [
        Sample(content_id(prompt), "forward", prompt, response, row["extra_info"]["program_id"], 1, "train")
        for prompt, response, row in zip(prompts, responses, found, strict=True)
        if response
    ]
    cfg = base_config(
        model=str(path), run_name="warm-up", storage_path=str(out), prompt_style="paper", max_length=CONTEXT,
        packs_per_step=4, per_device_train_batch_size=4, learning_rate=2e-3, min_learning_rate=2e-4, seed=0,
        warmup_steps=20, weight_decay=0.01, save_steps=steps, eval_steps=10**6, logging_steps=50, max_steps=steps,
        num_train_epochs=1_000,
    )  # fmt: skip
    local.train(cfg, samples, torch.device("cpu"))
    trained(out / "warm-up" / "last", cfg).save_pretrained(made)
    tokenizer_of(path).save_pretrained(made)
    return made


def blank_model(path: Path, seen: list[str]) -> Path:
    """A randomly initialised Llama; its tokenizer has whole words of the prompts, and single digits."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    raw.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    raw.train_from_iterator(
        seen, trainers.BpeTrainer(vocab_size=512, special_tokens=["<s>", "</s>"], initial_alphabet=alphabet)
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw, bos_token="<s>", eos_token="</s>", pad_token="</s>", padding_side="left"
    )
    tokenizer.save_pretrained(path)
    torch.manual_seed(0)
    LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer), hidden_size=128, intermediate_size=384, num_hidden_layers=4,
            num_attention_heads=4, max_position_embeddings=CONTEXT, tie_word_embeddings=True, bos_token_id=0,
            eos_token_id=1, pad_token_id=1,
        )
    ).save_pretrained(path)  # fmt: skip
    return path


def tokenizer_of(path: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(path)


def prompt_of(row: dict[str, Any]) -> str:
    """The prompt as the model's training had it."""
    return "<s>" + row["prompt"][0]["content"]


@torch.no_grad()
def examined(path: Path, found: list[dict[str, Any]], pool: Pool) -> list[list[Reward]]:
    """The rewards of each prompt's sampled replies; the same random numbers whatever the model."""
    from transformers import AutoModelForCausalLM

    model, tokenizer = AutoModelForCausalLM.from_pretrained(path).eval(), tokenizer_of(path)
    torch.manual_seed(1)
    asked = [row for row in found for _ in range(SAMPLES)]
    replies: list[str] = []
    for start in range(0, len(asked), 64):
        prompts = [prompt_of(row) for row in asked[start : start + 64]]
        batch = tokenizer(prompts, return_tensors="pt", padding=True, return_token_type_ids=False)
        produced = model.generate(**batch, do_sample=True, temperature=1.0, top_k=0, max_new_tokens=LENGTH)
        replies += tokenizer.batch_decode(produced[:, batch["input_ids"].shape[1] :], skip_special_tokens=True)
    asked_of = [question_of(row["reward_model"]["ground_truth"], row["extra_info"]) for row in asked]
    scores = pool.score(list(zip(asked_of, replies, strict=True)))
    return [scores[start : start + SAMPLES] for start in range(0, len(scores), SAMPLES)]


def grpo(start: Path, found: list[dict[str, Any]], out: Path, steps: int) -> list[dict[str, float]]:
    """Train by TRL; the rewards that it logged. The model is OUT/tuned."""
    from datasets import Dataset
    from transformers import AutoModelForCausalLM
    from trl import GRPOConfig, GRPOTrainer

    data = Dataset.from_list([{**row, "prompt": prompt_of(row)} for row in found])
    settings = GRPOConfig(
        output_dir=str(out / "grpo"), use_cpu=True, bf16=False, max_steps=steps, learning_rate=2e-4, beta=0.0,
        lr_scheduler_type="constant", per_device_train_batch_size=64, num_generations=8, max_completion_length=LENGTH,
        temperature=1.0, logging_steps=5, save_strategy="no", report_to=[], seed=0, disable_tqdm=True,
    )  # fmt: skip
    model = AutoModelForCausalLM.from_pretrained(start)
    tokenizer = tokenizer_of(start)
    trainer = GRPOTrainer(model, execution_reward, args=settings, train_dataset=data, processing_class=tokenizer)
    trainer.train()
    trainer.save_model(str(out / "tuned"))
    tokenizer.save_pretrained(out / "tuned")
    return [{"step": row["step"], "reward": row["reward"]} for row in trainer.state.log_history if "reward" in row]


def means(found: list[list[Reward]]) -> list[float]:
    return [statistics.fmean(one.score for one in group) for group in found]


def interval(differences: list[float]) -> tuple[float, float]:
    """95 % bootstrap interval of the mean, over prompts."""
    draw = random.Random(0)
    drawn = sorted(statistics.fmean(draw.choices(differences, k=len(differences))) for _ in range(2_000))
    return drawn[49], drawn[-50]


def shown(name: str, found: list[list[Reward]]) -> None:
    flat = [one for group in found for one in group]
    parts = {
        "reward": statistics.fmean(one.score for one in flat),
        "right": statistics.fmean(one.right for one in flat),
        "process": statistics.fmean(one.process for one in flat),
        "false claims": statistics.fmean(one.false_claims for one in flat),
    }
    print(f"{name:7s} " + "  ".join(f"{part} {value:.3f}" for part, value in parts.items()), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/grpo"))
    parser.add_argument("--steps", type=int, default=80)
    parser.add_argument("--warm-up", type=int, default=500)
    parser.add_argument("--programs", type=int, default=600)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    found = questions(options.programs)
    train = [row for row in found if row["extra_info"]["split"] == "train"]
    held_out = [row for row in found if row["extra_info"]["split"] == "held_out"][:150]
    begun = time.monotonic()
    start = warmed_up(options.out, train, options.warm_up)
    print(f"warm-up: {time.monotonic() - begun:.0f} s; {len(train)} prompts, {len(held_out)} held out", flush=True)
    pool = Pool()
    before = examined(start, held_out, pool)
    shown("before", before)
    begun = time.monotonic()
    curve = grpo(start, train, options.out, options.steps)
    print(f"GRPO: {options.steps} steps in {time.monotonic() - begun:.0f} s", flush=True)
    for row in curve:
        print(f"  step {row['step']:4.0f}  reward {row['reward']:.3f}")
    after = examined(options.out / "tuned", held_out, pool)
    shown("after", after)
    pool.close()
    gains = [late - early for late, early in zip(means(after), means(before), strict=True)]
    low, high = interval(gains)
    print(f"reward on held-out prompts: {statistics.fmean(gains):+.3f} [{low:+.3f}, {high:+.3f}]")
    (options.out / "curve.json").write_text(json.dumps({"curve": curve, "gain": [statistics.fmean(gains), low, high]}))


if __name__ == "__main__":
    main()
