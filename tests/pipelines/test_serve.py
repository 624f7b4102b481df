"""What `python -m pipelines.serve` refuses before anything starts; the endpoint itself is tested in tests/serving."""

from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.recipes import demo
from pipelines.serve import models, require_key
from ray_app.errors import InputError


def test_an_address_that_others_reach_needs_a_key() -> None:
    with pytest.raises(InputError, match="SEMRAY_API_KEY"):
        require_key("0.0.0.0", "")
    require_key("0.0.0.0", "a key")
    require_key("127.0.0.1", "")


def test_the_tuned_model_is_served_where_there_is_one(tmp_path: Path) -> None:
    for name in ("given", "model"):
        (tmp_path / name).mkdir()
    (tmp_path / "given" / "config.json").write_text("{}")
    recipe = replace(demo(), model=str(tmp_path / "given"))
    assert models(recipe, str(tmp_path)) == {"base": str(tmp_path / "given")}
    (tmp_path / "model" / "config.json").write_text("{}")
    assert models(recipe, str(tmp_path))["tuned"] == str(tmp_path / "model")
