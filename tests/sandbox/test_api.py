import pytest

from ray_app.sandbox.api import Sandbox
from ray_app.sandbox.limits import Limits


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as running:
        yield running


def test_execute_each_call_runs_in_a_fresh_module(sandbox):
    code = "seen = []\ndef f(x):\n    seen.append(x)\n    return seen"
    assert [e.output for e in sandbox.execute(code, ["f(1)", "f(2)"], trace=False)] == ["[1]", "[2]"]


def test_execute_child_dies_in_second_call_only_that_call_is_charged(sandbox):
    code = "import os\ndef f(x):\n    return os._exit(0) if x == 2 else x"
    statuses = [e.status for e in sandbox.execute(code, ["f(1)", "f(2)", "f(3)"], trace=False)]
    assert statuses == ["ok", "early-exit", "ok"]


def test_execute_endless_loop_is_a_cpu_timeout(sandbox):
    (execution,) = sandbox.execute("def f():\n    while True: pass", ["f()"], Limits(cpu_s=0.1), trace=False)
    assert execution.status == "timeout-cpu"
    assert execution.cpu_us >= 100_000
