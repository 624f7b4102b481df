import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.options import override, recipe_of, root_of, settings_of
from pipelines.recipes import RECIPES
from ray_app.errors import InputError, StoreError

PROJECT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", RECIPES)
def test_recipe_of_every_recipe_builds_and_is_named(name):
    assert recipe_of(name, []).name == name


def test_recipe_of_unknown_name_lists_the_known():
    with pytest.raises(
        InputError,
        match="unknown recipe 'demos'; choose one of: smoke, demo, laptop, small, reproduction, refine, beyond",
    ):
        recipe_of("demos", [])


def test_override_nested_value_keeps_its_type():
    recipe = recipe_of("demo", ["train.max_steps=7", "train.learning_rate=1", "model=/some/path"])
    assert (recipe.train.max_steps, recipe.train.learning_rate, recipe.model) == (7, 1.0, "/some/path")
    assert isinstance(recipe.train.learning_rate, float)


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("train.max_step=7", "unknown setting 'train.max_step'.*max_steps"),
        ("train.max_steps=many", "train.max_steps=many: not a int"),
        ("train.max_steps=True", "train.max_steps=True: not a int"),
        ("train=7", "'train' is a group of settings"),
        ("model.name=7", "goes too deep"),
        ("train.max_steps", "has no '='"),
    ],
)
def test_override_bad_assignment_names_key_and_remedy(assignment, message):
    with pytest.raises(InputError, match=message):
        override(RECIPES["demo"](), assignment)


def test_override_refuses_numbers_that_cannot_work():
    with pytest.raises(InputError, match="max_length = 0"):
        override(RECIPES["demo"](), "train.max_length=0")


def test_show_settings_prints_what_set_takes():
    command = [sys.executable, "-m", "pipelines.train", "--set", "train.max_steps=7", "--show-settings"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert "train.max_steps=7" in lines
    # Groups of records (the generator's plots and dials, the exams) are no literals: shown, not set.
    literal = [line for line in lines if not re.search(r"[A-Z]\w+\(\w+=", line)]
    assert settings_of(recipe_of("demo", literal)) == settings_of(recipe_of("demo", ["train.max_steps=7"]))


def test_root_of_relative_path_in_a_job_is_refused(monkeypatch):
    monkeypatch.setenv("RAY_JOB_CONFIG_JSON_ENV_VAR", "{}")
    with pytest.raises(InputError, match="copy of the working directory"):
        root_of("runs/demo")


def test_root_of_unwritable_path_names_it(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot write to root"):
        root_of(str(tmp_path / "file" / "root"))


def run_pipeline(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", f"pipelines.{name}", *arguments]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=120, check=False)


def test_pipeline_without_root_is_one_line_and_exit_1():
    done = run_pipeline("report", "--recipe", "demo")
    assert done.returncode == 1
    assert done.stderr.strip().splitlines() == [
        "error: no --root given; say where results go, such as --root runs/demo"
    ]


@pytest.mark.parametrize("name", ["synthesize", "train", "expert", "serve", "evaluate", "report", "run_all"])
def test_pipeline_help_teaches_its_options(name):
    done = run_pipeline(name, "--help")
    assert done.returncode == 0, done.stderr
    assert "--recipe" in done.stdout
    assert "--root" in done.stdout
