import pyarrow.parquet as pq
import pytest

from ray_app.errors import StoreError
from ray_app.records import Sample, TracedProgram, to_table
from ray_app.report.query import Found, Missing, Query, distinct, rows, search, table_at
from ray_app.report.views import shards_of
from ray_app.store import Dataset, Ledger
from tests.report.run import executed, programs, write_run


def found_by(shards: list[str], query: Query, *, start: tuple[int, int] = (0, 0), limit: int = 99) -> Found:
    """A search that a busy machine does not cut short."""
    return search(shards, query, start=start, limit=limit, seconds=60.0)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return str(write_run(tmp_path_factory.mktemp("run")))


@pytest.fixture(scope="module")
def executions(root):
    return shards_of(root, "executions")


def test_search_without_conditions_pages_through_everything(root):
    shards, seen, start = shards_of(root, "monologues"), [], (0, 0)
    while start is not None:
        found = found_by(shards, Query(), start=start, limit=7)
        seen += found.places
        start = found.more
    assert seen == sorted(set(seen))
    assert len(seen) == 30


def test_search_nested_filter_equals_a_full_read(root, executions):
    found = found_by(
        executions, Query({"program.source": "grow", "executions.list.element.status": "exception"}), limit=99
    )
    expected = [row.id for row in Dataset(root, "executions").read(TracedProgram) if row.program.source == "grow"]
    assert [entry["id"] for entry in rows(executions, found.places, ["id"])] == expected


def test_search_number_and_text_in_any_case(root):
    shards = shards_of(root, "programs")
    found = found_by(shards, Query({"difficulty": "3"}, "ADD 7:", ("description", "code")), limit=99)
    (entry,) = rows(shards, found.places)
    assert (entry["difficulty"], "Add 7:" in entry["code"]) == (3, True)


def test_search_boolean_leaves_out_the_ungraded(root):
    shards = shards_of(root, "scores-base")
    right, wrong = (found_by(shards, Query({"strict": value}), limit=99) for value in ("true", "false"))
    assert len(right.places) + len(wrong.places) == 60


@pytest.mark.parametrize("value", ["nonsense", "99", "-1"])
def test_search_value_that_does_not_occur_finds_nothing(root, value):
    found = found_by(shards_of(root, "programs"), Query({"difficulty": value}))
    assert (found.places, found.more) == ((), None)


def test_search_statistics_spare_row_groups_that_cannot_match(root, executions):
    assert found_by(executions, Query({"program.source": "zebra"})).scanned == 0


def test_search_out_of_time_still_gets_on_and_ends(executions):
    start, seen, turns = (0, 0), [], 0
    while start is not None:
        found = search(executions, Query({}, "total", ("program.code",)), start=start, limit=99, seconds=-1.0)
        start, turns = found.more, turns + 1
        seen += found.places
    assert (len(seen), len(set(seen)), turns) == (33, 33, 2)


def test_rows_keep_the_order_of_the_places(executions):
    assert [e["id"] for e in rows(executions, [(1, 2), (0, 1)], ["id"])] == [programs(20)[19].id, programs(2)[1].id]


@pytest.mark.parametrize("place", [(0, 99), (9, 0), (-1, 0)])
def test_table_at_a_place_that_is_not_there_is_missing(executions, place):
    with pytest.raises(Missing, match="there is no row"):
        table_at(executions, place)


def test_distinct_lists_values_of_nested_leaves(executions):
    assert distinct(executions, "executions.list.element.status", seconds=60.0) == ["exception", "ok"]
    assert distinct(executions, "program.source", seconds=60.0) == ["ask", "grow", "mine"]


def test_search_several_row_groups_have_right_places(tmp_path):
    made = [Sample(str(n), "forward", "p", "r", "x", n % 10, "train") for n in range(3_000)]
    pq.write_table(to_table(Sample, made), tmp_path / "shard.parquet", row_group_size=256)
    found = found_by([str(tmp_path / "shard.parquet")], Query({"difficulty": "7"}), start=(0, 1_000), limit=1_000)
    assert list(found.places) == [(0, n) for n in range(1_007, 3_000, 10)]
    assert rows([str(tmp_path / "shard.parquet")], [(0, 1_007)])[0]["id"] == "1007"


def test_search_corrupt_shard_names_it(tmp_path):
    dataset = Dataset(str(tmp_path), "executions")
    dataset.write_shard(0, TracedProgram, [executed(programs(1)[0])], [], Ledger(1, 1))
    path = tmp_path / "executions" / "shard-00000.parquet"
    path.write_bytes(path.read_bytes()[:30])
    with pytest.raises(StoreError, match=r"shard-00000\.parquet cannot be read"):
        found_by(shards_of(str(tmp_path), "executions"), Query())
