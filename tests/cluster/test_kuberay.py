"""The Kubernetes manifests, checked offline: pod templates by Kubernetes' schemas, scaling by Ray's own reader.

Fields and rules are those of KubeRay 1.6 and 1.7, as its API reference and its validation state them.
"""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from ray.autoscaler._private.kuberay.autoscaling_config import _derive_autoscaling_config_from_ray_cr
from ray.serve.schema import ServeDeploySchema

from ray_app.runner import SANDBOX
from ray_app.sandbox.layers import IMPORTANCE
from ray_app.serving.app import ModelOptions

PROJECT = Path(__file__).parents[2]
MANIFESTS = sorted((PROJECT / "cluster" / "kuberay").glob("*.yaml"))
SERVICES = ("rayservice.yaml", "rayservice-gpu.yaml")
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
    "RayJob": {
        "clusterSelector",
        "rayClusterSpec",
        "submissionMode",
        "backoffLimit",
        "entrypoint",
        "metadata",
        "shutdownAfterJobFinishes",
        "ttlSecondsAfterFinished",
    },
    "RayService": {"serveConfigV2", "rayClusterConfig"},
}
GROUP_FIELDS = {"groupName", "replicas", "minReplicas", "maxReplicas", "rayStartParams", "template"}


def manifest(name: str) -> dict[str, Any]:
    return yaml.safe_load((PROJECT / "cluster" / "kuberay" / name).read_text())


def clusters() -> dict[str, dict[str, Any]]:
    """The cluster specifications, by the file that holds them."""
    return {
        "raycluster.yaml": manifest("raycluster.yaml")["spec"],
        "rayjob-train.yaml": manifest("rayjob-train.yaml")["spec"]["rayClusterSpec"],
        **{name: manifest(name)["spec"]["rayClusterConfig"] for name in SERVICES},
    }


def refusal(kind: str, spec: dict[str, Any]) -> str:
    """What KubeRay's validation says against a specification; "" where it takes it."""
    if kind == "RayJob":
        selects = bool(spec.get("clusterSelector"))
        if selects and spec.get("backoffLimit", 0) > 0:
            return "clusterSelector with backoffLimit: rejected from 1.6 on; before, a retry deletes that cluster"
        if selects == ("rayClusterSpec" in spec):
            return "one of clusterSelector and rayClusterSpec must be set"
        if selects and (spec.get("shutdownAfterJobFinishes") or spec.get("ttlSecondsAfterFinished")):
            return "a selected cluster is not the job's to shut down"
        if spec.get("ttlSecondsAfterFinished") and not spec.get("shutdownAfterJobFinishes"):
            return "ttlSecondsAfterFinished needs shutdownAfterJobFinishes"
    if kind not in FIELDS:
        return ""
    cluster = {"RayJob": spec.get("rayClusterSpec"), "RayService": spec.get("rayClusterConfig")}.get(kind, spec)
    if not cluster:
        return ""
    if cluster.get("authOptions", {}).get("mode") == "token" and not cluster.get("rayVersion"):
        return "authOptions.mode token needs rayVersion"
    scales = cluster.get("enableInTreeAutoscaling") and cluster.get("autoscalerOptions", {}).get("version") == "v2"
    for group in [cluster["headGroupSpec"], *cluster.get("workerGroupSpecs", [])]:
        if scales and group["template"]["spec"].get("restartPolicy", "Never") != "Never":
            return "restartPolicy must be Never with autoscaler v2"
    return ""


def gibibytes(quantity: str) -> int:
    units = {"Gi": 1, "Ti": 1024}
    return int(quantity[:-2]) * units[quantity[-2:]]


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


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_manifest_is_taken_by_the_operators_validation(path):
    found = yaml.safe_load(path.read_text())
    assert refusal(found["kind"], found["spec"]) == ""


@pytest.mark.parametrize(
    ("kind", "spec", "reason"),
    [
        ("RayJob", {"clusterSelector": {"ray.io/cluster": "semray"}, "backoffLimit": 2}, "rejected from 1.6 on"),
        ("RayJob", {"entrypoint": "true"}, "must be set"),
        ("RayJob", {"clusterSelector": {"a": "b"}, "shutdownAfterJobFinishes": True}, "not the job's"),
        ("RayCluster", {"authOptions": {"mode": "token"}, "headGroupSpec": {}}, "needs rayVersion"),
    ],
)
def test_what_the_operator_rejects_is_seen(kind, spec, reason):
    assert reason in refusal(kind, spec)


@pytest.mark.parametrize("group", groups())
def test_group_has_room_for_the_object_store_in_shared_memory(group):
    """Else Ray puts it on the disk. What lies in /dev/shm counts as memory of the pod."""
    pod = group["template"]["spec"]
    (shm,) = (volume["emptyDir"] for volume in pod["volumes"] if volume["name"] == "shm")
    (container,) = pod["containers"]
    store = int(group["rayStartParams"]["object-store-memory"])
    assert shm["medium"] == "Memory"
    assert store <= 0.6 * gibibytes(shm["sizeLimit"]) * 2**30
    assert 2 * gibibytes(shm["sizeLimit"]) <= gibibytes(container["resources"]["limits"]["memory"])
    if "nvidia.com/gpu" in container["resources"]["limits"]:
        assert gibibytes(shm["sizeLimit"]) >= 8 * int(container["resources"]["limits"]["nvidia.com/gpu"])


@pytest.mark.parametrize("name", clusters())
def test_cluster_asks_for_a_token_and_keeps_models_on_the_shared_volume(name):
    spec = clusters()[name]
    assert spec["authOptions"] == {"mode": "token"}
    for group in [spec["headGroupSpec"], *spec["workerGroupSpecs"]]:
        (container,) = group["template"]["spec"]["containers"]
        given = {one["name"]: one.get("value", "") for one in container["env"]}
        assert given["SEMRAY_CACHE"].startswith("/runs/")


@pytest.mark.parametrize("name", SERVICES)
def test_service_that_others_reach_asks_for_a_key(name):
    config = yaml.safe_load(manifest(name)["spec"]["serveConfigV2"])
    assert config["http_options"]["host"] == "0.0.0.0"
    spec = clusters()[name]
    for group in [spec["headGroupSpec"], *spec["workerGroupSpecs"]]:
        (container,) = group["template"]["spec"]["containers"]
        (key,) = (one for one in container["env"] if one["name"] == "SEMRAY_API_KEY")
        assert "secretKeyRef" in key["valueFrom"]


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


@pytest.mark.parametrize("name", ["raycluster.yaml", *SERVICES])
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
    if "initContainers" not in group["template"]["spec"]:
        pytest.skip("runs no programs")
    (doctor,) = group["template"]["spec"]["initContainers"]
    program, verb, option, layers = doctor["command"]
    assert (program, verb, option) == ("semray", "doctor", "--require-layers")
    assert {IMPORTANCE[layer] for layer in layers.split(",")} == {"required"}  # what a kernel may lack is no condition


def test_every_group_that_may_run_programs_is_checked():
    checked = {
        f"{name}-{group['groupName']}"
        for name, spec in clusters().items()
        for group in spec["workerGroupSpecs"]
        if "initContainers" in group["template"]["spec"]
    }
    assert checked == {
        "raycluster.yaml-sandbox",
        "raycluster.yaml-gpu",
        "rayservice.yaml-replicas",
        "rayservice-gpu.yaml-sandbox",
    }


def test_service_holds_a_valid_serve_configuration():
    config = ServeDeploySchema.model_validate(yaml.safe_load(manifest("rayservice.yaml")["spec"]["serveConfigV2"]))
    (application,) = config.applications
    shipped = yaml.safe_load((PROJECT / "cluster" / "serve.yaml").read_text())["applications"][0]
    assert application.import_path == shipped["import_path"]
    assert application.args["options"].keys() == shipped["args"]["options"].keys()


def test_service_for_gpus_serves_through_ray_serve_llm():
    config = ServeDeploySchema.model_validate(yaml.safe_load(manifest("rayservice-gpu.yaml")["spec"]["serveConfigV2"]))
    (application,) = config.applications
    assert application.import_path == "ray_app.serving.app:build"
    options = ModelOptions(**application.args["options"])
    assert options.kind == "vllm"
    spec = clusters()["rayservice-gpu.yaml"]
    (gpu,) = (group for group in spec["workerGroupSpecs"] if group["groupName"] == "gpu")
    (container,) = gpu["template"]["spec"]["containers"]
    per_node = int(container["resources"]["limits"]["nvidia.com/gpu"])
    most = len(application.args["models"]) * options.max_replicas * options.num_gpus
    assert gpu["minReplicas"] * per_node >= len(application.args["models"]) * options.min_replicas * options.num_gpus
    assert gpu["maxReplicas"] * per_node >= most


@pytest.mark.parametrize("name", ["rayjob-synthesize.yaml", "rayjob-train.yaml"])
def test_job_runs_a_pipeline_on_a_cluster_with_a_root_that_is_mounted(name):
    spec = manifest(name)["spec"]
    if "clusterSelector" in spec:
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
    targets = set(re.findall(r"TARGET=([\w-]+)", text))
    used = {
        container["image"]
        for spec in clusters().values()
        for group in [spec["headGroupSpec"], *spec["workerGroupSpecs"]]
        for container in group["template"]["spec"]["containers"]
    }
    assert used == built
    makefile = (PROJECT / "Makefile").read_text()
    assert targets == {"install", "install-gpu"}
    assert all(f"\n{target}:" in makefile for target in targets)
    pinned = re.search(r"ray\[[^]]*\]==([\d.]+)", (PROJECT / "pyproject.toml").read_text())
    assert pinned is not None
    assert all(spec["rayVersion"] == pinned[1] for spec in clusters().values())
