"""What a run counts must reach Prometheus, and the dashboard must draw what is there."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cluster.local import free_port

PROJECT = Path(__file__).parents[2]
DASHBOARD = json.loads((PROJECT / "cluster" / "grafana.json").read_text())
COUNTED = """
import sys, time, urllib.request
import ray
from ray_app import telemetry
from ray_app.store import Ledger

port = int(sys.argv[1])
memory = 100_000_000
ray.init(address="local", num_cpus=1, object_store_memory=memory, include_dashboard=False, _metrics_export_port=port)
spent = Ledger(10, 7, {"constant output": 3}, cpu_s=2.5, wall_s=1.0, tokens_in=5, tokens_out=6, usd=0.5)
telemetry.shard_made("executions", spent)
telemetry.sandbox_restarted("executions")
row = {"kind": "train", "step": 3, "loss": 1.5, "mfu": 0.3, "tokens_per_s": 9.0, "learning_rate": 0.1}
telemetry.TrainingGauges("run").add(row)
until = time.monotonic() + 60
while time.monotonic() < until:
    text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics").read().decode()
    if "semray_training_mfu" in text and "semray_rejects" in text:
        break
    time.sleep(0.5)
print("\\n".join(line for line in text.splitlines() if line.startswith("ray_semray")))
"""


def drawn() -> set[str]:
    """The names of the metrics that the dashboard draws."""
    expressions = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
    return {name for expression in expressions for name in re.findall(r"\bray_\w+", expression)}


@pytest.fixture(scope="module")
def exported() -> list[str]:
    """The lines that Prometheus would read after a shard, a restart and a training step."""
    done = subprocess.run(
        [sys.executable, "-c", COUNTED, str(free_port())], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def value(lines: list[str], name: str, *tags: str) -> float:
    (line,) = [line for line in lines if line.startswith(f"{name}{{") and all(tag in line for tag in tags)]
    return float(line.rsplit(" ", 1)[1])


@pytest.mark.slow
def test_metrics_of_a_shard_are_exported_with_stage_and_reason(exported):
    stage = 'stage="executions"'
    assert value(exported, "ray_semray_rows_out_total", stage) == 7
    assert value(exported, "ray_semray_rejects_total", stage, 'reason="constant output"') == 3
    assert value(exported, "ray_semray_cpu_seconds_total", stage) == 2.5
    assert value(exported, "ray_semray_usd_total", stage) == 0.5
    assert value(exported, "ray_semray_sandbox_restarts_total", stage) == 1
    assert value(exported, "ray_semray_shard_seconds_count", stage) == 1
    assert value(exported, "ray_semray_training_mfu", 'run="run"', 'kind="train"') == 0.3


@pytest.mark.slow
def test_dashboard_draws_every_metric_of_ours_that_exists_and_no_other(exported):
    names = {line.split("{")[0] for line in exported}
    ours = {name for name in drawn() if name.startswith("ray_semray")}
    assert ours <= names
    left_out = {name for name in names - ours if not name.endswith(("_sum", "_count"))}
    assert left_out == {"ray_semray_rows_in_total", "ray_semray_training_learning_rate", "ray_semray_training_step"}


def test_dashboard_panels_are_placed_apart_and_named():
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in DASHBOARD["panels"]]
    assert len(set(places)) == len(places)
    assert len({panel["title"] for panel in DASHBOARD["panels"]}) == len(places)
