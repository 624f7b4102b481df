"""Fixtures of the training tests: a tiny model and a configuration for it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ray_app.training.config import TrainConfig
from tests.training.training_kit import STANDARD, build_model, export_model


@pytest.fixture(scope="session")
def model_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="session")
def exported_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained and exported model of two layers with heads of 32, which transformers and vLLM can load."""
    return export_model(tmp_path_factory.mktemp("exported"))


@pytest.fixture
def make_config(model_path: Path, tmp_path: Path) -> Callable[..., TrainConfig]:
    """A TrainConfig for the tiny model; keywords override."""

    def make(**overrides: Any) -> TrainConfig:
        standard = {"model": str(model_path), "storage_path": str(tmp_path / "storage")}
        return TrainConfig(**(STANDARD | standard | overrides))

    return make
