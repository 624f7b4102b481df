"""The C tracer and the Python tracer write the same bytes, program after program.

Named policies, where they may differ (none occurs in CRUXEval, HumanEval or the mined functions):
    locals-dict      a dict that the program got from `locals()` is refreshed by the Python tracer (before Python 3.13)
    recursion        near the recursion limit the Python tracer truncates, as it needs frames itself
    own-dict         a class that defines `__dict__` itself hides its attributes from the Python tracer only
"""

import importlib
import io
import itertools
import json
import mmap
import random
import struct
import sys
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from ray_app.programs.mine import mine_trees
from ray_app.programs.sources import files, trees
from ray_app.records import Program as MinedProgram
from ray_app.sandbox import warm
from ray_app.tracing import reader, recorder
from tests.tracing import corpora
from tests.tracing.confined import run_confined
from tests.tracing.corpora import Program
from tests.tracing.tricky_programs import tricky

BATCH, BATCH_CPU_S, SINGLE_CPU_S = 25, 10, 4

POLICIES = {"frame tricks": "locals-dict"} if sys.version_info < (3, 13) else {}

pytestmark = pytest.mark.skipif(recorder.c_recorder is None, reason="the C extension is not built")


def recorded(tracer: recorder.Recorder, program: Program, buffer: memoryview) -> tuple[str, bytes]:
    """How the call ended and the bytes of its trace."""
    _, code, call = program
    space: dict[str, object] = {"__name__": "program"}
    random.seed(0)
    try:
        exec(compile(code, "<program>", "exec"), space)
        expression = compile(call, "<call>", "eval")
    except BaseException as error:
        return f"not called: {type(error).__name__}", b""
    tracer.start(buffer, "<program>", value_chars=512, max_events=4096)
    end = "ok"
    try:
        eval(expression, space)
    except BaseException as error:
        end = type(error).__name__
    finally:
        tracer.stop()
    (size,) = struct.unpack_from("=Q", buffer)
    return end, bytes(buffer[8 : 8 + size])


def difference(program: Program, buffer: memoryview) -> tuple[str, str | None]:
    """How the program ended, and the first event in which the two traces differ, if one does."""
    assert recorder.c_recorder is not None
    expected = recorded(recorder.python_recorder, program, buffer)
    found = recorded(recorder.c_recorder, program, buffer)
    if found == expected:
        return expected[0], None
    pairs = itertools.zip_longest(*(reader.Reader(data).trace().events for _, data in (expected, found)))
    first = next(((a, b) for a, b in pairs if a != b), (expected[0], found[0]))
    return expected[0], f"{program[0]}: python {first[0]}, c {first[1]}"


def differences(programs: list[Program]) -> tuple[Counter[str], list[str]]:
    """The ends of all programs, and the differences, from confined children; hanging programs count as "killed"."""
    warm.load("full")
    importlib.import_module("random")

    def work(batch: list[Program]) -> Callable[[], str]:
        def run() -> str:
            sys.stdout = io.StringIO()
            buffer = memoryview(mmap.mmap(-1, 4 << 20))
            return json.dumps([difference(program, buffer) for program in batch])

        return run

    def outcomes(batch: list[Program]) -> Iterator[tuple[str, str | None]]:
        try:
            cpu_s = BATCH_CPU_S if len(batch) > 1 else SINGLE_CPU_S
            yield from json.loads(run_confined(work(batch), cpu_s=cpu_s))
        except RuntimeError:
            if len(batch) == 1:
                yield "killed", None
            for program in batch if len(batch) > 1 else []:
                yield from outcomes([program])

    ends: Counter[str] = Counter()
    found: list[str] = []
    for start in range(0, len(programs), BATCH):
        for end, differs in outcomes(programs[start : start + BATCH]):
            ends[end] += 1
            found += [differs] if differs else []
    return ends, found


def needs_data() -> None:
    if not corpora.DATA.exists():
        pytest.skip(f"{corpora.DATA} is absent")


@pytest.mark.parametrize("program", tricky(), ids=lambda program: program[0])
def test_tracers_agree_on_tricky_programs(program: Program) -> None:
    _, differs = difference(program, memoryview(mmap.mmap(-1, 1 << 20)))
    assert differs is None or program[0] in POLICIES


def test_tracers_agree_on_all_of_cruxeval() -> None:
    needs_data()
    assert differences(corpora.cruxeval()) == (Counter(ok=800), [])


@pytest.mark.slow
def test_tracers_agree_on_humaneval_solutions_under_their_tests() -> None:
    needs_data()
    assert differences(corpora.humaneval()) == (Counter(ok=164), [])


@pytest.mark.slow
def test_tracers_agree_on_two_thousand_mined_functions() -> None:
    rows = mine_trees(trees(files()))  # tree by tree: nobody waits for every installed file to be parsed
    programs = (row for row in rows if isinstance(row, MinedProgram) and row.calls)
    jobs = [(row.origin, row.code, row.calls[0]) for row in itertools.islice(programs, 2_000)]
    ends, found = differences(jobs)
    assert found == []
    assert ends["ok"] > 800
    assert ends["killed"] < 20
