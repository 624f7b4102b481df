"""Which iterations of a loop are told one by one at a level of detail, and which values are listed for the others."""

from ray_app.monologue.coverage import groups
from ray_app.monologue.deciding import Deciding
from ray_app.monologue.phrase import is_tellable
from ray_app.monologue.timeline import LoopRun, Moment, Timeline

MAX_LEVEL = 5
_ALL_ITERATIONS = (6, 4, 3, 3, 3, 1)
_LISTED = (400, 300, 200, 120, 80, 240)


class Rounds:
    """The choice for one timeline. At the last level an iteration is told only for what no list of values can hold.

    `needed` are the statements that a covering text cannot leave out: each deciding group's first, second and last, and
    the points of the slice.
    """

    def __init__(self, timeline: Timeline, slice_: Deciding, level: int) -> None:
        self.timeline = timeline
        self.level = level
        self.deciding = slice_
        deciding_groups = groups(timeline)
        self._wanted = {name for _, _, name in deciding_groups}
        indices = {
            index
            for visits in deciding_groups.values()
            for index in (visits[0], visits[min(1, len(visits) - 1)], visits[-1])
        }
        self.needed = [timeline.moments[index] for index in sorted(indices | slice_.points)]

    def chosen(self, run: LoopRun, inside: list[Moment]) -> set[int]:
        """The iterations to tell: all of a short loop; else first, last, and those that first go another way."""
        count = len(run.spans)
        if count <= _ALL_ITERATIONS[self.level]:
            return {number for number in range(1, count + 1) if self._matters(run, number, inside)}
        if self.level == MAX_LEVEL:
            return self._not_listed(run, inside)
        ways: dict[tuple[int, ...], int] = {}
        for number in range(1, count + 1):
            way = tuple(dict.fromkeys(m.line for m in iteration(run, number, inside)))
            ways.setdefault(way, number)
        chosen = {1, count, *sorted(ways.values())[: max(1, 4 - self.level)]}
        for number, (low, high) in enumerate(run.spans, 1):
            if any(low <= moment.start < high for moment in self.needed):
                chosen.add(number)
        if len(chosen) < 3:
            chosen.add(2)
        return chosen

    def _matters(self, run: LoopRun, number: int, inside: list[Moment]) -> bool:
        """Whether an iteration has to do with the output; of a slice without points, each one is told."""
        decides = any(moment.index in self.deciding.moments for moment in iteration(run, number, inside))
        return decides or not self.deciding.points

    def lists(self, run: LoopRun, inside: list[Moment]) -> list[tuple[str, list[str]]]:
        """The deciding variables of a loop's run whose values are short enough to list, with these values."""
        return [(name, values) for name, values in self._changing(run, inside) if self._is_listable(values)]

    def _not_listed(self, run: LoopRun, inside: list[Moment]) -> set[int]:
        """The iterations that hold what lists of values leave out: the call's end, and what is too long to list."""
        listed_names = {name for name, _ in self.lists(run, inside)}
        chosen: set[int] = set()
        for number, (low, high) in enumerate(run.spans, 1):
            needed = [m for m in self.needed if low <= m.start < high]
            ends = any(low <= m.start < high and m.following is None for m in inside)
            if ends or any(
                m.frame != run.frame or not {c.name for c in m.changes if self._decides(m, c.name)} <= listed_names
                for m in needed
            ):
                chosen.add(number)
        return chosen

    def _decides(self, moment: Moment, name: str) -> bool:
        return (moment.index, name) in self.deciding.changes

    def _changing(self, run: LoopRun, inside: list[Moment]) -> list[tuple[str, list[str]]]:
        """The deciding variables of a loop's run, other than its own, with the values they take in it."""
        within = {moment.index for moment in inside}
        names = sorted({name for index, name in self.deciding.changes if index in within and name in self._wanted})
        found: list[tuple[str, list[str]]] = []
        for name in names:
            if self.timeline.is_turned(name):
                values = [value for _, value in self.timeline.turns(name, inside)]
            else:
                spans = self.timeline.spans.get(name, ())
                values = [s.value for s in spans if s.frame == run.frame and run.start < s.start <= run.end]
            if name not in self.timeline.source.loops[run.line].targets:
                found.append((name, values))
        return found

    def _is_listable(self, values: list[str]) -> bool:
        fewest = 2 if self.level == MAX_LEVEL else 4
        short = len(values) >= fewest and sum(map(len, values)) <= _LISTED[self.level]
        return short and all(map(is_tellable, values))


def iteration(run: LoopRun, number: int, inside: list[Moment]) -> list[Moment]:
    """The statements of one iteration."""
    low, high = run.spans[number - 1]
    return [moment for moment in inside if low <= moment.start < high]
