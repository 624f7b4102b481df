from pathlib import Path

import pytest
import yaml
from ray.autoscaler._private.util import prepare_config, validate_config

PROJECT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["cluster.yaml", "cluster/on-premise.yaml"])
def test_cluster_yaml_is_valid_for_ray_up(name):
    config = prepare_config(yaml.safe_load((PROJECT / name).read_text()))
    validate_config(config)
    assert config["max_workers"] >= 1


def test_cluster_yaml_head_does_no_work():
    config = yaml.safe_load((PROJECT / "cluster.yaml").read_text())
    assert config["available_node_types"][config["head_node_type"]]["resources"]["CPU"] == 0


def test_cluster_yaml_workers_scale_from_nothing():
    types = yaml.safe_load((PROJECT / "cluster.yaml").read_text())["available_node_types"]
    assert types["sandbox"]["min_workers"] == 0
    assert types["sandbox"]["max_workers"] > 1
    assert types["a6000"]["resources"]["GPU"] == 8


def test_cluster_yaml_setup_uses_the_targets_of_the_makefile():
    commands = " ".join(yaml.safe_load((PROJECT / "cluster.yaml").read_text())["setup_commands"])
    assert "make install" in commands
    assert "install:" in (PROJECT / "Makefile").read_text()
