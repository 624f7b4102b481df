import os
import uuid
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ray_app.errors import InputError, StoreError
from ray_app.records import Execution, Program, Reject, Seed, TracedProgram
from ray_app.store import Dataset, Ledger, Plan, files, folders, open_root, read_file, write_file

PLAN = Plan({"seed": 1}, {"programs": "abc"}, {"ray_app.programs.mine": "123"})


def seeds(start: int, count: int) -> list[Seed]:
    return [Seed(str(i), f"x = {i}", "here", "MIT") for i in range(start, start + count)]


def filled(root: Path) -> Dataset:
    dataset = Dataset(str(root), "seeds")
    dataset.begin(PLAN)
    dataset.write_shard(0, Seed, seeds(0, 3), [Reject("seeds", "9", "too-long")], Ledger(4, 3, {"too-long": 1}))
    dataset.write_shard(1, Seed, seeds(3, 2), [], Ledger(2, 2))
    return dataset


def test_dataset_finish_totals_and_reads_back(tmp_path):
    dataset = filled(tmp_path)
    assert dataset.manifest() is None
    manifest = dataset.finish()
    assert manifest.ledger == Ledger(6, 5, {"too-long": 1})
    assert dataset.manifest() == manifest
    assert list(dataset.read(Seed)) == seeds(0, 5)
    assert [reject.reason for reject in dataset.rejects()] == ["too-long"]
    assert dataset.row_counts() == {"shard-00000.parquet": 3, "shard-00001.parquet": 2}


def test_dataset_read_slice_returns_the_rows_asked_for(tmp_path):
    assert filled(tmp_path).read_slice(Seed, "shard-00000.parquet", 1, 1) == seeds(1, 1)


def test_dataset_read_slice_reads_no_more_than_the_groups_that_hold_it(tmp_path):
    dataset = Dataset(str(tmp_path), "seeds")
    dataset.write_shard(0, Seed, seeds(0, 3_500), [], Ledger())
    for offset, rows in ((0, 3_500), (999, 2), (1_000, 1_000), (2_999, 501), (3_499, 9), (0, 0)):
        assert dataset.read_slice(Seed, "shard-00000.parquet", offset, rows) == seeds(offset, min(rows, 3_500 - offset))
    shard = tmp_path / "seeds" / "shard-00000.parquet"
    damaged = bytearray(shard.read_bytes())
    group = pq.ParquetFile(shard).metadata.row_group(3)
    begin = min(group.column(i).dictionary_page_offset or group.column(i).data_page_offset for i in range(4))
    damaged[begin : begin + 64] = bytes(64)
    shard.write_bytes(damaged)
    assert dataset.read_slice(Seed, "shard-00000.parquet", 1_500, 1_000) == seeds(1_500, 1_000)
    with pytest.raises(StoreError, match="corrupt"):
        dataset.read_slice(Seed, "shard-00000.parquet", 2_900, 200)


def test_dataset_same_rows_same_bytes_and_content(tmp_path):
    first, second = filled(tmp_path / "a"), filled(tmp_path / "b")
    assert first.finish().content == second.finish().content
    assert first.finish().shards == second.finish().shards


def test_dataset_other_rows_other_content(tmp_path):
    first, second = filled(tmp_path / "a"), filled(tmp_path / "b")
    second.write_shard(1, Seed, seeds(4, 2), [], Ledger(2, 2))
    assert first.finish().content != second.finish().content


def test_begin_another_plan_says_what_differs(tmp_path):
    dataset = filled(tmp_path)
    dataset.begin(PLAN)
    with pytest.raises(InputError, match=r"config\.seed: 1 -> 2.*another --root"):
        dataset.begin(Plan({"seed": 2}, PLAN.inputs, PLAN.code))
    nested = Plan({"seed": {"deep": [1]}}, PLAN.inputs, PLAN.code)
    assert nested.difference(Plan({"seed": {"deep": [2]}}, PLAN.inputs, PLAN.code)) == "config.seed.deep: [1] -> [2]"
    with pytest.raises(InputError, match=r"code\.ray_app\.programs\.mine: changed"):
        dataset.begin(Plan(PLAN.config, PLAN.inputs, {"ray_app.programs.mine": "456"}))


def test_finished_shards_of_another_version_names_the_remedy(tmp_path):
    dataset = filled(tmp_path)
    (tmp_path / "seeds" / "ledger" / "shard-00001.json").write_text('{"rows_in": 2, "sha256": "12"}')
    with pytest.raises(StoreError, match="made by another version; delete it, or choose another --root"):
        dataset.finished_shards()


def test_complete_unfinished_dataset_names_it(tmp_path):
    with pytest.raises(StoreError, match="seeds is not complete"):
        filled(tmp_path).complete()


def test_read_truncated_shard_names_file_and_remedy(tmp_path):
    dataset = filled(tmp_path)
    path = tmp_path / "seeds" / "shard-00001.parquet"
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(StoreError, match=r"shard-00001\.parquet is corrupt .*delete it"):
        list(dataset.read(Seed))
    with pytest.raises(StoreError, match=r"shard-00001\.parquet is corrupt"):
        dataset.row_counts()


def test_shard_without_ledger_is_not_finished(tmp_path):
    dataset = filled(tmp_path)
    os.remove(tmp_path / "seeds" / "ledger" / "shard-00001.json")
    assert list(dataset.finished_shards()) == [0]


def test_open_root_unwritable_names_it(tmp_path):
    blocker = tmp_path / "file"
    blocker.write_text("")
    with pytest.raises(StoreError, match=r"cannot write to root .*choose another --root"):
        open_root(str(blocker / "root"))


def test_open_root_unknown_scheme_names_remedy():
    with pytest.raises(StoreError, match="s3://"):
        open_root("nope://bucket/path")


def test_ledger_addition_merges_rejects():
    total = Ledger(1, 1, {"a": 1}, cpu_s=0.5, tokens_in=3) + Ledger(2, 1, {"a": 1, "b": 2}, cpu_s=0.25)
    assert total == Ledger(3, 2, {"a": 2, "b": 2}, cpu_s=0.75, tokens_in=3)


def test_columns_reads_only_what_is_asked(tmp_path):
    tables = list(filled(tmp_path).columns("id", "license"))
    assert [table.column_names for table in tables] == [["id", "license"]] * 2
    assert tables[1]["id"].to_pylist() == ["3", "4"]


def test_columns_truncated_shard_names_it(tmp_path):
    dataset = filled(tmp_path)
    path = tmp_path / "seeds" / "shard-00000.parquet"
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(StoreError, match=r"shard-00000\.parquet is corrupt"):
        list(dataset.columns("id"))


def test_read_file_and_folders_tell_what_is_there(tmp_path):
    write_file(f"{tmp_path}/runs/one/log.txt", b"text")
    write_file(f"{tmp_path}/runs/note.txt", b"")
    assert read_file(f"{tmp_path}/runs/one/log.txt") == b"text"
    assert read_file(f"{tmp_path}/runs/two/log.txt") is None
    assert folders(f"{tmp_path}/runs") == ["one"]
    assert folders(f"{tmp_path}/nothing") == []


def test_columns_reads_leaves_of_nested_rows(tmp_path):
    dataset = Dataset(str(tmp_path), "executions")
    program = Program("1", "grow", "def f(): return 1", "f", ("f()",), "", "here", "MIT")
    call = Execution("f()", "ok", "1", None, "", 1, (), None)
    dataset.write_shard(0, TracedProgram, [TracedProgram("1", program, (call,), "", "", "")], [], Ledger(1, 1))
    (table,) = dataset.columns("program.source", "executions.list.element.status")
    assert table.to_pylist() == [{"program": {"source": "grow"}, "executions": [{"status": "ok"}]}]


def test_dataset_in_an_object_store_resumes_and_reads_back():
    root = f"fsspec+memory://bucket/{uuid.uuid4().hex}"
    dataset = Dataset(root, "seeds")
    dataset.begin(PLAN)
    dataset.write_shard(0, Seed, seeds(0, 2), [], Ledger(2, 2))
    write_file(f"{dataset.path}/shard-00001.parquet.tmp-abc", b"half")
    assert list(dataset.finished_shards()) == [0]
    assert dataset.finish() == dataset.complete()
    assert list(dataset.read(Seed)) == seeds(0, 2)
    assert files(dataset.path, "abc") == []
