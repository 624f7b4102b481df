"""The forms of the trainers: the same rows, the same rewards."""

import asyncio
import importlib.util
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ray_app.errors import InputError
from ray_app.records import Program, TracedProgram
from ray_app.reward import verl
from ray_app.reward.question import question_of
from ray_app.reward.rows import SCHEMA, export, rows
from ray_app.reward.trl import execution_reward
from ray_app.sandbox.api import execute
from tests.reward.kit import ANSWER, CALL, CODE, narration

CALLS = (CALL, "f([2])", "f([''])")


def traced(number: int = 0) -> TracedProgram:
    code = CODE.replace("total - 1", f"total - {number + 1}")
    program = Program(f"p{number}", "grow", code, "f", CALLS, "", "", "")
    return TracedProgram(program.id, program, tuple(execute(code, CALLS)), "", "", "")


def test_export_splits_by_program_and_asks_each_prompt_once(tmp_path: Path) -> None:
    programs = [traced(number) for number in range(12)]
    counts = export([*programs, *programs], str(tmp_path), ["forward", "backward", "exception", "probe"], 0.3)
    tables = {split: pq.read_table(tmp_path / "rl" / f"{split}.parquet") for split in ("train", "held_out")}
    assert [table.num_rows for table in tables.values()] == list(counts.values())
    assert all(table.schema.equals(SCHEMA) for table in tables.values())
    found = {split: table.to_pylist() for split, table in tables.items()}
    apart = [{row["extra_info"]["program_id"] for row in found[split]} for split in found]
    assert apart[0].isdisjoint(apart[1])
    assert len(apart[0] | apart[1]) == 12
    prompts = [row["prompt"][0]["content"] for split in found for row in found[split]]
    assert len(set(prompts)) == len(prompts)
    tasks = {row["data_source"] for split in found for row in found[split]}
    assert tasks == {"semray/forward", "semray/backward", "semray/exception", "semray/probe"}


def test_export_refuses_what_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no execution that can be asked about"):
        export([], str(tmp_path), ["forward"], 0.1)
    with pytest.raises(InputError, match="unknown task 'poetry'"):
        export([traced()], str(tmp_path), ["poetry"], 0.1)  # type: ignore[list-item]


def test_every_row_knows_its_own_right_answer() -> None:
    found = list(rows([traced()], ["forward", "backward", "output", "input", "exception", "probe"], 0.0, 2))
    replies = [_right_reply(row) for row in found]
    scores = verl.compute_scores(
        [row["data_source"] for row in found],
        replies,
        [row["reward_model"]["ground_truth"] for row in found],
        [row["extra_info"] for row in found],
    )
    assert [score["right"] for score in scores] == [1] * len(found)


def _right_reply(row: dict) -> str:
    task, call, truth = row["extra_info"]["task"], row["extra_info"]["call"], row["reward_model"]["ground_truth"]
    if task == "probe":
        return f"[ANSWER]{truth}[/ANSWER]"
    if task == "exception":
        return f"[ANSWER]{call} raises {truth}[/ANSWER]"
    return f"[ANSWER]assert {call} == {truth}[/ANSWER]"


def test_verl_and_trl_agree_on_the_same_rows() -> None:
    found = list(rows([traced()], ["forward"], 0.0))
    replies = [narration(), ANSWER]
    arguments = (
        [row["data_source"] for row in found],
        replies,
        [row["reward_model"]["ground_truth"] for row in found],
        [row["extra_info"] for row in found],
    )
    batch = verl.compute_scores(*arguments)
    single = [verl.compute_score(*one) for one in zip(*arguments, strict=True)]
    awaited = [asyncio.run(verl.compute_score_async(*one)) for one in zip(*arguments, strict=True)]
    columns = {name: [row[name] for row in found] for name in ("reward_model", "extra_info", "data_source", "ability")}
    chats = [[{"role": "assistant", "content": reply}] for reply in replies]
    prompts = [row["prompt"] for row in found]
    for completions in (replies, chats):
        assert execution_reward(prompts, completions, **columns) == [score["score"] for score in batch]
    assert single == batch == awaited
    assert all(isinstance(value, int | float | str) for score in batch for value in score.values())


def test_verl_loads_the_file_by_its_path() -> None:
    spec = importlib.util.spec_from_file_location("custom_module", verl.__file__)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    row = next(rows([traced()], ["forward"], 0.0))
    extra = json.dumps(row["extra_info"])
    assert module.compute_score("semray/forward", narration(), "11", extra, other=1)["score"] == pytest.approx(1.55)


def test_row_of_another_kind_is_refused_with_the_remedy() -> None:
    with pytest.raises(InputError, match=r"no text 'code': make the rows with .*export_rl"):
        question_of("1", {"task": "forward"})
    with pytest.raises(InputError, match="task 'poetry'; a reward is known for: forward"):
        question_of("1", {"task": "poetry", "code": "", "entry": "", "call": ""})
