"""The gate that keeps benchmark problems out of the training data, by words, by code, by likeness and by behaviour.

words      the description shares a run of `words` words with a problem's text, or the code one of `code_words` words
           with a problem's code
code       a function equals a function of a problem's solution after renaming, reformatting and dropping annotations
likeness   the program is a near-duplicate of a problem's solution, as programs are of each other (`select.index`)
behaviour  the program gives the expected result for all tests of a problem that has at least `min_tests` of them

What is not promised: that a paraphrased description of another program for the same idea is found, or that behaviour is
compared where the program takes other kinds of arguments than the problem's tests give.
"""

import ast
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from ray_app.programs.benchmarks import WITHIN, Benchmark, Problem, Test, kind
from ray_app.programs.inputs import parse_call
from ray_app.programs.normalise import functions
from ray_app.programs.select.index import Index
from ray_app.records import Execution, Program, Reject
from ray_app.sandbox.api import Job, Sandbox, shared
from ray_app.sandbox.limits import Limits

STAGE = "decontaminate"
CONTAMINATED = "contaminated: "
"""What the reason of every Reject of the gate begins with."""

_WORD = re.compile(r"[A-Za-z0-9_]+")


How = Literal["words", "code", "likeness", "behaviour"]


@dataclass(frozen=True, slots=True)
class GateConfig:
    """Lengths of shared runs, the least size of a function that is compared (of a helper, which many programs share by
    chance: `min_helper_nodes`), and of a test suite that decides. `threshold`: the Jaccard similarity from which on a
    program is too like a solution, if that has at least `min_runs` runs of tokens."""

    words: int = 10
    code_words: int = 24
    min_nodes: int = 8
    min_helper_nodes: int = 18
    threshold: float = 0.8
    min_runs: int = 24
    min_tests: int = 3
    min_results: int = 2
    max_tests: int = 20
    cpu_s: float = 0.05
    batch: int = 64


@dataclass(frozen=True, slots=True)
class Match:
    """One reason to refuse a program: the problem it resembles, how, and the evidence."""

    benchmark: str
    item_id: str
    how: How
    evidence: str


@dataclass(frozen=True, slots=True)
class GateReport:
    """What the dataset card says: the files (name, sha256, problems) checked against, and how many programs were
    refused, by what they share and by benchmark."""

    files: tuple[tuple[str, str, int], ...]
    checked: int
    refused: int
    by_reason: tuple[tuple[str, int], ...]
    by_benchmark: tuple[tuple[str, int], ...]


class Gate:
    """Indexes benchmark problems once; then `matches` and `admit` judge programs."""

    def __init__(self, benchmarks: Sequence[Benchmark], config: GateConfig | None = None) -> None:
        self._config = config or GateConfig()
        self._text_runs: dict[str, Problem] = {}
        self._code_runs: dict[str, Problem] = {}
        self._functions: dict[str, Problem] = {}
        self._solutions = Index(self._config.threshold)
        self._solved: dict[str, Problem] = {}
        self._suites: dict[tuple[str, ...], list[tuple[Problem, tuple[Test, ...]]]] = defaultdict(list)
        seen: set[tuple[Test, ...]] = set()
        for problem in (problem for benchmark in benchmarks for problem in benchmark.problems):
            self._add(problem, seen)

    def admit(self, programs: Iterable[Program], sandbox: Sandbox | None = None) -> Iterator[Program | Reject]:
        """Each program that matches no problem, in order, and a Reject naming the problems for each that does."""
        stream = iter(programs)
        while batch := list(islice(stream, self._config.batch)):
            for program, found in zip(batch, self.matches(batch, sandbox), strict=True):
                if not found:
                    yield program
                    continue
                named = "; ".join(f"{match.benchmark}/{match.item_id} ({match.how})" for match in found[:5])
                yield Reject(STAGE, program.id, CONTAMINATED + found[0].how, f"{program.origin}: {named}")

    def matches(self, programs: Sequence[Program], sandbox: Sandbox | None = None) -> list[list[Match]]:
        """For each program, the problems it resembles; static checks first, behaviour only for those they pass."""
        found = [self._static(program) for program in programs]
        suites = [[] if same else self._suites_for(program) for program, same in zip(programs, found, strict=True)]
        sandbox = sandbox or shared()
        probes = sandbox.execute_many(
            [self._job(p, [(s[1][0],) for s in each]) for p, each in zip(programs, suites, strict=True)]
        )
        passed = [
            [suite for suite, run in zip(each, runs, strict=True) if _agrees(suite[1][0], run)]
            for each, runs in zip(suites, list(probes), strict=True)
        ]
        rest = sandbox.execute_many(
            [self._job(p, [s[1] for s in each]) for p, each in zip(programs, passed, strict=True)]
        )
        for matches, each, runs in zip(found, passed, list(rest), strict=True):
            answers = iter(runs)
            for problem, tests in each:
                given = list(islice(answers, len(tests)))
                if all(_agrees(test, run) for test, run in zip(tests, given, strict=True)):
                    matches.append(Match(problem.benchmark, problem.id, "behaviour", f"passes {len(tests)} tests"))
        return found

    def _add(self, problem: Problem, seen: set[tuple[Test, ...]]) -> None:
        for run in _runs(problem.text, self._config.words):
            self._text_runs.setdefault(run, problem)
        for code in problem.codes:
            for run in _runs(code, self._config.code_words):
                self._code_runs.setdefault(run, problem)
            for _, _, function in _functions(code, self._config.min_nodes):
                self._functions.setdefault(function, problem)
            if self._solutions.size(code) >= self._config.min_runs:
                self._solved.setdefault(f"{problem.benchmark}/{problem.id}", problem)
                self._solutions.add(f"{problem.benchmark}/{problem.id}", code)
        tests = problem.tests[: self._config.max_tests]
        enough = len(tests) >= self._config.min_tests
        if enough and len({test.expected for test in tests}) >= self._config.min_results and tests not in seen:
            seen.add(tests)
            self._suites[tests[0].kinds].append((problem, tests))

    def _static(self, program: Program) -> list[Match]:
        found: list[Match] = []
        for run in _runs(program.description, self._config.words):
            if run in self._text_runs:
                found.append(_match(self._text_runs[run], "words", run))
        for run in _runs(program.code, self._config.code_words):
            if run in self._code_runs:
                found.append(_match(self._code_runs[run], "words", run))
        for name, size, function in _functions(program.code, self._config.min_nodes):
            known = name == program.entry or size >= self._config.min_helper_nodes
            if known and function in self._functions:
                found.append(_match(self._functions[function], "code", function[:80]))
        if not found and (solution := self._solutions.find(program.code)) is not None:
            found.append(_match(self._solved[solution], "likeness", f"Jaccard of {self._config.threshold:g} or more"))
        return list({(match.benchmark, match.item_id, match.how): match for match in found}.values())

    def _suites_for(self, program: Program) -> list[tuple[Problem, tuple[Test, ...]]]:
        """The test suites whose argument kinds are those of one of the program's own calls."""
        signatures: dict[tuple[str, ...], None] = {}
        for text in program.calls:
            call = parse_call(text, program.entry)
            if call is not None:
                signatures.setdefault(tuple(kind(value) for value in (*call.args, *(v for _, v in call.keywords))))
        return [suite for signature in signatures for suite in self._suites.get(signature, ())]

    def _job(self, program: Program, suites: Sequence[Sequence[Test]]) -> Job:
        calls = tuple(f"{program.entry}({test.arguments})" for tests in suites for test in tests)
        return Job(program.code, calls, Limits(cpu_s=self._config.cpu_s), trace=False)


def report(benchmarks: Sequence[Benchmark], checked: int, rejects: Iterable[Reject]) -> GateReport:
    """The figures of a finished `admit` of `checked` programs; rejects of other filters are left out."""
    reasons, hits = Counter[str](), Counter[str]()
    for row in rejects:
        if row.reason.startswith(CONTAMINATED):
            reasons[row.reason.removeprefix(CONTAMINATED)] += 1
            hits.update({part.partition("/")[0] for part in row.detail.rpartition(": ")[2].split("; ")})
    return GateReport(
        tuple((benchmark.name, benchmark.sha256, len(benchmark.problems)) for benchmark in benchmarks),
        checked,
        sum(reasons.values()),
        tuple(sorted(reasons.items())),
        tuple(sorted(hits.items())),
    )


def _match(problem: Problem, how: How, evidence: str) -> Match:
    return Match(problem.benchmark, problem.id, how, evidence)


def _runs(text: str, length: int) -> set[str]:
    words = [word.lower() for word in _WORD.findall(text)]
    return {" ".join(words[at : at + length]) for at in range(len(words) - length + 1)}


def _functions(code: str, min_nodes: int) -> list[tuple[str, int, str]]:
    try:
        return functions(code, min_nodes)
    except (SyntaxError, ValueError, RecursionError):
        return []


_DICTS = re.compile(r"^(?:Counter|OrderedDict)\((\{.*\})\)$", re.DOTALL)
_SAME_TRUTH = frozenset({("<Match>", "True"), ("None", "False")})


def _agrees(test: Test, run: Execution) -> bool:
    """Whether the result is the expected value as the benchmarks' own checks see it: equal as Python values, so that
    1 == 1.0, [1] != (1,) and a Counter is a dict; floats nearly; a match object or None where a truth is expected.
    """
    if run.status != "ok" or run.output is None:
        return False
    if run.output == test.expected or (run.output, test.expected) in _SAME_TRUTH:
        return True
    try:
        found, wanted = ast.literal_eval(_DICTS.sub(r"\1", run.output)), ast.literal_eval(test.expected)
        if test.within:
            found, wanted = WITHIN[test.within](found), WITHIN[test.within](wanted)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return False
    if isinstance(found, float) and isinstance(wanted, float):
        return math.isclose(found, wanted, rel_tol=1e-4)
    return bool(found == wanted)
