"""A real head and real jobs, each in a process of its own: Ray reads its settings once per process."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil

PROJECT = Path(__file__).parents[2]


def launch(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "cluster.local", "--num-cpus", "1", *arguments],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def ray_processes() -> set[int]:
    """The Ray processes that `cluster.local` started: their command lines name its temporary directory."""
    found = psutil.process_iter(["name", "cmdline"])
    ours = [p for p in found if p.info["name"] in ("raylet", "gcs_server") and "semray-" in " ".join(p.info["cmdline"])]
    return {process.pid for process in ours}


def test_local_job_runs_in_a_copy_with_an_absolute_root_and_leaves_no_process(tmp_path):
    before = ray_processes()
    code = "import os, sys; print('ran', os.getcwd(), sys.argv[1:])"
    relative = os.path.relpath(tmp_path / "runs", PROJECT)
    job = launch("--", "python", "-c", code, "--root", relative)
    out, _ = job.communicate(timeout=150)
    assert job.returncode == 0, out
    assert "working_dir_files" in out
    assert str(tmp_path / "runs") in out
    assert ray_processes() <= before


def test_local_failing_job_exits_1_and_says_how_to_resume():
    job = launch("--", "python", "-c", "raise SystemExit(3)")
    out, _ = job.communicate(timeout=150)
    assert job.returncode == 1
    assert "run the same command to resume" in out


def test_local_taken_port_names_it_and_the_remedy():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        job = launch("--dashboard-port", str(port), "--", "true")
        out, _ = job.communicate(timeout=60)
    assert job.returncode == 1
    assert f"error: port {port} is taken" in out


def test_local_interrupt_stops_job_and_cluster_and_says_how_to_resume():
    before = ray_processes()
    job = launch("--", "python", "-c", "import time; print('working', flush=True); time.sleep(600)")
    assert job.stdout is not None
    for line in job.stdout:
        if line.startswith("working"):
            break
    job.send_signal(signal.SIGINT)
    out = job.stdout.read()
    assert job.wait(60) == 130
    assert "Run the same command to resume" in out
    deadline = time.monotonic() + 20
    while ray_processes() - before and time.monotonic() < deadline:
        time.sleep(0.2)
    assert ray_processes() <= before
