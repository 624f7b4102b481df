"""Numbers that cannot work are refused with the value and the remedy."""

from collections.abc import Callable
from typing import Any

import pytest

from ray_app.errors import InputError
from ray_app.training.config import TrainConfig

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
