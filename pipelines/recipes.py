"""Every number of a run, in one value: a recipe is a function that returns the whole configuration.

    smoke         whether everything runs, in a few minutes: the demo with a few dozen programs and four steps
    demo          a laptop without a GPU, minutes: SmolLM2-135M, a few hundred programs
    laptop        the same laptop overnight: SmolLM2-135M on a million tokens of state lines and direct answers
    small         one GPU: Qwen2.5-Coder-0.5B-Instruct (24 GB) or 1.5B (48 GB)
    reproduction  the SemCoder paper's setting: DeepSeekCoder-6.7B on 8 x A6000 48 GB
    refine        the same machine: debugging (PyX-R), on the base model or on the model of a reproduction run
    beyond        the same machine and model with more, harder data, easy programs first

Change single numbers on the command line (`--set train.max_steps=10`), or add a function here.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from ray_app.evaluation.robustness import Variant
from ray_app.mixture import MixtureConfig
from ray_app.monologue.explain import ExplainConfig
from ray_app.monologue.worker import NarrateConfig
from ray_app.programs.ask import AskConfig
from ray_app.programs.grow import GrowConfig
from ray_app.programs.mine import MineConfig
from ray_app.programs.select.workers import SelectConfig
from ray_app.programs.trace import TraceConfig
from ray_app.programs.workers import Plot
from ray_app.repair.worker import RepairConfig
from ray_app.sandbox.limits import Limits
from ray_app.serving.app import ModelOptions
from ray_app.serving.generation import EngineOptions
from ray_app.training.config import TrainConfig
from ray_app.training.expert import ExpertConfig


@dataclass(frozen=True)
class Synthesize:
    """From source code to samples. `mine_files` bounds what is mined, 0: all files.

    The teacher is asked `asks` times for a program, and to explain runs of `explains` programs.
    """

    mine: MineConfig
    mine_roots: tuple[str, ...]
    mine_files: int
    grow: GrowConfig
    plots: tuple[Plot, ...]
    ask: AskConfig
    asks: int
    explain: ExplainConfig
    explains: int
    select: SelectConfig
    trace: TraceConfig
    narrate: NarrateConfig
    repair: RepairConfig
    mixture: MixtureConfig
    rows_per_shard: int


@dataclass(frozen=True)
class Exam:
    """One benchmark (of ray_app.evaluation.benchmarks, or "probes"), asked in one way. `items` bounds it, 0: all.

    `max_tokens` 0: the cap of an answer is derived from the right ones (`evaluation.caps`); `longest` above 0 leaves
    out questions whose right reply has more tokens.
    `variant` "renamed" or "reformatted" asks about the same programs in other clothes; `fidelity` also checks the
    claims of monologues; with `rounds` above 0 programs are repaired so often, beside attempts from scratch;
    `window` "2024-08-01.." takes the problems of that time only (LiveCodeBench).
    """

    benchmark: str
    prompt_format: str
    items: int
    max_tokens: int = 0
    longest: int = 0
    samples: int = 1
    temperature: float = 0.0
    variant: Variant | Literal[""] = ""
    fidelity: bool = False
    rounds: int = 0
    window: str = ""


@dataclass(frozen=True)
class ClaimExam:
    """Claim accuracy: `texts` held-out monologues of at most `max_length` tokens with their prompt, 0: not held."""

    texts: int
    max_length: int


@dataclass(frozen=True)
class Evaluate:
    """What is measured, before and after training.

    `data`: a folder with benchmark files; with "" only the exams that need none are held ("held_out", "probes", and
    "humaneval", which a Python package ships). `concurrency`: requests in flight.
    """

    exams: tuple[Exam, ...]
    claims: ClaimExam
    data: str
    concurrency: int
    seed: int


@dataclass(frozen=True)
class Recipe:
    """One run, from seeds to report.

    `model` is the student: a packaged model, a path that all nodes have, a URI, or a hub id. `teacher` is who writes
    programs and explains runs, named likewise and served as `teaching` says: a model that was taught to answer; ""
    asks nobody.
    `memory_gib` is what a machine must have available that trains.
    """

    name: str
    model: str
    teacher: str
    memory_gib: float
    synthesize: Synthesize
    train: TrainConfig
    expert: ExpertConfig
    serve: ModelOptions
    teaching: ModelOptions
    evaluate: Evaluate


def demo() -> Recipe:
    """SmolLM2-135M on a laptop: everything for real, everything small.

    Its training is chosen so that two cores show learning within five minutes (docs/learning.md has the pilots).
    """
    return Recipe(
        name="demo",
        model="smollm2-135m-instruct",
        teacher="qwen2.5-coder-0.5b-instruct",
        memory_gib=4.0,
        synthesize=Synthesize(
            mine=MineConfig(),
            mine_roots=(),
            mine_files=1_200,
            grow=GrowConfig(),
            plots=tuple(Plot(seed, 50, difficulty) for seed, difficulty in enumerate((1, 1, 2, 2, 3, 3, 4, 5))),
            ask=AskConfig(max_tokens=240, temperature=0.2, repairs=1),
            asks=3,
            explain=ExplainConfig(
                grounding="told",
                directions=("forward", "backward"),
                calls=1,
                samples=1,
                keep=1,
                corrections=1,
                unchecked="cut",
                temperature=0.2,
                max_tokens=200,
                longest_code=400,
                longest_prompt=4_000,
            ),
            explains=2,
            select=SelectConfig(),
            trace=TraceConfig(limits=Limits(cpu_s=0.5, trace_events=512), keep=2),
            # State lines say the same in four fifths of prose's tokens: more runs fit in 512, and more in the time.
            narrate=NarrateConfig(seed=0, max_tokens=512, style="states", detail=1, shorter=9),
            repair=RepairConfig(share=0.5, per_program=1, tries=4, max_tokens=768),
            mixture=MixtureConfig(held_out_fraction=0.1),
            rows_per_shard=64,
        ),
        train=TrainConfig(
            model="",
            run_name="",
            storage_path="",
            prompt_style="chat",
            max_length=512,
            # What the exams below ask about, and a tenth of the rest, which 30,000 tokens could not teach anyway.
            mixture=(("forward", 1.0), ("output", 0.5), ("backward", 0.1), ("input", 0.1), ("nl", 0.1)),
            curriculum=0.0,  # of a plan of 700 packs 64 are seen: with short ones first, hardly a monologue
            num_train_epochs=1,
            max_steps=32,  # 30,000 tokens: four minutes of two cores, after which claimed values had gained 27 points
            packs_per_step=2,
            per_device_train_batch_size=1,
            learning_rate=1e-3,  # adapters bear more than whole weights do, and there are 32 steps
            min_learning_rate=1e-4,
            warmup_steps=3,
            weight_decay=0.0,
            adam_beta1=0.9,
            adam_beta2=0.95,
            adam_epsilon=1e-8,
            max_grad_norm=1.0,
            seed=0,
            precision="fp32",
            zero_stage=2,
            offload=False,
            deepspeed="",
            gradient_checkpointing=False,
            lora_rank=32,  # as in the pilot
            lora_alpha=64,
            lora_dropout=0.0,
            num_workers=2,
            use_gpu=False,
            cpus_per_worker=1,
            max_failures=2,
            logging_steps=1,
            eval_steps=16,  # each costs as much as a step
            eval_samples=16,
            save_steps=16,
            report_to=("tensorboard",),
        ),
        expert=ExpertConfig(
            ("forward", "backward"), attempts=2, keep=1, temperature=0.8, max_tokens=192, seed=0, share=0.03
        ),
        serve=ModelOptions(num_cpus=0.25, engine=EngineOptions(threads=1)),
        teaching=ModelOptions(num_cpus=0.25, engine=EngineOptions(threads=2)),
        evaluate=Evaluate(
            exams=(
                Exam("held_out", "direct", items=48, longest=40),
                Exam("held_out", "monologue", items=8, longest=160),
                Exam("cruxeval_output", "direct", items=32, longest=48),
                Exam("cruxeval_input", "direct", items=32, longest=48),
            ),
            claims=ClaimExam(texts=40, max_length=768),
            data="",
            concurrency=16,
            seed=0,
        ),
    )


def smoke() -> Recipe:
    """The demo as small as it gets: what to submit first to a cluster that was just set up."""
    base = demo()
    return replace(
        base,
        name="smoke",
        synthesize=replace(
            base.synthesize,
            mine_files=24,
            plots=tuple(Plot(seed, 12, difficulty) for seed, difficulty in enumerate((1, 2, 3))),
            asks=1,
            explains=1,
            mixture=replace(base.synthesize.mixture, held_out_fraction=0.2),
            rows_per_shard=8,
        ),
        train=replace(base.train, max_steps=4, warmup_steps=1, eval_steps=2, eval_samples=4, save_steps=2),
        evaluate=replace(
            base.evaluate,
            exams=(
                Exam("held_out", "direct", items=4, max_tokens=16),
                Exam("humaneval", "direct", items=1, max_tokens=16),
            ),
            claims=ClaimExam(texts=2, max_length=512),
            concurrency=4,
        ),
    )


def laptop() -> Recipe:
    """A night on two cores: SmolLM2-135M on a million tokens, half state lines, half direct answers.

    `benchmarks/laptop.py` takes these numbers for the comparison of both, one by one and mixed, at equal tokens.
    """
    base = demo()
    return replace(
        base,
        name="laptop",
        synthesize=replace(
            base.synthesize,
            # Ten times the demo's, half of them easy: nobody's second look at a program within a million tokens.
            plots=tuple(Plot(seed, 400, 1 + seed % 4) for seed in range(12)),
            mixture=MixtureConfig(held_out_fraction=0.05),
            rows_per_shard=256,
        ),
        train=replace(
            base.train,
            mixture=(("forward", 1.0), ("output", 1.0)),
            max_length=768,  # of state lines on difficulties 1 to 4, a tenth are longer than the demo's 512 with prompt
            max_steps=340,  # 1 M tokens at 2 hours 15 minutes of two quiet cores (125 tokens/s)
            packs_per_step=4,
            warmup_steps=10,
            logging_steps=5,
            eval_steps=68,
            save_steps=17,  # every 50,000 tokens, some seven minutes: what a kill costs at most
            eval_samples=64,
        ),
        evaluate=replace(
            base.evaluate,
            exams=(
                Exam("held_out", "direct", items=200, longest=48),
                Exam("held_out", "monologue", items=200, longest=400),
                Exam("cruxeval_output", "direct", items=200, longest=48),
                Exam("cruxeval_output", "monologue", items=200),
            ),
            claims=ClaimExam(texts=200, max_length=768),
        ),
    )


def reproduction() -> Recipe:
    """The paper's setting: DeepSeekCoder-6.7B, 2 epochs, batch 512, context 2,048, 5e-5 -> 5e-6, 8 x A6000 48 GB."""
    base = demo()
    return replace(
        base,
        name="reproduction",
        model="deepseek-ai/deepseek-coder-6.7b-base",
        teacher="Qwen/Qwen2.5-Coder-32B-Instruct",
        memory_gib=256.0,
        synthesize=replace(
            base.synthesize,
            mine_files=0,
            plots=tuple(Plot(seed, 500, 1 + seed % 6) for seed in range(60)),
            ask=AskConfig(max_tokens=1_024, repairs=2),
            asks=30_000,
            explain=ExplainConfig(
                grounding="told",
                directions=("forward", "backward"),
                calls=2,
                samples=4,
                keep=1,
                corrections=1,
                unchecked="cut",
                temperature=0.7,
                max_tokens=1_024,
                longest_code=3_000,
                longest_prompt=12_000,
            ),
            explains=15_000,
            trace=TraceConfig(keep=3),
            narrate=NarrateConfig(seed=0, max_tokens=1_024, style="prose", detail=1, shorter=9),
            repair=RepairConfig(share=0.5, per_program=1, max_tokens=1_024),
            mixture=MixtureConfig(held_out_fraction=0.02),
            rows_per_shard=1_000,
        ),
        train=replace(
            base.train,
            prompt_style="paper",
            max_length=2_048,
            mixture=(("nl", 1.0), ("forward", 1.0), ("backward", 1.0)),
            curriculum=0.0,
            num_train_epochs=2,
            max_steps=0,
            packs_per_step=0,
            samples_per_step=512,  # whatever their length: 160 packs at PyX's median of 620 tokens
            per_device_train_batch_size=4,
            learning_rate=5e-5,
            min_learning_rate=5e-6,
            warmup_steps=5,
            precision="bf16",
            zero_stage=2,
            offload=False,
            gradient_checkpointing=True,
            lora_rank=0,
            num_workers=8,
            use_gpu=True,
            cpus_per_worker=8,
            eval_steps=20,
            eval_samples=1_000,
            save_steps=0,
        ),
        expert=ExpertConfig(("forward", "backward"), attempts=8, keep=2, temperature=0.8, max_tokens=1_024, seed=0),
        serve=ModelOptions("vllm", num_gpus=1, max_replicas=8, vllm={"max_model_len": 8_192}),
        # 62 GiB of weights in bf16: on two GPUs of 48 GB with room for 8 requests of a whole context each.
        teaching=ModelOptions("vllm", num_gpus=2, max_replicas=4, vllm={"max_model_len": 8_192}),
        evaluate=replace(
            base.evaluate,
            exams=(
                Exam("held_out", "monologue", items=0),
                *(Exam(f"cruxeval_{task}", "monologue", items=0) for task in ("output", "input")),
                *(Exam(name, "direct", items=0) for name in ("humaneval_plus", "mbpp_plus")),
            ),
            claims=ClaimExam(texts=500, max_length=2_048),
            concurrency=64,
        ),
    )


def refine() -> Recipe:
    """The paper's debugging fine-tune: PyX-R alone, 2 epochs at 1e-5 with a cosine to 0; samples as in reproduction.

    To go on from a reproduction run: `--set model=ROOT/model`.
    """
    base = reproduction()
    return replace(
        base,
        name="refine",
        train=replace(base.train, mixture=(("repair", 1.0),), learning_rate=1e-5, min_learning_rate=0.0),
        evaluate=replace(
            base.evaluate,
            exams=tuple(Exam(name, "direct", items=0, rounds=5) for name in ("humaneval_plus", "mbpp_plus")),
        ),
    )


def small() -> Recipe:
    """One GPU: Qwen2.5-Coder-0.5B-Instruct in 24 GB; in 48 GB also `--set model=Qwen/Qwen2.5-Coder-1.5B-Instruct`."""
    base = reproduction()
    return replace(
        base,
        name="small",
        model="Qwen/Qwen2.5-Coder-0.5B-Instruct",
        teacher="Qwen/Qwen2.5-Coder-0.5B-Instruct",
        memory_gib=24.0,
        synthesize=replace(
            base.synthesize,
            plots=tuple(Plot(seed, 500, 1 + seed % 6) for seed in range(24)),
            asks=1_000,
            explains=1_000,
        ),
        train=replace(
            base.train,
            prompt_style="chat",
            mixture=(*base.train.mixture, ("output", 0.5), ("input", 0.5)),
            packs_per_step=64,
            samples_per_step=0,
            save_steps=100,
            per_device_train_batch_size=2,
            learning_rate=2e-5,
            min_learning_rate=2e-6,
            warmup_steps=20,
            num_workers=1,
        ),
        serve=ModelOptions(num_cpus=2, num_gpus=0.5, engine=EngineOptions(kv_bytes=4 << 30)),
        teaching=ModelOptions(num_cpus=2, num_gpus=1, engine=EngineOptions(kv_bytes=4 << 30)),
    )


def beyond() -> Recipe:
    """Past the paper, same machine: three times the grown programs, harder ones, strings first, easy ones early."""
    base = reproduction()
    return replace(
        base,
        name="beyond",
        synthesize=replace(
            base.synthesize,
            plots=tuple(Plot(1_000 + seed, 500, 1 + seed % 6) for seed in range(180)),
            trace=TraceConfig(keep=4),
            repair=RepairConfig(per_program=2, tries=8, inputs=16, max_tokens=1_024),
            mixture=MixtureConfig(held_out_fraction=0.02, probes_per_kind=1),
        ),
        train=replace(
            base.train,
            mixture=(
                ("nl", 1.0),
                ("forward", 1.0),
                ("backward", 1.0),
                ("output", 0.5),
                ("input", 0.5),
                ("probe", 0.25),
                ("exception", 0.25),
                ("repair", 0.5),
            ),
            curriculum=0.3,
        ),
        evaluate=replace(
            base.evaluate,
            exams=(
                Exam("held_out", "monologue", items=0, fidelity=True),
                Exam("probes", "direct", items=2_000),
                Exam("cruxeval_output", "monologue", items=0, fidelity=True),
                Exam("cruxeval_output", "monologue", items=0, variant="renamed"),
                Exam("cruxeval_output", "monologue", items=0, variant="reformatted"),
                Exam("cruxeval_input", "monologue", items=0),
                Exam("lcb_execution", "monologue", items=0),
                Exam("humaneval_plus", "direct", items=0, rounds=4),
                *(Exam(name, "direct", items=0) for name in ("humaneval_plus", "mbpp_plus")),
            ),
        ),
    )


RECIPES: dict[str, Callable[[], Recipe]] = {
    "smoke": smoke,
    "demo": demo,
    "laptop": laptop,
    "small": small,
    "reproduction": reproduction,
    "refine": refine,
    "beyond": beyond,
}
