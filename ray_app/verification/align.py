"""The claims of a text placed in the record: the assignment of groups to places that keeps to the order of time and
satisfies most.

A text that holds at every turn is placed in one pass, each group at the earliest place that the order allows. Where
a group
finds none, all groups are weighed against each other: then one misread sentence does not drag the rest down, and it is
the group that fits in badly which is left over.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from ray_app.claims.claim import Claim, Group, Iteration
from ray_app.verification.checks import WHOLE
from ray_app.verification.facts import FOREVER, Facts, Spot
from ray_app.verification.finding import UNKNOWN, Finding
from ray_app.verification.place import Places, Reading, is_change
from ray_app.verification.summaries import final_return

MOST_CANDIDATES = 500


@dataclass(frozen=True, slots=True)
class Placed:
    """A claim, what it turned out to be, and where."""

    claim: Claim
    finding: Finding
    spot: Spot | None
    sentence: int
    span: tuple[int, int] = (0, 0)
    value_span: tuple[int, int] = (0, 0)
    """Where the stated value stands, (0, 0) where it is not written as one."""


@dataclass(frozen=True, slots=True)
class _Unit:
    """What is placed as one: the claims of a labelled line, or a single claim. `number` is its group's."""

    group: Group
    number: int
    positions: tuple[int, ...]


def align(facts: Facts, groups: Sequence[Group], steps: Collection[int] | None = None) -> list[Placed]:
    """Every claim of the groups with its finding, in reading order."""
    places = Places(facts, steps)
    found: dict[tuple[int, int], Placed] = {}
    units: list[_Unit] = []
    for number, group in enumerate(groups):
        rest: list[int] = []
        for position, claim in enumerate(group.claims):
            whole = _whole(facts, claim, group)
            if whole is None:
                rest.append(position)
            else:
                found[number, position] = _placed_at(group, position, claim, whole, None)
        units += _units(group, number, rest)
    for unit, (spot, findings) in zip(units, _placed(places, units), strict=True):
        group = groups[unit.number]
        for claim, finding, position in zip(unit.group.claims, findings, unit.positions, strict=True):
            found[unit.number, position] = _placed_at(group, position, claim, finding, spot)
    return [found[key] for key in sorted(found)]


def _placed_at(group: Group, position: int, claim: Claim, finding: Finding, spot: Spot | None) -> Placed:
    return Placed(claim, finding, spot, group.sentence, group.spans[position], group.values[position])


def _whole(facts: Facts, claim: Claim, group: Group) -> Finding | None:
    """The finding of a claim that needs no place."""
    if claim.kind in WHOLE:
        return WHOLE[claim.kind](facts, claim)
    if claim.kind == "return" and not group.strict and not claim.subject:
        final = final_return(facts, claim)
        if final.holds or claim.tense == "final" or claim.items:
            return final
    if claim.kind == "count" and not group.place.line:
        return _some_loop(facts, claim)
    return None


def _some_loop(facts: Facts, claim: Claim) -> Finding:
    """Without a place, some entry into some loop must have run so often."""
    entries = [entry for loop in facts.loops_on(claim.line) for entry in facts.entries[loop]]
    counts = sorted({len(entry.begins) for entry in entries})
    holds = claim.number in counts or (not entries and claim.number == 0)
    return Finding(holds, f"the loops run {counts} times", right=str(counts[0]) if len(counts) == 1 else "")


def _units(group: Group, number: int, positions: list[int]) -> list[_Unit]:
    if not positions:
        return []
    if group.place.line:
        if len(positions) == len(group.claims):
            return [_Unit(group, number, tuple(positions))]
        claims = tuple(group.claims[position] for position in positions)
        return [_Unit(replace(group, claims=claims), number, tuple(positions))]
    return [_Unit(replace(group, claims=(group.claims[at],)), number, (at,)) for at in positions]


Outcome = tuple[Spot | None, tuple[Finding, ...]]


def _placed(places: Places, units: list[_Unit]) -> list[Outcome]:
    outcome = _in_one_pass(places, units)
    if outcome is not None:
        return outcome
    return _weighed(places, units)


def _in_one_pass(places: Places, units: list[_Unit]) -> list[Outcome] | None:
    """Each unit at the earliest place at which all its claims hold; None where one has none."""
    cursor = -1.0
    done: list[Outcome] = []
    for unit in units:
        if not unit.group.place.line:
            return None
        for reading in places.readings(unit.group):
            if reading.is_whole and _follows(unit, reading.hi, cursor):
                break
        else:
            return None
        cursor = max(cursor, reading.lo)
        done.append((reading.spot, reading.findings))
    return done


def _follows(unit: _Unit, at: float, cursor: float) -> bool:
    return at > cursor if unit.group.strict else at >= cursor


@dataclass(frozen=True, slots=True)
class _Way:
    """A way to place the units so far: where it stands in time, what it satisfies, and how it came there."""

    at: float
    score: float
    unit: int
    reading: Reading | None
    before: "_Way | None"


def _weighed(places: Places, units: list[_Unit]) -> list[Outcome]:
    """The ways to place the units, kept only where no earlier one satisfies as much; then the best one read back."""
    ways = [_Way(-1.0, 0.0, -1, None, None)]
    candidates = [_candidates(places, unit) for unit in units]
    for number, unit in enumerate(units):
        if not unit.group.ordered and not unit.group.place.line:
            continue
        times = [way.at for way in ways]
        made = [way for reading in candidates[number] for way in _continued(ways, times, number, unit, reading)]
        ways = _front([*ways, *made])
    chosen: dict[int, Reading] = {}
    way: _Way | None = ways[-1]
    while way is not None:
        if way.reading is not None:
            chosen[way.unit] = way.reading
        way = way.before
    return [
        _outcome(unit, chosen.get(number), candidates[number], _between(chosen, number))
        if candidates[number]
        else _nowhere(places, unit)
        for number, unit in enumerate(units)
    ]


def _nowhere(places: Places, unit: _Unit) -> Outcome:
    """The claims of a unit for which the record has no place at all."""
    if places.is_beyond(unit.group):
        return _beyond(unit)
    if not unit.group.place.line:
        return None, (UNKNOWN,) * len(unit.group.claims)
    return None, tuple(_of_unrun_line(places, unit.group, claim) for claim in unit.group.claims)


def _of_unrun_line(places: Places, group: Group, claim: Claim) -> Finding:
    """What is said of a line that does not run: that it does not, or how the condition around it turned out."""
    line = group.place.line
    evidence = f"L{line} does not run" if not group.place.iterations else f"L{line} does not run here"
    if claim.kind == "skip" and claim.line in (0, line):
        return Finding(True, evidence)
    if group.strict:
        return Finding(False, evidence)
    head = places.head_around(line)
    if claim.kind in ("truth", "branch", "property", "skip") and head:
        above = replace(group, claims=(claim,), place=replace(group.place, line=head, end_line=head))
        found = [reading.findings[0] for reading in places.readings(above)]
        return next((one for one in found if one.holds), next((one for one in found if one.holds is False), UNKNOWN))
    return Finding(False, evidence) if claim.kind in _HAPPENS and places.is_code(line) else UNKNOWN


_HAPPENS = frozenset(["value", "added", "removed", "return", "yield", "raise", "call", "iteration", "stop", "deleted"])
"""What cannot be so of a line that does not run."""


def _beyond(unit: _Unit) -> Outcome:
    """The claims of an iteration that no loop has."""
    number = unit.group.place.iterations[-1].number
    return None, tuple(Finding(False, f"there is no iteration {number}") for _ in unit.group.claims)


def _between(chosen: dict[int, Reading], number: int) -> tuple[float, float]:
    """The time between the places of a unit's neighbours."""
    before = [reading.lo for other, reading in chosen.items() if other < number]
    after = [reading.lo for other, reading in chosen.items() if other > number]
    return max(before, default=-1.0), min(after, default=float(FOREVER))


def _candidates(places: Places, unit: _Unit) -> list[Reading]:
    """The readings of a unit of which something holds; of a claim without a place, with the time for which it is so."""
    found: list[Reading] = []
    claim = unit.group.claims[0]
    firm = tuple(iteration for iteration in unit.group.place.iterations if not iteration.soft)
    if firm != unit.group.place.iterations:
        # what the words only suggest holds where something is true there, else it was not meant
        there = _candidates(places, _at(unit, tuple(one._replace(soft=False) for one in unit.group.place.iterations)))
        return there if any(reading.true for reading in there) else _candidates(places, _at(unit, firm))
    if claim.kind == "value" and claim.tense == "set" and unit.group.place.iterations and not unit.group.place.line:
        # "Iteration 3: total = 3": where the iteration writes the name, what it writes is meant
        written = replace(unit, group=replace(unit.group, claims=(replace(claim, tense="change"),)))
        if places.writes(unit.group, claim.subject):
            return _candidates(places, written)
    for reading in places.readings(unit.group):
        if not any(finding.holds is not None for finding in reading.findings):
            continue
        if not unit.group.place.line and reading.true and not is_change(unit.group.claims[0]):
            reading = replace(reading, hi=_until(places.facts, unit.group.claims[0], reading))
        found.append(reading)
        if len(found) >= MOST_CANDIDATES:
            break
    return found


def _at(unit: _Unit, iterations: tuple[Iteration, ...]) -> _Unit:
    """The unit, put into other iterations."""
    return replace(unit, group=replace(unit.group, place=replace(unit.group.place, iterations=iterations)))


def _until(facts: Facts, claim: Claim, reading: Reading) -> float:
    """How long what a claim says stays so: a variable's value until it changes, the rest until it is computed anew."""
    if claim.kind == "value":
        later = (at for at, _, _ in facts.history.get(claim.subject, ()) if at > reading.lo)
        return min(later, default=float(FOREVER)) - 0.01
    return float(FOREVER)


def _continued(ways: list[_Way], times: list[float], number: int, unit: _Unit, reading: Reading) -> list[_Way]:
    """The ways that go on with a reading."""
    if not reading.true:
        return []
    worth = reading.true / len(reading.findings) + (1.0 if reading.is_whole else 0.0)
    worth *= 2.0 if unit.group.place.line else 1.0
    strict = unit.group.strict
    last = bisect_left(times, reading.lo) if strict else bisect_right(times, reading.lo)
    made: list[_Way] = []
    if last:
        way = ways[last - 1]
        made.append(_Way(max(way.at, reading.lo), way.score + worth, number, reading, way))
    for way in ways[last : bisect_right(times, reading.hi)]:
        if not strict or way.at < reading.hi:
            made.append(_Way(way.at, way.score + worth, number, reading, way))
    return made


def _front(ways: list[_Way]) -> list[_Way]:
    """The ways in the order of time, each with a higher score than all before it."""
    best: list[_Way] = []
    for way in sorted(ways, key=lambda way: (way.at, -way.score)):
        if not best or way.score > best[-1].score:
            best.append(way)
    return best


def _outcome(unit: _Unit, chosen: Reading | None, candidates: list[Reading], between: tuple[float, float]) -> Outcome:
    """The findings of a unit where it was placed. One that was not is false where its place is fixed by a label; a
    claim
    without a label that holds elsewhere is not checked."""
    if chosen is not None:
        return chosen.spot, chosen.findings
    best = max(candidates, key=lambda reading: (reading.true - reading.false, reading.true), default=None)
    if best is None:
        return None, (UNKNOWN,) * len(unit.group.claims)
    if best.false or not best.true:
        return best.spot, _with_right(best, candidates, between)
    if unit.group.place.line:
        return best.spot, tuple(
            Finding(False, f"{finding.evidence}, but not when it is told") for finding in best.findings
        )
    if unit.group.ordered:
        return best.spot, tuple(Finding(None, f"{finding.evidence}, at another time") for finding in best.findings)
    return best.spot, best.findings


def _with_right(best: Reading, candidates: list[Reading], between: tuple[float, float]) -> tuple[Finding, ...]:
    """The findings, each with the value that belongs there: the only one that the record has where it was told."""
    low, high = between
    near = [reading for reading in candidates if low <= reading.spot.end and reading.spot.start <= high]
    findings: list[Finding] = []
    for position, finding in enumerate(best.findings):
        told = [other for reading in near or candidates if (other := reading.findings[position]).right]
        is_one = len({other.right for other in told}) == 1
        findings.append(told[0] if is_one and finding.holds is False else finding._replace(right=""))
    return tuple(findings)
