"""Grading: generations in, the same rows with verdicts out. Never raises for a bad answer."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from queue import Empty, SimpleQueue

from ray_app.evaluation import benchmarks, checks, contest, differential, predictions, process, prompts, questions
from ray_app.evaluation.items import Benchmark, Item
from ray_app.evaluation.verdicts import Executor, Verdict
from ray_app.records import Reject, Score

_ANSWERS_PER_SHARE = 2
UNGRADED = "ungraded"
"""The status of a generation that no grader has seen."""


class Grader:
    """A stage's worker for one benchmark: `grade(rows)` sets `official`, `strict` and `status` of each row.

    Picklable before its first use: the benchmark is loaded, and a sandbox started, where it runs.
    """

    def __init__(self, name: str, data: Path | None = None, *, any_version: bool = False, attempts: int = 3) -> None:
        self._name, self._data, self._any_version, self._attempts = name, data, any_version, attempts
        self._benchmark: Benchmark | None = None
        self._items: dict[str, Item] | None = None
        self._executor: Executor | None = None

    @classmethod
    def of(cls, benchmark: Benchmark, *, attempts: int = 3) -> "Grader":
        """A grader of a benchmark that is loaded already."""
        grader = cls(benchmark.name, attempts=attempts)
        grader._benchmark = benchmark
        return grader

    def __enter__(self) -> "Grader":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the sandbox; a later `grade` starts another."""
        if self._executor is not None:
            self._executor.close()

    def __call__(self, rows: Iterable[Score]) -> Iterator[Score | Reject]:
        """The same as `grade`."""
        return self.grade(rows)

    def grade(self, rows: Iterable[Score]) -> Iterator[Score | Reject]:
        """One graded row per row, in order; a row that names an unknown item is a Reject ("unknown-item")."""
        if self._benchmark is None:
            self._benchmark = benchmarks.load(self._name, self._data, any_version=self._any_version)
        if self._executor is None:
            self._executor = Executor(self._attempts)
        if self._items is None:
            self._items = {item.id: item for item in self._benchmark.items}
        items, pending = self._items, list(rows)
        verdicts: dict[int, Verdict] = {}
        for item_id, indices in _by_item(pending).items():
            if item_id in items:
                answers = [prompts.answer_of(items[item_id], pending[index]) for index in indices]
                graded = grade_item(self._benchmark, items[item_id], answers, self._executor)
                verdicts.update(zip(indices, graded, strict=True))
        for index, row in enumerate(pending):
            if (verdict := verdicts.get(index)) is None:
                yield Reject("grade", f"{row.item_id}#{row.sample}", "unknown-item", f"not in {self._name}")
            else:
                yield replace(
                    row,
                    official=verdict.official,
                    strict=verdict.strict,
                    status=verdict.status,
                    reason=verdict.reason,
                )


def grade_item(benchmark: Benchmark, item: Item, answers: Sequence[str], executor: Executor) -> list[Verdict]:
    """One verdict per answer, by the rules of the item's kind."""
    if item.task == "probe":
        return process.grade_probes(item, answers)
    if item.task == "question":
        return questions.grade(item, answers, executor)
    if item.task != "code":
        return predictions.grade(item, answers, executor)
    if item.tests:
        return contest.grade(item, answers, executor)
    if item.test:
        return checks.grade(item, answers, executor)
    return differential.grade(benchmark, item, answers, executor)


def grade_all(benchmark: Benchmark, rows: Sequence[Score], workers: int = 1) -> list[Score | Reject]:
    """`Grader.grade` on this machine with `workers` sandboxes, which take one item after another. In order."""
    predicts = any(item.task in ("output", "input") for item in benchmark.items)
    waiting: SimpleQueue[list[int]] = SimpleQueue()
    for indices in _by_item(rows).values():
        for share in _shares(rows, indices) if predicts else [indices]:
            waiting.put(share)
    graded: dict[int, Score | Reject] = {}

    def work(_: int) -> None:
        with Grader.of(benchmark) as grader:
            while True:
                try:
                    share = waiting.get_nowait()
                except Empty:
                    return
                graded.update(zip(share, grader.grade([rows[index] for index in share]), strict=True))

    with ThreadPoolExecutor(max(1, workers)) as pool:
        list(pool.map(work, range(max(1, workers))))
    return [graded[index] for index in range(len(rows))]


def _shares(rows: Sequence[Score], indices: Sequence[int]) -> list[list[int]]:
    """An item's rows in shares of few different answers, so that those that run long are spread over the workers."""
    places: dict[str, list[int]] = defaultdict(list)
    for index in indices:
        places[rows[index].generation].append(index)
    groups = list(places.values())
    cuts = range(0, len(groups), _ANSWERS_PER_SHARE)
    return [[index for group in groups[cut : cut + _ANSWERS_PER_SHARE] for index in group] for cut in cuts]


def _by_item(rows: Sequence[Score]) -> dict[str, list[int]]:
    """The places of each item's rows."""
    groups: dict[str, list[int]] = defaultdict(list)
    for index, row in enumerate(rows):
        groups[row.item_id].append(index)
    return groups
