"""What a training run is told. Numbers come from a recipe; this module only names, types and checks them."""

from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

from ray_app.errors import InputError
from ray_app.stage import WHERE

PromptStyle = Literal["chat", "paper"]
Precision = Literal["fp32", "bf16"]
Sink = Literal["tensorboard", "wandb", "mlflow"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """One training run. Names follow Hugging Face `TrainingArguments` where it has the same thing.

    model                        the model to start from: a name that every node resolves for itself (`ray_app.models`)
    run_name, storage_path       checkpoints and metrics live in storage_path/run_name, on any filesystem pyarrow opens;
                                 the same pair resumes a killed job
    prompt_style                 "chat": the model's own chat template; "paper": BOS + prompt + response + EOS
    max_length                   context in tokens: the capacity of a pack, and where a longer document is cut
    mixture                      (task, weight) pairs: how often an epoch shows each sample of that task (0.5: a seeded
                                 half of them; 2: all twice); tasks that are not named are left out;
                                 "forward/teacher": the weight of the forward samples that a language model wrote,
                                 where it is not that of "forward"
    curriculum                   0: seeded shuffle; 1: strictly short responses first; between: a blend of the two
    num_train_epochs             passes over the mixture, each in its own order
    max_steps                    stop after that many steps; 0: no limit
    packs_per_step               the global batch, over all workers and passes; a pack holds as many samples as fit in
                                 max_length, and a run says at its start how many samples a step has on average;
                                 0: as many as hold `samples_per_step` samples of the length that the data has
    samples_per_step             the global batch in samples, where packs_per_step is 0
    per_device_train_batch_size  packs per forward pass of one worker
    learning_rate, min_learning_rate, warmup_steps   linear warm-up, then cosine to the minimum at the last step
    weight_decay, adam_beta1, adam_beta2, adam_epsilon, max_grad_norm, seed   as in Hugging Face
    precision                    "fp32", or "bf16" (GPU; far slower than fp32 on a CPU)
    zero_stage                   DeepSpeed ZeRO 0 to 3;  offload: optimizer (and, at stage 3, parameters) in CPU memory
    deepspeed                    path of a DeepSpeed JSON whose keys win over ours and whose "auto" values we fill; ""
    gradient_checkpointing       recompute activations in the backward pass
    lora_rank, lora_alpha, lora_dropout   rank 0: train all weights; else adapters on every linear layer
    num_workers, use_gpu, cpus_per_worker, max_failures   workers of Ray Train and how often dead ones are replaced
    logging_steps, eval_steps, save_steps                 every so many steps; evaluation and saving also at the end;
                                 save_steps 0: twice an epoch
    scratch                      folder on a disk of the worker's own, from which checkpoints travel to storage_path
                                 while training goes on, at most two at a time; "": the system's temporary folder
    eval_samples                 held-out samples that the evaluation loss is taken on, the same in every run; 0: all
    report_to                    extra sinks besides metrics.jsonl

    A run of 2-3 minutes of SmolLM2-135M on two CPU cores: prompt_style="chat", max_length=512, mixture of weight 1
    each, curriculum=0.0, num_train_epochs=1, max_steps=24, packs_per_step=2, per_device_train_batch_size=1,
    learning_rate=5e-5, min_learning_rate=5e-6, warmup_steps=3, weight_decay=0.0, adam_beta1=0.9, adam_beta2=0.95,
    adam_epsilon=1e-8, max_grad_norm=1.0, precision="fp32", zero_stage=2, offload=False, lora_rank=16, lora_alpha=32,
    lora_dropout=0.0, gradient_checkpointing=False, num_workers=2, cpus_per_worker=1, max_failures=2,
    logging_steps=1, eval_steps=12, save_steps=12, report_to=("tensorboard",).
    """

    model: str
    run_name: str
    storage_path: str
    prompt_style: PromptStyle
    max_length: int
    mixture: tuple[tuple[str, float], ...]
    curriculum: float
    num_train_epochs: int
    max_steps: int
    packs_per_step: int
    per_device_train_batch_size: int
    learning_rate: float
    min_learning_rate: float
    warmup_steps: int
    weight_decay: float
    adam_beta1: float
    adam_beta2: float
    adam_epsilon: float
    max_grad_norm: float
    seed: int
    precision: Precision
    zero_stage: Literal[0, 1, 2, 3]
    offload: bool
    deepspeed: str
    gradient_checkpointing: bool
    lora_rank: int
    lora_alpha: int
    lora_dropout: float
    num_workers: int
    use_gpu: bool
    cpus_per_worker: int
    max_failures: int
    logging_steps: int
    eval_steps: int
    save_steps: int
    report_to: tuple[Sink, ...]
    eval_samples: int = 0
    samples_per_step: int = 0
    scratch: str = field(default="", metadata=WHERE)

    def __post_init__(self) -> None:
        for name in _POSITIVE:
            if getattr(self, name) <= 0:
                raise InputError(f"{name} = {getattr(self, name)}: must be greater than 0")
        for name in _NOT_NEGATIVE:
            if getattr(self, name) < 0:
                raise InputError(f"{name} = {getattr(self, name)}: must not be negative")
        if not self.mixture or all(weight <= 0 for _, weight in self.mixture):
            raise InputError("mixture is empty: name at least one task with a weight above 0, such as forward=1")
        if self.min_learning_rate > self.learning_rate:
            raise InputError(f"min_learning_rate {self.min_learning_rate} exceeds learning_rate {self.learning_rate}")
        if not self.packs_per_step and not self.samples_per_step:
            raise InputError("packs_per_step = 0: give samples_per_step, the samples that a step is to have")
        if not 0 <= self.curriculum <= 1:
            raise InputError(f"curriculum = {self.curriculum}: must lie between 0 (shuffled) and 1 (short first)")
        self.accumulation(self.num_workers)

    def accumulation(self, workers: int) -> int:
        """Forward passes per worker and optimizer step; InputError where the batch does not divide."""
        packs = workers * self.per_device_train_batch_size
        if self.packs_per_step % packs:
            above = -(-self.packs_per_step // packs) * packs
            raise InputError(
                f"packs_per_step {self.packs_per_step} is no multiple of {workers} workers x "
                f"per_device_train_batch_size {self.per_device_train_batch_size}: try {above}"
            )
        return self.packs_per_step // packs

    def sized(self, samples: int, packs: int) -> "TrainConfig":
        """With packs_per_step set, from the mean length of samples of which so many fill so many packs.

        It is the nearest multiple of what all workers take in one pass.
        """
        if self.packs_per_step:
            return self
        together = self.num_workers * self.per_device_train_batch_size
        wanted = self.samples_per_step * packs / samples
        return replace(self, packs_per_step=max(1, round(wanted / together)) * together)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, for the record beside the checkpoint."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


_POSITIVE = (
    "max_length",
    "num_train_epochs",
    "per_device_train_batch_size",
    "learning_rate",
    "num_workers",
    "cpus_per_worker",
    "logging_steps",
    "eval_steps",
)
_NOT_NEGATIVE = (
    "max_steps",
    "packs_per_step",
    "samples_per_step",
    "save_steps",
    "eval_samples",
    "warmup_steps",
    "min_learning_rate",
    "weight_decay",
    "max_grad_norm",
    "lora_rank",
    "max_failures",
)
