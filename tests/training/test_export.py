"""What is exported is what was trained, in a directory that transformers opens by itself."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from ray_app.errors import EngineError
from ray_app.training import local
from ray_app.training.config import TrainConfig
from ray_app.training.export import add_scores, export, logit_difference, model_card, trained
from tests.training.training_kit import build_model, build_samples

Make = Callable[..., TrainConfig]


@pytest.mark.parametrize("lora_rank", [0, 4])
def test_export_opens_in_transformers_with_the_trained_logits(
    make_config: Make, tmp_path: Path, lora_rank: int
) -> None:
    config = make_config(max_steps=4, lora_rank=lora_rank, learning_rate=1e-2)
    local.train(config, build_samples(20), torch.device("cpu"))
    checkpoint = Path(config.storage_path) / config.run_name / "last"
    out = export(checkpoint, config, tmp_path / "hf", {"data": {"rows": 20}})
    assert logit_difference(trained(checkpoint, config), out) < 1e-5
    base = AutoModelForCausalLM.from_pretrained(config.model, dtype=torch.float32)
    assert logit_difference(base, out) > 1e-2
    tokenizer = AutoTokenizer.from_pretrained(out)
    assert tokenizer.chat_template == AutoTokenizer.from_pretrained(config.model).chat_template
    assert list(out.glob("*.safetensors"))
    assert '"rows": 20' in (out / "README.md").read_text()


def test_card_names_the_base_model_no_local_path_and_the_latest_scores(make_config: Make, exported_model: Path) -> None:
    card = model_card(make_config(storage_path="/home/someone/run"), {"base_model": "owner/base", "data": {"rows": 7}})
    assert "base_model: owner/base" in card
    assert '"learning_rate": 0.001' in card
    assert "/home/someone" not in card
    assert make_config().model not in card
    add_scores(str(exported_model), "held_out 10 %")
    add_scores(str(exported_model), "held_out 12 %")
    written = (exported_model / "README.md").read_text()
    assert written.startswith("---\nlibrary_name: transformers\n")
    assert written.count("## Scores") == 1
    assert written.endswith("```\nheld_out 12 %\n```\n")


def test_export_checkpoint_of_another_model_is_refused(make_config: Make, tmp_path: Path) -> None:
    config = make_config(max_steps=4)
    local.train(config, build_samples(20), torch.device("cpu"))
    other = make_config(model=str(build_model(tmp_path / "wide", hidden_size=64)))
    with pytest.raises(EngineError, match="does not fit this model"):
        export(Path(config.storage_path) / "run" / "last", other, tmp_path / "hf", {})


def test_export_of_an_empty_directory_says_what_was_expected(make_config: Make, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="holds no DeepSpeed checkpoint"):
        export(tmp_path, make_config(), tmp_path / "hf", {})
