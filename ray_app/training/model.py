"""The model to be trained: loaded, checked against the run, and wrapped so that a forward pass gives token losses."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from ray_app.errors import EngineError, InputError
from ray_app.models import resolve
from ray_app.training import attention
from ray_app.training.config import TrainConfig
from ray_app.training.loss import LossHead
from ray_app.training.pack import IGNORE, Pack
from ray_app.training.tokenize import check_tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase


@dataclass(frozen=True, slots=True)
class Batch:
    """Packs laid end to end as one row. Shapes: input_ids, position_ids (1, T); keep, targets, task_ids (N,).

    `keep` are the N positions whose next token is to be learned; `lengths` are the documents' lengths, summing to T.
    `tokens` counts T, or 0 for a batch that only keeps this worker in step with the others.
    """

    input_ids: torch.Tensor
    position_ids: torch.Tensor
    keep: torch.Tensor
    targets: torch.Tensor
    task_ids: torch.Tensor
    lengths: tuple[int, ...]
    tokens: int
    learned: int


def to_batch(packs: Sequence[Pack], tasks: Sequence[str], device: torch.device) -> Batch:
    """The packs as tensors; `task_ids` index into `tasks`."""
    targets = torch.tensor([target for pack in packs for target in pack.targets])
    lengths = tuple(length for pack in packs for length in pack.lengths)
    per_document = torch.tensor([tasks.index(task) for pack in packs for task in pack.tasks])
    keep = (targets != IGNORE).nonzero()[:, 0]
    return Batch(
        input_ids=torch.tensor([[token for pack in packs for token in pack.input_ids]], device=device),
        position_ids=torch.cat([torch.arange(n) for n in lengths])[None].to(device),
        keep=keep.to(device),
        targets=targets[keep].to(device),
        task_ids=per_document.repeat_interleave(torch.tensor(lengths))[keep].to(device),
        lengths=lengths,
        tokens=sum(lengths),
        learned=len(keep),
    )


def ghost(pack: Pack, tasks: Sequence[str], device: torch.device) -> Batch:
    """A batch that costs one short pass and teaches nothing: `learned` and `tokens` are 0, its loss is unused."""
    two = Pack(pack.index, pack.ids[:1], pack.tasks[:1], (2,), pack.input_ids[:2], (pack.input_ids[1], IGNORE))
    real = to_batch([two], tasks, device)
    return Batch(
        real.input_ids, real.position_ids, real.keep, real.targets, real.task_ids, real.lengths, tokens=0, learned=0
    )


_CHANGE_LOGITS = ("final_logit_softcapping", "logit_scale", "logits_scaling")
"""settings of models that do more to their logits than the head: their losses are taken from whole logits"""


class Objective(nn.Module):
    """A causal language model whose forward pass gives the cross-entropy of each kept position, in fp32, shape (N,).

    The model's head is replaced by one that takes the losses in pieces (`loss.LossHead`), unless `whole_logits`, or
    where the model does more to its logits than the head. Logits are computed only where the loss is taken.
    """

    def __init__(self, model: nn.Module, *, whole_logits: bool = False) -> None:
        super().__init__()
        self.model = model
        causal = _causal(model)
        head = causal.get_output_embeddings()
        plain = type(head) is nn.Linear and not any(getattr(causal.config, name, None) for name in _CHANGE_LOGITS)
        if plain and not whole_logits:
            causal.set_output_embeddings(LossHead(head))

    def forward(
        self,
        input_ids: torch.Tensor,
        position_ids: torch.Tensor,
        keep: torch.Tensor,
        targets: torch.Tensor,
        document_lengths: tuple[int, ...],
    ) -> torch.Tensor:
        causal = _causal(self.model)
        head = causal.get_output_embeddings()
        inputs: dict[str, Any] = {
            "input_ids": input_ids,
            "position_ids": position_ids,
            "use_cache": False,
            "document_lengths": document_lengths,
        }
        if isinstance(head, LossHead):
            hidden = causal.get_decoder()(**inputs).last_hidden_state
            return head(hidden[0, keep], targets)
        logits = self.model(logits_to_keep=keep, **inputs).logits
        return nn.functional.cross_entropy(logits[0].float(), targets, reduction="none")


def _causal(model: Any) -> Any:
    """The causal language model itself, out of the adapters that may lie around it."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def load_tokenizer(config: TrainConfig) -> "PreTrainedTokenizerBase":
    """The model's tokenizer, known to fit the prompt style; InputError where there is none."""
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(resolve(config.model, weights=False))
    except (EngineError, OSError, ValueError) as error:
        raise _missing("tokenizer", config, error) from error
    check_tokenizer(tokenizer, config.prompt_style)
    return tokenizer


def load_config(config: TrainConfig) -> "PreTrainedConfig":
    """The model's sizes, without its weights; InputError where there are none."""
    from transformers import AutoConfig

    try:
        return AutoConfig.from_pretrained(resolve(config.model, weights=False))
    except (EngineError, OSError, ValueError) as error:
        raise _missing("model configuration", config, error) from error


def load_model(
    config: TrainConfig, device: torch.device, *, dtype: torch.dtype = torch.float32, partitioned: bool = False
) -> "PreTrainedModel":
    """The model with packed attention, and adapters where asked for.

    `dtype` is that of the weights: an engine that keeps fp32 masters of its own loads what it computes with, so that no
    worker ever holds an fp32 copy. On a GPU the weights go from the file to the device, past the host's memory, unless
    ZeRO-3 is going to partition them as they come (`partitioned`).
    """
    from transformers import AutoModelForCausalLM

    check_device(config, device)
    direct: dict[str, Any] = {"device_map": {"": device}} if device.type == "cuda" and not partitioned else {}
    try:
        model = AutoModelForCausalLM.from_pretrained(
            resolve(config.model), dtype=dtype, attn_implementation=attention.register(), **direct
        )
    except (EngineError, OSError, ValueError) as error:
        raise _missing("usable weights", config, error) from error
    check_context(config, model.config)
    if device.type == "cuda":
        fuse(model)
    if config.gradient_checkpointing:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    return with_adapters(model, config) if config.lora_rank else model


def fuse(model: "PreTrainedModel") -> None:
    """Liger's fused norms, rotary embedding and feed-forward in the model's place, where that package is installed.

    The loss stays ours: it is taken per token and on response positions only.
    """
    from transformers.utils.import_utils import is_liger_kernel_available

    if is_liger_kernel_available():
        from transformers.integrations.liger import apply_liger_kernel

        apply_liger_kernel(model, {"cross_entropy": False, "fused_linear_cross_entropy": False})


def with_adapters(model: "PreTrainedModel", config: TrainConfig) -> Any:
    """The model with LoRA adapters on every linear layer but the head; only these are trained."""
    from peft import LoraConfig, get_peft_model

    adapters = LoraConfig(
        r=config.lora_rank,
        lora_alpha=config.lora_alpha,
        lora_dropout=config.lora_dropout,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
    with warnings.catch_warnings():  # of peft, which asks transformers by an old name
        warnings.simplefilter("ignore", FutureWarning)
        # In the precision of the model, as ZeRO-3 wants it; the engine keeps fp32 masters of what it trains.
        return get_peft_model(model, adapters, autocast_adapter_dtype=False)


def check_context(config: TrainConfig, model_config: Any) -> None:
    """InputError where the run's context is longer than the model's, or its attention is windowed below it."""
    limit = getattr(model_config, "max_position_embeddings", None)
    if limit is not None and config.max_length > limit:
        raise InputError(f"max_length {config.max_length} exceeds the model's context of {limit}: lower max_length")
    window = getattr(model_config, "sliding_window", None)
    if window and getattr(model_config, "use_sliding_window", True) and window < config.max_length:
        raise InputError(f"the model attends over windows of {window} tokens: lower max_length to that")


def check_device(config: TrainConfig, device: torch.device) -> None:
    """InputError where the device cannot compute in the run's precision."""
    if config.precision == "bf16" and device.type == "cuda" and not torch.cuda.is_bf16_supported():
        raise InputError("this GPU has no bf16: use precision=fp32, or a GPU of compute capability 8.0 or later")


def identity(model_config: Any) -> str:
    """What makes a checkpoint belong to a model: architecture and sizes, in one line."""
    names = ("model_type", "vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")
    return " ".join(f"{name}={getattr(model_config, name, None)}" for name in names)


def _missing(what: str, config: TrainConfig, error: Exception) -> InputError:
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
    return InputError(
        f"no {what} in {config.model!r}: {reason}; set `model` to a folder that has it, or to a hub id where the hub "
        "can be reached"
    )
