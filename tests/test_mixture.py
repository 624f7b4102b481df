"""Samples carry the right prompt and answer, keep code byte for byte, and load where others read them."""

import dataclasses
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ray_app import mixture
from ray_app.errors import InputError
from ray_app.records import Monologue, Program, Repair, Sample, TracedProgram
from ray_app.sandbox.api import execute

CODE = "def f(s):\n    return s + 'a\"b'\n"
PROGRAM = Program("p1", "grow", CODE, "f", ("f('x')",), "Append a quoted mark.", "seed 1", "MIT", difficulty=2)
LABELLED = "def f(s):  # [L1]\n    return s + 'a\"b'  # [L2]\n"
FORWARD = Monologue(
    "m1", "p1", "grow", CODE, "f", 2, "forward", "f('x')", "'xa\"b'", "Line 2 returns.", "", "narrator", ()
)
BACKWARD = dataclasses.replace(FORWARD, id="m2", direction="backward", witness="f('y')", output="'ya\"b'")
REPAIR = Repair("r1", "p1", "Append.", CODE, CODE.replace("+", "*"), "assert f('x') == 1", "It adds.", "operator", ())
ROWS = (PROGRAM, FORWARD, BACKWARD, REPAIR)


def made(**options: object) -> dict[str, Sample]:
    return {s.task: s for s in mixture.samples(ROWS, held_out_fraction=0.0, **options)}  # type: ignore[arg-type]


def test_samples_of_every_row_kind_give_every_task() -> None:
    assert set(made()) == {"nl", "forward", "output", "backward", "input", "repair"}


def test_samples_forward_prompt_labels_the_lines_it_will_cite_and_hides_the_answer() -> None:
    sample = made()["forward"]
    assert LABELLED in sample.prompt
    assert sample.prompt.rstrip().endswith("assert f('x') == ??\n[/PYTHON]\n[MONOLOGUE]")
    assert "'xa\"b'" not in sample.prompt
    assert sample.response == "Line 2 returns.\n[ANSWER]assert f('x') == 'xa\"b'[/ANSWER]"


def test_samples_backward_answers_with_the_witness_not_the_recorded_call() -> None:
    sample = made()["backward"]
    assert "assert f(??) == 'ya\"b'" in sample.prompt
    assert sample.response.endswith("[ANSWER]assert f('y') == 'ya\"b'[/ANSWER]")


def test_samples_direct_task_has_no_monologue_and_the_code_unchanged() -> None:
    assert CODE in made()["output"].prompt
    assert made()["output"].response == "[ANSWER]assert f('x') == 'xa\"b'[/ANSWER]"
    assert "[MONOLOGUE]" not in made()["output"].prompt


def test_samples_answer_already_in_text_is_not_repeated() -> None:
    row = dataclasses.replace(FORWARD, text="So it is.\n[ANSWER]assert f('x') == 'xa\"b'[/ANSWER]")
    (sample,) = mixture.samples([row], held_out_fraction=0.0, tasks=["forward"])
    assert sample.response.count("[ANSWER]") == 1


def test_samples_of_an_exception_are_a_task_of_their_own() -> None:
    text = "It fails.\n[ANSWER]f(1) raises TypeError[/ANSWER]"
    row = dataclasses.replace(FORWARD, call="f(1)", output="", exception="TypeError: no", text=text)
    (sample,) = mixture.samples([row], held_out_fraction=0.0)
    assert (sample.task, sample.response) == ("exception", text)
    assert "f(1) raises ??" in sample.prompt


def test_samples_of_a_traced_program_ask_about_the_middle_of_its_runs() -> None:
    traced = TracedProgram("p1", PROGRAM, tuple(execute(CODE, PROGRAM.calls)), "", "", "")
    assert [s.task for s in mixture.samples([traced], held_out_fraction=0.0)] == ["nl"]
    config = mixture.MixtureConfig(held_out_fraction=0.0, tasks=("probe",), probes_per_kind=1)
    asked = list(mixture.from_programs([traced], config))
    assert {s.task for s in asked} == {"probe"}
    value = next(s for s in asked if "what is the value of `s`" in s.prompt)
    assert LABELLED in value.prompt
    assert value.response == "[ANSWER]'x'[/ANSWER]"


def test_samples_task_filter_keeps_only_named_tasks() -> None:
    assert set(made(tasks=("nl", "input"))) == {"nl", "input"}


def test_samples_unknown_task_names_the_choices() -> None:
    with pytest.raises(InputError, match=r"'poetry'.*forward"):
        list(mixture.samples(ROWS, held_out_fraction=0.0, tasks=["poetry"]))  # type: ignore[list-item]


def test_split_depends_on_program_only_and_matches_fraction() -> None:
    splits = [mixture.split_of(f"program-{i}", 0.1) for i in range(5_000)]
    assert 0.08 < splits.count("held_out") / 5_000 < 0.12
    assert len({s.split for s in mixture.samples(ROWS, held_out_fraction=0.5)}) == 1


def test_pyx_export_exactly_one_prompt_column_is_filled(tmp_path: Path) -> None:
    table = mixture.to_pyx(mixture.samples(ROWS, held_out_fraction=0.0))
    assert table.column_names == ["id", "nl", "fwd_mnl", "bwd_mnl", "response"]
    filled = [[bool(row[name]) for name in ("nl", "fwd_mnl", "bwd_mnl")] for row in table.to_pylist()]
    assert [sum(row) for row in filled] == [1, 1, 1]


def test_pyx_r_export_puts_the_fix_between_tags() -> None:
    (row,) = mixture.to_pyx_r(mixture.samples(ROWS, held_out_fraction=0.0)).to_pylist()
    assert set(row) == {"fault", "response"}
    assert row["response"].split("[Refined]\n")[1].split("\n[/Refined]")[0] == REPAIR.fixed.rstrip()


def test_exports_load_with_datasets(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    rows = list(mixture.samples(ROWS, held_out_fraction=0.0))
    tables: dict[str, pa.Table] = {
        "pyx": mixture.to_pyx(rows),
        "messages": mixture.to_messages(rows),
    }
    for name, table in tables.items():
        pq.write_table(table, tmp_path / f"{name}.parquet")
        loaded = datasets.load_dataset(
            "parquet", data_files=str(tmp_path / f"{name}.parquet"), cache_dir=str(tmp_path / "cache")
        )["train"]
        assert loaded.to_list() == table.to_pylist()


def test_repair_sample_shows_labelled_buggy_code_and_answers_with_diagnosis_and_unlabelled_fix() -> None:
    row = dataclasses.replace(REPAIR, buggy=CODE, diagnosis="Root cause: [L2] `s` is doubled.\n", difficulty=4)
    (sample,) = mixture.from_repairs([row], mixture.MixtureConfig(held_out_fraction=0.0))
    assert (sample.task, sample.difficulty, sample.program_id) == ("repair", 4, "p1")
    assert f"Solution:\n```python\n{LABELLED.rstrip()}\n```" in sample.prompt
    assert sample.prompt.endswith("Failing test:\n```python\nassert f('x') == 1\n```\n[MONOLOGUE]\n")
    assert sample.response == f"Root cause: [L2] `s` is doubled.\n[Refined]\n{REPAIR.fixed.rstrip()}\n[/Refined]"


def test_pyx_r_rows_hold_the_training_repairs_only() -> None:
    config = mixture.MixtureConfig(held_out_fraction=0.0)
    made = list(mixture.samples(ROWS, held_out_fraction=0.0))
    (row,) = mixture.pyx_r_rows(made, config)
    assert (row.fault, row.response) == next((s.prompt, s.response) for s in made if s.task == "repair")
    held_out = [dataclasses.replace(sample, split="held_out") for sample in made]
    assert list(mixture.pyx_r_rows(held_out, config)) == []
