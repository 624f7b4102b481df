"""Real prose: what the verifier and the editor make of explanations that language models wrote and people labelled.

    python -m benchmarks.prose --data ../shared/data/prose

The folder holds texts (`*_forward.jsonl`, `*_backward.jsonl`, packed or not: id, code, call, output, monologue, right)
and labels (`labels_*forward*.jsonl` ...: id, the false sentences word for word, and for each whether it is about this
`run` or about the program in `general`). Only texts with a right final answer are judged; all of them must pass without
a traceback. `--half`: the labels are split by the hash of their id; rules were written on `tune`, `measure` was only
ever counted.

A false statement counts as gone from an edited text when its words no longer stand there as they did.
"""

import argparse
import gzip
import hashlib
import json
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ray_app.sandbox.api import execute
from ray_app.semantics.api import LIMITS, Job, record, record_many
from ray_app.semantics.record import Run
from ray_app.verification.backward import verify_backward
from ray_app.verification.edit import Edited, Unchecked, edit_backward, edit_forward
from ray_app.verification.judge import judge_forward, verify_forward

Direction = Literal["forward", "backward"]
Row = dict[str, Any]
UNCHECKED: tuple[Unchecked, ...] = ("keep", "cut")


def rows_of(path: Path) -> list[Row]:
    """The rows of a file of JSON lines, packed or not."""
    packed = path.read_bytes()
    text = gzip.decompress(packed) if path.suffix == ".gz" else packed
    return [json.loads(line) for line in text.splitlines()]


@dataclass
class Tally:
    """What was counted. Of the labels a text is `true` where no statement about the run is false in it."""

    counts: Counter[str] = field(default_factory=Counter[str])
    missed: Counter[str] = field(default_factory=Counter[str])
    spent_s: float = 0.0

    def share(self, part: str, whole: str) -> str:
        """A share with its counts."""
        part_of, all_of = self.counts[part], self.counts[whole]
        return f"{part_of} of {all_of}" + (f" ({100 * part_of / all_of:.0f} %)" if all_of else "")


def read_folder(folder: Path, direction: Direction) -> Iterator[tuple[Row, Row | None]]:
    """Every text with its label, None where nobody labelled it."""
    labels = {row["id"]: row for path in sorted(folder.glob(f"labels*{direction}*")) for row in rows_of(path)}
    for path in sorted(folder.glob(f"*_{direction}.jsonl*")):
        if not path.name.startswith("labels"):
            for row in rows_of(path):
                label = labels.get(row["id"])
                fits = label is not None and all(quote in row["monologue"] for quote in label["false"])
                yield row, label if fits else None


def is_tuned_on(identity: str) -> bool:
    """Whether a label belongs to the half on which rules were written."""
    return hashlib.sha256(identity.encode()).digest()[0] % 2 == 0


def overlaps(text: str, start: int, end: int, quotes: list[str]) -> bool:
    """Whether a stretch of text lies in, or holds, one of the quoted sentences."""
    places = [(at, at + len(quote)) for quote in quotes if (at := text.find(quote)) >= 0]
    return any(start < high and low < end for low, high in places)


def judge(tally: Tally, direction: Direction, run: Run, row: Row, label: Row | None, *, show: bool) -> None:
    """Counts one text with a right answer: judged as it stands, then edited in both ways."""
    begin = time.process_time()
    accepted = _accepted(direction, run, row["monologue"])
    tally.spent_s += time.process_time() - begin
    tally.counts["texts"] += 1
    tally.counts["accepted"] += accepted
    edits = {unchecked: _edited(direction, run, row["monologue"], unchecked) for unchecked in UNCHECKED}
    for unchecked, edited in edits.items():
        tally.counts[f"all {unchecked}: rows"] += edited.reason == ""
    if label is None:
        return
    false = [quote for quote, scope in zip(label["false"], label["scope"], strict=True) if scope == "run"]
    kind = "false" if false else "true"
    tally.counts[kind] += 1
    tally.counts["labelled"] += 1
    tally.counts[f"{kind} accepted"] += accepted
    for unchecked, edited in edits.items():
        _count_edited(tally, unchecked, edited, label, false)
    if direction == "forward":
        _count_refutations(tally, run, row["monologue"], label, show=show)


def _accepted(direction: Direction, run: Run, text: str) -> bool:
    if direction == "forward":
        return verify_forward(run, text).accepted
    return verify_backward(run, text, record=_recorded, execute=execute).accepted


def _edited(direction: Direction, run: Run, text: str, unchecked: Unchecked) -> Edited:
    if direction == "forward":
        return edit_forward(run, text, unchecked=unchecked, execute=execute)
    return edit_backward(run, text, record=_recorded, execute=execute, unchecked=unchecked)


def _recorded(code: str, call: str) -> Run | None:
    return record(code, call).run


def _count_edited(tally: Tally, unchecked: str, edited: Edited, label: Row, false: list[str]) -> None:
    is_row = edited.reason == ""
    run_left = [quote for quote in false if quote in edited.text]
    any_left = [quote for quote in label["false"] if quote in edited.text]
    tally.counts[f"{unchecked}: rows"] += is_row
    tally.counts[f"{unchecked}: rows without a false statement about the run"] += is_row and not run_left
    tally.counts[f"{unchecked}: rows without any false statement"] += is_row and not any_left
    tally.counts[f"{unchecked}: false refused or corrected"] += bool(false) and not run_left
    if unchecked == "cut":
        kinds = dict(zip(label["false"], zip(label["scope"], label["kinds"], strict=True), strict=True))
        tally.missed.update("/".join(kinds[quote]) for quote in any_left)


def _count_refutations(tally: Tally, run: Run, text: str, label: Row, *, show: bool) -> None:
    """Counts the sentences that are called false, and those of them in which a label says so."""
    reading, placed = judge_forward(run, text)
    for statement in reading.statements:
        inside = [item for item in placed if statement.start <= item.span[0] < statement.end]
        refuted = next((item for item in inside if item.finding.holds is False), None)
        if refuted is None:
            continue
        is_labelled = overlaps(text, statement.start, statement.end, label["false"])
        tally.counts["called false"] += 1
        tally.counts["called false and labelled so"] += is_labelled
        if show and not is_labelled:
            print(f"== {label['id']}: {statement.text!r}: {refuted.finding.evidence}")


def measured(folder: Path, direction: Direction, wanted: Callable[[str], bool], *, labelled: bool, show: bool) -> Tally:
    """The counts over a folder's texts of one direction; of labels only the wanted ones."""
    found = [(row, label) for row, label in read_folder(folder, direction) if label is not None or not labelled]
    recorded = record_many(Job(row["code"], (row["call"],), LIMITS) for row, _ in found)
    tally = Tally()
    for (row, label), [recording] in zip(found, recorded, strict=True):
        if recording.run is None:
            tally.counts["not recorded"] += 1
            continue
        try:
            if row["right"]:
                judge(tally, direction, recording.run, row, label if wanted(row["id"]) else None, show=show)
            else:
                _accepted(direction, recording.run, row["monologue"])
        except Exception:  # the figure that counts them is the point
            tally.counts["tracebacks"] += 1
            traceback.print_exc()
    return tally


def report(tally: Tally, direction: Direction) -> dict[str, Any]:
    """The rows of the table."""
    rows: dict[str, Any] = {
        "texts with a right answer": tally.counts["texts"],
        "texts without a false statement about the run that are accepted": tally.share("true accepted", "true"),
    }
    if direction == "forward":
        rows["sentences called false that are labelled so"] = tally.share(
            "called false and labelled so", "called false"
        )
    for unchecked in UNCHECKED:
        rows[f"edited ({unchecked})"] = {
            "texts that end as a row": tally.share(f"{unchecked}: rows", "labelled"),
            "of all texts, labelled or not": tally.share(f"all {unchecked}: rows", "texts"),
            "false texts refused or corrected": tally.share(f"{unchecked}: false refused or corrected", "false"),
            "rows without a false statement about the run": tally.share(
                f"{unchecked}: rows without a false statement about the run", f"{unchecked}: rows"
            ),
            "rows without any false statement": tally.share(
                f"{unchecked}: rows without any false statement", f"{unchecked}: rows"
            ),
        }
    rows["false statements left after cutting, by scope and kind"] = dict(tally.missed)
    rows["tracebacks"] = tally.counts["tracebacks"]
    rows["not recorded"] = tally.counts["not recorded"]
    rows["texts judged per CPU second"] = round(tally.counts["texts"] / max(tally.spent_s, 1e-9))
    return rows


_HALVES: dict[str, Callable[[str], bool]] = {
    "all": lambda _: True,
    "tune": is_tuned_on,
    "measure": lambda identity: not is_tuned_on(identity),
}


def main() -> None:
    """Prints the figures as JSON, and on request the refusals that no label confirms."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data/prose"))
    parser.add_argument("--half", choices=tuple(_HALVES), default="all")
    parser.add_argument("--direction", choices=("forward", "backward", "both"), default="both")
    parser.add_argument("--show", action="store_true", help="print what is called false and is not labelled so")
    parser.add_argument("--labelled", action="store_true", help="leave out the texts that nobody labelled")
    options = parser.parse_args()
    directions: tuple[Direction, ...] = ("forward", "backward")
    for direction in directions:
        if options.direction in (direction, "both"):
            tally = measured(
                options.data, direction, _HALVES[options.half], labelled=options.labelled, show=options.show
            )
            print(json.dumps({direction: report(tally, direction)}, indent=1))


if __name__ == "__main__":
    main()
