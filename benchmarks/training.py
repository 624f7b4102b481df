"""What packing and Ray cost and save: useful tokens per second, every ratio from one run.

    python benchmarks/training.py                                            # all
    python benchmarks/training.py packing  [--documents N] [--rounds N]
    python benchmarks/training.py overhead [--steps N]
    python benchmarks/training.py loss     [--tokens N]

packing   the same model and documents, the same number of documents per step: our packed loop against the padded loop
          that the original used (right-padded batches, attention mask, logits at every position), once padded to the
          longest document of each batch and once to the context. Lengths follow PyX: monologues of a median of about
          620 tokens with their prompt (95th percentile about 1,150), a quarter shorter descriptions with code; context
          2,048. Rounds alternate between the loops. Target: at least 2 x.
overhead  our loop on Ray + DeepSpeed with one worker against a bare PyTorch loop over the same batches, bare loop
          before and after; steady steps only, one pass of 2,048 tokens each, 7 million weights. Target: at most 10 %
          more. (ZeRO-2 copies all gradients after every pass: passes of 512 tokens would cost 19 % more.)
loss      the head and its cross-entropy in pieces (`ray_app.training.loss`) against whole logits, with sizes of real
          heads, and one decoder layer with checkpointing: of these and the number of layers a step is reckoned. Held:
          what autograd keeps for the loss, beyond the head's input, which both keep. Peak: the most that the process
          grew by, gradients of the weights included. Target: 20 x less held, at most 5 % more time a step.

Useful tokens are prompt and response tokens; padding never counts. Everything runs on one thread per process.
"""

import argparse
import contextlib
import random
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "training"))

from training_kit import build_model, build_samples  # noqa: E402

from ray_app.training.attention import register  # noqa: E402
from ray_app.training.config import TrainConfig  # noqa: E402
from ray_app.training.engine import PlainEngine, optimizer_for  # noqa: E402
from ray_app.training.local import supply  # noqa: E402
from ray_app.training.loop import dealt  # noqa: E402
from ray_app.training.loss import LossHead, rows_per_piece  # noqa: E402
from ray_app.training.metrics import read  # noqa: E402
from ray_app.training.model import to_batch  # noqa: E402
from ray_app.training.tokenize import Document  # noqa: E402

CPU = torch.device("cpu")
CONTEXT = 2_048
BATCH = 16
"""documents per forward pass of the padded loop, as in the original"""
VOCABULARY = 4_096
WARM_UP = 3
"""steps that are not counted where overhead is measured"""


def config(**overrides: Any) -> TrainConfig:
    values: dict[str, Any] = {
        "model": "",
        "run_name": "run",
        "storage_path": "",
        "prompt_style": "chat",
        "max_length": CONTEXT,
        "mixture": (("forward", 1.0),),
        "curriculum": 0.0,
        "num_train_epochs": 1,
        "max_steps": 0,
        "packs_per_step": 1,
        "per_device_train_batch_size": 1,
        "learning_rate": 1e-4,
        "min_learning_rate": 1e-5,
        "warmup_steps": 1,
        "weight_decay": 0.0,
        "adam_beta1": 0.9,
        "adam_beta2": 0.95,
        "adam_epsilon": 1e-8,
        "max_grad_norm": 1.0,
        "seed": 0,
        "precision": "fp32",
        "zero_stage": 2,
        "offload": False,
        "deepspeed": "",
        "gradient_checkpointing": False,
        "lora_rank": 0,
        "lora_alpha": 0,
        "lora_dropout": 0.0,
        "num_workers": 1,
        "use_gpu": False,
        "cpus_per_worker": 1,
        "max_failures": 0,
        "logging_steps": 1,
        "eval_steps": 10**6,
        "save_steps": 10**6,
        "report_to": (),
    }
    return TrainConfig(**(values | overrides))


def pyx_like(count: int) -> list[Document]:
    """Documents with the lengths of PyX: three monologues to one description with code."""
    rng = random.Random(0)
    rows: list[Document] = []
    for k in range(count):
        median, prompt = (620, 180) if k % 4 else (380, 140)
        length = min(CONTEXT, max(prompt + 40, int(rng.lognormvariate(0, 0.37) * median)))
        ids = tuple(rng.randrange(5, VOCABULARY) for _ in range(length))
        rows.append(Document(f"d{k}", "forward", 0, prompt, 0, ids))
    return rows


def small_model(attention: str) -> Any:
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    return LlamaForCausalLM._from_config(
        LlamaConfig(
            vocab_size=VOCABULARY,
            hidden_size=128,
            intermediate_size=384,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=CONTEXT,
            tie_word_embeddings=True,
        ),
        attn_implementation=attention,
    )


def padded_loop(rows: Sequence[Document], to_context: bool) -> Callable[[], None]:
    """One pass over the documents, BATCH per step, as the original trains."""
    model = small_model("sdpa").train()
    optimizer = optimizer_for(model.parameters(), config(), CPU)

    def run() -> None:
        for start in range(0, len(rows), BATCH):
            batch = rows[start : start + BATCH]
            width = CONTEXT if to_context else max(len(d.input_ids) for d in batch)
            ids = torch.zeros(len(batch), width, dtype=torch.long)
            mask, labels = torch.zeros_like(ids), torch.full_like(ids, -100)
            for k, d in enumerate(batch):
                tokens = torch.tensor(d.input_ids)
                ids[k, : len(tokens)], mask[k, : len(tokens)] = tokens, 1
                labels[k, d.prompt_length : len(tokens)] = tokens[d.prompt_length :]
            model(input_ids=ids, attention_mask=mask, labels=labels).loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

    return run


def packed_loop(rows: Sequence[Document]) -> Callable[[], None]:
    """One pass over the documents in packs, with about BATCH documents per step: the same number of steps."""
    steps = -(-len(rows) // BATCH)
    packs = supply(rows, [], config())
    per_step = -(-packs.total // steps)
    engine = PlainEngine(small_model(register()).train(), config(), CPU)
    listed = list(packs.packs_from(0))

    def run() -> None:
        for start in range(0, len(listed), per_step):
            batch = to_batch(listed[start : start + per_step], packs.tasks, CPU)
            engine.backward(engine.losses(batch).mean())
            engine.step(1e-4)

    print(f"packs: {packs.total} of {CONTEXT} tokens, {packs.fill:.1%} full; {per_step} per step, {steps} steps")
    return run


def packing(documents: int, rounds: int) -> None:
    rows = pyx_like(documents)
    useful = sum(len(d.input_ids) for d in rows)
    widths = [max(len(d.input_ids) for d in rows[k : k + BATCH]) for k in range(0, len(rows), BATCH)]
    median = statistics.median(len(d.input_ids) for d in rows)
    print(
        f"{documents} documents, {useful} useful tokens, median {median:.0f}; "
        f"padded to the longest of {BATCH}: {useful / (BATCH * sum(widths)):.1%} useful, "
        f"to the context: {useful / (documents * CONTEXT):.1%}"
    )
    loops = {
        "packed": packed_loop(rows),
        "padded to the longest": padded_loop(rows, to_context=False),
        "padded to the context": padded_loop(rows, to_context=True),
    }
    seconds: dict[str, list[float]] = {name: [] for name in loops}
    for _ in range(rounds):
        for name, run in loops.items():
            start = time.process_time()
            run()
            seconds[name].append(time.process_time() - start)
    best = {name: min(times) for name, times in seconds.items()}
    for name, time_s in best.items():
        print(
            f"{name:24} {useful / time_s:8.0f} useful tokens per CPU second   packed is {time_s / best['packed']:.2f} x"
        )


def bare_loop(model_path: Path, cfg: TrainConfig, rows: Sequence[Any], steps: int) -> tuple[float, float]:
    """(seconds, CPU seconds) per step of a loop with nothing around it."""
    from transformers import AutoModelForCausalLM

    from ray_app.training.local import prepare

    data = prepare(rows, cfg).supply
    model = AutoModelForCausalLM.from_pretrained(model_path, dtype=torch.float32, attn_implementation=register())
    optimizer = optimizer_for(model.parameters(), cfg, CPU)
    packs = data.packs_from(0)
    for step in range(steps):
        if step == WARM_UP:
            wall, cpu = time.monotonic(), time.process_time()
        window = [next(packs) for _ in range(cfg.packs_per_step)]
        for group in dealt(window, 0, 1, cfg.per_device_train_batch_size, cfg.accumulation(1)):
            batch = to_batch(group, data.tasks, CPU)
            logits = model(
                input_ids=batch.input_ids,
                position_ids=batch.position_ids,
                logits_to_keep=batch.keep,
                document_lengths=batch.lengths,
                use_cache=False,
            ).logits[0]
            (torch.nn.functional.cross_entropy(logits, batch.targets) / cfg.accumulation(1)).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), cfg.max_grad_norm)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    return (time.monotonic() - wall) / (steps - WARM_UP), (time.process_time() - cpu) / (steps - WARM_UP)


class Watch(threading.Thread):
    """Notes, while a run logs its steps, what the processes below this one have used.

    Each entry of `seen`: steps, seconds, CPU seconds of the training worker, CPU seconds of all processes.
    """

    def __init__(self, metrics_file: Path) -> None:
        super().__init__(daemon=True)
        self.metrics_file, self.done = metrics_file, threading.Event()
        self.seen: list[tuple[float, float, float, float]] = []

    def run(self) -> None:
        while not self.done.wait(0.2):
            steps = sum(row["kind"] == "train" for row in read(self.metrics_file)) if self.metrics_file.exists() else 0
            if steps > (self.seen[-1][0] if self.seen else 0):
                self.seen.append((steps, time.monotonic(), *self._cpu_s()))

    def _cpu_s(self) -> tuple[float, float]:
        worker = everything = 0.0
        for process in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.Error):
                used = sum(process.cpu_times()[:2])
                everything += used
                worker += used if "RayTrainWorker" in " ".join(process.cmdline()) else 0.0
        return worker, everything

    def per_step(self) -> list[float]:
        """What one step took of each, from the warm-up to the last step but one; the last also saves."""
        start, end = next(seen for seen in self.seen if seen[0] >= WARM_UP), self.seen[-2]
        return [(b - a) / (end[0] - start[0]) for a, b in zip(start[1:], end[1:], strict=True)]


def overhead(steps: int) -> None:
    import pyarrow.parquet as pq
    import ray

    from ray_app.records import Sample, to_table
    from ray_app.training.trainer import METRICS_FILE, train

    rows = build_samples(150 * steps)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        build_model(
            root / "model",
            context=512,
            hidden_size=256,
            intermediate_size=1024,
            num_hidden_layers=8,
            num_key_value_heads=4,
        )
        cfg = config(
            model=str(root / "model"), storage_path=str(root / "storage"), max_length=512, max_steps=steps,
            packs_per_step=4, per_device_train_batch_size=4, mixture=(("forward", 1.0), ("output", 1.0)),
        )  # fmt: skip
        pq.write_table(to_table(Sample, rows), root / "rows.parquet")
        before = bare_loop(root / "model", cfg, rows, steps)
        ray.init(
            address="local", num_cpus=2, object_store_memory=200_000_000, include_dashboard=False, log_to_driver=False
        )
        watch = Watch(root / "storage" / cfg.run_name / METRICS_FILE)
        watch.start()
        try:
            train(cfg, [str(root / "rows.parquet")], say=lambda text: None)
        finally:
            watch.done.set()
            ray.shutdown()
        ours = watch.per_step()
        after = bare_loop(root / "model", cfg, rows, steps)
    wall, cpu = ((before[k] + after[k]) / 2 for k in (0, 1))
    for when, (seconds, cpu_seconds) in (("before", before), ("after", after)):
        print(f"bare loop {when}: {seconds:.3f} s and {cpu_seconds:.3f} CPU s per step")
    for what, value, bare in (
        ("seconds", ours[0], wall),
        ("CPU seconds of the worker", ours[1], cpu),
        ("CPU seconds of all processes", ours[2], cpu),
    ):
        print(f"Ray + DeepSpeed: {value:.3f} {what} per step, {value / bare - 1:+.1%}")


@dataclass(frozen=True)
class Shape:
    """A model's sizes as published: of its head, of one layer, and how many layers there are."""

    name: str
    hidden: int
    vocabulary: int
    inner: int
    heads: int
    key_heads: int
    layers: int
    frozen: bool = False


SHAPES = (
    Shape("SmolLM2-135M, LoRA", 576, 49_152, 1_536, 9, 3, 30, frozen=True),
    Shape("Qwen2.5-0.5B", 896, 151_936, 4_864, 14, 2, 24),
    Shape("DeepSeekCoder-6.7B", 4_096, 32_256, 11_008, 32, 32, 32),
)


def peak_growth(work: Callable[[], object]) -> int:
    """By how many bytes the process grew at most while it did the work."""
    Path("/proc/self/clear_refs").write_text("5")
    before = psutil.Process().memory_info().rss
    work()
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024 - before


def held_bytes(losses: Callable[[], torch.Tensor], apart: Sequence[torch.Tensor]) -> int:
    """What autograd keeps of a forward pass, without the storages of some tensors."""
    known, kept = {t.untyped_storage().data_ptr() for t in apart}, dict[int, int]()

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.untyped_storage().data_ptr() not in known:
            kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        made = losses()
    del made
    return sum(kept.values())


def layer_s(shape: Shape, tokens: int) -> float:
    """CPU seconds of one layer's forward and backward pass over so many tokens, with checkpointing."""
    from transformers import LlamaConfig, LlamaForCausalLM

    sizes = LlamaConfig(
        vocab_size=8, hidden_size=shape.hidden, intermediate_size=shape.inner, num_hidden_layers=1,
        num_attention_heads=shape.heads, num_key_value_heads=shape.key_heads, max_position_embeddings=tokens,
    )  # fmt: skip
    model = LlamaForCausalLM._from_config(sizes, attn_implementation=register()).train()
    if shape.frozen:
        model.requires_grad_(False)
        model.enable_input_require_grads()
    model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    ids = torch.arange(tokens)[None] % 8
    times: list[float] = []
    for _ in range(2):
        start = time.process_time()
        model.get_decoder()(input_ids=ids, use_cache=False).last_hidden_state.sum().backward()
        times.append(time.process_time() - start)
    return min(times)


def loss(tokens: int) -> None:
    for shape in SHAPES:
        print(f"{shape.name}, {tokens} tokens in pieces of {rows_per_piece(shape.vocabulary)}: ", end="")
        head_against_whole_logits(shape, tokens)


def head_against_whole_logits(shape: Shape, tokens: int) -> None:
    torch.manual_seed(0)
    head = torch.nn.Linear(shape.hidden, shape.vocabulary, bias=False).requires_grad_(not shape.frozen)
    ours = LossHead(head)
    hidden = torch.randn(tokens, shape.hidden, requires_grad=True)
    targets = torch.randint(0, shape.vocabulary, (tokens,))
    ways: dict[str, Callable[[], torch.Tensor]] = {
        "whole": lambda: torch.nn.functional.cross_entropy(head(hidden), targets, reduction="none"),
        "pieces": lambda: ours(hidden, targets),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    results: dict[str, list[torch.Tensor]] = {}
    grown: dict[str, int] = {}

    def work(name: str) -> None:
        made = ways[name]()
        made.mean().backward()
        results[name] = [made.detach(), *(t.grad for t in (hidden, head.weight) if t.grad is not None)]

    for _ in range(2):
        for name in ways:
            hidden.grad = head.weight.grad = None
            start = time.process_time()
            grown[name] = peak_growth(lambda name=name: work(name))
            seconds[name].append(time.process_time() - start)
    off = max(float((a - b).norm() / a.norm()) for a, b in zip(*results.values(), strict=True))
    results.clear()
    held = {name: held_bytes(losses, (hidden, head.weight, targets)) for name, losses in ways.items()}
    best = {name: min(times) for name, times in seconds.items()}
    body = layer_s(shape, 256) * tokens / 256 * shape.layers
    step = {name: body + value for name, value in best.items()}
    print(
        f"largest relative difference {off:.0e}; held {held['whole'] / 1e6:.1f} and {held['pieces'] / 1e6:.3f} MB; "
        f"peak {grown['whole'] / 1e6:.0f} and {grown['pieces'] / 1e6:.0f} MB; head {best['whole']:.2f} and "
        f"{best['pieces']:.2f} CPU s, step {step['whole']:.1f} and {step['pieces']:.1f}: "
        f"{step['pieces'] / step['whole'] - 1:+.1%}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mode", nargs="?", choices=("packing", "overhead", "loss"), help="default: all")
    parser.add_argument("--documents", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--steps", type=int, default=24)
    parser.add_argument("--tokens", type=int, default=1_024)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    if chosen.mode in (None, "packing"):
        packing(chosen.documents, chosen.rounds)
    if chosen.mode in (None, "overhead"):
        overhead(chosen.steps)
    if chosen.mode in (None, "loss"):
        loss(chosen.tokens)


if __name__ == "__main__":
    main()
