"""The root lock, between real processes where the machine is the same, with written files where it is another."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from ray_app import store
from ray_app.errors import StoreError
from ray_app.lock import Owner, held, owners

PROJECT = Path(__file__).parents[1]
ELSEWHERE = Owner(
    "gpu-7", "gpu-7 another-boot pid:[1]", 41, "977", "pipelines.train, Ray job r1", "2026-11-01 10:00:00 UTC"
)
HOLDER = """
import sys, time
from ray_app.lock import held
with held(sys.argv[1], "first job"):
    print("held", flush=True)
    time.sleep(600)
"""


@contextmanager
def holder(root: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that owns the root."""
    process = subprocess.Popen([sys.executable, "-c", HOLDER, root], cwd=PROJECT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.wait()


def leave(root: str, owner: Owner) -> str:
    path = f"{root}/.owner/{uuid.uuid4().hex}.json"
    store.write_file(path, json.dumps(asdict(owner)).encode())
    return path


@pytest.fixture(params=["local", "object store"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path) if request.param == "local" else f"fsspec+memory://bucket/{uuid.uuid4().hex}"


def test_held_second_job_is_refused_and_told_who_has_the_root(tmp_path):
    with holder(str(tmp_path)) as first, pytest.raises(StoreError) as refused, held(str(tmp_path), "second job"):
        pass
    assert f"{tmp_path} is in use by first job (host {os.uname().nodename}, pid {first.pid}, since 20" in str(
        refused.value
    )
    assert "choose another --root" in str(refused.value)


def test_held_job_killed_with_sigkill_is_taken_over_at_once(tmp_path):
    with holder(str(tmp_path)) as first:
        first.send_signal(signal.SIGKILL)
        os.waitid(os.P_PID, first.pid, os.WEXITED | os.WNOWAIT)  # a zombie holds nothing
        with held(str(tmp_path), "second job", lease_s=1000):
            assert [owner.job for owner in owners(str(tmp_path)).values()] == ["second job"]
    assert owners(str(tmp_path)) == {}


def test_held_twice_in_turn_leaves_nothing(root):
    for job in ("first", "second"):
        with held(root, job):
            assert [owner.job for owner in owners(root).values()] == [job]
    assert owners(root) == {}


def test_held_pid_of_the_dead_used_again_does_not_count(tmp_path):
    with held(str(tmp_path), "now"):
        (own,) = owners(str(tmp_path)).values()
    leave(str(tmp_path), replace(own, started="1", job="before"))
    with held(str(tmp_path), "now", lease_s=1000):
        assert [owner.job for owner in owners(str(tmp_path)).values()] == ["now"]


def test_held_silent_job_elsewhere_is_taken_over_after_the_lease(root):
    dead = leave(root, ELSEWHERE)
    with held(root, "now", lease_s=0.3):
        assert dead not in owners(root)


@pytest.mark.parametrize("jump_s", [-86_400, 86_400])
def test_held_beating_job_elsewhere_is_respected_whatever_the_clocks_say(tmp_path, jump_s):
    path = leave(str(tmp_path), ELSEWHERE)
    os.utime(path, (time.time() + jump_s,) * 2)
    beating = threading.Timer(
        0.2, lambda: store.write_file(path, json.dumps(asdict(replace(ELSEWHERE, beat=1))).encode())
    )
    beating.start()
    with (
        pytest.raises(StoreError, match=r"in use by pipelines\.train, Ray job r1 \(host gpu-7, pid 41"),
        held(str(tmp_path), "now", lease_s=60),
    ):
        pass
    beating.join()
    assert list(owners(str(tmp_path))) == [path]


def work_until_interrupted(root: str) -> None:
    with held(root, "sleeper", beat_s=0.05):
        (path,) = owners(root)
        store.delete_file(path)
        threading.Event().wait(30)


def test_held_root_taken_over_while_asleep_interrupts_the_block(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        work_until_interrupted(str(tmp_path))
