"""Where a group of claims may belong: the spots that its words allow, and what its claims turn out to be at each."""

import ast
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from ray_app.claims.claim import Claim, Group, Iteration
from ray_app.verification.checks import CHECKS
from ray_app.verification.code import governing
from ray_app.verification.facts import FOREVER, Facts, Spot, head_of
from ray_app.verification.finding import Finding

MOST_SPOTS = 4_000
Window = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Reading:
    """What the claims of a group are at one spot. `lo` and `hi`: the time at which they may be told there."""

    spot: Spot
    findings: tuple[Finding, ...]
    lo: float
    hi: float

    @property
    def true(self) -> int:
        """How many claims hold."""
        return sum(finding.holds is True for finding in self.findings)

    @property
    def false(self) -> int:
        """How many are refuted."""
        return sum(finding.holds is False for finding in self.findings)

    @property
    def is_whole(self) -> bool:
        """Whether every claim holds."""
        return all(finding.holds is True for finding in self.findings)


class Places:
    """The places of one run; `steps`: only these steps count, where given."""

    def __init__(self, facts: Facts, steps: Collection[int] | None = None) -> None:
        self.facts = facts
        self._steps = steps
        self._windows: dict[tuple[Iteration, ...], list[Window]] = {}
        self._all: list[Spot] | None = None

    def readings(self, group: Group) -> Iterator[Reading]:
        """The readings of a group at the spots that its words allow, in the order of time."""
        for spot in self.spots(group):
            yield self.read(group, spot)

    def read(self, group: Group, spot: Spot) -> Reading:
        """What the claims of a group are at a spot."""
        findings = tuple([CHECKS[claim.kind](self.facts, claim, spot) for claim in group.claims])
        told = max((finding.at for finding in findings if finding.holds), default=spot.start)
        return Reading(spot, findings, told, max(told, *(finding.until for finding in findings)))

    def spots(self, group: Group) -> Iterator[Spot]:
        """The spots of a group's line in its iterations; without a line all spots."""
        place = group.place
        spots = self.facts.from_line(place.line, place.end_line) if place.line else self.all
        windows = self.windows(place.iterations, place.line)
        visit = place.visit
        for spot in spots:
            if self._steps is not None and (spot.step is None or spot.step.index not in self._steps):
                continue
            if visit and spot.step is not None and visit not in (spot.step.visit, spot.step.run_visit):
                continue
            if windows is None or any(spot.end >= lo and spot.start <= hi for lo, hi in windows):
                yield spot

    @property
    def all(self) -> list[Spot]:
        """Every spot, in order."""
        if self._all is None:
            found = [spot for spots in self.facts.spots.values() for spot in spots]
            self._all = sorted(found, key=lambda spot: spot.start)[:MOST_SPOTS]
        return self._all

    def windows(self, iterations: tuple[Iteration, ...], line: int = 0) -> list[Window] | None:
        """The stretches of time that lie in all these iterations; None where none is named."""
        if not iterations:
            return None
        if iterations not in self._windows:
            self._windows[iterations] = self._common(iterations)
        return self._windows[iterations]

    def head_around(self, line: int) -> int:
        """The line of the innermost `if` or `while` around a line; 0 where there is none."""
        source = self.facts.run.source
        nodes = [number for number, node in enumerate(source.nodes) if isinstance(node, ast.stmt)]
        own = next((number for number in nodes if source.line(number) == line), None)
        above = governing(source, own) if own is not None else None
        return source.line(above[0]) if above is not None else head_of(source, line)

    def is_code(self, line: int) -> bool:
        """Whether a statement begins on a line."""
        return head_of(self.facts.run.source, line) == line

    def writes(self, group: Group, name: str) -> bool:
        """Whether a name is changed in the iterations of a group."""
        windows = self.windows(group.place.iterations) or []
        return any(low <= at <= high for at, _, _ in self.facts.history.get(name, ()) for low, high in windows)

    def is_beyond(self, group: Group) -> bool:
        """Whether a group is put into an iteration that no loop has. The test that ends a loop may be counted as one
        more, and a recursion as a loop."""
        named = [claim.number for claim in group.claims if claim.kind == "iteration"]
        counts = [len(entry.begins) for entries in self.facts.entries.values() for entry in entries]
        iterations = group.place.iterations
        if not iterations or not counts or iterations[-1].soft or (named and named[-1] != iterations[-1].number):
            return False
        allowed = max(counts) + (0 if any(map(is_change, group.claims)) else 1)
        return iterations[-1].number > max(allowed, len(self.facts.run.frames))

    def _common(self, iterations: tuple[Iteration, ...]) -> list[Window]:
        windows: list[Window] = [(0.0, float(FOREVER))]
        for iteration in iterations:
            found = list(self._of(iteration))
            if iteration.soft and not found:
                continue
            windows = [
                (max(low, own[0]), min(high, own[1]))
                for low, high in windows
                for own in found
                if max(low, own[0]) < min(high, own[1])
            ]
        return sorted(set(windows))

    def _of(self, iteration: Iteration) -> Iterator[Window]:
        """The times of an iteration: of the loop on its line, or of any loop."""
        loops = self.facts.loops_on(iteration.line) or self.facts.loops_on(0)
        for loop in loops:
            depth = len(self.facts.run.source.loops_of(loop))
            if iteration.inner is not None and iteration.inner != (depth > 0):
                continue
            for entry in self.facts.entries[loop]:
                window = (entry.end - 0.1, float(FOREVER)) if iteration.number == 0 else entry.window(iteration.number)
                if window is not None:
                    yield window


def is_change(claim: Claim) -> bool:
    """Whether a claim says that something happens, rather than that something is so."""
    return claim.kind in ("added", "removed", "call", "raise", "catch", "leave", "deleted") or (
        claim.kind == "value" and claim.tense in ("change", "first")
    )
