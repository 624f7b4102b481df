"""What the HTTP and Ray layers cost over the bare engine, and how continuous batching compares, in one run.

    python -m benchmarks.serving [--model smollm2-135m-instruct] [--streams 32] [--tokens 48] [--rounds 3]

Prints tokens per second of (a) the engine called in-process, (b) the same engine behind Ray Serve with streaming
OpenAI clients, interleaved, with their ratio and the time to the first token, and the CPU time per token of the process
that holds the engine, which is comparable on a busy machine too; then transformers' own `generate` (fixed
batches) and its own continuous batching against our engine on requests of mixed length. One JSON line at the end.
"""

import argparse
import asyncio
import json
import socket
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openai
import psutil
import ray

from ray_app.models import resolve
from ray_app.serving import app
from ray_app.serving.engine import TransformersEngine
from ray_app.serving.generation import EngineOptions, Generation

PROMPTS = [f"def function_{number}(values):\n    # step {number}\n" for number in range(64)]


def jobs(streams: int, tokens: Sequence[int]) -> list[Generation]:
    """Greedy requests that run to their token limit; the limits repeat `tokens`."""
    return [
        Generation(PROMPTS[i % 64], max_tokens=tokens[i % len(tokens)], temperature=0, ignore_eos=True)
        for i in range(streams)
    ]


def bare(engine: TransformersEngine, generations: list[Generation]) -> float:
    """Tokens per second of the engine called in-process."""
    begin = time.perf_counter()
    done = sum(result[0].completion_tokens for result in engine.generate(generations))
    return done / (time.perf_counter() - begin)


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


def layers(model: str, streams: int, tokens: int, rounds: int, threads: int) -> dict[str, Any]:
    """Bare engine against the served one, alternating so that a busy machine slows both."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = EngineOptions(threads=threads)
    ray.init(address="local", num_cpus=2, object_store_memory=100_000_000, include_dashboard=False, log_to_driver=False)
    url = app.run({"base": model}, port=port, options=app.ModelOptions(num_cpus=0.5, engine=options))
    engine = TransformersEngine(model, options)
    work = jobs(streams, [tokens])
    inside: list[float] = []
    outside: list[float] = []
    firsts: list[float] = []
    cpu: list[tuple[float, float]] = []
    bare(engine, work[:2])
    asyncio.run(served(url, work[:2]))
    model_process = replica()
    for _ in range(rounds):
        begun = time.process_time(), sum(model_process.cpu_times()[:2])
        inside.append(bare(engine, work))
        between = time.process_time()
        speed, first = asyncio.run(served(url, work))
        cpu.append((between - begun[0], sum(model_process.cpu_times()[:2]) - begun[1]))
        outside.append(speed)
        firsts += first
        print(f"bare {inside[-1]:.1f} tok/s, served {outside[-1]:.1f} tok/s", flush=True)
    engine.close()
    app.stop()
    ray.shutdown()
    cuts = statistics.quantiles(firsts, n=100)
    return {
        "bare_tokens_per_s": round(statistics.median(inside), 1),
        "served_tokens_per_s": round(statistics.median(outside), 1),
        "overhead": round(1 - statistics.median(b / a for a, b in zip(inside, outside, strict=True)), 3),
        "bare_cpu_ms_per_token": round(statistics.median(a for a, _ in cpu) / (streams * tokens) * 1e3, 2),
        "served_cpu_ms_per_token": round(statistics.median(b for _, b in cpu) / (streams * tokens) * 1e3, 2),
        "cpu_overhead": round(statistics.median(b / a for a, b in cpu) - 1, 3),
        "first_token_p50_s": round(cuts[49], 3),
        "first_token_p99_s": round(cuts[98], 3),
    }


def batching(model: str, streams: int, threads: int) -> dict[str, Any]:
    """Mixed lengths: our engine, fixed batches, and the library's continuous batching, one after the other."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    work = jobs(2 * streams, [8, 64, 16, 32])
    engine = TransformersEngine(model, EngineOptions(threads=threads, max_batch=streams))
    ours = bare(engine, work)
    engine.close()
    torch.set_num_threads(threads)
    tokenizer = AutoTokenizer.from_pretrained(model)
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
    parser.add_argument("--rounds", type=int, default=3)
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
