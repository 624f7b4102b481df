"""A tiny Llama with its own tokenizer, and samples for it: everything that training needs, made in a second."""

from pathlib import Path
from typing import Any

import torch

from ray_app.records import Sample, Task

CHAT_TEMPLATE = (
    "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)

torch.set_num_threads(1)

STANDARD: dict[str, Any] = {
    "run_name": "run",
    "prompt_style": "chat",
    "max_length": 128,
    "mixture": (("forward", 1.0), ("output", 1.0)),
    "curriculum": 0.0,
    "num_train_epochs": 1,
    "max_steps": 0,
    "packs_per_step": 2,
    "per_device_train_batch_size": 1,
    "learning_rate": 1e-3,
    "min_learning_rate": 1e-4,
    "warmup_steps": 2,
    "weight_decay": 0.01,
    "adam_beta1": 0.9,
    "adam_beta2": 0.95,
    "adam_epsilon": 1e-8,
    "max_grad_norm": 1.0,
    "seed": 7,
    "precision": "fp32",
    "zero_stage": 2,
    "offload": False,
    "deepspeed": "",
    "gradient_checkpointing": False,
    "lora_rank": 0,
    "lora_alpha": 16,
    "lora_dropout": 0.0,
    "num_workers": 1,
    "use_gpu": False,
    "cpus_per_worker": 1,
    "max_failures": 0,
    "logging_steps": 1,
    "eval_steps": 4,
    "save_steps": 4,
    "report_to": (),
}


def build_model(directory: Path, *, kind: str = "llama", context: int = 256, seed: int = 0, **sizes: Any) -> Path:
    """A randomly initialised model of about 100 k parameters with a byte-level BPE tokenizer and a chat template."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    special = ["<s>", "</s>", "<|user|>", "<|assistant|>", "<|end|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    raw.train_from_iterator(["def f(x): return x + 1", "assert f(2) == 3", "[PYTHON] [/PYTHON] [ANSWER]"] * 4, trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=raw, bos_token="<s>", eos_token="</s>")
    tokenizer.chat_template = CHAT_TEMPLATE
    tokenizer.save_pretrained(directory)
    torch.manual_seed(seed)
    defaults = {
        "vocab_size": len(tokenizer),
        "hidden_size": 48,
        "intermediate_size": 96,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": context,
        "tie_word_embeddings": True,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "initializer_range": 0.1,
    }
    if kind == "llama":
        model: Any = LlamaForCausalLM(LlamaConfig(**(defaults | sizes)))
    else:
        model = Qwen2ForCausalLM(Qwen2Config(**(defaults | sizes)))
    model.save_pretrained(directory)
    return directory


def build_samples(count: int, *, held_out: int = 0) -> list[Sample]:
    """Addition tasks in two formats, of varied length; the last `held_out` are held out."""
    rows: list[Sample] = []
    for n in range(count):
        task: Task = "forward" if n % 2 else "output"
        talk = f"x is {n}. " * (1 + n % 4) if task == "forward" else ""
        split = "held_out" if n >= count - held_out else "train"
        prompt = f"def f(x): return x + {n % 3}\nassert f({n}) == ??"
        rows.append(Sample(f"s{n:03d}", task, prompt, f"{talk}{n + n % 3}", f"p{n}", n % 3, split))  # type: ignore[arg-type]
    return rows


def export_model(directory: Path) -> Path:
    """A tiny model that was trained for two steps and exported to `directory`/hf."""
    from ray_app.training import local
    from ray_app.training.config import TrainConfig
    from ray_app.training.export import export

    base = build_model(directory / "base", context=512, hidden_size=128, intermediate_size=256)
    config = TrainConfig(**STANDARD | {"model": str(base), "storage_path": str(directory), "max_steps": 2})
    local.train(config, build_samples(8), torch.device("cpu"))
    return export(directory / "run" / "last", config, directory / "hf", {"base_model": "tiny"})
