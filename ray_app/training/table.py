"""Tokenized documents as Arrow rows: made from samples, put into the plan's order, read back as packs. No Ray here."""

import functools
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from ray_app.records import Reject, Sample
from ray_app.training.config import TrainConfig
from ray_app.training.model import load_tokenizer
from ray_app.training.pack import Item, Pack, assemble
from ray_app.training.tokenize import Document, encode

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("task", pa.string()),
        ("split", pa.string()),
        ("difficulty", pa.int64()),
        ("prompt_length", pa.int64()),
        ("cut", pa.int64()),
        ("length", pa.int64()),
        ("input_ids", pa.list_(pa.int32())),
        ("is_taught", pa.bool_()),
        ("reject", pa.string()),
    ]
)
"""One document; where `reject` is not empty it says why the sample gave none."""

Places = Mapping[str, Sequence[tuple[int, int]]]
"""Sample id -> the (pack, slot) pairs at which the plan shows it."""


@functools.lru_cache(maxsize=1)
def _tokenizer(config: TrainConfig) -> Any:
    return load_tokenizer(config)


def tokenize(config: TrainConfig, rows: pa.Table) -> pa.Table:
    """Rows of `Sample` as rows of SCHEMA, in order."""
    columns = ["id", "task", "prompt", "response", "program_id", "difficulty", "split", "author"]
    samples = [Sample(**row) for row in rows.select(columns).to_pylist()]
    made = encode(samples, _tokenizer(config), config.prompt_style, config.max_length)
    return pa.Table.from_pylist(
        [_row(sample, document) for sample, document in zip(samples, made, strict=True)], schema=SCHEMA
    )


def _row(sample: Sample, made: Document | Reject) -> dict[str, Any]:
    row: dict[str, Any] = {"id": sample.id, "task": sample.task, "split": sample.split, "difficulty": sample.difficulty}
    if isinstance(made, Reject):
        return row | {
            "prompt_length": 0,
            "cut": 0,
            "length": 0,
            "input_ids": [],
            "is_taught": False,
            "reject": made.reason,
        }
    return row | {
        "prompt_length": made.prompt_length,
        "cut": made.cut,
        "length": len(made.input_ids),
        "input_ids": list(made.input_ids),
        "is_taught": made.is_taught,
        "reject": "",
    }


def summary(rows: Iterable[Mapping[str, Any]]) -> tuple[dict[str, list[Item]], int, dict[str, int]]:
    """Per split what planning needs (each id once), the number of cut documents, and rejects by reason."""
    items: dict[str, dict[str, Item]] = {"train": {}, "held_out": {}}
    cut, rejects = 0, dict[str, int]()
    for row in rows:
        if row["reject"]:
            rejects[row["reject"]] = rejects.get(row["reject"], 0) + 1
        elif row["id"] not in items[row["split"]]:
            cut += row["cut"] > 0
            response = row["length"] - row["prompt_length"]
            items[row["split"]][row["id"]] = Item(row["id"], row["task"], row["length"], response, row["is_taught"])
    return {split: list(found.values()) for split, found in items.items()}, cut, rejects


def place(rows: pa.Table, split: str, places: Places) -> pa.Table:
    """The split's rows, one for each place in the plan, with the columns `pack` and `slot`."""
    ids, splits = rows["id"].to_pylist(), rows["split"].to_pylist()
    where = [
        (index, pack, slot)
        for index, (id_, its_split) in enumerate(zip(ids, splits, strict=True))
        if its_split == split
        for pack, slot in places.get(id_, ())
    ]
    taken = rows.take(pa.array([index for index, _, _ in where], pa.int64()))
    taken = taken.append_column("pack", pa.array([pack for _, pack, _ in where], pa.int64()))
    return taken.append_column("slot", pa.array([slot for _, _, slot in where], pa.int64()))


def packs(rows: Iterable[Mapping[str, Any]], first: int = 0) -> Iterator[Pack]:
    """Rows in plan order become packs from number `first` on; a row that occurs twice in a place counts once."""
    wanted = (row for row in rows if row["pack"] >= first)
    for index, members in itertools.groupby(wanted, key=lambda row: row["pack"]):
        slots = {row["slot"]: row for row in members}
        yield assemble(index, [_document(slots[slot]) for slot in sorted(slots)])


def _document(row: Mapping[str, Any]) -> Document:
    return Document(
        row["id"], row["task"], row["difficulty"], row["prompt_length"], row["cut"], tuple(row["input_ids"])
    )
