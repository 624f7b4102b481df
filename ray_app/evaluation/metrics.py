"""From verdicts to numbers with error bars: pass@k, intervals clustered by problem, and a paired test of two runs.

The unit is the problem, not the sample: ten samples of one problem are not ten independent answers. Problems about one
program (ids `<program>-...`, as in our held-out benchmark) are not independent either: errors are clustered by program.
Rows that were not graded (None) are left out and counted.
"""

import itertools
import math
import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ray_app.errors import InputError
from ray_app.records import Score

Rule = Literal["official", "strict"]
Outcome = Literal["right", "wrong", "malformed", "empty", "ungraded"]
OUTCOMES: tuple[Outcome, ...] = ("right", "wrong", "malformed", "empty", "ungraded")
CUT = "length"
"""The `Score.finish` of an answer that was cut at the exam's cap."""
_Z = 1.959963984540054
"""The normal quantile of two-sided 95 %."""
_EXACT_LIMIT = 16


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over problems with its 95 % interval and standard error, all between 0 and 1."""

    mean: float
    low: float
    high: float
    error: float


@dataclass(frozen=True, slots=True)
class Summary:
    """One run on one benchmark; `official` and `strict` map k to pass@k, for all k that every problem allows."""

    benchmark: str
    problems: int
    samples: int
    ungraded: int
    official: Mapping[int, Estimate]
    strict: Mapping[int, Estimate]
    statuses: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Run A against run B on the problems that both have: the difference A - B of mean pass@1 with its 95 % interval,
    the p-value of a two-sided sign-flip test, and the problems that A wins, loses and ties."""

    problems: int
    difference: float
    low: float
    high: float
    p_value: float
    wins: tuple[str, ...]
    losses: tuple[str, ...]
    ties: int


def pass_at_k(n: int, c: int, k: int) -> float:
    """The chance that at least one of k samples drawn without replacement from n, of which c pass, passes.

    Unbiased (Chen et al. 2021). InputError if k is not between 1 and n, or c not between 0 and n.
    """
    if not 1 <= k <= n or not 0 <= c <= n:
        raise InputError(f"pass@{k} needs 1 <= k <= n and 0 <= c <= n, got n={n}, c={c}")
    return 1.0 - math.comb(n - c, k) / math.comb(n, k)


def official_list(rows: Sequence[Score]) -> list[bool]:
    """The verdicts of one problem as the official scorers count them: where a sibling passes, malformed answers vanish
    from the list (and so from the denominator)."""
    if any(row.official for row in rows):
        return [bool(row.official) for row in rows if row.official is not None and row.status != "malformed"]
    return [False for row in rows if row.official is not None]


def counts(rows: Sequence[Score], rule: Rule) -> tuple[int, int]:
    """How many samples of one problem count, and how many of them pass."""
    if rule == "official":
        verdicts = official_list(rows)
    else:
        verdicts = [bool(row.strict) for row in rows if row.strict is not None]
    return len(verdicts), sum(verdicts)


def by_problem(rows: Iterable[Score]) -> dict[str, list[Score]]:
    """The rows of each problem, problems in the order of their first row."""
    groups: dict[str, list[Score]] = defaultdict(list)
    for row in rows:
        groups[row.item_id].append(row)
    return dict(groups)


def rates(rows: Iterable[Score], rule: Rule, k: int = 1) -> dict[str, float]:
    """pass@k of every problem that has at least k counted samples."""
    counted = {key: counts(group, rule) for key, group in by_problem(rows).items()}
    return {key: pass_at_k(n, c, k) for key, (n, c) in counted.items() if n >= k}


def outcome(row: Score) -> Outcome:
    """How an answer ended, by the strict rule: what is no answer at all, or none in the form that was asked for, is
    told apart from a wrong one."""
    if row.strict is None:
        return "ungraded"
    if row.strict:
        return "right"
    if row.status in ("malformed", "syntax"):
        return "malformed"
    return "empty" if row.status == "empty" else "wrong"


def outcomes(rows: Iterable[Score]) -> dict[str, int]:
    """How many answers ended in which way, and how many were "cut" at the cap (whatever they were worth)."""
    found: dict[str, int] = dict.fromkeys((*OUTCOMES, "cut"), 0)
    for row in rows:
        found[outcome(row)] += 1
        found["cut"] += row.finish == CUT
    return found


def cluster_of(item_id: str) -> str:
    """What a problem is about: problems of one cluster are right or wrong together."""
    return item_id.partition("-")[0]


def estimate(rates: Mapping[str, float]) -> Estimate:
    """The mean of one value per problem. The interval is Wilson's with the effective sample size that the spread
    between clusters implies, so it has a width also where all problems pass. InputError if there are no values."""
    if not rates:
        raise InputError("no graded problem: nothing to average")
    mean = math.fsum(rates.values()) / len(rates)
    error = _standard_error(rates, mean)
    clusters = len({*map(cluster_of, rates)})
    effective = mean * (1 - mean) / error**2 if error > 0 and 0 < mean < 1 else clusters
    centre = (mean + _Z**2 / (2 * effective)) / (1 + _Z**2 / effective)
    half = _Z / (1 + _Z**2 / effective) * math.sqrt(mean * (1 - mean) / effective + (_Z / (2 * effective)) ** 2)
    return Estimate(mean, max(0.0, centre - half), min(1.0, centre + half), error)


def summarise(rows: Sequence[Score], ks: Sequence[int] = (1, 5, 10, 100)) -> Summary:
    """The numbers of one run. InputError if nothing was graded, or rows of several benchmarks are mixed."""
    names = sorted({row.benchmark for row in rows})
    if len(names) != 1:
        raise InputError(f"one benchmark at a time, got {', '.join(names) or 'no rows'}")
    groups = by_problem(rows)
    graded = [row for row in rows if row.official is not None]
    statuses: dict[str, int] = defaultdict(int)
    for row in rows:
        statuses[row.status] += 1
    smallest = min((sum(row.official is not None for row in group) for group in groups.values()), default=0)
    usable = [k for k in ks if k <= max(1, smallest)]
    return Summary(
        benchmark=names[0],
        problems=len(groups),
        samples=len(rows),
        ungraded=len(rows) - len(graded),
        official={k: estimate(_official_rates(graded, k)) for k in usable},
        strict={k: estimate(rates(graded, "strict", k)) for k in usable},
        statuses=dict(sorted(statuses.items())),
    )


def compare(a: Iterable[Score], b: Iterable[Score], rule: Rule = "strict", seed: int = 0) -> Comparison:
    """A paired comparison by problem (see `compare_rates`). InputError if the runs share no graded problem."""
    return compare_rates(rates(a, rule), rates(b, rule), seed)


def compare_rates(left: Mapping[str, float], right: Mapping[str, float], seed: int = 0) -> Comparison:
    """A paired comparison of two values per problem; the test flips the signs of whole clusters."""
    shared = [key for key in left if key in right]
    if not shared:
        raise InputError("the two runs have no graded problem in common")
    gaps = {key: left[key] - right[key] for key in shared}
    mean = math.fsum(gaps.values()) / len(gaps)
    half = _Z * _standard_error(gaps, mean)
    return Comparison(
        problems=len(shared),
        difference=mean,
        low=mean - half,
        high=mean + half,
        p_value=sign_flip_p([math.fsum(group) for group in _by_cluster(gaps).values()], seed),
        wins=tuple(key for key, gap in gaps.items() if gap > 0),
        losses=tuple(key for key, gap in gaps.items() if gap < 0),
        ties=sum(gap == 0 for gap in gaps.values()),
    )


def sign_flip_p(gaps: Sequence[float], seed: int = 0, rounds: int = 10_000) -> float:
    """The two-sided p-value of "each difference could as well have the other sign".

    Exact for at most 16 differences other than 0; else from `rounds` random flips (then never 0).
    """
    moved = [gap for gap in gaps if gap != 0]
    if not moved:
        return 1.0
    observed = abs(math.fsum(moved)) - 1e-12
    if len(moved) <= _EXACT_LIMIT:
        flips = itertools.product((-1, 1), repeat=len(moved))
        return sum(abs(_flipped(moved, signs)) >= observed for signs in flips) / 2 ** len(moved)
    generator = random.Random(seed)
    extreme = sum(abs(_flipped(moved, generator.choices((-1, 1), k=len(moved)))) >= observed for _ in range(rounds))
    return (extreme + 1) / (rounds + 1)


def _flipped(gaps: Sequence[float], signs: Sequence[int]) -> float:
    return sum(gap * sign for gap, sign in zip(gaps, signs, strict=True))


def _official_rates(rows: Sequence[Score], k: int) -> dict[str, float]:
    """As `rates`, but a problem whose list the official scorer cut below k uses what is left (1 if one passes)."""
    found: dict[str, float] = {}
    for key, group in by_problem(rows).items():
        n, c = counts(group, "official")
        found[key] = 1.0 if n - c < k and c else pass_at_k(n, c, min(k, n))
    return found


def _standard_error(values: Mapping[str, float], mean: float) -> float:
    """The clustered standard error of the mean; of problems that are their own clusters, the usual one."""
    sums = [math.fsum(value - mean for value in group) for group in _by_cluster(values).values()]
    if len(sums) < 2:
        return 0.0
    return math.sqrt(len(sums) / (len(sums) - 1) * math.fsum(part**2 for part in sums)) / len(values)


def _by_cluster(values: Mapping[str, float]) -> dict[str, list[float]]:
    groups: dict[str, list[float]] = defaultdict(list)
    for key, value in values.items():
        groups[cluster_of(key)].append(value)
    return groups
