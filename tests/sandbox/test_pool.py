import os
import signal

import pytest
import ray

from ray_app.sandbox.api import Job
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
