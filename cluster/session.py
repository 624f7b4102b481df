"""Connect to Ray: the one `ray.init` of the project.

Inside a Ray job, or where RAY_ADDRESS is set, the running cluster is joined; otherwise a cluster is started on this
machine for the length of the `with` block.

Run with it: every pipeline, alone, in jobs, and on several machines (tests/cluster/test_two_machines.py).
"""

import contextlib
import importlib.util
import json
import logging
import os
import socket
from collections.abc import Generator

import psutil
import ray

from cluster.quiet import quiet
from ray_app.errors import ClusterError

GIB = 1024**3
CONNECT_TIMEOUT_S = 10.0
OBJECT_STORE_BYTES = 500_000_000
"""for a cluster on one machine: shards travel through files, so the object store only carries shard tasks"""


def in_job() -> bool:
    """Whether this process is the driver of a submitted Ray job (then its working directory is a copy)."""
    return "RAY_JOB_CONFIG_JSON_ENV_VAR" in os.environ


def joined() -> bool:
    """Whether `connect` joins a cluster that runs already, of perhaps many machines."""
    return bool(os.environ.get("RAY_ADDRESS"))


def submission_id() -> str:
    """The id of the submitted Ray job whose driver this process is; "" outside of jobs."""
    config = json.loads(os.environ.get("RAY_JOB_CONFIG_JSON_ENV_VAR", "{}"))
    return config.get("metadata", {}).get("job_submission_id", "")


@contextlib.contextmanager
def connect(*, num_cpus: int | None = None) -> Generator[None]:
    """Join the cluster at RAY_ADDRESS, or run one on this machine with `num_cpus` (default: all) for the block."""
    quiet()
    for name in ("ray", "ray.data", "ray.serve", "ray.train", "ray._private.authentication"):
        logging.getLogger(name).setLevel(logging.ERROR)
    address = os.environ.get("RAY_ADDRESS")
    if address:
        _require_listener(address)
    try:
        if address:
            ray.init(address=address, log_to_driver=True, logging_level=logging.WARNING)
        else:
            ray.init(
                address="local",
                num_cpus=num_cpus,
                object_store_memory=OBJECT_STORE_BYTES,
                include_dashboard=True,
                logging_level=logging.WARNING,
            )
    except (ConnectionError, RuntimeError, TimeoutError) as error:
        raise ClusterError(f"cannot start or join Ray at {address or 'this machine'}: {error}") from error
    try:
        yield
    finally:
        ray.shutdown()


def _require_listener(address: str) -> None:
    """A ClusterError unless something listens there: Ray itself tries for six minutes and then ends the process."""
    host, _, port = address.rpartition(":")
    if not port.isdigit():
        return
    try:
        socket.create_connection((host, int(port)), timeout=CONNECT_TIMEOUT_S).close()
    except OSError as error:
        raise ClusterError(
            f"cannot reach Ray at {address}: {error}; start it with `ray start --head`, or unset RAY_ADDRESS to use a "
            "cluster of its own"
        ) from error


def require_packages(*names: str, extra: str) -> None:
    """A ClusterError that names what is missing and how to install it, unless all packages can be imported."""
    missing = [name for name in names if importlib.util.find_spec(name) is None]
    if missing:
        raise ClusterError(f"package {', '.join(missing)} is not installed; run `pip install 'semray[{extra}]'`")


def require_memory(bytes_needed: int, purpose: str) -> None:
    """A ClusterError unless this machine has `bytes_needed` of available memory. To be called where the work is."""
    available = psutil.virtual_memory().available
    if available < bytes_needed:
        raise ClusterError(
            f"{purpose} needs {bytes_needed / GIB:.1f} GiB of memory, {available / GIB:.1f} GiB are available on "
            f"{socket.gethostname()}; close other programs, choose a smaller model, or set fewer workers "
            "(--set train.num_workers=1)"
        )
