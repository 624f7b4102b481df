from pathlib import Path

import pytest
import yaml
from ray.autoscaler._private.util import prepare_config, validate_config

from ray_app.runner import AT_MOST

PROJECT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["cluster.yaml", "cluster/on-premise.yaml"])
def test_cluster_yaml_is_valid_for_ray_up(name):
    config = prepare_config(yaml.safe_load((PROJECT / name).read_text()))
    validate_config(config)
    assert config["max_workers"] >= 1


def test_cluster_yaml_head_does_no_work_and_says_how_far_the_workers_grow():
    config = yaml.safe_load((PROJECT / "cluster.yaml").read_text())
    types = config["available_node_types"]
    head = types.pop(config["head_node_type"])["resources"]
    assert head["CPU"] == 0
    cpus = sum(
        kind["max_workers"] * kind["resources"]["CPU"] for kind in types.values() if "GPU" not in kind["resources"]
    )
    gpus = sum(kind["max_workers"] * kind["resources"].get("GPU", 0) for kind in types.values())
    assert {AT_MOST["CPU"]: cpus, AT_MOST["GPU"]: gpus} == {name: head[name] for name in AT_MOST.values()}


def test_cluster_yaml_workers_scale_from_nothing():
    types = yaml.safe_load((PROJECT / "cluster.yaml").read_text())["available_node_types"]
    assert types["sandbox"]["min_workers"] == 0
    assert types["sandbox"]["max_workers"] > 1
    assert types["a6000"]["resources"]["GPU"] == 8


def test_cluster_yaml_setup_uses_the_targets_of_the_makefile():
    commands = " ".join(yaml.safe_load((PROJECT / "cluster.yaml").read_text())["setup_commands"])
    assert "make install" in commands
    assert "install:" in (PROJECT / "Makefile").read_text()
