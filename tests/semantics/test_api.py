from dataclasses import replace

import pytest

from ray_app.sandbox.api import Sandbox
from ray_app.sandbox.limits import Limits
from ray_app.semantics.api import LIMITS, Job, record, record_many
from ray_app.semantics.fitness import looks_at_itself
from tests.semantics.local import record as record_here
from tests.semantics.programs import PROGRAMS


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as box:
        yield box


@pytest.mark.parametrize("name", [name for name in PROGRAMS if name != "looks"])
def test_records_in_the_sandbox_are_those_of_the_twin(sandbox, name):
    code, call = PROGRAMS[name]
    recording = record(code, call, sandbox=sandbox)
    assert recording.reason == ""
    assert recording.run == record_here(code, call)


@pytest.mark.parametrize("lane", ["safe", "fast"])
def test_both_lanes_record_the_same(sandbox, lane):
    jobs = [Job(code, (call,), LIMITS) for name, (code, call) in PROGRAMS.items() if name != "looks"]
    recorded = [recordings[0] for recordings in record_many(jobs, lane=lane, sandbox=sandbox)]
    assert [made.reason for made in recorded] == [""] * len(jobs)
    assert [made.run for made in recorded] == [record_here(job.code, job.calls[0]) for job in jobs]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import inspect\ndef f():\n    return 1\n", "looks at itself: inspect"),
        ("import sys\ndef f():\n    return sys._getframe().f_lineno\n", "looks at itself: _getframe"),
        ("def f():\n    return f.__code__.co_name\n", "looks at itself: __code__"),
        ("def f():\n    here = locals()\n    return len(here)\n", "looks at itself: locals()"),
        ("import builtins\nbuiltins.len = lambda x: 7\ndef f():\n    return len('a')\n", "patches built-ins"),
        ("def f():\n    return len(getattr(f, '__co' + 'de__').co_names)\n", ""),
        ("def f():\n    return getattr(getattr(f, '__co' + 'de__'), 'co_' + 'consts')[0]\n", "differs when recorded"),
        ("def f():\n    n = 0\n    while n < 15_000:\n        n += 1\n    return n\n", "over budget: events"),
        ("def f():\n    while True:\n        pass\n", "run not finished: timeout-cpu"),
        ("def f(:\n", "code does not parse"),
        ("import random\ndef f():\n    x = random.random()\n    return 1\n", "nondeterministic"),
        ("def f():\n    return 1\n", ""),
        ("def f():\n    return g()\n", ""),
    ],
)
def test_programs_that_cannot_be_recorded_get_a_reason(sandbox, code, reason):
    good = Job("def g(x):\n    return x\n", ("g(1)",), LIMITS)
    bad = Job(code, ("f()",), replace(LIMITS, cpu_s=0.2))
    before, middle, after = (made[0] for made in record_many([good, bad, good], sandbox=sandbox))
    assert (middle.reason, middle.run is None) == (reason, bool(reason))
    assert before.run == after.run != None  # noqa: E711


def test_a_cut_run_is_there_where_it_was_asked_for(sandbox):
    code = "def f():\n    n = 0\n    while True:\n        n += 1\n"
    made = record(code, "f()", Limits(cpu_s=0.2, trace_events=500), partial=True, sandbox=sandbox)
    assert made.reason == "run not finished: timeout-cpu"
    assert made.run is not None
    assert (made.run.cut, made.run.frames[0].end, len(made.run.steps) > 100) == (True, "cut", True)


def test_looking_at_a_name_alone_is_no_reason():
    assert looks_at_itself("def f(trace, dis):\n    return sorted(locals()['trace'])\n") == ""
