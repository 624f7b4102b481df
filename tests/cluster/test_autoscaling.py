"""The shape of cluster.yaml, launched for real with fake nodes: workers come with the work and go with it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ray_app.records import Monologue
from ray_app.store import Dataset
from tests.cluster.fake_cluster import fake_cluster
from tests.processes import adopted

PROJECT = Path(__file__).parents[2]
IDLE_S = 10.0


def small_workers() -> dict[str, Any]:
    """The worker types of cluster.yaml with few cores each, so that several fit on this machine."""
    types = yaml.safe_load((PROJECT / "cluster.yaml").read_text())["available_node_types"]
    types.pop("head")
    types["sandbox"] |= {"max_workers": 3, "resources": {"CPU": 1, "sandbox": 1}}
    types["a6000"] |= {"resources": {"CPU": 2, "GPU": 8}}
    return {name: {**kind, "node_config": {}} for name, kind in types.items()}


@pytest.mark.slow
def test_autoscaling_synthesize_makes_workers_appear_and_they_go_when_idle(tmp_path):
    with adopted(), fake_cluster(small_workers(), IDLE_S, missing_cpus=2) as environment:
        job = [sys.executable, "-m", "tests.cluster.watched_job", str(tmp_path)]
        done = subprocess.run(job, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout.splitlines()[-1])
    print({**facts, "seen": max(facts["seen"])})
    assert facts["seen"][0] == 0
    assert max(facts["seen"]) >= 2
    assert facts["gpus"] == 0  # work for CPUs starts no machine with GPUs, even where there is not enough room
    assert len(list(Dataset(str(tmp_path), "monologues").read(Monologue))) > 20
