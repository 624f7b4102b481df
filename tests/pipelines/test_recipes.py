"""Every recipe is planned on the machine it is for: memory, ZeRO stage and batch, with nothing downloaded."""

import dataclasses
import json
from pathlib import Path

import pytest
from transformers import LlamaConfig, PreTrainedConfig, Qwen2Config

from pipelines.recipes import RECIPES
from pipelines.synthesize import teacher_at, teacher_name
from pipelines.train import PAPER, data_of, machine_of, show_plan
from ray_app.errors import EngineError, InputError
from ray_app.mixture import TASKS
from ray_app.models import PACKAGED
from ray_app.programs.select.workers import select
from ray_app.stage import plan
from ray_app.teacher.endpoint import Place
from ray_app.training import deepspeed, memory
from ray_app.training.forecast import sized
from ray_app.training.model import check_context
from tests.training.published import DEEPSEEK_6_7B

# Sizes as published with the models.
QWEN_0_5B, QWEN_1_5B = (
    Qwen2Config(
        vocab_size=151936,
        hidden_size=hidden,
        intermediate_size=inner,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=2,
        max_position_embeddings=32768,
        tie_word_embeddings=True,
    )
    for hidden, inner, layers, heads in ((896, 4864, 24, 14), (1536, 8960, 28, 12))
)
SMOLLM_135M = LlamaConfig(
    vocab_size=49152,
    hidden_size=576,
    intermediate_size=1536,
    num_hidden_layers=30,
    num_attention_heads=9,
    num_key_value_heads=3,
    max_position_embeddings=8192,
    tie_word_embeddings=True,
)
MACHINES = {
    "demo on a laptop": ("demo", SMOLLM_135M, 3),
    "small, 0.5B": ("small", QWEN_0_5B, 24),
    "small, 1.5B": ("small", QWEN_1_5B, 48),
    "reproduction on 8 A6000": ("reproduction", DEEPSEEK_6_7B, 48),
    "refine on 8 A6000": ("refine", DEEPSEEK_6_7B, 48),
    "beyond on 8 A6000": ("beyond", DEEPSEEK_6_7B, 48),
}


@pytest.mark.parametrize(("name", "model", "gib"), MACHINES.values(), ids=MACHINES)
def test_recipe_fits_the_machine_it_is_for(name: str, model: PreTrainedConfig, gib: int) -> None:
    train = sized(RECIPES[name]().train, PAPER)
    memory.check(train, model, train.num_workers, int(gib * memory.GIB * memory.RESERVE))
    check_context(train, model)
    settings = deepspeed.settings(train, train.num_workers)
    passes = settings["gradient_accumulation_steps"] * settings["train_micro_batch_size_per_gpu"]
    assert settings["train_batch_size"] == passes * train.num_workers == train.packs_per_step
    assert settings["bf16"]["enabled"] == train.use_gpu


def test_reproduction_runs_as_the_estimate_chooses_on_eight_a6000() -> None:
    train = sized(RECIPES["reproduction"]().train, PAPER)
    assert train.packs_per_step == 160
    start = dataclasses.replace(train, per_device_train_batch_size=1, zero_stage=3, offload=True)
    assert memory.chosen(start, DEEPSEEK_6_7B, 8, int(48 * memory.GIB * memory.RESERVE)) == train


def test_plan_prints_the_need_and_the_largest_batch_that_fits(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    QWEN_0_5B.save_pretrained(tmp_path)
    recipe = dataclasses.replace(RECIPES["small"](), model=str(tmp_path))
    show_plan(recipe, machine_of("48"))
    needs, best = capsys.readouterr().out.splitlines()
    assert "small needs 10.71 GiB per worker (weights 0.92," in needs
    assert best == "the fastest that fits 43.2 of 48 GiB: zero_stage=2, offload=False, per_device_train_batch_size=16"


def test_plan_of_a_machine_that_is_too_small_names_the_remedy(tmp_path: Path) -> None:
    QWEN_1_5B.save_pretrained(tmp_path)
    recipe = dataclasses.replace(RECIPES["small"](), model=str(tmp_path))
    with pytest.raises(EngineError, match="smaller model"):
        show_plan(recipe, machine_of("2"))


def test_plan_of_a_named_machine_says_how_long_and_what_was_assumed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    DEEPSEEK_6_7B.save_pretrained(tmp_path)
    recipe = dataclasses.replace(RECIPES["reproduction"](), model=str(tmp_path))
    show_plan(recipe, machine_of("8xA6000"))
    *_, took, assumed = capsys.readouterr().out.splitlines()
    assert took.startswith("8 x A6000: 359 steps of 160 packs, about 513 samples each; a step takes")
    assert "4 checkpoints" in took
    assert "assumed, not measured" in assumed
    show_plan(recipe, machine_of("1xh100"))
    assert "offload=True" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["8xA7000", "A6000", "0xA6000", "much"])
def test_plan_for_an_unknown_machine_lists_those_that_are_known(text: str) -> None:
    with pytest.raises(InputError, match="A6000, A5000"):
        machine_of(text)


def test_plan_takes_the_samples_that_are_there(tmp_path: Path) -> None:
    assert data_of(RECIPES["reproduction"](), str(tmp_path)) == PAPER


@pytest.mark.parametrize("name", RECIPES)
def test_recipe_trains_on_tasks_that_exist(name: str) -> None:
    assert {task for task, _ in RECIPES[name]().train.mixture} <= set(TASKS)


@pytest.mark.parametrize("name", ["reproduction", "refine", "beyond"])
def test_the_student_is_a_base_model_and_the_teacher_one_that_answers(name: str) -> None:
    recipe = RECIPES[name]()
    assert recipe.model.endswith("-base")
    assert recipe.teacher.endswith("-Instruct")
    assert recipe.teaching.kind == recipe.serve.kind == "vllm"
    # The teacher's weights, in bf16, and room for requests.
    assert recipe.teaching.num_gpus * 48 > 1.3 * 2 * 32
    assert recipe.teaching.max_replicas * recipe.teaching.num_gpus <= 8


def test_the_demo_asks_a_packaged_teacher_for_few_and_short_words() -> None:
    recipe = RECIPES["demo"]()
    how = recipe.synthesize.explain
    assert recipe.teacher in PACKAGED
    assert "coder" in recipe.teacher
    questions = recipe.synthesize.explains * how.calls * len(how.directions) * how.samples
    assert 4 <= questions <= 16
    assert questions * how.max_tokens <= 5_000


def test_a_teacher_is_known_by_a_name_that_holds_on_every_machine() -> None:
    recipe = RECIPES["demo"]()
    assert teacher_name(recipe) == recipe.teacher
    assert teacher_name(dataclasses.replace(recipe, teacher="/shared/models/mine")) == "mine"


def test_an_endpoints_key_travels_with_it_and_is_no_part_of_what_is_written() -> None:
    place = Place("http://192.0.2.1:8000/v1", "secret")
    whom = teacher_at(RECIPES["demo"](), "root", place)
    assert whom.api_key == "secret"
    assert "secret" not in repr(whom) + repr(place) + json.dumps(plan(select, whom).config)
