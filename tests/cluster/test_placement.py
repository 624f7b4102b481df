"""Which nodes Ray's autoscaler starts for our work, asked of the scheduler that it uses."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from ray.autoscaler._private.kuberay.autoscaling_config import _derive_autoscaling_config_from_ray_cr
from ray.autoscaler.v2.instance_manager.config import AutoscalingConfig
from ray.autoscaler.v2.scheduler import ResourceDemandScheduler, SchedulingRequest
from ray.autoscaler.v2.schema import AutoscalerInstance
from ray.autoscaler.v2.utils import ResourceRequestUtil
from ray.core.generated.autoscaler_pb2 import NodeState, NodeStatus
from ray.core.generated.instance_manager_pb2 import Instance, NodeKind

from ray_app.runner import SANDBOX

PROJECT = Path(__file__).parents[2]
ROW = {"CPU": 1.0, SANDBOX: 1.0}
"""what one worker of a stage without GPUs asks for (`test_autoscaling` sees stages ask for it)"""
MODEL = {"CPU": 4.0, "GPU": 1.0}


def configs() -> dict[str, dict[str, Any]]:
    """cluster.yaml, and the cluster of Kubernetes as Ray reads it."""
    pods = yaml.safe_load((PROJECT / "cluster" / "kuberay" / "raycluster.yaml").read_text())
    return {
        "cluster.yaml": yaml.safe_load((PROJECT / "cluster.yaml").read_text()),
        "kuberay": _derive_autoscaling_config_from_ray_cr(pods),
    }


def launched(name: str, demand: Mapping[str, float], count: int, running: tuple[dict[str, float], ...] = ()) -> Counter:
    """How many nodes of each type are started for `count` workers, beside GPU nodes that run and have `running`."""
    config = AutoscalingConfig(configs()[name], skip_content_hash=True)
    types = config.get_node_type_configs()
    gpus = next(kind for kind in types if types[kind].resources.get("GPU"))
    requests = [ResourceRequestUtil.make(dict(demand))] * count
    request = SchedulingRequest(
        disable_launch_config_check=True,
        node_type_configs=types,
        max_num_nodes=config.get_max_num_worker_nodes(),
        resource_requests=ResourceRequestUtil.group_by_count(requests),
        current_instances=[instance(gpus, number, resources) for number, resources in enumerate(running)],
    )
    reply = ResourceDemandScheduler().schedule(request)
    return Counter({one.instance_type: one.count for one in reply.to_launch})


def instance(kind: str, number: int, resources: dict[str, float]) -> AutoscalerInstance:
    """A node that runs, with nothing on it."""
    return AutoscalerInstance(
        cloud_instance_id=f"c{number}",
        ray_node=NodeState(
            node_id=b"%d" % number,
            ray_node_type_name=kind,
            total_resources=resources,
            available_resources=resources,
            status=NodeStatus.IDLE,
        ),
        im_instance=Instance(
            instance_id=f"i{number}",
            instance_type=kind,
            status=Instance.RAY_RUNNING,
            node_kind=NodeKind.WORKER,
            node_id=f"{number}",
        ),
    )


@pytest.mark.parametrize("name", configs())
@pytest.mark.parametrize(("workers", "nodes"), [(1, 1), (33, 2), (40 * 32, 40), (100 * 32, 40)])
def test_work_for_cpus_starts_sandbox_nodes_and_never_one_with_gpus(name, workers, nodes):
    assert launched(name, ROW, workers) == {"sandbox": nodes}


@pytest.mark.parametrize("name", configs())
def test_work_for_cpus_that_did_not_ask_for_the_resource_would_start_one_with_gpus(name):
    assert len(launched(name, {"CPU": 1.0}, 100 * 32)) == 2


@pytest.mark.parametrize("name", configs())
def test_work_for_gpus_starts_a_node_with_gpus_only(name):
    (kind,) = launched(name, MODEL, 8)
    assert kind in ("a6000", "gpu")


@pytest.mark.parametrize("name", configs())
def test_work_for_cpus_fills_a_node_with_gpus_that_runs(name):
    cores = {"CPU": 64.0, "GPU": 8.0, SANDBOX: 64.0}
    assert launched(name, ROW, 64, (cores,)) == {}
    assert launched(name, ROW, 65, (cores,)) == {"sandbox": 1}


def test_nodes_with_gpus_have_the_resource_once_they_run():
    starts = configs()["cluster.yaml"]["worker_start_ray_commands"]
    assert any(f'--resources="{{\\"{SANDBOX}\\":$(nproc)}}"' in command for command in starts)
    pods = yaml.safe_load((PROJECT / "cluster" / "kuberay" / "raycluster.yaml").read_text())
    (gpu,) = (group for group in pods["spec"]["workerGroupSpecs"] if group["groupName"] == "gpu")
    (container,) = gpu["template"]["spec"]["containers"]
    given = {one["name"]: one["value"] for one in container["env"]}
    cores = int(container["resources"]["limits"]["cpu"])
    assert yaml.safe_load(given["RAY_OVERRIDE_RESOURCES"]) == {SANDBOX: cores}
