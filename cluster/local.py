"""A Ray cluster on this machine for one job: start a head, submit, follow the log, stop exactly what was started.

    python -m cluster.local -- python -m pipelines.run_all --recipe demo --root runs/demo

Ctrl-C stops the job and the cluster; what the job has finished stays, and the same command resumes.

Run with it: `make demo`, and tests/cluster/test_local.py.
"""

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import typer

from cluster import jobs
from cluster.quiet import quiet
from ray_app.errors import ClusterError, InputError, SemrayError

OBJECT_STORE_BYTES = 500_000_000
START_TIMEOUT_S = jobs.READY_S
STOP_TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True)
class Head:
    """A running head node: its dashboard (which takes jobs) and its process."""

    dashboard: str
    process: subprocess.Popen[bytes]


def free_port() -> int:
    """A port on loopback that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def port_is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@contextlib.contextmanager
def head(*, dashboard_port: int = 0, num_cpus: int | None = None) -> Generator[Head]:
    """A Ray head on loopback for the length of the `with` block. Port 0: any free one; a taken one: ClusterError."""
    if dashboard_port and not port_is_free(dashboard_port):
        raise ClusterError(f"port {dashboard_port} is taken; choose another with --dashboard-port, or 0 for a free one")
    port = dashboard_port or free_port()
    # Ray asks every client for a token; ours lives as long as this cluster.
    os.environ["RAY_AUTH_MODE"], os.environ["RAY_AUTH_TOKEN"] = "token", secrets.token_hex(32)
    quiet()
    os.environ.pop("RAY_ADDRESS", None)
    directory = tempfile.mkdtemp(prefix="semray-")
    command = [Path(sys.executable).with_name("ray"), "start", "--head", "--block", "--port=0", "--disable-usage-stats"]
    command += ["--node-ip-address=127.0.0.1", "--dashboard-host=127.0.0.1", f"--dashboard-port={port}"]
    # Its agent listens on a fixed port by default, which a second cluster on this machine would find taken.
    command += [f"--dashboard-agent-listen-port={free_port()}"]
    command += [f"--object-store-memory={OBJECT_STORE_BYTES}", f"--temp-dir={directory}"]
    command += [f"--num-cpus={num_cpus}"] if num_cpus else []
    log_path = Path(directory) / "head.log"
    with log_path.open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        running = Head(f"http://127.0.0.1:{port}", process)
        _wait_until_ready(running, log_path)
        yield running
    finally:
        _stop(process)


def _wait_until_ready(running: Head, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if running.process.poll() is not None:
            break
        with contextlib.suppress(ClusterError, RuntimeError):
            jobs.client(running.dashboard).list_jobs()
            return
        time.sleep(0.5)
    tail = " | ".join(log.read_text(errors="replace").strip().splitlines()[-3:])
    raise ClusterError(f"Ray did not start within {START_TIMEOUT_S:.0f} s: {tail}; the whole log is {log}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the head and everything it started: they form one process group."""
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOP_TIMEOUT_S)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def run_job(running: Head, entrypoint: list[str], working_dir: Path) -> str:
    """Submit a job that runs `entrypoint` in a copy of `working_dir`, print its log as it comes, return how it ended:
    SUCCEEDED, FAILED or STOPPED."""
    job = jobs.submit(running.dashboard, entrypoint, working_dir)
    print(f"job {job} submitted to {running.dashboard}", flush=True)
    try:
        return jobs.follow(running.dashboard, job)
    except KeyboardInterrupt:
        jobs.stop(running.dashboard, job)
        raise


def _interrupt(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main(
    entrypoint: list[str] = typer.Argument(help="the job's command, after --"),  # noqa: B008
    dashboard_port: int = typer.Option(0, help="port of the Ray dashboard; 0: any free one"),
    num_cpus: int | None = typer.Option(None, help="CPUs that Ray may use; default: all"),
) -> None:
    """Run one command as a Ray job on a cluster that lives as long as the job."""
    signal.signal(signal.SIGTERM, _interrupt)
    if not entrypoint:
        raise InputError("nothing to run; put a command after --")
    # The job must use this interpreter, wherever the cluster's own shell would find another.
    command = [sys.executable if word == "python" else word for word in jobs.absolute_root(entrypoint)]
    print("starting a Ray cluster on this machine ...", flush=True)
    try:
        with head(dashboard_port=dashboard_port, num_cpus=num_cpus) as running:
            status = run_job(running, command, Path.cwd())
    except KeyboardInterrupt:
        print("\nstopped; everything finished so far is kept. Run the same command to resume.", file=sys.stderr)
        raise SystemExit(130) from None
    except SemrayError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    if status != "SUCCEEDED":
        print(f"the job ended as {status}; run the same command to resume", file=sys.stderr)
        raise SystemExit(1)


if __name__ == "__main__":
    typer.run(main)
