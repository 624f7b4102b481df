"""Numbers that cannot work are refused with the value and the remedy."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from ray_app.errors import InputError
from ray_app.training.config import TrainConfig
from ray_app.training.model import load_config, load_model, load_tokenizer

Make = Callable[..., TrainConfig]


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"max_length": 0}, "max_length = 0"),
        ({"max_steps": -1}, "max_steps = -1"),
        ({"mixture": ()}, "mixture is empty"),
        ({"mixture": (("forward", 0.0),)}, "mixture is empty"),
        ({"min_learning_rate": 1.0}, "exceeds learning_rate"),
        ({"curriculum": 1.5}, "between 0"),
        ({"num_workers": 3}, "try 3"),
    ],
)
def test_config_bad_value_is_named(make_config: Make, overrides: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make_config(**overrides)


def test_config_accumulation_keeps_the_global_batch(make_config: Make) -> None:
    config = make_config(packs_per_step=512, per_device_train_batch_size=4, num_workers=8)
    assert config.accumulation(8) == 16
    assert config.accumulation(4) == 32


@pytest.mark.parametrize("load", [load_config, load_tokenizer, partial(load_model, device=torch.device("cpu"))])
def test_a_folder_without_a_model_is_named_with_the_remedy(
    load: Callable[[TrainConfig], object], make_config: Make, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=rf"^no .* in '{tmp_path}': .*; set `model` to a folder"):
        load(make_config(model=str(tmp_path)))
