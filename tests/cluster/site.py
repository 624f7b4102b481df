"""A Ray cluster on several machines (`machines`): a head that does no work, two nodes that do, and a desk outside."""

import contextlib
import json
import secrets
import shlex
import shutil
import subprocess
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ray_app.models import PACKAGED
from tests.cluster.machines import SHARED, Machine, network
from tests.processes import wait_for
from tests.training.training_kit import build_model

PROJECT = Path(__file__).parents[2]
MODEL = "smollm2-135m-instruct"
"""the name under which every machine that does work has a tiny model in its cache, as if it had been fetched there"""
PATIENCE_S = 300.0
DASHBOARD = "http://head:8265"
PORT = 6379
_RAY = "ray start --block --disable-usage-stats --object-store-memory=100000000"
# A node that nobody hears of is given up after some seconds instead of half a minute.
_SETTINGS = {
    "RAY_AUTH_MODE": "token",
    "RAY_health_check_initial_delay_ms": "2000",
    "RAY_health_check_period_ms": "1000",
    "RAY_health_check_timeout_ms": "2000",
    "RAY_health_check_failure_threshold": "5",
    # The machines have one memory, and what else runs here would count against each of them.
    "RAY_memory_monitor_refresh_ms": "0",
    "OMP_NUM_THREADS": "1",
}


@dataclass(frozen=True)
class Site:
    """A running cluster; `root` is the shared folder, seen from outside."""

    machines: dict[str, Machine]
    workers: tuple[str, ...]
    shared: Path
    environment: dict[str, str]

    def job(self, *words: str, timeout_s: float = 900.0) -> "subprocess.CompletedProcess[str]":
        """Submit a job from the desk, as the documentation says, and wait for its end."""
        command = ["ray", "job", "submit", "--address", DASHBOARD, "--working-dir", str(PROJECT), "--", *words]
        return self.machines["desk"].run(command, self.environment, timeout_s)

    def script(self, where: str, text: str, *arguments: str, timeout_s: float = 300.0) -> Any:
        """What a Python script on a machine prints last, as JSON."""
        done = self.machines[where].run(
            ["python", "-c", text, *arguments], self.environment, timeout_s, folder=str(PROJECT)
        )
        assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return json.loads(done.stdout.splitlines()[-1])

    def nodes(self) -> dict[str, bool]:
        """Host name -> whether the cluster thinks that it is there; of a name that came back the latest."""
        listed = self.machines["desk"].run(
            ["ray", "list", "nodes", "--address", DASHBOARD, "--format", "json", "--limit", "1000"], self.environment
        )
        found = json.loads(listed.stdout) if listed.stdout.startswith("[") else []  # else it says that there are none
        alive = {node["node_name"] for node in found if node["state"] == "ALIVE"}
        names = {machine.address: name for name, machine in self.machines.items()}
        return {names[node["node_ip"]]: node["node_name"] in alive for node in found}

    def all_there(self) -> bool:
        return sorted(name for name, alive in self.nodes().items() if alive) == ["head", *self.workers]


@contextlib.contextmanager
def site(folder: Path, workers: Sequence[str] = ("one", "two"), spares: Sequence[str] = ()) -> Generator[Site]:
    """The cluster, once all its nodes have joined it. Where Ray ends on a worker machine it is started again, as by a
    service. `spares` are set up alike, but no node runs there yet."""
    shared = folder / "shared"
    shared.mkdir()
    tiny = build_model(folder / "model", context=2048)
    token = secrets.token_hex(32)
    names = ("head", *workers, *spares, "desk")
    with contextlib.ExitStack() as stack:
        machines = stack.enter_context(network(*names, shared=shared, folder=folder / "machines"))
        for name, machine in machines.items():
            ray = machine.folder / "home" / ".ray"
            ray.mkdir()
            (ray / "auth_token").write_text(token)
            if name in (*workers, *spares):
                give_model(machine, tiny)
        running = Site(machines, tuple(sorted(workers)), shared, dict(_SETTINGS))
        head = f"{_RAY} --head --port={PORT} --num-cpus=0 --dashboard-host=0.0.0.0"
        _start(machines["head"], f"while true; do {head}; sleep 1; done")
        wait_for(lambda: "head" in running.nodes(), "the head starts", PATIENCE_S)
        for name in workers:
            start_worker(machines[name], machines["head"])
        wait_for(running.all_there, "all nodes join", PATIENCE_S)
        yield running


def start_worker(machine: Machine, head: Machine) -> "subprocess.Popen[str]":
    return _start(machine, f"while true; do {_RAY} --address={head.address}:{PORT} --num-cpus=1; sleep 1; done")


def give_model(machine: Machine, model: Path) -> None:
    """The model in the machine's own cache, as if it had been fetched and converted there."""
    place = machine.folder / "home/.cache/semray/models" / MODEL / PACKAGED[MODEL].sha256[:12]
    shutil.copytree(model, place)


def _start(machine: Machine, command: str) -> "subprocess.Popen[str]":
    with (machine.folder / "ray.log").open("a") as log:
        return machine.popen(["sh", "-c", command], _SETTINGS, stdout=log, stderr=log)


def pipeline(name: str, root: str, *settings: str, recipe: str = "smoke") -> list[str]:
    """The command of a pipeline on a root in the shared folder."""
    chosen = [word for setting in settings for word in ("--set", setting)]
    return ["python", "-m", f"pipelines.{name}", "--recipe", recipe, "--root", f"{SHARED}/{root}", *chosen]


def said(done: "subprocess.CompletedProcess[str]") -> str:
    """Everything that a command printed, for a message about why a test failed."""
    return f"{shlex.join(done.args[-8:])}\n{done.stdout[-6000:]}\n{done.stderr[-3000:]}"
