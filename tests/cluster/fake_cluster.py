"""A cluster that scales itself, on one machine: Ray's autoscaler v2 with its fake provider of nodes.

Every node is a raylet of its own that believes to be a machine; nodes start when work is pending and go when idle.
"""

import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ray.autoscaler._private.fake_multi_node.node_provider import FAKE_HEAD_NODE_ID

from cluster.local import free_port
from ray_app.runner import AT_MOST
from tests.processes import wait_for

PROVIDER = "ray.autoscaler._private.fake_multi_node.node_provider.FakeMultiNodeProvider"


def config_of(
    workers: Mapping[str, Mapping[str, Any]], address: str, idle_s: float, promised: Mapping[str, int]
) -> dict[str, Any]:
    """What `ray start --autoscaling-config` takes: a head without CPUs and these worker types."""
    head = {"resources": {"CPU": 0, **promised}, "node_config": {}, "max_workers": 0}
    return {
        "cluster_name": "fake",
        "max_workers": sum(worker["max_workers"] for worker in workers.values()),
        "idle_timeout_minutes": idle_s / 60,
        "provider": {
            "type": "external",
            "module": PROVIDER,
            "disable_node_updaters": True,
            "disable_launch_config_check": True,
            "launch_multiple": True,
            "head_node_id": FAKE_HEAD_NODE_ID,
            "gcs_address": address,
        },
        "auth": {},
        "file_mounts": {},
        "cluster_synced_files": [],
        "file_mounts_sync_continuously": False,
        "rsync_exclude": [],
        "rsync_filter": [],
        "upscaling_speed": 20.0,
        **{f"{name}_commands": [] for name in ("initialization", "setup", "head_setup", "worker_setup")},
        **{f"{name}_start_ray_commands": [] for name in ("head", "worker")},
        "available_node_types": {"ray.head.default": head, **{name: dict(worker) for name, worker in workers.items()}},
        "head_node_type": "ray.head.default",
    }


def at_most(workers: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
    """What the head says of how far the workers grow."""
    cpus = sum(
        kind["max_workers"] * kind["resources"]["CPU"] for kind in workers.values() if "GPU" not in kind["resources"]
    )
    gpus = sum(kind["max_workers"] * kind["resources"].get("GPU", 0) for kind in workers.values())
    return {AT_MOST["CPU"]: cpus, AT_MOST["GPU"]: gpus}


@contextmanager
def fake_cluster(
    workers: Mapping[str, Mapping[str, Any]], idle_s: float = 3.0, missing_cpus: int = 0
) -> Iterator[dict[str, str]]:
    """A running cluster that starts with its head alone: the environment for drivers, which are processes of their own.

    `missing_cpus`: the head promises so many more than the workers grow to, as when a cloud has no machines left.
    Ray reads its token when it is imported, so the process that starts the cluster cannot join it.
    """
    port = free_port()
    promised = at_most(workers)
    promised[AT_MOST["CPU"]] += missing_cpus
    token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    environment = {
        **os.environ,
        "AUTOSCALER_UPDATE_INTERVAL_S": "1",
        "RAY_FAKE_CLUSTER": "1",
        "RAY_enable_autoscaler_v2": "1",
        "RAY_CLOUD_INSTANCE_ID": FAKE_HEAD_NODE_ID,
        "RAY_OVERRIDE_NODE_ID_FOR_TESTING": FAKE_HEAD_NODE_ID,
        **token,
    }
    with tempfile.TemporaryDirectory(prefix="semray-fake-", ignore_cleanup_errors=True) as folder:
        config = Path(folder, "autoscaling.json")
        config.write_text(json.dumps(config_of(workers, f"127.0.0.1:{port}", idle_s, promised)))
        command = [str(Path(sys.executable).with_name("ray")), "start", "--head", "--block", "--num-cpus=0"]
        command += [
            f"--port={port}",
            "--node-ip-address=127.0.0.1",
            f"--temp-dir={folder}/ray",
            "--disable-usage-stats",
        ]
        command += [f"--resources={json.dumps(promised)}"]
        command += [f"--autoscaling-config={config}", "--include-dashboard=false", "--object-store-memory=100000000"]
        with Path(folder, "head.log").open("wb") as log:
            head = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
        try:
            log_text = Path(folder, "head.log").read_text
            wait_for(lambda: "Ray runtime started" in log_text() or head.poll() is not None, "the head starts")
            assert head.poll() is None, log_text()
            yield {**os.environ, **token, "RAY_ADDRESS": f"127.0.0.1:{port}"}
        finally:
            head.terminate()
            with suppress(subprocess.TimeoutExpired):
                head.wait(20)
            with suppress(ProcessLookupError):
                os.killpg(head.pid, signal.SIGKILL)
            head.wait()
