"""What benchmarks report beside pass@1: by group, over several questions about one run, over equivalent programs."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ray_app.evaluation.items import Benchmark, Item
from ray_app.evaluation.metrics import Rule
from ray_app.records import Score

CONSISTENCY = {(True, True, True, True): 1.0, (True, True, True, False): 0.5, (True, True, False, False): 0.25}
CONSISTENCY[True, False, False, False] = 0.125
"""REval's credit for (covered, state, next, output) of one line: what builds on a wrong answer earns nothing."""


def breakdown(benchmark: Benchmark, rows: Sequence[Score]) -> dict[str, Any]:
    """The benchmark's further scores by both rules; empty where it has none. Rows without a verdict do not count."""
    made = _MADE.get(benchmark.name)
    if made is None:
        return {}
    items = {item.id: item for item in benchmark.items}
    rules: tuple[Rule, ...] = ("official", "strict")
    graded = [(items[row.item_id], row) for row in rows if row.official is not None]
    return {rule: made([(item, row.sample, bool(getattr(row, rule))) for item, row in graded]) for rule in rules}


Answer = tuple[Item, int, bool]
"""A question, the number of its answer, and whether that is right."""


def by_group(answers: Iterable[Answer]) -> dict[str, float]:
    """The share of right answers in each group."""
    groups: dict[str, list[bool]] = defaultdict(list)
    for item, _, right in answers:
        groups[item.group].append(right)
    return {group: _share(found) for group, found in sorted(groups.items())}


def robustness(answers: Sequence[Answer]) -> dict[str, float]:
    """CoRE: of the groups of equivalent programs with one input, the share in which all answers are right, the share
    in which some are right and some not, and what the first lacks to the share of right answers: the gap."""
    groups: dict[tuple[str, int], list[bool]] = defaultdict(list)
    for item, sample, right in answers:
        groups[item.group, sample].append(right)
    several = [found for found in groups.values() if len(found) > 1]
    everywhere = _share([all(found) for found in several])
    right = _share([one for found in several for one in found])
    return {
        "groups": len(several),
        "right": right,
        "right_everywhere": everywhere,
        "right_here_and_there": _share([any(found) and not all(found) for found in several]),
        "gap": right - everywhere,
    }


def reval(answers: Sequence[Answer]) -> dict[str, float]:
    """REval: accuracy of each of the four questions, precision, recall and F1 of "is executed", and the consistency,
    from 0 to 1: see `CONSISTENCY`. A line counts if all four of its questions were answered."""
    kinds: dict[str, list[bool]] = defaultdict(list)
    lines: dict[tuple[str, int], dict[str, bool]] = defaultdict(dict)
    for item, sample, right in answers:
        kinds[item.id.rpartition("/")[2]].append(right)
        lines[item.id.rpartition("/")[0], sample][item.id.rpartition("/")[2]] = right
    credits: list[float] = []
    for (where, sample), found in lines.items():
        output = lines.get((where.rpartition("/")[0], sample), {}).get("output")
        if output is not None and found.keys() == {"covered", "state", "next"}:
            credits.append(CONSISTENCY.get((found["covered"], found["state"], found["next"], output), 0.0))
    shares = {name: _share(found) for name, found in kinds.items()}
    return {**shares, **_coverage(answers), "consistency": sum(credits) / len(credits) if credits else 0.0}


def _coverage(answers: Sequence[Answer]) -> dict[str, float]:
    """How well "is executed" is told, as of a search for the lines that are."""
    asked = [(item.output == "YES", right) for item, _, right in answers if item.kind == "covered"]
    hits = sum(right for executed, right in asked if executed)
    said = hits + sum(not right for executed, right in asked if not executed)
    executed = sum(executed for executed, _ in asked)
    precision, recall = hits / said if said else 0.0, hits / executed if executed else 0.0
    both = precision + recall
    return {"precision": precision, "recall": recall, "f1": 2 * precision * recall / both if both else 0.0}


def _share(found: Sequence[bool]) -> float:
    return sum(found) / len(found) if found else 0.0


_MADE: Mapping[str, Callable[[Sequence[Answer]], dict[str, float]]] = {
    "reval": reval,
    "core_io": robustness,
    "core_qa": by_group,
    "cruxeval_x": by_group,
    "lcb_execution": by_group,
    "lcb_generation": by_group,
}
