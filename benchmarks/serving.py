"""What the HTTP and Ray layers cost over the bare engine, and how continuous batching compares, in one run.

    python -m benchmarks.serving [--model smollm2-135m-instruct] [--streams 32] [--tokens 48] [--rounds 4]

Prints tokens per second of (a) the engine called in-process, (b) the same engine behind Ray Serve with streaming
OpenAI clients, in alternating order, and their ratio (median of the rounds, with the lowest and highest); the time to
the first token of both, all requests arriving at once; and the CPU time per token, of the process that holds the engine
and of everything that runs for a request, clients included. Then transformers' own `generate` (fixed batches) and its
own continuous batching against our engine on requests of mixed length. One JSON line at the end.

The engine gets one thread, so that on two cores the rest (proxy, gateway, clients) has the other. On a busy machine
compare the CPU times only. About 5 minutes on 2 quiet cores (`--only layers`: 3).
"""

import argparse
import asyncio
import contextlib
import json
import queue
import socket
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import openai
import psutil
import ray

from ray_app.errors import EngineError
from ray_app.models import resolve
from ray_app.serving import app
from ray_app.serving.engine import TransformersEngine
from ray_app.serving.generation import Delta, EngineOptions, Generation

PROMPTS = [f"def function_{number}(values):\n    # step {number}\n" for number in range(64)]


def jobs(streams: int, tokens: Sequence[int]) -> list[Generation]:
    """Greedy requests that run to their token limit; the limits repeat `tokens`."""
    return [
        Generation(PROMPTS[i % 64], max_tokens=tokens[i % len(tokens)], temperature=0, ignore_eos=True)
        for i in range(streams)
    ]


def bare(engine: TransformersEngine, generations: list[Generation]) -> tuple[float, list[float]]:
    """Tokens per second of the engine called in-process, and each request's seconds to its first token."""
    firsts: dict[int, float] = {}
    ended: queue.SimpleQueue[Delta | EngineError] = queue.SimpleQueue()

    def sink(number: int, delta: Delta | EngineError) -> None:
        firsts.setdefault(number, time.perf_counter() - begin)
        if isinstance(delta, EngineError) or delta.finish is not None:
            ended.put(delta)

    begin = time.perf_counter()
    for number, generation in enumerate(generations):
        engine.submit(generation, partial(sink, number))
    done = 0
    for _ in generations:
        last = ended.get()
        if isinstance(last, EngineError):
            raise last
        done += last.completion_tokens
    return done / (time.perf_counter() - begin), list(firsts.values())


async def served(url: str, generations: list[Generation]) -> tuple[float, list[float]]:
    """Tokens per second of streaming clients, and each one's seconds to its first token."""
    firsts: list[float] = []

    async def one(client: openai.AsyncOpenAI, generation: Generation) -> int:
        stream = await client.completions.create(
            model="base",
            prompt=str(generation.prompt),
            max_tokens=generation.max_tokens,
            temperature=0,
            stream=True,
            stream_options={"include_usage": True},
            extra_body={"ignore_eos": True},
        )
        tokens = 0
        first: float | None = None
        async for chunk in stream:
            if first is None:
                first = time.perf_counter() - begin
                firsts.append(first)
            if chunk.usage is not None:
                tokens = chunk.usage.completion_tokens
        return tokens

    async with openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0, timeout=600) as client:
        begin = time.perf_counter()
        done = sum(await asyncio.gather(*(one(client, generation) for generation in generations)))
        return done / (time.perf_counter() - begin), firsts


def replica() -> psutil.Process:
    """The process of the served model."""
    processes = psutil.Process().children(recursive=True)
    return next(process for process in processes if "model-base" in " ".join(process.cmdline()))


def fixed_batches(model: Any, tokenizer: Any, generations: list[Generation], size: int) -> float:
    """Useful tokens per second of `generate` on padded batches: each batch runs to its longest request."""
    import torch

    begin = time.perf_counter()
    for start in range(0, len(generations), size):
        batch = generations[start : start + size]
        inputs = tokenizer([job.prompt for job in batch], return_tensors="pt", padding=True, padding_side="left")
        longest = max(job.max_tokens or 0 for job in batch)
        with torch.inference_mode():
            model.generate(**inputs, max_new_tokens=longest, min_new_tokens=longest, do_sample=False)
    return sum(job.max_tokens or 0 for job in generations) / (time.perf_counter() - begin)


def library_continuous(model: Any, tokenizer: Any, generations: list[Generation], size: int) -> float:
    """Tokens per second of transformers' own continuous batching."""
    from transformers import ContinuousBatchingConfig, GenerationConfig

    config = GenerationConfig(do_sample=False, eos_token_id=-1, pad_token_id=0)
    blocks = ContinuousBatchingConfig(
        page_size=64, num_blocks=32 * 8, max_batch_tokens=512, max_requests_per_batch=size
    )
    with model.continuous_batching_context_manager(
        generation_config=config, continuous_batching_config=blocks, warmup=False
    ) as manager:
        begin = time.perf_counter()
        for job in generations:
            manager.add_request(list(tokenizer(job.prompt)["input_ids"]), max_new_tokens=job.max_tokens)
        done = finished = 0
        while finished < len(generations):
            result = manager.get_result(timeout=1)
            if result is not None and result.is_finished():
                finished += 1
                done += len(result.generated_tokens)
        return done / (time.perf_counter() - begin)


def everyone() -> float:
    """CPU seconds so far of this process and all that it started."""
    total = 0.0
    for process in [psutil.Process(), *psutil.Process().children(recursive=True)]:
        with contextlib.suppress(psutil.Error):
            total += sum(process.cpu_times()[:2])
    return total


@dataclass(frozen=True, slots=True)
class Round:
    """One round of one way: tokens per second, seconds to the first tokens, CPU seconds of the engine's process and of
    everyone."""

    speed: float
    firsts: list[float]
    engine_s: float
    all_s: float


def layers(model: str, streams: int, tokens: int, rounds: int, threads: int) -> dict[str, Any]:
    """Bare engine against the served one, alternating so that a busy machine slows both."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = EngineOptions(threads=threads)
    ray.init(address="local", num_cpus=2, object_store_memory=100_000_000, include_dashboard=False, log_to_driver=False)
    try:
        url = app.run({"base": model}, port=port, options=app.ModelOptions(num_cpus=0.5, engine=options))
        engine = TransformersEngine(model, options)
        ways: dict[str, tuple[psutil.Process, Callable[[list[Generation]], tuple[float, list[float]]]]] = {
            "bare": (psutil.Process(), lambda work: bare(engine, work)),
            "served": (replica(), lambda work: asyncio.run(served(url, work))),
        }
        found: dict[str, list[Round]] = {name: [] for name in ways}
        for _, play in ways.values():
            play(jobs(streams, [4]))
        for number in range(rounds):
            for name in sorted(ways, reverse=bool(number % 2)):
                found[name].append(_round(*ways[name], jobs(streams, [tokens])))
                print(f"{name} {found[name][-1].speed:.1f} tok/s", flush=True)
        engine.close()
        app.stop()
    finally:
        ray.shutdown()
    return _compared(found["bare"], found["served"], streams * tokens)


def _round(
    process: psutil.Process, play: Callable[[list[Generation]], tuple[float, list[float]]], work: list[Generation]
) -> Round:
    engine_s, all_s = sum(process.cpu_times()[:2]), everyone()
    speed, firsts = play(work)
    return Round(speed, firsts, sum(process.cpu_times()[:2]) - engine_s, everyone() - all_s)


def _compared(inside: list[Round], outside: list[Round], tokens: int) -> dict[str, Any]:
    overheads = [1 - b.speed / a.speed for a, b in zip(inside, outside, strict=True)]
    figures: dict[str, Any] = {
        "overhead": round(statistics.median(overheads), 3),
        "overhead_range": [round(min(overheads), 3), round(max(overheads), 3)],
        "engine_cpu_overhead": round(
            statistics.median(b.engine_s / a.engine_s for a, b in zip(inside, outside, strict=True)) - 1, 3
        ),
    }
    for name, rounds in (("bare", inside), ("served", outside)):
        cuts = statistics.quantiles([first for one in rounds for first in one.firsts], n=100, method="inclusive")
        figures |= {
            f"{name}_tokens_per_s": round(statistics.median(one.speed for one in rounds), 1),
            f"{name}_first_token_p50_s": round(cuts[49], 3),
            f"{name}_first_token_p99_s": round(cuts[98], 3),
            f"{name}_engine_cpu_ms_per_token": round(statistics.median(r.engine_s for r in rounds) / tokens * 1e3, 2),
            f"{name}_all_cpu_ms_per_token": round(statistics.median(r.all_s for r in rounds) / tokens * 1e3, 2),
        }
    return figures


def batching(model: str, streams: int, threads: int) -> dict[str, Any]:
    """Mixed lengths: our engine, fixed batches, and the library's continuous batching, one after the other."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    work = jobs(2 * streams, [8, 64, 16, 32])
    engine = TransformersEngine(model, EngineOptions(threads=threads, max_batch=streams))
    ours, _ = bare(engine, work)
    engine.close()
    torch.set_num_threads(threads)
    tokenizer = AutoTokenizer.from_pretrained(model)
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    loaded = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32).eval()
    fixed = fixed_batches(loaded, tokenizer, work, streams)
    library = library_continuous(loaded, tokenizer, work, streams)
    return {
        "mixed_ours_tokens_per_s": round(ours, 1),
        "mixed_fixed_batches_tokens_per_s": round(fixed, 1),
        "mixed_transformers_continuous_tokens_per_s": round(library, 1),
        "ours_over_fixed": round(ours / fixed, 2),
        "ours_over_transformers_continuous": round(ours / library, 2),
    }


def main() -> None:
    """Both comparisons."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2-135m-instruct")
    parser.add_argument("--streams", type=int, default=32)
    parser.add_argument("--tokens", type=int, default=48)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", choices=["layers", "batching"])
    args = parser.parse_args()
    model = str(Path(resolve(args.model)))
    figures: dict[str, Any] = {"streams": args.streams, "threads": args.threads}
    if args.only != "batching":
        figures |= layers(model, args.streams, args.tokens, args.rounds, args.threads)
    if args.only != "layers":
        figures |= batching(model, args.streams, args.threads)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
