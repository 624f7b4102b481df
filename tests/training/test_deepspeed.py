"""ZeRO 0 to 3 on 1 and 2 workers train the same model as plain PyTorch, and resume on another number of workers."""

import dataclasses
import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.multiprocessing

from ray_app.errors import InputError
from ray_app.training import deepspeed, local, loop
from ray_app.training.config import TrainConfig
from ray_app.training.engine import PlainEngine
from ray_app.training.export import weights
from ray_app.training.metrics import MetricsLog
from ray_app.training.model import load_model
from tests.training.training_kit import build_samples

Make = Callable[..., TrainConfig]
CPU = torch.device("cpu")


def test_settings_user_json_wins_and_auto_takes_ours(make_config: Make, tmp_path: Path) -> None:
    path = tmp_path / "ds.json"
    path.write_text(
        json.dumps(
            {
                "train_batch_size": "auto",
                "zero_optimization": {"stage": "auto", "overlap_comm": False},
                "gradient_clipping": 0.5,
                "made_up": "auto",
            }
        )
    )
    made = deepspeed.settings(make_config(zero_stage=3, deepspeed=str(path), packs_per_step=8), 1)
    assert made["train_batch_size"] == 8
    assert made["zero_optimization"]["stage"] == 3
    assert made["zero_optimization"]["overlap_comm"] is False
    assert made["gradient_clipping"] == 0.5
    assert "made_up" not in made


def test_settings_offload_covers_parameters_at_stage_three_only(make_config: Make) -> None:
    two = deepspeed.settings(make_config(offload=True), 1)["zero_optimization"]
    three = deepspeed.settings(make_config(offload=True, zero_stage=3), 1)["zero_optimization"]
    assert "offload_param" not in two
    assert two["offload_optimizer"]["device"] == three["offload_param"]["device"] == "cpu"


def test_settings_on_gpus_overlap_communication_and_add_gradients_up_in_fp32(make_config: Make) -> None:
    made = deepspeed.settings(make_config(precision="bf16", use_gpu=True), 1)
    assert made["zero_optimization"]["overlap_comm"] is True
    assert made["data_types"] == {"grad_accum_dtype": "fp32"}
    assert made["bf16"] == {"enabled": True}
    with pytest.raises(InputError, match="set zero_stage=2"):
        deepspeed.settings(make_config(precision="bf16", zero_stage=0), 1)


def test_settings_unreadable_json_is_an_input_error(make_config: Make, tmp_path: Path) -> None:
    (tmp_path / "ds.json").write_text("{")
    with pytest.raises(InputError, match="no readable JSON"):
        deepspeed.settings(make_config(deepspeed=str(tmp_path / "ds.json")), 1)


def _work(rank: int, world: int, port: int, config: TrainConfig, resume: str, out: str) -> None:
    os.environ.update(
        MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port), RANK=str(rank), WORLD_SIZE=str(world), LOCAL_RANK=str(rank)
    )
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", rank=rank, world_size=world)
    torch.manual_seed(config.seed)
    supply = local.prepare(build_samples(100, held_out=8), config).supply
    progress, start = loop.Progress(), None
    if resume:
        progress, start = loop.Progress.read(Path(resume), "m", "p"), Path(resume)
    engine = deepspeed.DeepSpeedEngine(config, CPU, resume=start, saved_world=progress.world)
    progress.world = world

    def save(at: loop.Progress, row: dict[str, Any]) -> None:
        folder = Path(out) / f"step_{at.step}"
        engine.save(folder)
        if rank == 0:
            at.write(folder, "m", "p")

    loop.fit(engine, config, supply, progress, MetricsLog(lambda text: None), save, lambda text: None)
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()


def on_workers(world: int, config: TrainConfig, out: Path, resume: str = "") -> list[dict[str, Any]]:
    """Train on real processes; the history of the last checkpoint."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = dataclasses.replace(config, num_workers=world)
    torch.multiprocessing.spawn(_work, (world, port, config, resume, str(out)), nprocs=world)
    steps = min(config.max_steps, 99)
    return loop.Progress.read(out / f"step_{steps}", "m", "p").history


def in_plain_torch(config: TrainConfig) -> tuple[list[dict[str, Any]], dict[str, torch.Tensor]]:
    torch.manual_seed(config.seed)
    engine = PlainEngine(load_model(config, CPU), config, CPU)
    supply = local.prepare(build_samples(100, held_out=8), config).supply
    outcome = loop.fit(
        engine, config, supply, loop.Progress(), MetricsLog(lambda t: None), lambda p, r: None, lambda t: None
    )
    return outcome.history, engine.model.state_dict()


def assert_same_training(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> None:
    """Losses to 1e-5 and gradient norms to 1e-4, relative, in fp32."""
    for mine, other in zip(ours, theirs, strict=True):
        assert mine["loss"] == pytest.approx(other["loss"], rel=1e-5)
        if mine["kind"] == "train":
            assert mine["grad_norm"] == pytest.approx(other["grad_norm"], rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("world", [1, 2])
@pytest.mark.parametrize("stage", [0, 1, 2, 3])
def test_zero_stage_equals_plain_pytorch_in_loss_gradient_and_weights(
    make_config: Make, tmp_path: Path, stage: int, world: int
) -> None:
    config = make_config(zero_stage=stage, packs_per_step=4, max_steps=4, save_steps=4, eval_steps=2)
    history, plain = in_plain_torch(config)
    assert_same_training(on_workers(world, config, tmp_path), history)
    trained = weights(tmp_path / "step_4")
    for name, tensor in plain.items():
        if name in trained:
            torch.testing.assert_close(trained[name], tensor, rtol=1e-4, atol=1e-5)
    assert len(trained) >= len(plain) - 1


@pytest.mark.slow
@pytest.mark.parametrize("stage", [2, 3])
def test_half_precision_with_many_passes_a_step_stays_near_fp32(make_config: Make, tmp_path: Path, stage: int) -> None:
    """What is left of the difference is that of one pass in bf16; it does not grow with their number."""
    config = make_config(zero_stage=stage, packs_per_step=16, max_steps=2, save_steps=2, eval_steps=99)
    history, plain = in_plain_torch(config)
    halved = on_workers(1, dataclasses.replace(config, precision="bf16"), tmp_path)
    for mine, other in zip(halved, history, strict=True):
        assert mine["loss"] == pytest.approx(other["loss"], rel=0.01)
        if mine["kind"] == "train":
            assert mine["grad_norm"] == pytest.approx(other["grad_norm"], rel=0.05)
    trained = weights(tmp_path / "step_2")
    assert trained.keys() <= plain.keys()
    assert all(tensor.dtype == torch.float32 for tensor in trained.values())


@pytest.mark.slow
@pytest.mark.parametrize("stage", [0, 2, 3])
def test_resume_on_the_same_workers_is_bit_identical(make_config: Make, tmp_path: Path, stage: int) -> None:
    config = make_config(zero_stage=stage, packs_per_step=4, max_steps=6, save_steps=3, eval_steps=99)
    whole = on_workers(2, config, tmp_path / "whole")
    on_workers(2, config, tmp_path / "again", resume=str(tmp_path / "whole" / "step_3"))
    first, second = weights(tmp_path / "whole" / "step_6"), weights(tmp_path / "again" / "step_6")
    assert all(torch.equal(first[name], second[name]) for name in first)
    again = loop.Progress.read(tmp_path / "again" / "step_6", "m", "p").history
    assert [r["loss"] for r in again] == [r["loss"] for r in whole]


@pytest.mark.slow
@pytest.mark.parametrize(("stage", "before", "after"), [(0, 2, 1), (2, 2, 1), (2, 1, 2), (3, 2, 1), (3, 1, 2)])
def test_resume_on_another_number_of_workers_goes_on_as_if_unbroken(
    make_config: Make, tmp_path: Path, stage: int, before: int, after: int
) -> None:
    config = make_config(zero_stage=stage, packs_per_step=4, max_steps=6, save_steps=3, eval_steps=99)
    history, _ = in_plain_torch(config)
    on_workers(before, config, tmp_path / "one")
    resumed = on_workers(after, config, tmp_path / "two", resume=str(tmp_path / "one" / "step_3"))
    assert_same_training(resumed, history)


@pytest.mark.slow
@pytest.mark.parametrize("overrides", [{"lora_rank": 4}, {"offload": True}, {"gradient_checkpointing": True}])
def test_zero_three_options_equal_plain_pytorch(make_config: Make, tmp_path: Path, overrides: dict[str, Any]) -> None:
    config = make_config(zero_stage=3, packs_per_step=4, max_steps=3, save_steps=3, eval_steps=99, **overrides)
    history, _ = in_plain_torch(config)
    assert_same_training(on_workers(2, config, tmp_path), history)
