import os
import re
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest
import ray

from ray_app.errors import ClusterError, InputError, StoreError
from ray_app.records import Reject, Seed
from ray_app.runner import call, run, side_by_side, stream
from ray_app.shard import units
from ray_app.stage import Spend, Stage
from ray_app.store import Dataset, Ledger, Plan


@dataclass(frozen=True)
class Config:
    log: str
    """a file to which every worker call appends a line, so that tests see what was redone"""
    fail_at: str = ""


def shout(rows: Iterable[Seed], config: Config) -> Iterator[Seed | Reject | Spend]:
    for row in rows:
        with open(config.log, "a") as log:
            log.write(f"{row.id}\n")
        if row.id == config.fail_at == "deadly":
            os.kill(os.getpid(), signal.SIGKILL)
        if row.id == config.fail_at == "mortal" and not os.path.exists(config.log + ".healed"):
            Path(config.log + ".healed").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if row.code == "raise":
            raise ZeroDivisionError(f"cannot divide {row.id}")
        if row.id == config.fail_at and not os.path.exists(config.log + ".healed"):
            raise StoreError(f"cannot digest {row.id}")
        if "bad" in row.code:
            yield Reject("shouted", row.id, "bad")
        else:
            yield Spend(1, 2)
            yield Seed(row.id, row.code.upper(), row.origin, row.license)


def in_reverse(rows: Iterable[Seed], config: Config) -> Iterator[Seed | Reject | Spend]:
    yield from list(shout(rows, config))[::-1]


def as_bytes(rows: Iterable[Seed], config: Config) -> Iterator[Seed]:
    """Something that no shard can hold, for one row."""
    yield from rows


def cannot(rows: Iterable[Seed], config: Config) -> Iterator[Seed]:
    for row in rows:
        raise ZeroDivisionError(f"cannot divide {row.id}")
    yield from ()


def by_company(rows: Iterable[Seed], config: Config) -> Iterator[Seed]:
    """Raises for several rows, for none of them alone."""
    if len(list(rows)) > 1:
        raise ZeroDivisionError("not alone")
    yield from ()


def stage(tmp_path: Path, num_cpus: float = 1.0, fail_at: str = "") -> Stage[Config, Seed, Seed]:
    return Stage("shouted", shout, Config(str(tmp_path / "log"), fail_at), Seed, Seed, 2, num_cpus=num_cpus)


def chain(tmp_path: Path) -> list[Stage[Config, Seed, Seed]]:
    """A stage, one that follows it, and one that follows that."""
    config = Config(str(tmp_path / "later"))
    return [
        stage(tmp_path),
        Stage("repeated", shout, config, Seed, Seed, follows="shouted"),
        Stage("echoed", shout, config, Seed, Seed, follows="repeated"),
    ]


def when_followed(rows: Iterable[Seed], config: Config) -> Iterator[Seed]:
    """Makes the last shard only once a shard of the follower is there."""
    for row in rows:
        deadline = time.monotonic() + 30
        while row.id == "5" and not list(Path(config.log).glob("ledger/*.json")):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield row


def seeds(count: int) -> list[Seed]:
    return [Seed(str(i), "bad" if i == 3 else f"x{i}", "here", "MIT") for i in range(count)]


@pytest.fixture(scope="module", autouse=True)
def cluster():
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    ray.init(address="local", num_cpus=2, object_store_memory=100_000_000, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


def test_run_rows_become_shards_rejects_and_ledger(tmp_path):
    dataset = run(stage(tmp_path), str(tmp_path), rows=seeds(5))
    manifest = dataset.complete()
    assert [seed.code for seed in dataset.read(Seed)] == ["X0", "X1", "X2", "X4"]
    assert list(manifest.shards) == [f"shard-{i:05d}.parquet" for i in range(3)]
    ledger = manifest.ledger
    assert (ledger.rows_in, ledger.rows_out, ledger.rejects) == (5, 4, {"bad": 1})
    assert (ledger.tokens_in, ledger.tokens_out) == (4, 8)
    assert ledger.cpu_s >= 0


def test_run_complete_dataset_is_skipped(tmp_path):
    run(stage(tmp_path), str(tmp_path), rows=seeds(5))
    run(stage(tmp_path), str(tmp_path), rows=seeds(5))
    assert len((tmp_path / "log").read_text().split()) == 5


def test_run_killed_in_the_middle_redoes_only_missing_shards_with_same_bytes(tmp_path):
    whole = run(stage(tmp_path), str(tmp_path), rows=seeds(6)).complete()
    os.remove(tmp_path / "shouted" / "manifest.json")
    os.remove(tmp_path / "shouted" / "ledger" / "shard-00001.json")
    (tmp_path / "log").write_text("")
    again = run(stage(tmp_path), str(tmp_path), rows=seeds(6)).complete()
    assert (tmp_path / "log").read_text().split() == ["2", "3"]
    assert again.shards == whole.shards


def test_run_worker_that_dies_repeats_no_finished_shard(tmp_path):
    rows = seeds(400)
    rows[206] = replace(rows[206], id="mortal")
    mortal = replace(stage(tmp_path, fail_at="mortal"), rows_per_shard=1)
    run(mortal, str(tmp_path), rows=rows)
    worked = Counter((tmp_path / "log").read_text().split())
    assert worked == Counter([row.id for row in rows] + ["mortal"])


def test_side_by_side_runs_at_once_and_keeps_the_order(tmp_path):
    together = threading.Barrier(2, timeout=30)
    datasets = [Dataset(str(tmp_path), name) for name in ("first", "second")]

    def branch(dataset: Dataset) -> Dataset:
        together.wait()
        return dataset

    assert side_by_side(*(partial(branch, dataset) for dataset in datasets)) == datasets


def test_stream_every_follower_has_the_shards_of_what_it_follows(tmp_path):
    datasets = stream(chain(tmp_path), str(tmp_path), rows=seeds(5))
    assert [dataset.name for dataset in datasets] == ["shouted", "repeated", "echoed"]
    for dataset in datasets:
        assert [seed.code for seed in dataset.read(Seed)] == ["X0", "X1", "X2", "X4"]
        assert len(dataset.complete().shards) == 3
    assert [dataset.complete().ledger.rows_in for dataset in datasets] == [5, 4, 4]


def test_stream_follower_works_before_the_first_stage_is_complete(tmp_path):
    first = Stage("first", when_followed, Config(str(tmp_path / "repeated")), Seed, Seed, 2)
    later = replace(chain(tmp_path)[1], follows="first")
    assert len(list(stream([first, later], str(tmp_path), rows=seeds(6))[1].read(Seed))) == 5


def test_stream_resumed_makes_only_what_is_missing(tmp_path):
    whole = [dataset.complete() for dataset in stream(chain(tmp_path), str(tmp_path), rows=seeds(6))]
    (tmp_path / "echoed" / "manifest.json").unlink()
    (tmp_path / "echoed" / "ledger" / "shard-00001.json").unlink()
    for name in ("log", "later"):
        (tmp_path / name).write_text("")
    again = [dataset.complete() for dataset in stream(chain(tmp_path), str(tmp_path), rows=seeds(6))]
    assert [made.shards for made in again] == [made.shards for made in whole]
    assert ((tmp_path / "log").read_text(), (tmp_path / "later").read_text().split()) == ("", ["2"])


def test_stream_shard_made_from_other_bytes_is_made_again(tmp_path):
    """Where a first stage is not as deterministic as it should be, what follows it is still made from what it holds."""
    shouted, *_, echoed = stream(chain(tmp_path), str(tmp_path), rows=seeds(6))
    old = echoed.complete().shards
    shouted.reopen()
    shouted.write_shard(0, Seed, [Seed("0", "OTHER", "here", "MIT")], [], Ledger())
    stream(chain(tmp_path), str(tmp_path), rows=seeds(6))
    assert [seed.code for seed in echoed.read(Seed)] == ["OTHER", "X2", "X4", "X5"]
    changed = {name for name, digest in echoed.complete().shards.items() if digest != old[name]}
    assert changed == {"shard-00000.parquet"}


def test_stream_other_configuration_names_every_folder_to_delete(tmp_path):
    stream(chain(tmp_path), str(tmp_path), rows=seeds(4))
    first, *others = chain(tmp_path)
    with pytest.raises(InputError, match=r"config.fail_at.*delete \S+/shouted, \S+/repeated, \S+/echoed to redo"):
        stream([replace(first, config=replace(first.config, fail_at="1")), *others], str(tmp_path), rows=seeds(4))


def test_stream_follower_that_raises_too_often_is_named(tmp_path):
    first = replace(chain(tmp_path)[0], worker=in_reverse)
    later = replace(chain(tmp_path)[1], worker=cannot)
    with pytest.raises(InputError, match=r"^stage repeated: its worker raised for .* ZeroDivisionError: cannot"):
        stream([first, later], str(tmp_path), rows=seeds(6))


def test_stream_few_rows_of_a_follower_that_raise_are_too_many(tmp_path):
    """Of 100 programs one reaches the follower: all of its rows raise, 1 % of the first stage's."""
    rows = [Seed(str(i), "x" if i == 60 else "bad", "here", "MIT") for i in range(100)]
    later = [replace(stage, worker=cannot) if stage.name == "repeated" else stage for stage in chain(tmp_path)]
    with pytest.raises(InputError, match=r"raised for 1 of 1 rows .*delete \S+/repeated, \S+/echoed and run"):
        stream(later, str(tmp_path), rows=rows)


def test_run_failing_machine_keeps_finished_shards_and_resumes(tmp_path):
    failing = stage(tmp_path, fail_at="5")
    told = r"^stage shouted, shard 2, row 2 of 2 \(5\), worker \d+ on .+: cannot digest 5$"
    with pytest.raises(StoreError, match=told):
        run(failing, str(tmp_path), rows=seeds(6))
    (tmp_path / "log.healed").write_text("")
    assert len(list(run(failing, str(tmp_path), rows=seeds(6)).read(Seed))) == 5


def test_run_input_datasets_are_cut_into_slices(tmp_path):
    upstream = Dataset(str(tmp_path), "up")
    upstream.begin(Plan({}, {}, {}))
    upstream.write_shard(0, Seed, seeds(3), [], Ledger())
    upstream.write_shard(1, Seed, seeds(2), [], Ledger())
    upstream.finish()
    dataset = run(stage(tmp_path), str(tmp_path), inputs=[upstream])
    assert [s.code for s in dataset.read(Seed)] == ["X0", "X1", "X2", "X0", "X1"]
    assert len(dataset.shard_names()) == 3
    assert [len(unit.slices) for unit in units(5, [upstream, upstream], ())] == [2, 2]
    assert len(units(None, [upstream], ())) == 1


def test_run_too_small_cluster_says_what_is_missing(tmp_path):
    with pytest.raises(ClusterError, match="needs 64 CPU"):
        run(stage(tmp_path, num_cpus=64), str(tmp_path), rows=seeds(2))


def raising(ids: Iterable[int], count: int) -> list[Seed]:
    """Rows of which the worker takes those with `ids` badly."""
    return [Seed(str(i), "raise" if i in ids else f"x{i}", "here", "MIT") for i in range(count)]


def test_run_row_for_which_the_worker_raises_is_a_counted_reject(tmp_path):
    dataset = run(stage(tmp_path), str(tmp_path), rows=raising({4, 5, 8}, 60))
    assert [row.id for row in dataset.read(Seed)] == [str(i) for i in range(60) if i not in {4, 5, 8}]
    ledger = dataset.complete().ledger
    assert (ledger.rows_in, ledger.rows_out, ledger.rejects) == (60, 57, {"error: ZeroDivisionError": 3})
    rejects = list(dataset.rejects())
    assert [(row.stage, row.id, row.reason) for row in rejects] == [
        ("shouted", row_id, "error: ZeroDivisionError") for row_id in ("4", "5", "8")
    ]
    assert re.fullmatch(r"cannot divide 4 \(test_runner\.py, line \d+\)", rejects[0].detail)


def test_run_other_rows_come_out_as_if_the_raising_ones_were_not_there(tmp_path):
    kept = [row for row in raising({1}, 40) if row.code != "raise"]
    run(replace(stage(tmp_path), rows_per_shard=40), str(tmp_path / "with"), rows=raising({1}, 40))
    run(replace(stage(tmp_path), rows_per_shard=40), str(tmp_path / "without"), rows=kept)
    with_it, without = (Dataset(str(tmp_path / name), "shouted") for name in ("with", "without"))
    assert with_it.complete().shards == without.complete().shards
    assert with_it.complete().ledger.tokens_in == without.complete().ledger.tokens_in


def test_run_worker_that_takes_all_rows_at_once_loses_only_the_raising_one(tmp_path):
    told = replace(stage(tmp_path), worker=in_reverse, rows_per_shard=40)
    dataset = run(told, str(tmp_path), rows=raising({39}, 40))
    assert [row.id for row in dataset.read(Seed)] == [str(i) for i in reversed(range(39))]


def test_run_row_that_cannot_be_stored_is_a_counted_reject(tmp_path):
    rows = [Seed(str(i), "\ud800" if i == 7 else f"x{i}", "here", "MIT") for i in range(40)]
    dataset = run(replace(stage(tmp_path), worker=as_bytes), str(tmp_path), rows=rows)
    assert len(list(dataset.read(Seed))) == 39
    assert [row.id for row in dataset.rejects()] == ["7"]


def test_run_stage_without_shards_refuses_raising_rows_one_by_one(tmp_path):
    dataset = run(replace(stage(tmp_path), rows_per_shard=None), str(tmp_path), rows=raising({0, 30}, 40))
    assert len(list(dataset.read(Seed))) == 38
    assert [row.id for row in dataset.rejects()] == ["0", "30"]


def test_run_worker_that_raises_too_often_stops_and_names_the_first_row(tmp_path):
    told = (
        r"^stage shouted: its worker raised for \d of \d+ rows \(at most 5% may\), first for \d+: "
        r"ZeroDivisionError: cannot divide \d+ \(test_runner\.py, line \d+\); correct the cause, delete .+/shouted and "
        r"run the same command$"
    )
    bad = raising(range(0, 80, 2), 80)
    with pytest.raises(InputError, match=told):
        run(stage(tmp_path), str(tmp_path), rows=bad)
    assert len(Dataset(str(tmp_path), "shouted").finished_shards()) < 40
    calls = ""
    while calls != (calls := (tmp_path / "log").read_text()):  # what was in flight ends
        time.sleep(1)
    with pytest.raises(InputError, match="its worker raised"):
        run(stage(tmp_path), str(tmp_path), rows=bad)
    assert (tmp_path / "log").read_text() == calls  # nothing was begun again


def test_run_worker_that_raises_for_the_only_row_stops(tmp_path):
    with pytest.raises(InputError, match="raised for 1 of 1 rows"):
        run(stage(tmp_path), str(tmp_path), rows=raising({0}, 1))


def test_run_worker_that_raises_whatever_the_row_names_stage_and_shard(tmp_path):
    with pytest.raises(ray.exceptions.RayTaskError) as raised:
        run(replace(stage(tmp_path), worker=by_company), str(tmp_path), rows=seeds(2))
    assert "in stage shouted, shard 0, row 2 of 2 (1), worker" in str(raised.value)
    assert "ZeroDivisionError: not alone" in str(raised.value)


@pytest.mark.slow
def test_run_row_that_kills_every_worker_ends_the_run_and_names_the_shard(tmp_path):
    rows = [*seeds(4), Seed("deadly", "", "here", "MIT")]
    with pytest.raises(ClusterError, match="stage shouted: a worker died 10 times over one shard, 2 or one soon after"):
        run(stage(tmp_path, fail_at="deadly"), str(tmp_path), rows=rows)
    assert sorted(Dataset(str(tmp_path), "shouted").finished_shards()) == [0, 1]


def refuse(what: str) -> None:
    raise StoreError(f"cannot have {what}")


def test_call_runs_in_another_process_and_gives_back_values_and_our_errors() -> None:
    assert call(os.getpid, num_cpus=0.5) != os.getpid()
    assert call(divmod, 7, 2) == (3, 1)
    with pytest.raises(StoreError, match=r"^cannot have this$"):
        call(refuse, "this")
