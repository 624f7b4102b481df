"""Fixtures of the training tests: a tiny model and a configuration for it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ray_app.training.config import TrainConfig
from tests.training.training_kit import build_model


@pytest.fixture(scope="session")
def model_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def make_config(model_path: Path, tmp_path: Path) -> Callable[..., TrainConfig]:
    """A TrainConfig for the tiny model; keywords override."""

    def make(**overrides: Any) -> TrainConfig:
        values: dict[str, Any] = {
            "model": str(model_path),
            "run_name": "run",
            "storage_path": str(tmp_path / "storage"),
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
        return TrainConfig(**(values | overrides))

    return make
