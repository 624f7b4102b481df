import subprocess
import sys
from pathlib import Path

import pytest

from ray_app.errors import SandboxError
from ray_app.evaluation import benchmarks
from ray_app.evaluation.grade import grade_all
from ray_app.evaluation.verdicts import UNGRADED, Executor, Verdict, failed
from ray_app.records import Execution, Score
from ray_app.sandbox.api import Job, Sandbox

JOB = Job("def f():\n    return 1", ("f()",), trace=False)


def test_executor_starts_a_new_sandbox_where_one_broke() -> None:
    started: list[Sandbox] = []

    def start() -> Sandbox:
        started.append(Sandbox())
        return started[-1]

    with Executor(start=start) as executor:
        assert executor.run(JOB)
        started[-1].close()
        done = executor.run(JOB)
    assert done is not None
    assert done[0].output == "1"
    assert len(started) == 2


def test_executor_gives_up_without_a_verdict_when_every_sandbox_breaks() -> None:
    class Broken(Sandbox):
        def execute(self, *args: object, **kwargs: object) -> list[Execution]:
            raise SandboxError("gone")

    with Executor(attempts=2, start=Broken) as executor:
        assert executor.run(JOB) is None


def test_wall_time_out_is_never_a_verdict() -> None:
    assert failed(Execution("f()", "timeout-wall", None, None, "", 0, (), None)) == UNGRADED
    assert failed(Execution("f()", "timeout-cpu", None, None, "", 0, (), None)) == Verdict(False, False, "timeout")


@pytest.mark.slow
def test_verdicts_do_not_change_while_the_machine_is_busy(data: Path) -> None:
    """Two busy loops beside the graders: CPU limits decide, so every verdict is the same."""
    benchmark = benchmarks.load("cruxeval_input", data)
    rows = [
        Score(benchmark.name, item.id, n, "", "", "", answer, None, None, "ungraded")
        for item in benchmark.items[:200]
        for n, answer in enumerate((item.gold, "f()", "f('x' * 3)"))
    ]
    quiet = grade_all(benchmark, rows, 2)
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2)]
    try:
        assert grade_all(benchmark, rows, 2) == quiet
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()
