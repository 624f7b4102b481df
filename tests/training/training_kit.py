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
