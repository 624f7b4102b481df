"""The Kubernetes manifests, checked offline: pod templates by Kubernetes' schemas, scaling by Ray's own reader."""

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from ray.autoscaler._private.kuberay.autoscaling_config import _derive_autoscaling_config_from_ray_cr
from ray.serve.schema import ServeDeploySchema

from ray_app.runner import SANDBOX
from ray_app.sandbox.layers import IMPORTANCE

PROJECT = Path(__file__).parents[2]
MANIFESTS = sorted((PROJECT / "cluster" / "kuberay").glob("*.yaml"))
# What KubeRay's ray.io/v1 knows of each kind, as far as it is used here.
FIELDS = {
    "RayCluster": {
        "rayVersion",
        "authOptions",
        "enableInTreeAutoscaling",
        "autoscalerOptions",
        "headGroupSpec",
        "workerGroupSpecs",
    },
    "RayJob": {"clusterSelector", "submissionMode", "backoffLimit", "entrypoint", "metadata"},
    "RayService": {"serveConfigV2", "rayClusterConfig"},
}
GROUP_FIELDS = {"groupName", "replicas", "minReplicas", "maxReplicas", "rayStartParams", "template"}


def manifest(name: str) -> dict[str, Any]:
    return yaml.safe_load((PROJECT / "cluster" / "kuberay" / name).read_text())


def clusters() -> dict[str, dict[str, Any]]:
    """The cluster specifications, by the file that holds them."""
    return {
        "raycluster.yaml": manifest("raycluster.yaml")["spec"],
        "rayservice.yaml": manifest("rayservice.yaml")["spec"]["rayClusterConfig"],
    }


def groups() -> list[Any]:
    return [
        pytest.param(group, id=f"{name}-{group.get('groupName', 'head')}")
        for name, spec in clusters().items()
        for group in [spec["headGroupSpec"], *spec["workerGroupSpecs"]]
    ]


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_manifest_has_the_fields_of_its_kind(path):
    found = yaml.safe_load(path.read_text())
    assert {"apiVersion", "kind", "metadata", "spec"} == set(found)
    if found["kind"] in FIELDS:
        assert found["apiVersion"] == "ray.io/v1"
        assert set(found["spec"]) <= FIELDS[found["kind"]]


@pytest.mark.parametrize("group", groups())
def test_group_template_is_a_valid_pod(group):
    validate = pytest.importorskip("kubernetes_validate", reason="needs kubernetes-validate (pip install '.[dev]')")
    assert set(group) <= GROUP_FIELDS
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "node"}, **group["template"]}
    validate.validate(pod, validate.latest_version(), strict=True)


@pytest.mark.parametrize("name", ["storage.yaml"])
def test_manifest_of_kubernetes_itself_is_valid(name):
    validate = pytest.importorskip("kubernetes_validate", reason="needs kubernetes-validate (pip install '.[dev]')")
    validate.validate(manifest(name), validate.latest_version(), strict=True)


@pytest.mark.parametrize("group", groups())
def test_group_runs_as_nobody_and_mounts_what_it_declares(group):
    pod = group["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    volumes = {volume["name"] for volume in pod["volumes"]}
    for container in [*pod["containers"], *pod.get("initContainers", [])]:
        assert container["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
        assert {mount["name"] for mount in container.get("volumeMounts", [])} <= volumes
        assert container["resources"]["limits"]["memory"]


@pytest.mark.parametrize("name", ["raycluster.yaml", "rayservice.yaml"])
def test_cluster_scales_as_ray_reads_it(name):
    spec = clusters()[name]
    derived = _derive_autoscaling_config_from_ray_cr(
        {"metadata": {"name": "semray", "namespace": "default"}, "spec": spec}
    )
    types = derived["available_node_types"]
    assert types[derived["head_node_type"]]["resources"]["CPU"] == 0
    assert derived["idle_timeout_minutes"] == 5
    if name == "raycluster.yaml":
        assert types["sandbox"]["min_workers"] == 0
        assert types["sandbox"]["max_workers"] == 40
        assert types["sandbox"]["resources"][SANDBOX] == types["sandbox"]["resources"]["CPU"] == 32
        assert types["gpu"]["resources"]["GPU"] == 8
        head = types[derived["head_node_type"]]["resources"]
        assert (head["cpus_at_most"], head["gpus_at_most"]) == (40 * 32, 8)
        assert SANDBOX not in types["gpu"]["resources"]  # not started for programs; tests/cluster/test_placement.py


@pytest.mark.parametrize("group", groups())
def test_workers_are_checked_by_doctor_before_they_start(group):
    if "groupName" not in group:
        pytest.skip("the head runs no programs")
    (doctor,) = group["template"]["spec"]["initContainers"]
    program, verb, option, layers = doctor["command"]
    assert (program, verb, option) == ("semray", "doctor", "--require-layers")
    assert set(layers.split(",")) <= IMPORTANCE.keys()


def test_service_holds_a_valid_serve_configuration():
    config = ServeDeploySchema.model_validate(yaml.safe_load(manifest("rayservice.yaml")["spec"]["serveConfigV2"]))
    (application,) = config.applications
    shipped = yaml.safe_load((PROJECT / "cluster" / "serve.yaml").read_text())["applications"][0]
    assert application.import_path == shipped["import_path"]
    assert application.args["options"].keys() == shipped["args"]["options"].keys()


@pytest.mark.parametrize("name", ["rayjob-synthesize.yaml", "rayjob-train.yaml"])
def test_job_runs_a_pipeline_on_the_cluster_with_a_root_that_is_mounted(name):
    spec = manifest(name)["spec"]
    assert spec["clusterSelector"]["ray.io/cluster"] == manifest("raycluster.yaml")["metadata"]["name"]
    words = shlex.split(spec["entrypoint"])
    assert (PROJECT / words[2].replace(".", "/")).with_suffix(".py").is_file()
    root = words[words.index("--root") + 1]
    mounts = clusters()["raycluster.yaml"]["headGroupSpec"]["template"]["spec"]["containers"][0]["volumeMounts"]
    assert any(root.startswith(f"{mount['mountPath']}/") for mount in mounts)
    assert spec["metadata"]["root"] == root


def test_images_are_built_by_the_dockerfile_with_pinned_ray():
    text = (PROJECT / "cluster" / "kuberay" / "Dockerfile").read_text()
    built = set(re.findall(r"docker build .* -t (\S+)", text))
    extras = set(re.findall(r"--build-arg EXTRA=(\w+)", text))
    used = {
        container["image"]
        for spec in clusters().values()
        for group in [spec["headGroupSpec"], *spec["workerGroupSpecs"]]
        for container in group["template"]["spec"]["containers"]
    }
    assert used == built
    declared = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert extras <= declared.keys()
    pinned = re.search(r"ray\[[^]]*\]==([\d.]+)", (PROJECT / "pyproject.toml").read_text())
    assert pinned is not None
    assert all(spec["rayVersion"] == pinned[1] for spec in clusters().values())
