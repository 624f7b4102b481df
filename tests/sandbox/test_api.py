import dataclasses
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ray_app.errors import InputError, SandboxError
from ray_app.sandbox.api import COMPANY, Job, Sandbox
from ray_app.sandbox.limits import Limits
from ray_app.tracing.canonical import canonical

ROOT = Path(__file__).resolve().parents[2]
CRUXEVAL = ROOT.parent / "shared" / "data" / "cruxeval" / "cruxeval.jsonl"


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as running:
        yield running


def one(sandbox, code, call="f()", **options):
    (execution,) = sandbox.execute(code, [call], **options)
    return execution


def test_execute_each_call_runs_in_a_fresh_module(sandbox):
    code = "seen = []\ndef f(x):\n    seen.append(x)\n    return seen"
    assert [e.output for e in sandbox.execute(code, ["f(1)", "f(2)"])] == ["[1]", "[2]"]


def test_execute_child_dies_in_second_call_only_that_call_is_charged(sandbox):
    code = "import os\ndef f(x):\n    return os._exit(0) if x == 2 else x"
    statuses = [e.status for e in sandbox.execute(code, ["f(1)", "f(2)", "f(3)"])]
    assert statuses == ["ok", "early-exit", "ok"]


def test_execute_endless_loop_is_a_cpu_timeout_with_its_trace(sandbox):
    execution = one(sandbox, "def f():\n    n = 0\n    while True: n += 1", limits=Limits(cpu_s=0.1))
    assert execution.status == "timeout-cpu"
    assert execution.cpu_us >= 100_000
    assert execution.trace.truncated
    assert execution.trace.events[2].changes[0].value == "0"


def test_execute_compiler_that_runs_out_of_time_shows_no_other_programs_trace(sandbox):
    nested = [f"{' ' * depth}try: pass\n{' ' * depth}finally:\n" for depth in range(1, 19)]
    assert one(sandbox, "def f(): return 1").status == "ok"
    execution = one(sandbox, f"def f():\n{''.join(nested)}{' ' * 19}x = 1\n", limits=Limits(cpu_s=0.05))
    assert execution.status == "timeout-cpu"
    assert execution.trace.events == ()


def test_execute_waiting_program_is_retried_and_recorded_as_wall_timeout(sandbox):
    code = "import threading\nlock = threading._shutdown_locks_lock\nlock.acquire()\ndef f():\n    lock.acquire()"
    executions = sandbox.execute(code, ["f()", "1 + 1"], Limits(wall_s=0.2))
    assert [e.status for e in executions] == ["timeout-wall", "ok"]


def test_execute_sleep_returns_at_once(sandbox):
    assert one(sandbox, "import time", "time.sleep(3600)").status == "ok"


C_STACK_OVERFLOW = "signal" if sys.version_info < (3, 12) else "exception"  # since 3.12 Python counts C calls


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("def f(): return 1 / 0", "exception"),
        ("def f(): raise SystemExit(3)", "system-exit"),
        ("def f(): exit(3)", "system-exit"),
        ("def f(): return 'x' * (1 << 40)", "memory"),
        ("def f(: pass", "compile-error"),
        ("def f(): return 'x' * 100_000", "truncated"),
        ("import gc\ndef f(): gc.get_objects()", "tampered"),
        (
            "import sys\nsys.setrecursionlimit(10**9)\ndef f(): return [x for x in map(lambda _: f(), [1])]",
            C_STACK_OVERFLOW,
        ),
        ("1 / 0", "exception"),
    ],
)
def test_execute_each_way_to_end_has_its_status(sandbox, code, status):
    execution = one(sandbox, code)
    assert execution.status == status
    assert execution.output is None


def test_execute_captures_stdout_up_to_its_cap(sandbox):
    execution = one(sandbox, "def f(): print('ab' * 100)", limits=Limits(stdout_chars=5))
    assert (execution.status, execution.stdout) == ("ok", "ababa")


def test_execute_refused_system_call_flags_the_result(sandbox):
    execution = one(sandbox, "import os\ndef f():\n try: os.pipe()\n except OSError: return 0")
    assert (execution.output, execution.flags) == ("0", ("denied:pipe2",))


@pytest.mark.parametrize("letter", ["a", "é", "語", "😀"])
def test_execute_long_names_of_what_is_refused_lead_no_answer_astray(sandbox, letter):
    code = f"def f():\n    try: __import__('a' + {letter!r} * 250)\n    except ImportError: return 0"
    jobs = [Job(code, ("f()",)), *(Job(f"def f(): return {n}", ("f()",)) for n in range(1, 80))]
    results = [results[0] for results in sandbox.execute_many(jobs)]
    assert [result.output for result in results] == [str(n) for n in range(80)]
    assert any(letter * 20 in flag for flag in results[0].flags)


def test_execute_many_library_modules_are_there_and_flag_nothing(sandbox):
    names = (
        "abc bisect collections copy dataclasses datetime decimal enum fractions functools heapq itertools json math"
    )
    names += " mmap operator random re statistics string time typing"
    for name in names.split():
        execution = one(sandbox, f"import {name}\ndef f(): return {name}.__name__")
        assert (execution.output, execution.flags) == (repr(name), ()), name


def test_execute_codec_that_no_tier_has_at_first_is_found(sandbox):
    execution = one(sandbox, "def f(): return 'あ'.encode('shift_jis')")
    assert (execution.output, execution.flags) == (r"b'\x82\xa0'", ())


def test_execute_dataclass_with_string_annotations_works(sandbox):
    code = "from __future__ import annotations\nfrom dataclasses import dataclass\n@dataclass\nclass P:\n    x: int\n"
    assert one(sandbox, code, "P(2)").output == "P(x=2)"


def test_execute_name_is_not_main(sandbox):
    assert one(sandbox, "n = __name__", "n != '__main__'").output == "True"


def test_execute_many_more_trace_than_a_slot_holds_is_continued_in_another_child(sandbox):
    code = "def f(n):\n    x = 'a' * 500\n    for i in range(n):\n        x = x[1:] + str(i % 10)\n    return i"
    limits = Limits(trace_events=20_000, cpu_s=5.0)
    executions = sandbox.execute(code, ["f(6000)"] * 14, limits)
    assert [e.output for e in executions] == ["5999"] * 14
    assert all(e.trace == executions[0].trace for e in executions)


def test_execute_twice_flags_what_depends_on_chance_and_nothing_else(sandbox):
    code = "import random\ndef f(): return random.random()\ndef g(): return {'a', 'b', 'c'}"
    executions = sandbox.execute(code, ["f()", "g()", "hash('a')"], twice=True)
    assert [e.flags for e in executions] == [("nondeterministic",), (), ("nondeterministic",)]


def test_execute_many_keeps_the_order_and_the_rows_of_hostile_neighbours(sandbox):
    codes = [f"def f(): return {n}" if n % 3 else "import os\ndef f(): os._exit(0)" for n in range(40)]
    results = list(sandbox.execute_many(Job(code, ("f()",)) for code in codes))
    assert [r[0].output for r in results] == [str(n) if n % 3 else None for n in range(40)]


def test_execute_fast_lane_culprit_is_charged_alone(sandbox):
    codes = [f"def f(): return {n}" for n in range(20)]
    codes[7] = "def f():\n    while True: pass"
    results = list(sandbox.execute_many((Job(c, ("f()",), Limits(cpu_s=0.1)) for c in codes), lane="fast"))
    assert [r[0].output for r in results] == [None if n == 7 else str(n) for n in range(20)]
    assert results[7][0].status == "timeout-cpu"


@pytest.mark.parametrize("lane", ["safe", pytest.param("fast", marks=pytest.mark.slow)])
def test_execute_cruxeval_gives_every_recorded_output(sandbox, lane):
    if not CRUXEVAL.exists():
        pytest.skip(f"no {CRUXEVAL.name}")
    rows = [json.loads(line) for line in CRUXEVAL.read_text().splitlines()]
    jobs = [Job(row["code"], (f"f({row['input']})",)) for row in rows]
    results = list(sandbox.execute_many(jobs, lane=lane))
    wrong = [
        row["id"]
        for row, (execution,) in zip(rows, results, strict=True)
        if execution.output != canonical(eval(row["output"]), 16_384) or execution.flags
    ]
    assert wrong == []


def test_execute_many_whole_companies_that_may_not_share_are_sent_one_by_one(sandbox):
    """More jobs follow from one answer than a socket holds, whose server then waits to be read itself."""
    codes = [f"class A: pass\ndef f(): return {n}" for n in range(2 * COMPANY)]
    results = list(sandbox.execute_many((Job(code, ("f()",)) for code in codes), lane="fast"))
    assert [one.output for (one,) in results] == [str(n) for n in range(2 * COMPANY)]


def test_execute_many_what_is_queued_is_counted_in_bytes(sandbox):
    """A long answer is on its way while a program comes that has four bytes for each of its characters."""
    long = Job("def f(): return 'x' * 16_000", ("f()",) * 40)
    wide = Job(f"def f(): return len({chr(0x1F600) * 60_000!r})", ("f()",))
    results = list(sandbox.execute_many([long, wide, long, wide]))
    assert [calls[-1].output for calls in results] == [repr("x" * 16_000), "60000"] * 2


ODD = [
    "def f(:",
    "def f(): return 1 / 0",
    "import sys\ndef f(): sys.exit(3)",
    "raise SystemExit",
    "def f():\n    print('a', end='\\udc80' if False else 'b')\n    return ...",
    "import os\ndef f(): os.listdir('/')",
    "import nowhere",
    "def f():\n    import sys\n    sys.stdout.buffer.write(b'\\xff')\n    sys.stdout.close()\n    return 1",
    "import sys\ndef f():\n    sys.unraisablehook = None\n    return 1",
    "import sys\ndef f():\n    sys.settrace(None)\n    return 1",
    "class A:\n    def __del__(self): raise ValueError('late')\ndef f():\n    A()\n    return A",
    "def f(): return 'x' * 100_000",
    "def f(): raise KeyError('k', 1)",
    "class E(Exception):\n    def __str__(self): return 'never asked'\ndef f(): raise E(1)",
    "def f():\n    yield 1",
    "def f(): return input()",
]


def outcomes(sandbox, jobs, lane="safe"):
    return [
        [dataclasses.replace(execution, cpu_us=0) for execution in executions]
        for executions in sandbox.execute_many(jobs, lane=lane)
    ]


def test_execute_lanes_and_children_in_c_and_python_leave_the_same(sandbox):
    rows = [json.loads(line) for line in CRUXEVAL.read_text().splitlines()[:200]] if CRUXEVAL.exists() else []
    jobs = [Job(code, ("f()", "list(f())")) for code in ODD]
    jobs += [Job(row["code"], (f"f({row['input']})",)) for row in rows]
    expected = outcomes(sandbox, jobs)
    assert outcomes(sandbox, jobs, "fast") == expected
    with Sandbox(without=["extension"]) as python:
        assert outcomes(python, jobs) == expected


def test_sandbox_unknown_layer_is_an_input_error():
    with pytest.raises(InputError, match="nonsense"):
        Sandbox(require=["nonsense"])


def test_sandbox_missing_required_layer_is_refused():
    with pytest.raises(SandboxError, match="landlock"):
        Sandbox(require=["landlock"], without=["landlock"])


def test_sandbox_server_killed_raises_and_does_not_hang():
    with Sandbox() as sandbox:
        os.kill(sandbox.server_pids[0], signal.SIGKILL)
        with pytest.raises(SandboxError, match="ended"):
            _ = [sandbox.execute("def f(): return 1", ["f()"]) for _ in range(1_000)]  # its fork lives a moment longer


def test_sandbox_started_in_a_thread_outlives_the_thread():
    started: list[Sandbox] = []
    thread = threading.Thread(target=lambda: started.append(Sandbox()))
    thread.start()
    thread.join()
    with started[0] as sandbox:
        assert one(sandbox, "def f(): return 1").output == "1"


def test_sandbox_dies_with_a_killed_parent():
    script = "import os, signal\nfrom ray_app.sandbox.api import Sandbox\ns = Sandbox()\n"
    script += "print(s.server_pids[0], flush=True)\nos.kill(os.getpid(), signal.SIGKILL)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    pid = int(done.stdout)
    for _ in range(500):
        stat = Path(f"/proc/{pid}/stat")
        if not stat.exists() or ") Z " in stat.read_text():
            return
        os.sched_yield()
        subprocess.run(["/bin/true"], check=True)
    pytest.fail(f"server {pid} is still running")
