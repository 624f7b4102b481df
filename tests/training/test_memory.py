"""The estimate against what autograd really keeps and what the optimizer really holds, on small models."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from ray_app.errors import EngineError
from ray_app.training import memory
from ray_app.training.attention import register
from ray_app.training.config import TrainConfig
from ray_app.training.engine import optimizer_for
from ray_app.training.model import Objective
from tests.training.published import DEEPSEEK_6_7B
from tests.training.training_kit import build_model

Make = Callable[..., TrainConfig]
A6000 = int(48 * memory.GIB * memory.RESERVE)


def kept_bytes(model: Any, tokens: int) -> int:
    """What autograd keeps of one forward pass in which every token is learned, weights apart."""
    weights = {p.untyped_storage().data_ptr() for p in model.parameters()}
    kept: dict[int, int] = {}
    alive: list[torch.Tensor] = []

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        alive.append(tensor)
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    positions = torch.arange(tokens)
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        Objective(model)(
            torch.full((1, tokens), 7), positions[None], positions, positions % 9, (tokens // 2, tokens // 2)
        )
    return sum(kept.values())


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize(
    "sizes",
    [
        {"num_hidden_layers": 4},
        {"num_hidden_layers": 8, "hidden_size": 96, "intermediate_size": 160},
        {"num_hidden_layers": 6, "num_key_value_heads": 4, "intermediate_size": 256},
    ],
)
def test_estimate_activations_match_autograd_within_ten_percent(
    make_config: Make, tmp_path: Path, sizes: dict[str, int], checkpointing: bool, precision: str
) -> None:
    path = build_model(tmp_path / "m", **sizes)
    config = make_config(model=str(path), max_length=256, gradient_checkpointing=checkpointing, precision=precision)
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    model = AutoModelForCausalLM.from_pretrained(path, dtype=dtype, attn_implementation=register())
    if checkpointing:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    measured = kept_bytes(model.train(), 256)
    need = memory.estimate(config, model.config, 1)
    layer = 256 * memory._kept_per_token(model.config, precision == "bf16")  # recomputed later, one layer at a time
    expected = need.activations - (layer if checkpointing else 0)  # and nothing of the logits
    assert measured == pytest.approx(expected, rel=0.10)


@pytest.mark.parametrize(("lora_rank", "precision"), [(0, "fp32"), (4, "fp32"), (0, "bf16")])
def test_estimate_states_match_the_plain_engine_exactly(make_config: Make, lora_rank: int, precision: str) -> None:
    from ray_app.training.model import load_model

    config = make_config(lora_rank=lora_rank, precision=precision)
    model = load_model(config, torch.device("cpu"))
    optimizer = optimizer_for(model.parameters(), config, torch.device("cpu"))
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    need = memory.estimate(config, model.config, 1, plain=True)
    assert need.buckets == 0
    moments = [t for state in optimizer.state.values() for t in state.values() if t.dim()]
    assert need.weights == sum(p.nbytes for p in model.parameters())
    assert need.gradients == sum(p.grad.nbytes for p in model.parameters() if p.grad is not None)
    assert need.optimizer == sum(t.nbytes for t in moments)


def test_estimate_stages_share_more_and_more(make_config: Make) -> None:
    config = make_config(precision="bf16", gradient_checkpointing=True)
    needs = [
        memory.estimate(dataclasses.replace(config, zero_stage=stage), DEEPSEEK_6_7B, 8).device for stage in range(4)
    ]
    assert needs == sorted(needs, reverse=True)
    last = memory.estimate(dataclasses.replace(config, zero_stage=3), DEEPSEEK_6_7B, 8)
    states = last.weights + last.gradients + last.optimizer
    assert states == pytest.approx(18 * 6.74e9 / 8, rel=0.01)  # weights 2, gradients in fp32 4, master and moments 12
    assert last.copies == 2 * memory._LIVE_PARAMETERS
    assert needs[0] > 18 * 6.74e9


def test_estimate_counts_what_autocast_copies(make_config: Make) -> None:
    config = make_config(precision="bf16")
    total, _ = memory.parameters(config, DEEPSEEK_6_7B)
    assert memory.estimate(config, DEEPSEEK_6_7B, 1, plain=True).copies == 2 * total
    assert memory.estimate(make_config(), DEEPSEEK_6_7B, 1, plain=True).copies == 0


def test_estimate_logits_do_not_grow_with_the_pass(make_config: Make) -> None:
    short, long = (memory.estimate(make_config(max_length=n), DEEPSEEK_6_7B, 1) for n in (2_048, 16_384))
    assert short.logits == long.logits < 2 * memory.GIB


def test_chosen_fits_the_paper_model_on_its_eight_gpus(make_config: Make) -> None:
    config = make_config(
        precision="bf16", gradient_checkpointing=True, max_length=2048, packs_per_step=512, num_workers=8
    )
    choice = memory.chosen(config, DEEPSEEK_6_7B, 8, A6000)
    assert memory.estimate(choice, DEEPSEEK_6_7B, 8).device <= A6000
    assert choice.zero_stage in (2, 3)
    assert not choice.offload
    with pytest.raises(EngineError):
        memory.check(dataclasses.replace(choice, zero_stage=0), DEEPSEEK_6_7B, 8, A6000)


def test_chosen_one_gpu_needs_offload(make_config: Make) -> None:
    config = make_config(precision="bf16", gradient_checkpointing=True, max_length=2048, packs_per_step=512)
    assert memory.chosen(config, DEEPSEEK_6_7B, 1, A6000).offload


def test_check_too_little_memory_names_need_and_a_remedy_that_fits(make_config: Make) -> None:
    config = make_config(
        precision="bf16", max_length=4096, packs_per_step=16, per_device_train_batch_size=2, num_workers=8
    )
    with pytest.raises(
        EngineError, match=r"needs .* GiB per worker .*set per_device_train_batch_size=1, gradient_checkpointing=True"
    ):
        memory.check(config, DEEPSEEK_6_7B, 8, A6000)
    fixed = dataclasses.replace(config, per_device_train_batch_size=1, gradient_checkpointing=True)
    assert memory.check(fixed, DEEPSEEK_6_7B, 8, A6000).device <= A6000
    with pytest.raises(EngineError, match="smaller model"):
        memory.check(config, DEEPSEEK_6_7B, 8, 1000)
