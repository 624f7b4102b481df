"""The forecast counts what a run counts, and follows what it was told."""

import dataclasses
from collections.abc import Callable

import pytest

from ray_app.training.config import TrainConfig
from ray_app.training.forecast import Data, forecast
from ray_app.training.hardware import Gpu, named
from tests.training.published import DEEPSEEK_6_7B

Make = Callable[..., TrainConfig]
PYX = Data(92_000, 620)


def gpu(name: str) -> Gpu:
    found = named(name)
    assert found is not None
    return found


@pytest.fixture
def config(make_config: Make) -> TrainConfig:
    return make_config(
        precision="bf16", gradient_checkpointing=True, max_length=2048, num_workers=8, use_gpu=True,
        packs_per_step=160, per_device_train_batch_size=4, num_train_epochs=2, save_steps=0,
    )  # fmt: skip


def test_forecast_is_close_to_the_rule_of_thumb(config: TrainConfig) -> None:
    """Six operations per weight and token, a third more with checkpointing."""
    found = forecast(config, DEEPSEEK_6_7B, gpu("A6000"), 8, PYX)
    thumb = 8 * 6.7e9 * 160 * 2048 / (8 * 154.8e12 * 0.5)
    assert found.products_s == pytest.approx(thumb, rel=0.05)
    assert found.saves == 4
    assert found.mfu < 0.5 * 6 / 8


def test_forecast_of_more_gpus_and_better_links_is_shorter(config: TrainConfig) -> None:
    eight = forecast(config, DEEPSEEK_6_7B, gpu("A6000"), 8, PYX)
    four = forecast(dataclasses.replace(config, num_workers=4), DEEPSEEK_6_7B, gpu("A6000"), 4, PYX)
    linked = dataclasses.replace(gpu("A6000"), link_gb_s=100.0)
    assert four.products_s == pytest.approx(2 * eight.products_s)
    assert forecast(config, DEEPSEEK_6_7B, linked, 8, PYX).communication_s < eight.communication_s


def test_forecast_zero_three_and_offload_cost_time(config: TrainConfig) -> None:
    two = forecast(config, DEEPSEEK_6_7B, gpu("A6000"), 8, PYX)
    three = forecast(dataclasses.replace(config, zero_stage=3), DEEPSEEK_6_7B, gpu("A6000"), 8, PYX)
    offloaded = forecast(dataclasses.replace(config, offload=True), DEEPSEEK_6_7B, gpu("A6000"), 8, PYX)
    assert three.communication_s > two.communication_s
    assert offloaded.optimizer_s > two.optimizer_s == 0


def test_forecast_on_one_gpu_has_nobody_to_talk_to(config: TrainConfig) -> None:
    alone = dataclasses.replace(config, num_workers=1, offload=True)
    assert forecast(alone, DEEPSEEK_6_7B, gpu("H100"), 1, PYX).communication_s == 0
