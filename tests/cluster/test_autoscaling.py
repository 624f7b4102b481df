"""The shape of cluster.yaml, launched for real with fake nodes: workers come with the work and go with it."""

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import ray
import yaml

from ray_app.records import Monologue
from ray_app.store import Dataset
from tests.cluster.fake_cluster import fake_cluster, living
from tests.processes import no_orphans, wait_for

PROJECT = Path(__file__).parents[2]


def small_workers() -> dict[str, Any]:
    """The worker types of cluster.yaml with few cores each, so that several fit on this machine."""
    types = yaml.safe_load((PROJECT / "cluster.yaml").read_text())["available_node_types"]
    types.pop("head")
    types["sandbox"] |= {"max_workers": 3, "resources": {"CPU": 1, "sandbox": 1}}
    types["a6000"] |= {"resources": {"CPU": 2, "GPU": 8, "sandbox": 2}}
    return {name: {**kind, "node_config": {}} for name, kind in types.items()}


@pytest.mark.slow
def test_autoscaling_synthesize_makes_workers_appear_and_they_go_when_idle(tmp_path):
    seen: list[int] = []
    gpus: list[float] = []
    with no_orphans(), fake_cluster(small_workers()) as address:
        ray.init(address=address, log_to_driver=False, logging_level="ERROR")
        try:
            assert len(living()) == 1
            ended = threading.Event()

            def watch() -> None:
                while not ended.wait(0.2):
                    nodes = living()
                    seen.append(len(nodes) - 1)
                    gpus.append(sum(node.get("GPU", 0) for node in nodes))

            watcher = threading.Thread(target=watch)
            watcher.start()
            environment = {**os.environ, "RAY_ADDRESS": address, "RAY_AUTH_MODE": "disabled"}
            job = [sys.executable, "-m", "tests.pipelines.tiny", str(tmp_path)]
            done = subprocess.run(job, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
            ended.set()
            watcher.join()
            assert done.returncode == 0, done.stderr
            assert max(seen) >= 2
            assert max(gpus) == 0  # work for CPUs starts no machine with GPUs
            wait_for(lambda: len(living()) == 1, "all workers go away", 240)
        finally:
            ray.shutdown()
    assert len(list(Dataset(str(tmp_path), "monologues").read(Monologue))) > 20
