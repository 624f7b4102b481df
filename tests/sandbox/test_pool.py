import os
import signal
import threading
from pathlib import Path

import pytest
import ray

from ray_app.sandbox.api import Job
from ray_app.sandbox.limits import Limits
from ray_app.sandbox.pool import BATCH, SERVER_DIED, Pool, Worker


@pytest.fixture(scope="module")
def cluster():
    ray.init(
        address="local",
        num_cpus=2,
        object_store_memory=100_000_000,
        include_dashboard=False,
        log_to_driver=False,
    )
    yield
    ray.shutdown()


def test_worker_server_killed_between_batches_loses_no_row():
    worker = Worker()
    jobs = [Job(f"def f(): return {n}", ("f()",)) for n in range(5)]
    assert [r[0].output for r in worker.run(jobs, "safe", False)] == list("01234")
    os.kill(worker.server_pids()[0], signal.SIGKILL)
    assert [r[0].output for r in worker.run(jobs, "safe", False)] == list("01234")
    worker.sandbox.close()


def test_worker_closed_sandbox_is_started_again_and_charges_no_program():
    worker = Worker()
    execute_many = worker.sandbox.execute_many
    assert SERVER_DIED not in str(list(execute_many([Job("", ("1",))])))
    worker.sandbox.close()
    results = worker.run([Job("def f(): return 1", ("f()",))] * 3, "safe", False)
    assert [r[0].output for r in results] == ["1", "1", "1"]
    worker.sandbox.close()


def busy_descendant(pid: int) -> bool:
    """Whether a process below this one has used a tenth of a second of CPU time by itself."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        ticks = [int(Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[11]) for child in children]
    except OSError:
        return False
    return any(tick >= 10 for tick in ticks) or any(busy_descendant(int(child)) for child in children)


def test_worker_program_that_takes_the_server_with_it_is_charged_alone():
    worker = Worker()
    spinning = Job("def f():\n    while True: pass", ("f()", "f()"), Limits(cpu_s=30.0, wall_s=60.0))
    jobs = [Job(f"def f(): return {n}", ("f()",)) for n in range(40)]
    jobs.insert(25, spinning)
    over, killed = threading.Event(), []

    def kill_the_server_while_it_spins():
        while not over.wait(0.01):
            for pid in worker.server_pids():
                if busy_descendant(pid):
                    os.kill(pid, signal.SIGKILL)
                    killed.append(pid)

    killer = threading.Thread(target=kill_the_server_while_it_spins)
    killer.start()
    results = worker.run(jobs, "safe", False)
    over.set()
    killer.join()
    charged = results.pop(25)
    assert [(call.status, call.flags) for call in charged] == [("signal", (SERVER_DIED,))] * 2
    assert [result[0].output for result in results] == [str(n) for n in range(40)]
    assert len(set(killed)) == 2
    worker.sandbox.close()


@pytest.mark.slow
def test_pool_results_stream_in_order_and_servers_are_gone_afterwards(cluster):
    count = 3 * BATCH + 5
    with Pool(actors=2) as pool:
        assert "seccomp" in pool.layers
        pids = [pid for actor in pool.actors for pid in ray.get(actor.server_pids.remote())]
        jobs = (Job(f"def f(): return {n}", ("f()",)) for n in range(count))
        assert [r[0].output for r in pool.execute_many(jobs)] == [str(n) for n in range(count)]
    for _ in range(10_000):
        if not any(os.path.exists(f"/proc/{pid}") for pid in pids):
            return
        os.sched_yield()
        ray.cluster_resources()
    pytest.fail("a server outlived its actor")
