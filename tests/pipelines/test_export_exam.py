"""The exam as a file for evaluation frameworks."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.export_exam import main
from pipelines.recipes import demo
from ray_app import mixture
from ray_app.errors import InputError
from ray_app.mixture import MixtureConfig
from ray_app.records import TracedProgram
from ray_app.store import Dataset
from tests.report.run import write_run

FRACTION = 0.5


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_run(tmp_path_factory.mktemp("run"), 12))


def exported(root: str, out: Path, **more: object) -> list[dict[str, str]]:
    recipe = demo()
    synthesize = replace(recipe.synthesize, mixture=MixtureConfig(held_out_fraction=FRACTION))
    main(replace(recipe, synthesize=synthesize), root, out=out, **more)  # type: ignore[arg-type]
    return [json.loads(line) for line in out.read_text().splitlines()]


def test_export_writes_held_out_outputs_with_their_prompts(root: str, tmp_path: Path) -> None:
    rows = exported(root, tmp_path / "q.jsonl")
    programs = {row.id: mixture.split_of(row.id, FRACTION) for row in Dataset(root, "executions").read(TracedProgram)}
    assert len(set(programs.values())) == 2
    assert rows
    for row in rows:
        program = next(key for key in programs if row["id"].startswith(key))
        assert programs[program] == "held_out"
        assert f"assert {row['call']} == ??" in row["prompt"]
        assert row["gold"] == row["output"]


def test_export_spreads_the_questions_and_refuses_exams_without_outputs(root: str, tmp_path: Path) -> None:
    assert len(exported(root, tmp_path / "q.jsonl", items=2, prompt_format="cot")) == 2
    with pytest.raises(InputError, match="asks for no outputs"):
        exported(root, tmp_path / "q.jsonl", benchmark="probes")
